#!/bin/bash
# ping reaches loopback, wherever this container may send an echo: its group is in net.ipv4.ping_group_range, or it has NET_RAW.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

read -r first last </proc/sys/net/ipv4/ping_group_range
group=$(id -g)
if ((group < first || group > last)) && ! has_capability 13; then
    output=$(ping -c 1 -W 5 127.0.0.1 2>&1) && fail "it was not expected to work"
    [[ $output == *'not permitted'* ]] || fail "$output"
    echo "not allowed here: group $group is outside net.ipv4.ping_group_range ($first-$last), and there is no NET_RAW"
    exit
fi
output=$(ping -c 1 -W 5 127.0.0.1 2>&1) || fail "$output"
[[ $output == *'1 received'* ]] || fail "$output"
