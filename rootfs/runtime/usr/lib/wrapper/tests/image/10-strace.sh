#!/bin/bash
# strace shows a program's system calls, wherever this container may trace (ptrace in its seccomp profile).
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

code=0
output=$(strace -e trace=execve,openat cat /etc/hostname 2>&1 >/dev/null) || code=$?
if [ "$code" != 0 ] && [[ $output == *TRACEME*'not permitted'* ]]; then
    echo "not allowed here: ptrace is forbidden by the container's seccomp profile"
    exit
fi
[ "$code" = 0 ] || fail "$output"
[[ $output == *'execve("/usr/bin/cat", ["cat", "/etc/hostname"]'*'openat(AT_FDCWD, "/etc/hostname", O_RDONLY)'* ]] || fail "strace saw '$output'"
