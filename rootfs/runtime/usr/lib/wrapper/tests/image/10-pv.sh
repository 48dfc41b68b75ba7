#!/bin/bash
# pv counts what passes and lets it through unchanged.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

digest=$(seq 100000 | pv --quiet | sha256sum)
[ "$digest" = "$(seq 100000 | sha256sum)" ] || fail "pv changed what passes"
percent=$(head -c 100000 /dev/zero | pv --force --numeric --size 100000 2>&1 >/dev/null | tail -n 1)
[ "$percent" = 100 ] || fail "pv says $percent percent at the end, not 100"
