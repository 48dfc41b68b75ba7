#!/usr/bin/env bash
# Measure the wrapper beside Debian's tini, tini-static, dumb-init and catatonit, and print one Markdown table.
#
# Usage: benches/init.sh [OPTION...]
#
#   --quick         a tenth of the rounds, 5 idle seconds, 1000 orphans: a look, not a result
#   --only LIST     some measurements only, comma-separated: startup, memory, idle, latency, reaping, file
#   --peers LIST    compare with these only, comma-separated; default: tini-static,tini,dumb-init,catatonit
#   --wrapper FILE  measure this binary; default: build the release binary. `none`: the peers alone
#   --json FILE     write the results to FILE too, for programs
#   -h, --help      print this text
#
# Result: the table on stdout, progress on stderr. In brackets: the ratio to tini-static (start-up), to catatonit
# (memory) or to the best of the peers (signals, reaping). A tick or a cross says whether the wrapper reaches its target.
# Values are medians over interleaved rounds. Run it on a quiet machine; it takes about five minutes, --quick one.
# Needs root: every program is PID 1 of a pid namespace of its own. docs/benchmarks.md says what is measured and how.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
. "$ROOT/benches/lib.sh"

measures=(startup memory idle latency reaping file)
known_peers=(tini-static tini dumb-init catatonit)
peers=("${known_peers[@]}")
options=()
wrapper=

while [ $# -gt 0 ]; do
    case $1 in
        --quick) options+=(--quick) ;;
        --only) value_of "$1" $#; each_known measurement "$2" "${measures[@]}"; options+=(--only "$2"); shift ;;
        --peers) value_of "$1" $#; each_known peer "$2" "${known_peers[@]}"; IFS=, read -ra peers <<<"$2"; shift ;;
        --wrapper) value_of "$1" $#; wrapper=$2; shift ;;
        --json) value_of "$1" $#; options+=(--json "$(realpath -m -- "$2")"); shift ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$1'" ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || die "each program has to be PID 1 of its own namespace, which needs root" "run: sudo $0"
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
"$harness" inits "${options[@]}" --work "$work" "${subjects[@]}"
