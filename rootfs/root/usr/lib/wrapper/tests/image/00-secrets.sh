#!/bin/sh
# No identity that all containers would share: machine ids and the key pairs that some packages make when they are installed.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

# The host's own may be mounted there.
for file in /etc/machine-id /var/lib/dbus/machine-id; do
    [ ! -s "$file" ] || mountpoint -q "$file" || fail "$file has an id, the same in every container" "RUN : >$file"
done
for key in /etc/ssh/ssh_host_*_key /etc/ssl/private/ssl-cert-snakeoil.key; do
    [ ! -e "$key" ] || mountpoint -q "$key" || fail "$key is the same in every container" \
        "remove it in the RUN that installs its package, make it when the container starts"
done
