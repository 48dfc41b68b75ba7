#!/bin/bash
# A login shell finds what any other process of the container finds: nothing of the image's PATH is lost.
# shellcheck disable=SC2016  # for the inner shell
set -euo pipefail
fail() { printf '%s\n' "$@" >&2; exit 1; }

for shell in bash dash; do
    found=$("$shell" -lc 'printf %s "$PATH"') || fail "$shell -l does not start"
    IFS=: read -r -a folders <<<"$PATH"
    for folder in "${folders[@]}"; do
        [[ :$found: == *":$folder:"* ]] || fail "$shell -l has lost $folder; its PATH is $found" \
            "a file in /etc/profile.d sets PATH anew, or /etc/profile is no longer base-runtime's: let it add to PATH"
    done
done
env -u PATH /bin/dash -lc 'command -v ifconfig' >/dev/null || fail "a login shell that was given no PATH finds no ifconfig"
