#!/bin/bash
# ps, pgrep, pstree, top and lsof see a process of this test; pkill and killall end one; free and uptime read the kernel's figures.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
serve_http

[ "$(ps -o comm= -p "$server")" = python3 ] || fail "ps does not show process $server as python3"
[ "$(pgrep -P $$ -x python3)" = "$server" ] || fail "pgrep -P $$ does not find process $server"
pstree -p $$ | grep -q "python3($server)" || fail "pstree does not show process $server under $$"
top -b -n 1 -p "$server" | grep -q "^ *$server .*python3" || fail "top does not show process $server"
lsof -p "$server" -a -d cwd -Fn 2>/dev/null | grep -q "^n$PWD\$" || fail "lsof does not show the working directory of process $server"
free | grep -q '^Mem: *[1-9]' || fail "free shows no memory"
uptime --pretty | grep -q '^up ' || fail "uptime does not say since when"

pkill -P $$ -x python3
code=0
wait "$server" || code=$?
[ "$code" = 143 ] || fail "the process ended with $code after pkill, not with 143 (SIGTERM)"

# killall goes by the name, so that this one has a name of its own.
serve 'import signal; open("/proc/self/comm", "w").write("suite-'$$'"); print(0, flush=True); signal.pause()'
killall --exact "suite-$$"
code=0
wait "$server" || code=$?
[ "$code" = 143 ] || fail "the process ended with $code after killall, not with 143 (SIGTERM)"
