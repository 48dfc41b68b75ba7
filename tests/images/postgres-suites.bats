#!/usr/bin/env bats
# The suites of examples/postgres: image as the container's own command; startup, live and ready by docker exec, each seen to pass
# and to fail for its reasons, under any uid, read-only and without capabilities. Waits for what the server says.
# Needs docker and base-runtime; builds the example first, unless POSTGRES_IMAGE names one that is built.
# shellcheck disable=SC2016,SC2086  # for the inner shell; names hold no spaces

bats_require_minimum_version 1.5.0

image=${POSTGRES_IMAGE:-${IMAGE_PREFIX-}example-postgres}
base=${POSTGRES_BASE:-${IMAGE_PREFIX-}base-runtime}
name=pgsuites-$(cksum <<<"$BATS_RUN_TMPDIR" | cut -d ' ' -f 1)
hard=(--read-only --network none --user 23456:23456 --cap-drop ALL --security-opt no-new-privileges)

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    if [[ -z ${POSTGRES_IMAGE:-} ]]; then
        [[ -n ${POSTGRES_BASE:-} ]] || ./dbuild.sh --with-parents runtime >&2
        docker build --quiet --build-arg PARENT="$base" --tag "$image" examples/postgres >&2
    fi
}

teardown() { docker rm --force --volumes "$name" >/dev/null 2>&1 || true; }

# start RUN-ARGUMENT...: the server, begun.
start() { docker run --detach --name "$name" --env POSTGRES_PASSWORD=secret "$@" >/dev/null; }

# suite NAME [OPTION...]: in the running container.
suite() { docker exec "$name" wrapper test "$@"; }

# ready: started, and ready by its own suite.
ready() { start "$@" && suite ready --retry-timeout 60s --sleep 100ms; }

# wait_log TEXT: until the log has it; 60 s at most.
wait_log() {
    timeout 60 grep -q -m1 -F -- "$1" <(exec timeout 60 docker logs --follow "$name" 2>&1 3>&-) || { docker logs "$name"; return 1; }
}

