#!/bin/bash
# The server answers a query, within 2 s, as the superuser of the environment (POSTGRES_USER, POSTGRES_PASSWORD): that one gets in
# when all other connections are taken. A read-only standby is ready as well.
set -euo pipefail
# shellcheck source=examples/postgres/rootfs/usr/local/lib/postgres/common.sh
. /usr/local/lib/postgres/common.sh

choose_pgdata
find_server
export PGPASSWORD=${PGPASSWORD:-${POSTGRES_PASSWORD:-}} PGCONNECT_TIMEOUT=2 PGOPTIONS='-c statement_timeout=2s'
code=0
# Not the database of the environment: postgres is the one that every cluster has.
answer=$("$pgbin/psql" --no-psqlrc --no-password -qtA --username="${POSTGRES_USER:-postgres}" \
    --dbname=postgres --command='SELECT 1' 2>&1) || code=$?
[[ $code -eq 0 && $answer == 1 ]] || die "$answer" \
    "Who asks is POSTGRES_USER with POSTGRES_PASSWORD, default postgres. For another question mount one at /etc/wrapper/tests/ready/${0##*/}."
