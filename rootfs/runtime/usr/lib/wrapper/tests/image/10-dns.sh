#!/bin/bash
# dig, host and nslookup ask a name server.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
# Answers every question for app.test with one address, 192.0.2.7; any other name does not exist.
serve '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])
while True:
    packet, client = s.recvfrom(4096)
    end = packet.index(0, 12) + 5
    question, kind = packet[12:end], packet[end - 4:end - 2]
    known = question.lower().startswith(b"\3app\4test\0")
    answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 7]) if known and kind == b"\0\1" else b""
    s.sendto(packet[:2] + struct.pack(">HHHHH", 0x8580 | (0 if known else 3), 1, 1 if answer else 0, 0, 0) + question + answer, client)'

address=$(dig @127.0.0.1 -p "$port" +short +noedns app.test A)
[ "$address" = 192.0.2.7 ] || fail "dig says '$address'"
dig @127.0.0.1 -p "$port" +noedns other.test A | grep -q 'status: NXDOMAIN' || fail "dig does not say that other.test is not there"
output=$(host -p "$port" app.test 127.0.0.1) || fail "$output"
[[ $output == *'app.test has address 192.0.2.7'* ]] || fail "host says '$output'"
output=$(nslookup -port="$port" app.test 127.0.0.1) || fail "$output"
[[ $output == *'Address: 192.0.2.7'* ]] || fail "nslookup says '$output'"
