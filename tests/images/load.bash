# shellcheck shell=bash
# Load on an HTTP server, and what came of it.

# load SECONDS ADDRESS: one request after the other on eight connections, each on a new one; the report in load.txt.
load() { timeout $(($1 + 60)) ab -q -c 8 -t "$1" -n 100000000 "$2" >"$BATS_TEST_TMPDIR/load.txt" 2>&1; }

# no_request_was_lost: of those that load made, and there were many.
no_request_was_lost() {
    cat "$BATS_TEST_TMPDIR/load.txt"
    grep -q '^Failed requests: *0$' "$BATS_TEST_TMPDIR/load.txt"
    run ! grep 'Non-2xx\|apr_\|Total of' "$BATS_TEST_TMPDIR/load.txt"
    [[ $(awk '/^Complete requests:/ { print $3 }' "$BATS_TEST_TMPDIR/load.txt") -gt 1000 ]]
}

# restart_one_after_the_other IMAGE NETWORK ONE TWO OPTION...: two containers, which listen on 8080, behind a third of IMAGE, examples/nginx,
# called ONE-proxy. In the middle of a minute of load each of the two is restarted; the other answers for both.
restart_one_after_the_other() {
    local image=$1 network=$2 one=$3 two=$4 name address loading
    shift 4
    cat >"$BATS_TEST_TMPDIR/default.conf" <<CONF
upstream service {
    server $one:8080 max_fails=1 fail_timeout=1s;
    server $two:8080 max_fails=1 fail_timeout=1s;
}
server {
    listen 8080;
    location = /healthz { return 200 "ok\n"; }
    location / {
        proxy_pass http://service;
        proxy_connect_timeout 1s;
        proxy_next_upstream error timeout;
    }
}
CONF
    docker run --detach --name "$one-proxy" --network "$network" "$@" \
        --volume "$BATS_TEST_TMPDIR/default.conf:/etc/nginx/conf.d/default.conf:ro" "$image" >/dev/null
    docker exec "$one-proxy" wrapper test ready --retry-timeout 30s --sleep 100ms
    address=http://$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$one-proxy"):8080/
    load 60 "$address" &
    loading=$!
    # The middle of the minute, by the clock: that is what is asked for.
    sleep 20
    for name in "$one" "$two"; do
        docker exec "$name" wrapper restart
        until docker exec "$name" wrapper status --json | jq -e '.restarts == 1 and .phase == "running"' >/dev/null; do :; done
        docker exec "$name" wrapper test ready --retry-timeout 30s --sleep 200ms
    done
    wait "$loading"
    no_request_was_lost
}
