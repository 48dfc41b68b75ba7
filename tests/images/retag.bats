#!/usr/bin/env bats
# scripts/retag.sh against a real registry on loopback, and what both push scripts say when a registry refuses.
# shellcheck disable=SC2153,SC2154  # REPO and version come from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    registry_for_file
}

teardown_file() { kill "$REGISTRY_PID"; }

setup() {
    load common
    pushing_fixture retag
    started=()
}

teardown() {
    remove_test_images
    [ ${#started[@]} = 0 ] || kill "${started[@]}"
}

at() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://${IMAGE_PREFIX}base-$1" 2>/dev/null; }

# changed STAGE VERSION: another content of the stage is built and pushed under this version.
changed() {
    echo "$2" >"rootfs/$1/etc/$1"
    sed -i "s/^VERSION=[^ ]*/VERSION=$2/" vars.sh
    ./dbuild.sh "$1" >&2 && ./dpush.sh "$1"
}

@test "further tags for all stages, without their images here; a second time moves nothing" {
    ./dbuild.sh run run-jre run-jre-debug tool
    ./dpush.sh >pushed
    remove_test_images
    run --separate-stderr scripts/retag.sh 0 stable
    [ "$status" -eq 0 ]
    diff pushed <(echo "$output")
    for stage in run run-jre run-jre-debug tool; do
        [ "$(at "$stage:stable")" = "$(at "$stage:$version")" ]
        [ "$(tags "$stage")" = "[\"0\",\"$version\",\"latest\",\"stable\"]" ]
    done
    run scripts/retag.sh 0 stable
    [ "$status" -eq 0 ]
    [ "$(grep -c ': there already$' <<<"$output")" -eq 8 ]
    [[ $output != *" -> "* ]]
    # Nothing was pulled.
    run docker image inspect "${IMAGE_PREFIX}base-tool:stable"
    [ "$status" -ne 0 ]
}

@test "by digest, from what dpush printed; and back to an earlier version" {
    ./dbuild.sh tool run
    ./dpush.sh tool run | scripts/retag.sh --from - stable
    [ "$(at tool:stable)" = "$(at "tool:$version")" ]
    changed tool 9.9.9 >pushed
    scripts/retag.sh --from pushed stable
    [ "$(at tool:stable)" = "$(at tool:9.9.9)" ]
    [ "$(at run:stable)" = "$(at "run:$version")" ]
    scripts/retag.sh --version "$version" --stage tool stable
    [ "$(at tool:stable)" = "$(at "tool:$version")" ]
}

@test "a version's tag does not move to another image without --force" {
    ./dbuild.sh tool && ./dpush.sh tool
    changed tool 9.9.9
    before=$(at "tool:$version")
    run scripts/retag.sh --stage tool "stable" "$version"
    fails_with 1 "${IMAGE_PREFIX}base-tool:$version is another image ($before)"
    [ "$(at "tool:$version")" = "$before" ]
    # All is checked before any tag moves.
    [ "$(at tool:stable)" = "" ]
    run scripts/retag.sh --dry-run --force --stage tool "$version"
    [ "$status" -eq 0 ]
    [[ $output == *"$before -> $(at tool:9.9.9) (not done: --dry-run)"* ]]
    [ "$(at "tool:$version")" = "$before" ]
    scripts/retag.sh --force --stage tool "$version"
    [ "$(at "tool:$version")" = "$(at tool:9.9.9)" ]
}

@test "an image that is not in the registry: all of them are named, and no tag moves" {
    ./dbuild.sh run && ./dpush.sh run
    run scripts/retag.sh stable
    fails_with 1 "not in the registry: ${IMAGE_PREFIX}base-run-jre:$version ${IMAGE_PREFIX}base-run-jre-debug:$version ${IMAGE_PREFIX}base-tool:$version"
    [ "$(at run:stable)" = "" ]
    echo "${IMAGE_PREFIX}base-run@sha256:$(printf 0%.0s {1..64})" >list
    run scripts/retag.sh --from list stable
    fails_with 1 "not in the registry: $(cat list)"
}

@test "latest follows a new version, never goes back, ignores a pre-release, and is mended after a broken push" {
    ./dbuild.sh tool
    changed tool 9.9.9
    [ "$(at tool:latest)" = "$(at tool:9.9.9)" ]
    newest=$(at tool:9.9.9)
    run changed tool 9.9.8
    [[ $output == *"base-tool:latest stays at 9.9.9"* ]]
    changed tool 10.0.0-rc.1
    [ "$(at tool:latest)" = "$newest" ]
    changed tool 10.0.0
    # As when the connection broke between the version and latest.
    scripts/retag.sh --version 9.9.9 --stage tool latest
    ./dpush.sh tool
    [ "$(at tool:latest)" = "$(at tool:10.0.0)" ]
}

@test "the command line: near misses, values, words that exclude each other" {
    rows=(
        "--forse stable|did you mean --force?"
        "--form - stable|did you mean --from?"
        "--stages tool stable|did you mean --stage?"
        "--stage tol stable|did you mean tool?"
        "--version stable|which tag should they get?"
        "stable --version|--version wants a value"
        "--from= stable|--from wants a value"
        "|which tag should they get?"
        "a:b|'a:b' is no tag"
        ".a|'.a' is no tag"
        "--version 1/2 stable|'1/2' is no tag"
        "--from - --version 1 stable|both say which images"
        "--from - --stage tool stable|both say which images"
    )
    for row in "${rows[@]}"; do
        # shellcheck disable=SC2086  # words
        run scripts/retag.sh ${row%%|*} </dev/null
        fails_with 2 "${row#*|}" || { echo "row: $row"; return 1; }
    done
    IMAGE_PREFIX=team/ run scripts/retag.sh stable
    fails_with 2 "IMAGE_PREFIX names no registry: 'team/'"
    for lines in "" "base-root" "reg.example/base-root:1.2" "reg.example/a@sha256:12" "reg.example/a:1@sha256:$(printf %064d 0)" "team/a@sha256:$(printf %064d 0)"; do
        run scripts/retag.sh --from - stable <<<"$lines"
        fails_with 1 "it is what dpush.sh printed"
    done
    run scripts/retag.sh --from none stable
    fails_with 1 "cannot read none"
    run scripts/retag.sh --help
    [ "$status" -eq 0 ]
    [[ $output == *"Usage: IMAGE_PREFIX="*"--dry-run"*"Exit codes"* ]]
}

@test "a registry that refuses to be written to: its words, and what to do" {
    ./dbuild.sh tool && ./dpush.sh --no-latest tool
    path=${IMAGE_PREFIX#"$HOST"}
    rows=(
        "403 DENIED|the account in use may not do that in"
        "401 UNAUTHORIZED|log in, or log in again: docker login"
        "405 UNSUPPORTED|is 127.0.0.1:"
    )
    for row in "${rows[@]}"; do
        # shellcheck disable=SC2086  # words
        in_front write ${row%%|*}
        # Another image, so that there is something to send.
        echo "$row" >rootfs/tool/etc/tool
        IMAGE_PREFIX=$FRONT$path ./dbuild.sh tool
        IMAGE_PREFIX=$FRONT$path run ./dpush.sh --force tool
        fails_with 1 "base-tool:$version was not pushed"
        fails_with 1 "${row#*|}"
        IMAGE_PREFIX=$FRONT$path run scripts/retag.sh --stage tool stable
        fails_with 1 "base-tool:stable was not moved"
        fails_with 1 "${row#*|}"
        [[ $output != *"level=fatal"* ]]
        TEST_PREFIX=$FRONT$path remove_test_images
        [ "$(tags tool)" = "[\"$version\"]" ]
    done
}

@test "a registry that wants a password: refused without, pushed and tagged with" {
    mkdir -p "$BATS_TEST_TMPDIR/private" "$BATS_TEST_TMPDIR/docker"
    # shellcheck disable=SC2016  # not the shell's dollars
    perl -e 'print "user:", crypt("secret", q($2y$05$abcdefghijklmnopqrstuu)), "\n"' >"$BATS_TEST_TMPDIR/private/passwords"
    start_registry "$BATS_TEST_TMPDIR/private" "storage: {filesystem: {rootdirectory: $BATS_TEST_TMPDIR/private}}"$'\n'"auth: {htpasswd: {realm: here, path: $BATS_TEST_TMPDIR/private/passwords}}"
    started+=("$REGISTRY_PID")
    export IMAGE_PREFIX=$HOST/private/ DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    export TEST_PREFIX=$IMAGE_PREFIX
    ./dbuild.sh tool
    for command in "./dpush.sh tool" "scripts/retag.sh --stage tool stable"; do
        # shellcheck disable=SC2086  # words
        run $command
        fails_with 1 "log in, or log in again: docker login $HOST"
    done
    echo secret | docker login --username user --password-stdin "$HOST"
    ./dpush.sh tool
    scripts/retag.sh --stage tool stable
    rm "$DOCKER_CONFIG/config.json"
    run scripts/retag.sh --stage tool stable
    fails_with 1 "authentication required"
}
