#!/bin/sh
# /tmp and /var/tmp are for everybody: mode 1777, or what is mounted there.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

for folder in /tmp /var/tmp; do
    [ -d "$folder" ] || fail "$folder is not a folder" "RUN install -d -m 1777 $folder"
    mode=$(stat -Lc %a "$folder")
    [ "$mode" = 1777 ] || mountpoint -q "$folder" ||
        fail "$folder has mode $mode, not 1777 (a COPY sets the mode of the folders it brings)" "RUN chmod 1777 $folder"
done
