#!/usr/bin/env bats
# examples/nginx: probes, a reload, a restart of one of two, and a stop, none of which loses a request.
# shellcheck disable=SC2154  # status, output and lines are set by bats

bats_require_minimum_version 1.5.0

image=${NGINX_IMAGE:-${IMAGE_PREFIX-}example-nginx}
p=ngtest-$(cksum <<<"$BATS_RUN_TMPDIR" | cut -d ' ' -f 1)
hard=(--read-only --user 23456:23456 --cap-drop ALL --security-opt no-new-privileges)

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    docker network create "$p" >/dev/null
    if [[ -z ${NGINX_IMAGE:-} ]]; then
        ./dbuild.sh --with-parents runtime >&2
        docker build --quiet --build-arg PARENT="${IMAGE_PREFIX-}base-runtime" --tag "$image" examples/nginx >&2
    fi
}

teardown_file() { docker network rm "$p" >/dev/null 2>&1 || true; }

setup() { . "$BATS_TEST_DIRNAME/load.bash"; }

teardown() {
    local name
    for name in "$p" "$p-one" "$p-two" "$p-one-proxy"; do docker rm --force --volumes "$name" >/dev/null 2>&1 || true; done
}

# start [OPTION...]: runs the container, waits for it, and sets address.
start() {
    docker run --detach --name "$p" "${hard[@]}" "$@" "$image" >/dev/null
    docker exec "$p" wrapper test ready --retry-timeout 30s --sleep 100ms
    address=http://$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$p"):8080
}

# reloads: how often nginx has taken up its configuration.
reloads() { docker logs "$p" 2>&1 | grep -c 'start worker processes'; }

@test "its own image suite and the inherited ones pass, as USER, as root, as any uid, read-only" {
    run -0 docker run --rm "$image" test
    run -0 docker run --rm --user root "$image" test
    run -0 docker run --rm "${hard[@]}" "$image" test
    [[ $output == *50-nginx.goss.yaml* && $output == *"Failed: 0"* ]]
}

@test "live and ready, and what they say when the page is gone" {
    # Pages of one's own, as the README has it: nothing is said about what is in them.
    mkdir "$BATS_TEST_TMPDIR/www"
    chmod 755 "$BATS_TEST_TMPDIR/www"
    echo "Something of my own." >"$BATS_TEST_TMPDIR/www/index.html"
    run -0 docker run --rm "${hard[@]}" --volume "$BATS_TEST_TMPDIR/www:/srv/www:ro" "$image" test
    start --volume "$BATS_TEST_TMPDIR/www:/srv/www:ro"
    run -0 docker exec "$p" curl --silent http://127.0.0.1:8080/
    [[ $output == "Something of my own." ]]
    run -0 docker exec "$p" wrapper test live
    [[ $output == "live: pass: 1 check"* ]]
    rm "$BATS_TEST_TMPDIR/www/index.html"
    run -1 docker exec "$p" wrapper test ready
    [[ $output == "ready: fail: 1 of 1 check"*50-page.sh*403* ]]
    run -0 docker exec "$p" wrapper test live
}

@test "a minute of load with a reload in the middle loses no request" {
    start
    load 60 "$address/" &
    local loading=$!
    # The middle of the minute, by the clock: that is what is asked for.
    sleep 30
    docker kill --signal HUP "$p"
    wait "$loading"
    [[ $(reloads) -eq 2 ]]
    no_request_was_lost
}

@test "a minute of load with a restart of each of two in the middle loses no request" {
    local name
    for name in "$p-one" "$p-two"; do
        docker run --detach --name "$name" --network "$p" "${hard[@]}" "$image" >/dev/null
        docker exec "$name" wrapper test ready --retry-timeout 30s --sleep 100ms
    done
    restart_one_after_the_other "$image" "$p" "$p-one" "$p-two" "${hard[@]}"
}

@test "without /dev/shm it says what to mount, and with that it runs" {
    run -1 docker run --rm "${hard[@]}" --ipc none "$image"
    [[ $output == *"--tmpfs /dev/shm"* ]]
    start --ipc none --tmpfs /dev/shm
}

@test "a stop lets a running request finish, and the container ends with 0" {
    mkdir "$BATS_TEST_TMPDIR/www"
    chmod 755 "$BATS_TEST_TMPDIR/www"
    echo "It works." >"$BATS_TEST_TMPDIR/www/index.html"
    head -c 8000000 /dev/zero >"$BATS_TEST_TMPDIR/www/big"
    # nginx itself takes its time: what a slow client has not read yet when the process ends is lost with the container's network.
    sed 's|^    root .*|&\n    location = /big { limit_rate 2m; }|' "$BATS_TEST_DIRNAME/../../examples/nginx/rootfs/etc/nginx/conf.d/default.conf" \
        >"$BATS_TEST_TMPDIR/slow.conf"
    start --volume "$BATS_TEST_TMPDIR/www:/srv/www:ro" --volume "$BATS_TEST_TMPDIR/slow.conf:/etc/nginx/conf.d/default.conf:ro"
    # A download that is under way when the stop comes.
    curl --silent --fail --max-time 60 --output "$BATS_TEST_TMPDIR/got" "$address/big" &
    local loading=$!
    until [[ -s $BATS_TEST_TMPDIR/got ]]; do kill -0 "$loading"; done
    run -0 docker stop --time 30 "$p"
    wait "$loading"
    [[ $(stat -c %s "$BATS_TEST_TMPDIR/got") -eq 8000000 ]]
    [[ $(docker inspect --format '{{.State.ExitCode}}' "$p") == 0 ]]
    run -0 docker logs "$p"
    [[ $output == *"gracefully shutting down"* ]]
}
