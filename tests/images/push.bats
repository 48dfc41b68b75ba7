#!/usr/bin/env bats
# dpush.sh against a real registry on loopback: what is checked before, what moves and what does not.
# shellcheck disable=SC2016,SC2153,SC2154  # a Dockerfile's and the inner shell's variables; REPO and version come from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    registry_for_file
}

teardown_file() { kill "$REGISTRY_PID"; }

setup() {
    load common
    pushing_fixture test
    started=()
}

teardown() {
    remove_test_images
    [ ${#started[@]} = 0 ] || kill "${started[@]}"
}

remote_digest() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://${IMAGE_PREFIX}base-$1:$version"; }

# Each row: what a check of its own tells from the naive form.
@test "every usual fault of a push script: not here, and seen in the naive form" {
    dry() { "$1" --dry-run run >&2; [ "$(tags run)" = "" ]; }
    checked() { ! "$1" run-jre tool >&2 && [ "$(tags run-jre)" = "" ]; }
    digests() { [[ $("$1" run) == "${IMAGE_PREFIX}base-run@sha256:"* ]]; }
    kept() { ./dbuild.sh --label "n=$1" tool >&2; "$1" tool >&2 && before=$(remote_digest tool) && ./dbuild.sh --label "n=2" tool >&2 && ! "$1" tool >&2 && [ "$(remote_digest tool)" = "$before" ]; }
    ./dbuild.sh run run-jre
    root=$IMAGE_PREFIX
    for check in dry checked digests kept; do
        for script in ./dpush.sh ./naive-dpush.sh; do
            export IMAGE_PREFIX=$root$check-${script//[^a-z]/}/
            for stage in run run-jre; do docker tag "${root}base-$stage:$version" "${IMAGE_PREFIX}base-$stage:$version"; done
            found=holds
            ("$check" "$script") || found=fails
            [ "$script $found" = "./dpush.sh holds" ] || [ "$script $found" = "./naive-dpush.sh fails" ] || { echo "$check: $script $found"; return 1; }
        done
    done
}

@test "push, and pull back by the digest that was printed" {
    ./dbuild.sh run run-jre
    run --separate-stderr ./dpush.sh run run-jre
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[1]} =~ ^${IMAGE_PREFIX}base-run-jre@sha256:[0-9a-f]{64}$ ]]
    [ "$(tags run-jre)" = "[\"$version\",\"latest\"]" ]
    id=$(docker image inspect --format '{{.Id}}' "${IMAGE_PREFIX}base-run-jre:$version")
    remove_test_images
    docker pull "${lines[1]}"
    [ "$(docker image inspect --format '{{.Id}}' "${lines[1]}")" = "$id" ]
    docker image rm "${lines[1]}"
}

@test "pushing again moves nothing, not even when it was built again" {
    ./dbuild.sh tool
    ./dpush.sh tool
    before=$(remote_digest tool)
    run ./dpush.sh tool
    [ "$status" -eq 0 ]
    [[ $output == *": same"* ]]
    ./dbuild.sh --no-cache tool
    run ./dpush.sh tool
    [ "$status" -eq 0 ]
    [ "$(remote_digest tool)" = "$before" ]
}

@test "an image whose base was built again has not changed, whatever the base's digest is now" {
    ./dbuild.sh run run-jre
    ./dpush.sh run run-jre
    before=$(remote_digest run-jre)
    ./dbuild.sh --no-cache run
    echo 'LABEL org.opencontainers.image.base.digest=sha256:0' >>Dockerfile.run-jre
    ./dbuild.sh --no-cache run-jre
    run ./dpush.sh run run-jre
    [ "$status" -eq 0 ]
    [ "$(grep -c ': same$' <<<"$output")" -eq 2 ]
    [ "$(remote_digest run-jre)" = "$before" ]
}

@test "another image under the same version is refused, and nothing is pushed; --force replaces it" {
    ./dbuild.sh run tool
    ./dpush.sh tool
    before=$(remote_digest tool)
    echo changed >rootfs/tool/etc/tool
    ./dbuild.sh tool
    run ./dpush.sh run tool
    fails_with 1 "the registry has another ${IMAGE_PREFIX}base-tool:$version ($before)"
    [ "$(remote_digest tool)" = "$before" ]
    [ "$(tags run)" = "" ]
    run ./dpush.sh --force tool
    [ "$status" -eq 0 ]
    [ "$(remote_digest tool)" != "$before" ]
}

@test "a change of the configuration alone is a change" {
    ./dbuild.sh tool
    ./dpush.sh tool
    for line in 'ENV MORE=1' 'ONBUILD ENV MORE=1' 'SHELL ["/bin/false"]' 'HEALTHCHECK CMD ["/other"]' 'STOPSIGNAL QUIT'; do
        cp Dockerfile.tool before
        echo "$line" >>Dockerfile.tool
        ./dbuild.sh tool
        run ./dpush.sh tool
        fails_with 1 "the registry has another"
        mv before Dockerfile.tool
    done
}

@test "an image that is not built: all of them are named, and nothing is pushed" {
    ./dbuild.sh run
    run ./dpush.sh run run-jre tool
    fails_with 1 "not built: ${IMAGE_PREFIX}base-run-jre:$version ${IMAGE_PREFIX}base-tool:$version"
    [ "$(tags run)" = "" ]
}

@test "--dry-run and --no-latest" {
    ./dbuild.sh tool
    run ./dpush.sh --dry-run tool
    [ "$status" -eq 0 ]
    [[ $output == *": new"* ]]
    [ "$(tags tool)" = "" ]
    ./dpush.sh --no-latest tool
    [ "$(tags tool)" = "[\"$version\"]" ]
}

