#!/usr/bin/env bats
# --ca-bundle: a stage that fetches trusts the certificates of an intercepting network, and none of them gets into an image.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup() {
    load common
    . "$REPO/vars.sh"
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    stop_proxy
    remove_test_images
}

# holds IMAGE FILE: is the certificate in any layer of the image, as text or in a Java keystore?
holds() {
    local line bytes
    line=$(sed -n 3p "$2")
    # Its end, the signature: no other certificate has it.
    bytes=$(openssl x509 -in "$2" -outform der | tail -c 32 | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')
    docker save "$1" | LC_ALL=C grep --quiet --text --perl-regexp -e "\\Q$line\\E|$bytes"
}

@test "a file is taken as it is, certificate by certificate" {
    authority one
    authority two
    { echo "a comment"; sed 's/$/\r/' one.pem; echo; cat two.pem; } >bundle.pem
    "$REPO/scripts/ca-bundle.sh" bundle.pem >out
    cmp out <(cat one.pem two.pem)
    BUILD_CA_BUNDLE=bundle.pem "$REPO/scripts/ca-bundle.sh" | cmp out -
}

@test "of this machine's own bundle, what Debian ships is left out" {
    cat /etc/ssl/certs/ca-certificates.crt >own.pem
    "$REPO/scripts/ca-bundle.sh" >out
    all=$(grep -c BEGIN own.pem) left=$(grep -c BEGIN out || true)
    [ "$left" -lt "$all" ]
    shipped=$(cat /usr/share/ca-certificates/*/*.crt | sed -n 3p)
    run ! grep -F -x -e "$shipped" out
}

@test "no such file, no certificate in it" {
    run "$REPO/scripts/ca-bundle.sh" none.pem
    fails_with 1 "cannot read the certificates in none.pem"
    echo hello >text
    run "$REPO/scripts/ca-bundle.sh" text
    fails_with 1 "no certificate in text"
    run "$REPO/dbuild.sh" --dry-run --ca-bundle
    fails_with 2 "--ca-bundle wants a value"
}

@test "the bundle reaches the stage that fetches, and no layer of the image" {
    fixture repo
    authority mine
    mkdir -p repo/fetch/tool
    echo 'fetched' >repo/fetch/tool/file
    printf '%s\n' 'FROM scratch AS fetch' 'ADD fetch.tar /fetch/' 'FROM scratch' 'COPY --from=fetch /fetch/file /file' 'CMD ["/none"]' >repo/Dockerfile.tool
    # A path as seen from here, not from the repository.
    IMAGE_PREFIX=$TEST_PREFIX repo/dbuild.sh --ca-bundle mine.pem tool
    tar -xOf repo/build/context/tool-*/fetch.tar ./ca.pem | cmp - mine.pem
    docker build --quiet --target fetch --tag "${TEST_PREFIX}fetch" repo/build/context/tool-*/
    holds "${TEST_PREFIX}fetch" mine.pem
    run ! holds "${TEST_PREFIX}base-tool:$VERSION" mine.pem
}

@test "every image trusts what Debian's package ships, and nothing else" {
    stages_of_this_run
    "$REPO/dbuild.sh" "${STAGES[@]%%:*}"
    for stage in "${STAGES[@]%%:*}"; do
        # It has no certificates at all.
        [ "$stage" != root ] || continue
        # shellcheck disable=SC2016  # the inner shell's variables
        run docker run --rm --network none --entrypoint /bin/bash "${IMAGE_PREFIX}base-$stage:$VERSION" -c '
            cd /usr/share/ca-certificates && diff <(cat $(grep "^[^#!]" /etc/ca-certificates.conf) | grep -v ^- | sort) <(grep -v ^- /etc/ssl/certs/ca-certificates.crt | sort) && ls -A /usr/local/share/ca-certificates'
        [ "$status" -eq 0 ]
        [ "$output" = "" ]
    done
}

# intercepted: base-build-sbt is to be built behind a proxy that intercepts TLS with certificates of the authority `mine`.
intercepted() {
    copy_with_parent build-sbt
    before=$(docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-build-sbt:$VERSION")
    authority mine
    authority other
    start_proxy --authority mine.pem mine.key
    export https_proxy=$PROXY
}

unchanged() { [ "$(docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-build-sbt:$VERSION")" = "$before" ]; }

# bats test_tags=full
@test "TLS is intercepted, the bundle names the authority: Maven and sbt fetch through it, the image does not hold it" {
    intercepted
    repo/dbuild.sh --network host --ca-bundle mine.pem build-sbt
    run ! unchanged
    docker build --quiet --target fetch --network host --build-arg https_proxy --build-arg "PARENT=${TEST_PREFIX}base-build:$VERSION" --tag "${TEST_PREFIX}fetch" repo/build/context/build-sbt-*/
    holds "${TEST_PREFIX}fetch" mine.pem
    run ! holds "${TEST_PREFIX}base-build-sbt:$VERSION" mine.pem
}

# bats test_tags=full
@test "TLS is intercepted, and no bundle names the authority: the error says what to pass, the earlier image stays" {
    intercepted
    run repo/dbuild.sh --network host --ca-bundle other.pem build-sbt
    fails_with 1 "this network intercepts TLS"
    [[ $output == *"pass the certificates of that authority with ./dbuild.sh --ca-bundle FILE"* ]]
    [[ $output == *"error: stage 'build-sbt' was not built"* ]]
    unchanged
}

# bats test_tags=full
@test "a launcher of sbt with another digest than that of vars.sh is refused" {
    copy_with_parent build-sbt
    sed -i 's/^SBT_LAUNCH_SHA256=./SBT_LAUNCH_SHA256=-/' repo/vars.sh
    run repo/dbuild.sh build-sbt
    fails_with 1 "org.scala-sbt:sbt-launch:$SBT_VERSION has the sha256"
    [[ $output == *"stage 'build-sbt' was not built"* ]]
}
