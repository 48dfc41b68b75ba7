#!/bin/sh
# python3 makes a virtual environment with its own pip.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

# Through Python, since a read-only container has only noexec directories to write to.
output=$(python3 -m venv environment 2>&1) || { findmnt --noheadings --output OPTIONS --target . | grep -qw noexec || fail "$output"; }
[ -e environment/bin/python3 ] || fail "no environment: $output"
