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
}

teardown() { remove_test_images; }

remote_digest() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://${IMAGE_PREFIX}base-$1:$version"; }

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
    echo 'ENV MORE=1' >>Dockerfile.tool
    ./dbuild.sh tool
    run ./dpush.sh tool
    fails_with 1 "the registry has another"
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
    [[ $output == *": same"* ]]
    podman rmi --force "${IMAGE_PREFIX}base-tool:$version" >/dev/null
}

@test "a registry that does not answer, or refuses" {
    export IMAGE_PREFIX=127.0.0.1:9/none/ TEST_PREFIX=127.0.0.1:9/none/
    ./dbuild.sh tool
    run ./dpush.sh tool
    fails_with 1 "the registry did not tell about 127.0.0.1:9/none/base-tool:$version"
    [[ $output == *"docker login 127.0.0.1:9"* ]]
}

@test "no registry in IMAGE_PREFIX, an unknown stage, an unknown option" {
    for prefix in '' team/ wrapper-test/x/; do
        IMAGE_PREFIX=$prefix run ./dpush.sh tool
        fails_with 2 "IMAGE_PREFIX names no registry"
    done
    run ./dpush.sh tol
    fails_with 2 "did you mean tool?"
    run ./dpush.sh --forse tool
    fails_with 2 "did you mean --force?"
}
