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
