#!/bin/bash
# The server answers, if only to say that it is still recovering, or that all its connections are taken. Nothing is asked
# of the database: a busy server is alive. The startup suite has this file too, since who recovers for an hour is not to be killed.
set -euo pipefail
# shellcheck source=examples/postgres/rootfs/usr/local/lib/postgres/common.sh
. /usr/local/lib/postgres/common.sh

choose_pgdata
find_server
code=0
# The role matters to the server's log only, which would name one that is not there.
answer=$("$pgbin/pg_isready" --username="${POSTGRES_USER:-postgres}" --dbname=postgres --timeout=3 2>&1) || code=$?
# 0: accepts connections; 1: refuses them for now; 2: no answer; 3: not asked.
[[ $code -le 1 ]] || die "$answer" "The container's log has the server's own words."
