#!/usr/bin/env bats
# dbuild.sh meets trouble in the middle of a build: the archive goes away, a disk is full (TLS: ca-bundle.bats). Each time the
# message says what was not built, and the earlier image stays usable under its name.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup() {
    load common
    . "$REPO/vars.sh"
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    stop_proxy
    if [ -n "${DOCKERD_PID-}" ]; then
        kill "$DOCKERD_PID"
        timeout 20 tail --pid "$DOCKERD_PID" --follow /dev/null || kill -KILL "$DOCKERD_PID"
    fi
    unset DOCKER_HOST
    ! mountpoint --quiet small || umount small
    remove_test_images
}

@test "the archive goes away in the middle of a stage's build" {
    copy_with_parent runtime-jre
    start_proxy --lose .deb
    http_proxy=$PROXY run repo/dbuild.sh --network host --no-cache runtime-jre
    fails_with 1 "install_packages: error: apt-get could not install:"
    [[ $output == *"error: stage 'runtime-jre' was not built"*"${TEST_PREFIX}base-runtime-jre:$VERSION is as it was" ]]
    run -127 docker run --rm "${TEST_PREFIX}base-runtime-jre:$VERSION" java --version
    docker run --rm "${TEST_PREFIX}base-runtime-jre:$VERSION" true
}

# An engine of this test's own, whose disk has 40 MB. In a network of its own too: it would remove the bridge of another engine.
@test "the engine's disk is full" {
    fixture repo
    mkdir small
    mount -t tmpfs -o size=40M tmpfs small
    unshare --net dockerd --host "unix://$PWD/docker.sock" --data-root "$PWD/small/docker" --exec-root "$PWD/exec" --pidfile "$PWD/pid" --storage-driver vfs --bridge none --iptables=false >dockerd.log 2>&1 3>&- &
    DOCKERD_PID=$!
    export DOCKER_HOST=unix://$PWD/docker.sock
    timeout 30 sh -c 'until docker version >/dev/null 2>&1; do sleep 0.1; done' || { tail dockerd.log; return 1; }
    repo/dbuild.sh tool
    before=$(docker image inspect --format '{{.Id}}' "base-tool:$VERSION")

    head -c 30M /dev/urandom >repo/rootfs/tool/large
    run repo/dbuild.sh --metadata m.json tool
    fails_with 1 "no space left on device"
    [[ $output == *"error: stage 'tool' was not built"*"base-tool:$VERSION is as it was" ]]
    [ "$(docker image inspect --format '{{.Id}}' "base-tool:$VERSION")" = "$before" ]
    [ ! -e m.json ]
    # With room again, the same command.
    truncate --size 1M repo/rootfs/tool/large
    repo/dbuild.sh tool
}

@test "this checkout's disk is full" {
    fixture fixture
    mkdir small
    mount -t tmpfs -o size=4M tmpfs small
    cp -r fixture small/repo
    export IMAGE_PREFIX=$TEST_PREFIX
    small/repo/dbuild.sh tool
    before=$(docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-tool:$VERSION")
    head -c 2M /dev/urandom >small/repo/rootfs/tool/large
    run small/repo/dbuild.sh tool
    fails_with 1 "No space left on device"
    [[ $output == *"error: stage 'tool' was not built"*"is as it was" ]]
    [ "$(docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-tool:$VERSION")" = "$before" ]
}