@test "podman pushes too, and what docker pushed of the same content it knows by its layers" {
    ENGINE=podman ./dbuild.sh tool
    ENGINE=podman run --separate-stderr ./dpush.sh tool
    [ "$status" -eq 0 ]
    [ "$output" = "${IMAGE_PREFIX}base-tool@$(remote_digest tool)" ]
    ENGINE=podman run ./dpush.sh tool
    [ "$status" -eq 0 ]
    [[ $output == *": same"* ]]
    # The same layers under docker: nothing moves either. (docker's own build of them has other times.)
    podman save "${IMAGE_PREFIX}base-tool:$version" | docker load
    run ./dpush.sh tool
    [ "$status" -eq 0 ]
    [[ $output == *": same"* ]]
    podman rmi --force "${IMAGE_PREFIX}base-tool:$version" >/dev/null
}

@test "an image that was built from files not committed is refused, and --force pushes it" {
    git init --quiet .
    git -c user.name=t -c user.email=t@test add .
    git -c user.name=t -c user.email=t@test commit --quiet --message one
    echo more >>rootfs/tool/etc/tool
    ./dbuild.sh run tool
    # Clean again, but too late.
    git checkout --quiet rootfs
    run ./dpush.sh run tool
    fails_with 1 "built from files that were not committed: ${IMAGE_PREFIX}base-tool:$version"
    [ "$(tags run)" = "" ]
    ./dpush.sh --force tool
    [ "$(tags tool)" = "[\"$version\",\"latest\"]" ]
}

@test "an image of another commit, or of nobody knows which, is refused" {
    git init --quiet .
    git -c user.name=t -c user.email=t@test add .
    git -c user.name=t -c user.email=t@test commit --quiet --message one
    ./dbuild.sh run tool
    echo more >>rootfs/tool/etc/tool
    git -c user.name=t -c user.email=t@test commit --quiet --all --message two
    run ./dpush.sh run tool
    fails_with 1 "built from another commit than the one that is checked out: ${IMAGE_PREFIX}base-tool:$version"
    tar --create --files-from /dev/null | docker import - "${IMAGE_PREFIX}base-tool:$version"
    run ./dpush.sh run tool
    fails_with 1 "built from files that were not committed: ${IMAGE_PREFIX}base-tool:$version"
    [ "$(tags run)" = "" ]
    ./dbuild.sh tool
    ./dpush.sh run tool
}

@test "what cannot be asked is not taken for absent: a published version stays" {
    ./dbuild.sh tool
    ./dpush.sh tool
    before=$(remote_digest tool)
    path=${IMAGE_PREFIX#"$HOST"}
    for row in "503 UNAVAILABLE" "500 UNKNOWN" "403 DENIED"; do
        # shellcheck disable=SC2086  # words
        in_front read $row
        echo "$row" >rootfs/tool/etc/tool
        IMAGE_PREFIX=$FRONT$path ./dbuild.sh tool
        IMAGE_PREFIX=$FRONT$path run ./dpush.sh tool
        TEST_PREFIX=$FRONT$path remove_test_images
        fails_with 1 "the registry did not tell about $FRONT"
        [[ $output != *": new"* ]]
        [ "$(remote_digest tool)" = "$before" ]
    done
}

@test "a disk too full to ask" {
    ./dbuild.sh tool
    ./dpush.sh tool
    before=$(remote_digest tool)
    echo other >rootfs/tool/etc/tool
    ./dbuild.sh tool
    # shellcheck disable=SC2016  # the inner shell's variables
    run unshare --mount --propagation private sh -c 'mkdir full && mount -t tmpfs -o size=4k tmpfs full && head -c 4096 /dev/zero >full/all && TMPDIR=$PWD/full ./dpush.sh tool'
    [ "$status" -ne 0 ]
    [[ $output == *"No space left on device"* || $output == *"no space left on device"* ]]
    [ "$(remote_digest tool)" = "$before" ]
}

@test "each registry's own way to say that it has no such image" {
    path=${IMAGE_PREFIX#"$HOST"}
    rows=("NOT_FOUND|artifact test/base-tool:1 not found" "NOT_FOUND|repository test/base-tool not found" "NAME_UNKNOWN|repository name not known to registry" "|")
    for row in "${rows[@]}"; do
        in_front absent 404 "${row%%|*}" "${row#*|}"
        path+=x/
        export IMAGE_PREFIX=$FRONT$path TEST_PREFIX=$FRONT$path
        ./dbuild.sh tool
        run ./dpush.sh tool
        remove_test_images
        [ "$status" -eq 0 ] || { echo "$row: $output"; return 1; }
        [[ $output == *"base-tool:$version: new"* ]]
    done
}

@test "a registry that does not answer, or refuses" {
    export IMAGE_PREFIX=127.0.0.1:9/none/ TEST_PREFIX=127.0.0.1:9/none/
    ./dbuild.sh tool
    run ./dpush.sh tool
    fails_with 1 "the registry did not tell about 127.0.0.1:9/none/base-tool:$version"
    [[ $output == *"docker login 127.0.0.1:9"* ]]
    [[ $output != *": new"* ]]
}

@test "no registry in IMAGE_PREFIX, an unknown stage, an unknown option" {
    for prefix in '' team/ wrapper-test/x/; do
        IMAGE_PREFIX=$prefix run ./dpush.sh tool
        fails_with 2 "IMAGE_PREFIX names no registry"
    done
    IMAGE_PREFIX=${IMAGE_PREFIX%/} run ./dpush.sh tool
    fails_with 2 "did you mean IMAGE_PREFIX=$IMAGE_PREFIX ?"
    run ./dpush.sh tol
    fails_with 2 "did you mean tool?"
    run ./dpush.sh --forse tool
    fails_with 2 "did you mean --force?"
}
