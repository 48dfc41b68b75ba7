#!/usr/bin/env bash
# Measure `wrapper test` beside bats, run-parts and a loop of sh, with 1, 10, 100 and 1000 checks, and print a table.
#
# Usage: benches/test.sh [OPTION...]
#
#   --quick         a tenth of the rounds: a look, not a result
#   --only LIST     some measurements only, comma-separated: speed, memory
#   --peers LIST    compare with these only, comma-separated; default: sh,run-parts,bats
#   --wrapper FILE  measure this binary; default: build the release binary. `none`: the peers alone
#   --json FILE     write the results to FILE too, for programs
#   -h, --help      print this text
#
# Result: the table on stdout, progress on stderr. In brackets: the ratio to the launcher, which starts the same files one after
# the other, waits for each, and does nothing else: the checks themselves. A tick or a cross says whether the wrapper
# reaches its target. Values are medians over interleaved rounds. Run it on a quiet machine; it takes about five minutes,
# --quick two. Needs root for a pid namespace, with few processes in its /proc, as in a container. docs/benchmarks.md
# says what is measured and how.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
. "$ROOT/benches/lib.sh"

known_peers=(sh run-parts bats)
peers=("${known_peers[@]}")
options=()
wrapper=

while [ $# -gt 0 ]; do
    case $1 in
        --quick) options+=(--quick) ;;
        --only) value_of "$1" $#; each_known measurement "$2" speed memory; options+=(--only "$2"); shift ;;
        --peers) value_of "$1" $#; each_known peer "$2" "${known_peers[@]}"; IFS=, read -ra peers <<<"$2"; shift ;;
        --wrapper) value_of "$1" $#; wrapper=$2; shift ;;
        --json) value_of "$1" $#; options+=(--json "$(realpath -m -- "$2")"); shift ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$1'" ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || die "the runners get a pid namespace of their own, which needs root" "run: sudo $0"
have cargo || die "cargo is not installed" "run: scripts/setup.sh bench"

subjects=()
missing=()
for peer in "${peers[@]}"; do
    if file=$(command -v "$peer"); then subjects+=("$peer=$file"); else missing+=("$peer"); fi
done
[ ${#missing[@]} = 0 ] || die "not installed: ${missing[*]}" "run: scripts/setup.sh bench" \
    "or compare with fewer: --peers LIST"
if [ "$wrapper" != none ]; then
    wrapper=$(wrapper_to_measure "$wrapper")
    subjects=("wrapper=$wrapper" "${subjects[@]}")
fi
harness=$(build_harness)

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
say_load
unshare --pid --fork --kill-child --mount-proc \
    "$harness" checks "${options[@]}" --work "$work" "${subjects[@]}"
