#!/usr/bin/env bats
# scripts/test-images.sh: it sees a check that fails in one way of running only, one that is lost, and none at all.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup_file() { "$BATS_TEST_DIRNAME/../../dbuild.sh" root; }

setup() {
    load common
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    root=$(. "$REPO/vars.sh" && echo "${IMAGE_PREFIX}base-root:$VERSION")
    mkdir -p "$BATS_TEST_TMPDIR/repo"
    cd "$BATS_TEST_TMPDIR/repo" || return 1
    cp -r "$REPO/scripts" .
    sed '/^STAGES=(/,/^)/d' "$REPO/vars.sh" >vars.sh
    echo 'STAGES=(root:scratch child:root)' >>vars.sh
    export IMAGE_PREFIX=$TEST_PREFIX
    docker tag "$root" "${TEST_PREFIX}base-root:$version"
}

teardown() { remove_test_images; }

# child LINE...: the image of the stage `child`, on top of base-root.
child() { printf '%s\n' "FROM $root" "$@" | docker build --tag "${TEST_PREFIX}base-child:$version" - >&2; }

results() { awk -v stage="$1" '$1 == stage { print $2 "=" $3 }' <<<"$output" | paste -sd ' '; }

@test "all pass: a row for every stage and way, with more checks in the child" {
    child 'RUN mkdir -p /etc/wrapper/tests/image && printf "#!/bin/sh\nexit 0\n" >/etc/wrapper/tests/image/50-mine.sh'
    run --separate-stderr scripts/test-images.sh
    [ "$status" -eq 0 ]
    for stage in root child; do
        [ "$(results $stage)" = "root=passed USER=passed read-only=passed any-uid=passed restricted=passed" ]
    done
    [ "$(awk '$1 == "child" && $2 == "root" { print $4 }' <<<"$output")" -eq "$(awk '$1 == "root" && $2 == "root" { print $4 + 1 }' <<<"$output")" ]
}

@test "a check that fails in some ways only fails those rows, and is told" {
    child 'RUN mkdir -p /etc/wrapper/tests/image && printf "#!/bin/sh\n[ -w /etc/wrapper ]\n" >/etc/wrapper/tests/image/50-mine.sh'
    run --separate-stderr scripts/test-images.sh child
    [ "$status" -eq 1 ]
    [ "$(results child)" = "root=passed USER=passed read-only=FAILED any-uid=FAILED restricted=FAILED" ]
    # shellcheck disable=SC2154  # set by run
    [[ $stderr == *"child as read-only: exit code 1"*"50-mine.sh"* ]]
}

@test "an inherited check that is masked fails every row" {
    check=$(docker run --rm "$root" ls /usr/lib/wrapper/tests/image | head -n 1)
    child "RUN mkdir -p /etc/wrapper/tests/image && ln -s /dev/null /etc/wrapper/tests/image/$check"
    run scripts/test-images.sh child
    fails_with 1 "checks of root that do not run in it: $check"
    [ "$(results child)" = "root=FAILED USER=FAILED read-only=FAILED any-uid=FAILED restricted=FAILED" ]
}

@test "podman, with images of its own" {
    # podman puts a registry in front of the name, docker.io or localhost.
    loaded=$(docker save "${TEST_PREFIX}base-root:$version" | podman load --quiet | sed 's/^Loaded image[^:]*: //')
    IMAGE_PREFIX=${loaded%base-root:*} ENGINE=podman run --separate-stderr scripts/test-images.sh root
    podman rmi --force "$loaded" >/dev/null
    [ "$status" -eq 0 ]
    [ "$(results root)" = "root=passed USER=passed read-only=passed any-uid=passed restricted=passed" ]
}

@test "no image, an unknown stage, an unknown option" {
    run scripts/test-images.sh child
    fails_with 1 "not built: ${TEST_PREFIX}base-child:$version"
    run scripts/test-images.sh chidl
    fails_with 2 "did you mean child?"
    run scripts/test-images.sh --all
    fails_with 2 "unknown option '--all'"
}
