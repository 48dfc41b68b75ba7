#!/usr/bin/env bats
# base-root as it is run: the wrapper is process 1, commands pass through, under every restriction, with docker and podman.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    "$REPO/dbuild.sh" root
}

setup() {
    load common
    . "$REPO/vars.sh"
    image=${IMAGE_PREFIX}base-root:$VERSION
}

@test "docker run IMAGE COMMAND: runs it, silent on stdout, its exit code is the container's" {
    run --separate-stderr docker run --rm "$image" bash -c 'echo hello; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = hello ]
}

@test "the wrapper is process 1 of the container" {
    run docker run --rm "$image" bash -c 'cat /proc/1/comm'
    [ "$status" -eq 0 ]
    [ "$output" = wrapper ]
}

@test "read-only, a random uid, no capabilities, no new privileges, nothing writable" {
    run docker run --rm --read-only --user $((100000 + RANDOM)):$((200000 + RANDOM)) --cap-drop ALL --security-opt no-new-privileges \
        --network none "$image" bash -c 'grep -q "^CapEff:.0000000000000000" /proc/self/status && ! touch /tmp/x 2>/dev/null && echo ran'
    [ "$status" -eq 0 ]
    [ "$output" = ran ]
}

@test "no run script: exit code 127 and a message" {
    run -127 docker run --rm "$image"
    [[ $output == */etc/wrapper/run* ]]
}

@test "podman builds it too, and runs it under the same restrictions" {
    ENGINE=podman "$REPO/dbuild.sh" root
    [ "$(podman image inspect "$image" | jq -c '.[0].Healthcheck.Test')" = '["CMD","/usr/bin/wrapper","test","live"]' ]
    # Limits of our own: podman's default asks for more files than some machines may grant.
    run --separate-stderr podman run --rm --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --read-only --read-only-tmpfs=false --user 123456:234567 \
        --cap-drop ALL --security-opt no-new-privileges --network none "$image" bash -c '! touch /tmp/x 2>/dev/null && cat /proc/1/comm; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = wrapper ]
}
