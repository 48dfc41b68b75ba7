#!/usr/bin/env bats
# The images themselves by every engine: podman and BuildKit build all of them, and what they built passes its suite. The small
# stages of builds.bats are on every run; this takes a quarter of an hour.
# shellcheck disable=SC2153  # REPO comes from common.bash
# bats file_tags=full

bats_require_minimum_version 1.5.0

setup() {
    load common
    . "$REPO/vars.sh"
    export IMAGE_PREFIX=$TEST_PREFIX
}

teardown() { remove_test_images; }

@test "podman" {
    ENGINE=podman "$REPO/dbuild.sh"
    ENGINE=podman run --separate-stderr "$REPO/scripts/test-images.sh"
    for entry in "${STAGES[@]}"; do podman rmi --force "localhost/${TEST_PREFIX}base-${entry%%:*}:$VERSION" >/dev/null; done
    # shellcheck disable=SC2154  # set by run
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; return 1; }
    [ "$(grep -c ' passed ' <<<"$output")" -eq $((${#STAGES[@]} * 5)) ]
}

@test "BuildKit" {
    docker_with_buildkit
    DOCKER_BUILDKIT=1 run "$REPO/dbuild.sh" --progress plain
    [ "$status" -eq 0 ]
    [[ $output == *"exporting layers"* ]]
    run --separate-stderr "$REPO/scripts/test-images.sh"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}
