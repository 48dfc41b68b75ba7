#!/usr/bin/env bats
# examples/scala-service: built in one image, run in another; two of it behind examples/nginx are restarted under load, one after
# the other, and no request is lost.
# shellcheck disable=SC2154  # status, output and lines are set by bats
# bats file_tags=full

bats_require_minimum_version 1.5.0

prefix=${IMAGE_PREFIX-}
image=${prefix}example-scala-service
proxy=${prefix}example-nginx
p=sctest-$(cksum <<<"$BATS_RUN_TMPDIR" | cut -d ' ' -f 1)
hard=(--read-only --user 23456:23456 --cap-drop ALL --security-opt no-new-privileges)

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    ./dbuild.sh --with-parents build-sbt runtime-jre >&2
    # Without a network: what the build needs is in base-build-sbt.
    docker build --quiet --network none --build-arg BUILD="${prefix}base-build-sbt" --build-arg PARENT="${prefix}base-runtime-jre" \
        --tag "$image" examples/scala-service >&2
    docker build --quiet --build-arg PARENT="${prefix}base-runtime" --tag "$proxy" examples/nginx >&2
    docker network create "$p" >/dev/null
}

teardown_file() { docker network rm "$p" >/dev/null 2>&1 || true; }

setup() { . "$BATS_TEST_DIRNAME/load.bash"; }

teardown() {
    local name
    for name in "$p-one" "$p-two" "$p-one-proxy"; do docker rm --force --volumes "$name" >/dev/null 2>&1 || true; done
}

# start NAME: the service, ready.
start() {
    docker run --detach --name "$1" --network "$p" "${hard[@]}" "$image" >/dev/null
    docker exec "$1" wrapper test startup ready --retry-timeout 60s --sleep 200ms
}

@test "its own image suite and the inherited ones pass, as USER, as root, as any uid, read-only" {
    run -0 docker run --rm "$image" test
    run -0 docker run --rm --user root "$image" test
    run -0 docker run --rm "${hard[@]}" "$image" test
    [[ $output == *50-service.goss.yaml* && $output == *"Failed: 0"* ]]
}

@test "its versions are those that base-build-sbt has at hand" {
    . "$BATS_TEST_DIRNAME/../../vars.sh"
    cd "$BATS_TEST_DIRNAME/../../examples/scala-service"
    grep -qx "sbt.version=$SBT_VERSION" project/build.properties
    grep -q "scalaVersion := \"$SCALA_VERSION\"" build.sbt
}

@test "no compiler and no sbt in the image that runs" {
    run -0 docker run --rm "$image" bash -c 'type -P javac sbt scalac; ls /srv/service'
    [[ $output == *scala3-library* && $output != */usr/bin/javac* && $output != *bin/sbt* ]]
}

@test "startup, live and ready; TERM ends it with 0 after the requests that run" {
    start "$p-one"
    run -0 docker exec "$p-one" wrapper test startup live ready
    # A request that takes three seconds is under way when the stop comes.
    docker exec "$p-one" curl --silent --fail http://127.0.0.1:8080/slow >"$BATS_TEST_TMPDIR/slow" &
    local request=$!
    docker exec "$p-one" sh -c 'until ss -Htn state established "sport = :8080" | grep -q .; do :; done'
    run -0 docker stop --time 30 "$p-one"
    wait "$request"
    [[ $(<"$BATS_TEST_TMPDIR/slow") == slow ]]
    [[ $(docker inspect --format '{{.State.ExitCode}}' "$p-one") == 0 ]]
}

@test "a minute of load with a restart of each in the middle loses no request" {
    start "$p-one"
    start "$p-two"
    restart_one_after_the_other "$proxy" "$p" "$p-one" "$p-two" "${hard[@]}"
}
