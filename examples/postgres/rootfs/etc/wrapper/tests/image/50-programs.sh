#!/bin/bash
# The server and its tools start, are of one version, and are found without a path; the scripts have no syntax error.
set -euo pipefail
# shellcheck source=examples/postgres/rootfs/usr/local/lib/postgres/common.sh
. /usr/local/lib/postgres/common.sh

for program in postgres initdb pg_isready psql pg_controldata; do
    found=$(command -v "$program") || die "$program is not in PATH, which is $PATH" "ENV PATH with $pgbin in it."
    version=$("$found" --version) || die "$found does not start" "Its package is not whole: see the check 00-packages."
    [[ $version == "$program (PostgreSQL) $PG_MAJOR."* ]] || die "$found says '$version', not PostgreSQL $PG_MAJOR (PG_MAJOR)" \
        "One version in an image: change packages, PG_MAJOR and ${pgbin%/bin} together."
done

for script in /etc/wrapper/run /etc/wrapper/init.d/50-postgres /usr/local/bin/as-postgres /usr/local/bin/docker-entrypoint.sh; do
    [[ -x $script ]] || die "$script is not executable" "RUN chmod 755 $script"
    bash -n "$script" || die "$script has a syntax error, see above"
done
