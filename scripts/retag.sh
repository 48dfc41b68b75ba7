#!/usr/bin/env bash
# Give images that are in the registry further tags, such as 1.2 and stable for 1.2.3. Nothing is pulled, built or sent: the
# registry gets a name for what it has.
#
# Usage: IMAGE_PREFIX=REGISTRY/[PATH/] scripts/retag.sh [OPTION...] TAG...
#
# Everything is checked before any tag moves: each image is there, and no version's tag would come to another image. A tag
# that is right already stays. For each image one line on stdout, as dpush.sh prints it: IMAGE@sha256:DIGEST.
#
#   --version TAG   the images with this tag, of every stage; default: VERSION in vars.sh
#   --from FILE     the images listed in FILE, a line each, IMAGE@sha256:DIGEST; - for stdin. IMAGE_PREFIX is not looked at
#   --stage STAGE   this stage only; may be repeated
#   --force         move the tag of a version (1.2.3, 1.2.3-rc.1) too. Other tags (1.2, stable, latest) move without it, back as well
#   --dry-run       check, and print what would move
#   -h, --help      this text
#
# Examples:
#   scripts/retag.sh 1.2 stable                      # VERSION's images, all stages
#   scripts/retag.sh --version 1.2.2 stable          # back to the one before
#   ./dpush.sh | scripts/retag.sh --from - nightly   # what was just pushed, by digest
#
# Environment:
#   IMAGE_PREFIX  the registry and path, as the images were pushed with
#
# Exit codes: 0 the tags are there, 1 an error, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/registry.sh"
. "$ROOT/vars.sh"

names=("${STAGES[@]%%:*}")
tags=() stages=() version='' from='' force='' dry_run=''

a_tag() { [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || usage_error "'$1' is no tag" "letters, digits, _ . and -, at most 128, no . or - first"; }

while [ $# -gt 0 ]; do
    word=$1 value=''
    shift
    case $word in
        --version=* | --from=* | --stage=*) value=${word#*=} word=${word%%=*}
            [ -n "$value" ] || usage_error "$word wants a value" ;;
        --version | --from | --stage)
            [ -n "${1-}" ] || usage_error "$word wants a value"
            value=$1
            shift ;;
    esac
    case $word in
        --version) a_tag "$value"; version=$value ;;
        --from) from=$value ;;
        --stage)
            known_stage "$value"
            is_one_of "$value" "${stages[@]}" || stages+=("$value") ;;
        --force) force=1 ;;
        --dry-run) dry_run=1 ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -*)
            hint=$(nearest "${word%%=*}" --version --from --stage --force --dry-run --help)
            usage_error "unknown option '$word'" ${hint:+"did you mean $hint?"} ;;
        *) a_tag "$word"; is_one_of "$word" "${tags[@]}" || tags+=("$word") ;;
    esac
done
[ ${#tags[@]} -gt 0 ] || usage_error "which tag should they get?"
[ -z "$from" ] || [ -z "$version" ] || usage_error "--from and --version both say which images" "give one of them"
[ -z "$from" ] || [ ${#stages[@]} = 0 ] || usage_error "--from and --stage both say which images" "give one of them"

# The images, as name and digest.
images=() digests=()
if [ -n "$from" ]; then
    read_pushed "$from"
else
    a_prefix "$IMAGE_PREFIX"
    use_registry "$IMAGE_PREFIX"
    [ ${#stages[@]} -gt 0 ] || stages=("${names[@]}")
    images=("${stages[@]/#/${IMAGE_PREFIX}base-}")
fi

missing=()
for ((n = 0; n < ${#images[@]}; n++)); do
    if [ -n "$from" ]; then wanted=${images[n]}@${digests[n]}; else wanted=${images[n]}:${version:-$VERSION}; fi
    digest=$(digest_of "$wanted")
    [ -n "$digest" ] || missing+=("$wanted")
    digests[n]=$digest
done
[ ${#missing[@]} = 0 ] || die "not in the registry: ${missing[*]}" "push them first (./dpush.sh), or name another with --version; nothing was moved"

# Which tags have to move: as index, tag and where it is now. A version's tag is somebody's pinned image.
moves=()
for tag in "${tags[@]}"; do
    for ((n = 0; n < ${#images[@]}; n++)); do
        there=$(digest_of "${images[n]}:$tag")
        if [ "$there" = "${digests[n]}" ]; then
            say "${images[n]}:$tag: there already"
        elif [ -n "$there" ] && [ -z "$force" ] && [[ $tag =~ ^[0-9]+\.[0-9]+\.[0-9]+(-.*)?$ ]]; then
            die "${images[n]}:$tag is another image ($there)" "the tag of a version does not move; --force moves it all the same. Nothing was moved"
        else
            moves+=("$n $tag ${there:-new}")
        fi
    done
done
for move in "${moves[@]}"; do
    read -r n tag there <<<"$move"
    say "${images[n]}:$tag: $there -> ${digests[n]}${dry_run:+ (not done: --dry-run)}"
    [ -n "$dry_run" ] || give_tag "${images[n]}" "${digests[n]}" "$tag"
done
for ((n = 0; n < ${#images[@]}; n++)); do echo "${images[n]}@${digests[n]}"; done
