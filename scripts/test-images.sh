#!/usr/bin/env bash
# Run the image suite of every base image in every way that people run containers, and print a table of it.
#
# Usage: scripts/test-images.sh [STAGE...]
#
# Without a stage: all of them. The images are those that ./dbuild.sh built. Ways, all but the first two read-only and without network:
#   root         as root
#   USER         as the image's own user
#   read-only    as the image's own user
#   any-uid      as a uid and gid that no file of the image knows
#   restricted   the same, without capabilities and new privileges: a pod of the restricted standard
#
# A row passes when there are checks, all of them pass, and those that the parent's image has are among them. A line a row on stdout:
# stage, way, result, number of checks. What failed is told on stderr.
#
# Environment:
#   ENGINE         docker (default) or podman
#   IMAGE_PREFIX   as the images were built with
#
# Exit codes: 0 all passed, 1 one did not, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/vars.sh"

ENGINE=${ENGINE:-docker}
names=("${STAGES[@]%%:*}")
arguments=("$@")
wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) help_of "$0"; exit 0 ;;
        -*) usage_error "unknown option '$1'" ;;
        *)
            known_stage "$1"
            is_one_of "$1" "${wanted[@]}" || wanted+=("$1") ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${names[@]}")
is_one_of "$ENGINE" docker podman || usage_error "unknown ENGINE '$ENGINE'" "known: docker, podman"
if [ "$ENGINE" = docker ]; then reach_docker "$ROOT/scripts/test-images.sh" "${arguments[@]}"; fi
need_engine
need jq

# podman puts file systems of its own into a read-only container unless told not to, and asks for more files than some
# machines may grant.
read_only=(--read-only) limits=()
[ "$ENGINE" != podman ] || read_only+=(--read-only-tmpfs=false)
[ "$ENGINE" != podman ] || limits+=(--ulimit nofile=1024:1024 --ulimit nproc=4096:4096)
ways=(root USER read-only any-uid restricted)
# options_of WAY: sets `options`, those of `docker run`.
options_of() {
    case $1 in
        root) options=(--user 0:0) ;;
        USER) options=() ;;
        read-only) options=("${read_only[@]}" --network none) ;;
        any-uid) options=("${read_only[@]}" --network none --user 123456:234567) ;;
        restricted) options=("${read_only[@]}" --network none --user 123456:234567 --cap-drop ALL --security-opt no-new-privileges) ;;
    esac
    options+=("${limits[@]}")
}

image_of() { echo "${IMAGE_PREFIX}base-$1:$VERSION"; }
parent_of() {
    local entry
    for entry in "${STAGES[@]}"; do
        if [ "${entry%%:*}" = "$1" ]; then echo "${entry#*:}"; fi
    done
}

# checks_of STAGE: the files of its image suite, one a line.
checks_of() { "$ENGINE" run --rm "${limits[@]}" "$(image_of "$1")" test image --format json </dev/null 2>/dev/null | jq -r '.results[].file' | sort --unique; }

missing=()
for stage in "${wanted[@]}"; do
    "$ENGINE" image inspect "$(image_of "$stage")" >/dev/null 2>&1 || missing+=("$(image_of "$stage")")
done
[ ${#missing[@]} = 0 ] || die "not built: ${missing[*]}" "build first, with the same IMAGE_PREFIX: ./dbuild.sh ${wanted[*]}"

failed=0
for stage in "${wanted[@]}"; do
    parent=$(parent_of "$stage") inherited=''
    if [ "$parent" != scratch ]; then
        "$ENGINE" image inspect "$(image_of "$parent")" >/dev/null 2>&1 || die "not built: $(image_of "$parent"), whose checks $stage has to pass as well" "./dbuild.sh $parent"
        inherited=$(checks_of "$parent" || true)
        [ -n "$inherited" ] || die "the image suite of $(image_of "$parent") could not be run: $ENGINE run --rm $(image_of "$parent") test"
    fi
    for way in "${ways[@]}"; do
        options_of "$way"
        code=0
        report=$("$ENGINE" run --rm "${options[@]}" "$(image_of "$stage")" test image --require --format json </dev/null) || code=$?
        result=passed
        files=$(jq -r '.results[].file' <<<"$report" 2>/dev/null | sort --unique || true)
        count=$(jq '.results | length' <<<"$report" 2>/dev/null || true)
        lost=$(comm -23 <(printf '%s' "${inherited:+$inherited$'\n'}") <(printf '%s\n' "$files") | paste -sd ' ')
        if [ $code -ne 0 ] || [ -z "$files" ]; then
            result=FAILED
            warn "$stage as $way: exit code $code of: $ENGINE run --rm ${options[*]} $(image_of "$stage") test image"
            jq -c '.results[] | select(.successful | not)' <<<"$report" >&2 2>/dev/null || printf '%s\n' "$report" >&2
        elif [ -n "$lost" ]; then
            result=FAILED
            warn "$stage as $way: checks of $parent that do not run in it: $lost"
        fi
        [ "$result" = passed ] || failed=1
        printf '%-12s %-11s %-7s %5s checks\n' "$stage" "$way" "$result" "${count:-0}"
    done
done
exit $failed
