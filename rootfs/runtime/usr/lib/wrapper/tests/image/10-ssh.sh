#!/bin/bash
# ssh speaks to a server: it introduces itself, and notices that the other side is none of its kind. It wants an account, which
# with-account gives to any uid. (A session needs a server, which this image has not.)
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

code=0
output=$(with-account id --user --name 2>&1) || code=$?
if [ "$code" = 69 ]; then
    echo "not tried: $output"
    exit
fi
[ "$code" = 0 ] || fail "uid $(id -u) gets no account: $output"

serve '
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
c, _ = s.accept()
print(c.makefile().readline().strip())
c.sendall(b"no such thing\r\n" * 3)
c.close()'

code=0
output=$(with-account ssh -F none -o BatchMode=yes -o ConnectTimeout=10 -o UserKnownHostsFile=none -p "$port" nobody@127.0.0.1 true 2>&1) || code=$?
[ "$code" = 255 ] || fail "ssh ends with $code, not 255: $output"
read -r -t 10 greeting <&"$server_output" || fail "ssh did not introduce itself: $output"
[[ $greeting == SSH-2.0-OpenSSH* ]] || fail "ssh said '$greeting'"
