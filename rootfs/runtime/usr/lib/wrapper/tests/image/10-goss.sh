#!/bin/bash
# goss finds what is so, and what is not. (The suite's goss files may be run by another engine.)
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash

output=$(goss --gossfile - validate <<<'file: {/etc/passwd: {exists: true, owner: root}}' 2>&1) || fail "$output"
code=0
output=$(goss --gossfile - validate <<<'file: {/etc/passwd: {exists: false}}' 2>&1) || code=$?
[[ $code = 1 && $output == *'Failed: 1'* ]] || fail "exit code $code: $output"
