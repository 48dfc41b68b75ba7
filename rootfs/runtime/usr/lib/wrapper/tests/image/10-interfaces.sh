#!/bin/bash
# ip and ifconfig show the loopback interface and its address.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

address=$(ip -json address show lo | jq --raw-output '.[0].addr_info[] | select(.family == "inet").local')
[ "$address" = 127.0.0.1 ] || fail "ip says that lo has the address '$address'"
[[ $(ip route get 127.0.0.1) == *'dev lo'* ]] || fail "ip route: 127.0.0.1 is not on lo"
[[ $(ifconfig lo) == *'inet 127.0.0.1'* ]] || fail "ifconfig does not show lo's address"
