#!/usr/bin/env bats
# setup.sh on a machine that has all it needs, and its command line. The fresh machine is tested by being one: CI's.
# shellcheck disable=SC2016  # the inner shell's variables

bats_require_minimum_version 1.5.0

setup() { load common; }

@test "with everything there it needs no network and changes nothing" {
    "$REPO/scripts/setup.sh" test bench
    # A network namespace without any interface: a download would fail. Docker's socket is a file and still answers.
    run timeout 20 unshare --net "$REPO/scripts/setup.sh" test bench
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *"ready: build publish test bench"* ]]
    [[ $output != *installing* ]]
}

@test "an unknown group is a usage error" {
    run "$REPO/scripts/setup.sh" everything
    fails_with 2 "unknown group 'everything'"
}

@test "an engine elsewhere that does not answer is not replaced by one here" {
    DOCKER_HOST=tcp://127.0.0.1:9 run "$REPO/scripts/setup.sh"
    fails_with 1 "no Docker engine answers at tcp://127.0.0.1:9"
}

@test "an engine that ends while it starts: the end of its log, and where it is" {
    # A mount namespace in which Docker's socket is hidden and its data folder cannot be written.
    DOCKERD_LOG=$BATS_TEST_TMPDIR/dockerd.log run unshare --mount --pid --fork --mount-proc --propagation private sh -c '
        mount -t tmpfs tmpfs /run && mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker && echo "{ not json" >/etc/docker/daemon.json
        exec "$1/scripts/setup.sh"' sh "$REPO"
    fails_with 1 "Docker's engine ended while it started; the lines above are the end of $BATS_TEST_TMPDIR/dockerd.log"
    [[ $output == *daemon.json* ]]
}

@test "an engine is started where none runs, and answers" {
    # A machine of its own as far as an engine can tell: other mounts, processes and network, an empty data folder.
    DOCKERD_LOG=$BATS_TEST_TMPDIR/dockerd.log run unshare --mount --pid --fork --kill-child --mount-proc --net --propagation private sh -c '
        mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib/docker && ip link set lo up 2>/dev/null
        "$1/scripts/setup.sh" && docker version --format "server {{.Server.Version}} of its own, containers {{.Server.Os}}" && docker ps --all --quiet | wc -l' sh "$REPO"
    [ "$status" -eq 0 ] || { echo "$output"; tail -n 20 "$BATS_TEST_TMPDIR/dockerd.log"; return 1; }
    [[ $output == *"starting Docker's engine"*"server "*"containers linux"*0 ]]
}
