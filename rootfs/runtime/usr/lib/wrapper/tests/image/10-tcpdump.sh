#!/bin/bash
# tcpdump reads a capture; where this container may capture (NET_RAW), it sees a request.
# -Z root: stay root. Root would become the user tcpdump, which needs capabilities that not every container has.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

# One UDP packet of four bytes, 127.0.0.1:1234 to 127.0.0.1:9.
output=$(python3 -c '
import struct, sys
packet = struct.pack(">BBHHHBBH4B4B", 0x45, 0, 32, 1, 0, 64, 17, 0, 127, 0, 0, 1, 127, 0, 0, 1) + struct.pack(">HHHH", 1234, 9, 12, 0) + b"ping"
header = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
sys.stdout.buffer.write(header + struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet)' | tcpdump -Z root -nr - 2>&1) || fail "$output"
[[ $output == *'IP 127.0.0.1.1234 > 127.0.0.1.9: UDP, length 4'* ]] || fail "tcpdump reads '$output'"

if ! has_capability 13; then
    output=$(tcpdump -i lo -c 1 2>&1) && fail "it was not expected to work"
    [[ $output == *"don't have permission"* ]] || fail "$output"
    echo "no capture here: it needs the capability NET_RAW (docker exec --user 0, or an ephemeral container)"
    exit
fi
serve_http
coproc CAPTURE { exec tcpdump -Z root -i lo -n --immediate-mode -l -c 1 "tcp dst port $port" 2>&1; }
capture=$CAPTURE_PID output=
exec {lines}<&"${CAPTURE[0]}"
# It says when it listens; only then a request is sent.
while read -r -t 20 line <&"$lines"; do
    output+=$line$'\n'
    if [[ $line == 'listening on lo'* ]]; then curl --silent "http://127.0.0.1:$port/seen" >/dev/null; fi
done
wait "$capture" || fail "$output"
[[ $output == *"> 127.0.0.1.$port: Flags [S]"* ]] || fail "tcpdump saw '$output'"
