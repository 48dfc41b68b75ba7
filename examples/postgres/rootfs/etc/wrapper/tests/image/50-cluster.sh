#!/bin/bash
# No cluster that all containers would share came with the packages, and one can be made with the official image's locale.
set -euo pipefail
# shellcheck source=examples/postgres/rootfs/usr/local/lib/postgres/common.sh
. /usr/local/lib/postgres/common.sh

[[ ! -e /var/lib/postgresql/17/main ]] || die "the image has a cluster, /var/lib/postgresql/17/main" \
    "Set create_main_cluster = false before postgresql-17 is installed, see the Dockerfile."
locale -a | grep -qx en_US.utf8 || die "the locale en_US.utf8 is not there: clusters of the official image would not start" \
    "RUN localedef --inputfile en_US --charmap UTF-8 en_US.UTF-8"