# verdicts STARTUP LIVE READY: the exit codes of the three suites.
verdicts() {
    local probe code wanted=("$@")
    for probe in startup live ready; do
        code=0
        said[${#said[@]}]=$(suite "$probe" 2>&1) || code=$?
        [[ $code -eq ${wanted[0]} ]] || { echo "$probe: exit code $code, wanted ${wanted[0]}: ${said[-1]}" && return 1; }
        wanted=("${wanted[@]:1}")
    done
}

setup() { said=(); }

@test "image: base-root's checks and the example's own, as root, as any uid, read-only" {
    local way
    for way in "" "--user postgres" "--user 23456:0" "${hard[*]}" "--read-only --cap-drop ALL --security-opt no-new-privileges"; do
        run --separate-stderr docker run --rm $way "$image" test --format json
        [[ $status -eq 0 ]] || { echo "with: $way" && jq '.results[] | select(.successful | not)' <<<"$output" && return 1; }
        run jq -r '[.results[].file] | unique | join(" ")' <<<"$output"
        [[ $output == *00-setuid.sh*00-wrapper.sh*50-cluster.sh*50-files.goss.yaml*50-programs.sh* ]]
    done
}

@test "image: each of the example's own checks fails in an image that is broken for it" {
    local file lines
    while IFS='|' read -r file lines; do
        printf '%b\n' "FROM $image\nUSER root\n$lines" | docker build --quiet --tag "$name" - >/dev/null 2>&1
        run --separate-stderr docker run --rm "$name" test --format json </dev/null
        docker image rm --force "$name" >/dev/null
        [[ $status -eq 1 && $(jq -r '[.results[] | select(.successful | not) | .file] | unique | join(" ")' <<<"$output") == "$file" ]] ||
            { echo "broken: $lines; wanted: $file" && jq '.results[] | select(.successful | not)' <<<"$output" && return 1; }
    done <<'BROKEN'
50-cluster.sh|RUN install -d /var/lib/postgresql/17/main
50-cluster.sh|RUN rm /usr/lib/locale/locale-archive
50-files.goss.yaml|RUN rm /run/postgresql
50-files.goss.yaml|RUN usermod --uid 1999 postgres
50-programs.sh|ENV PG_MAJOR=16
50-programs.sh|RUN chmod 755 /etc/wrapper/run && echo 'if' >>/etc/wrapper/run
BROKEN
}

@test "startup, live and ready pass: started as root, as postgres, as any uid with everything taken away" {
    local way
    for way in "" "--user postgres" "${hard[*]}"; do
        ready $way "$image"
        verdicts 0 0 0
        # Root of the container, whoever the server is; without capabilities it is nobody who could read its environment.
        run docker exec --user 0 "$name" wrapper test live
        if [[ $way == *"--cap-drop ALL"* ]]; then
            [ "$status" -eq 1 ]
            [[ $output == "live: fail: the environment of the app is not known"*"docker exec --user 23456:23456"* ]]
        else
            [ "$status" -eq 0 ] || { echo "$output"; return 1; }
        fi
        teardown
    done
}

@test "the initialization still runs: startup and ready fail, live passes" {
    mkdir "$BATS_TEST_TMPDIR/init"
    echo 'mkfifo "$PGDATA/gate" && echo "gate is there" >&2 && read -r line <"$PGDATA/gate"' >"$BATS_TEST_TMPDIR/init/10.sh"
    chmod 755 "$BATS_TEST_TMPDIR/init"
    chmod 644 "$BATS_TEST_TMPDIR/init/10.sh"
    start "${hard[@]}" --volume "$BATS_TEST_TMPDIR/init:/docker-entrypoint-initdb.d:ro" "$image"
    wait_log "gate is there"
    verdicts 1 0 1
    docker exec "$name" sh -c 'echo on >"$PGDATA/gate"'
    suite ready --retry-timeout 60s
    verdicts 0 0 0
}

@test "a server that only recovers: startup and live pass, ready fails with the server's words" {
    ready "${hard[@]}" "$image" -c hot_standby=off
    docker exec "$name" sh -c 'touch "$PGDATA/standby.signal"'
    docker stop --time 60 "$name" >/dev/null
    docker start "$name" >/dev/null
    suite startup --retry-timeout 60s
    verdicts 0 0 1
    [[ ${said[2]} == *"not accepting connections"* ]]
}

@test "every connection taken: startup and live pass, ready says too many clients" {
    ready "${hard[@]}" "$image" -c max_connections=1 -c superuser_reserved_connections=0 -c max_wal_senders=0
    docker exec --detach "$name" psql -U postgres -c "SELECT pg_sleep(1000)"
    # No event tells that the connection is made; ready fails from then on.
    local deadline=$((SECONDS + 30))
    while suite ready >/dev/null; do [[ $SECONDS -lt $deadline ]]; done
    verdicts 0 0 1
    [[ ${said[2]} == *"too many clients"* ]]
}

@test "a server that is frozen: all three fail" {
    ready "${hard[@]}" "$image"
    docker exec "$name" sh -c 'kill -STOP "$(head -n 1 "$PGDATA/postmaster.pid")"'
    verdicts 1 1 1
    [[ ${said[1]} == *"no response"* ]]
    docker exec "$name" sh -c 'kill -CONT "$(head -n 1 "$PGDATA/postmaster.pid")"'
    suite ready --retry-timeout 60s
}

@test "names with quotes, a password that is asked for inside, another port, a socket in PGDATA" {
    ready "${hard[@]}" --env POSTGRES_USER="o'brien \"the\" dba" --env POSTGRES_DB="d'b =y" --env PGPORT=6543 \
        --env POSTGRES_INITDB_ARGS=--auth=scram-sha-256 --tmpfs /db:mode=1777 --env PGDATA=/db/here \
        "$image" -c unix_socket_directories=/db/here
    verdicts 0 0 0
    # The probes leave no complaint in the server's log, but for one that came while it started.
    run docker logs "$name"
    output=${output//FATAL:  the database system is starting up/}
    [[ $output == *"ready to accept connections"* && $output != *FATAL* && $output != *ERROR* ]]
}

@test "no TCP: ready fails, and passes where the port's check is masked" {
    start "${hard[@]}" "$image" -c listen_addresses=
    suite startup --retry-timeout 60s
    run -1 suite ready --retry-timeout 2s
    [[ $output == *5432* ]]
    teardown
    ready "${hard[@]}" --volume /dev/null:/etc/wrapper/tests/ready/50-port.goss.yaml:ro "$image" -c listen_addresses=
}

@test "docker calls the container healthy; in maintenance startup and live pass, ready fails" {
    start --health-interval 500ms "${hard[@]}" "$image"
    suite ready --retry-timeout 60s
    local deadline=$((SECONDS + 60))
    until [[ $(docker inspect --format '{{.State.Health.Status}}' "$name") == healthy ]]; do
        [[ $SECONDS -lt $deadline ]]
        sleep 0.2
    done
    docker exec "$name" wrapper maintenance on
    verdicts 0 0 1
    [[ ${said[1]} == *maintenance* && ${said[2]} == *maintenance* ]]
    docker exec "$name" wrapper maintenance off
    suite ready --retry-timeout 60s
}
