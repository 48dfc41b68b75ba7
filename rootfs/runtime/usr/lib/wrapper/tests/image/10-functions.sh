#!/bin/sh
# The shell functions for AWS and Kubernetes load in dash, in bash and in a login shell, and explain themselves.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

for shell in 'dash -euc' 'bash -euo pipefail -c'; do
    # shellcheck disable=SC2086  # words
    said=$($shell '. /usr/lib/image/functions.sh; aws_help; k8s_help; k8s_api --help' 2>&1) \
        || fail "$shell cannot load /usr/lib/image/functions.sh: $said" "take it from base-runtime again: /usr/lib/image/functions.sh and /usr/lib/image/functions"
    for name in aws_imds k8s_wait_pod 'Usage: k8s_api'; do
        case $said in
            *"$name"*) ;;
            *) fail "$shell: the help does not name $name; it says: $said" ;;
        esac
    done
done
bash -lc 'k8s_help' >/dev/null || fail "a login shell has no k8s_help" "is /etc/profile.d/image-functions.sh gone, or not read by /etc/profile?"
