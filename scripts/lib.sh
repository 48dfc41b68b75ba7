# shellcheck shell=bash
# Small helpers for every script. Source it after `set -euo pipefail`; it sets ROOT, the repository's folder, ME, the script's name, and
# `set -e` inside $(...), which bash forgets otherwise: VAR=$(f) then ends the script at f's first error (if VAR=$(f) does not).
# Messages go to stderr, so that stdout is only ever a script's result. Exit codes: 1 error, 2 usage.

shopt -s inherit_errexit
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
ME=${0##*/}

# say TEXT...: progress, for people.
say() { printf '%s: %s\n' "$ME" "$*" >&2; }

# warn TEXT...: worth reading, but the work goes on.
warn() { printf '%s: warning: %s\n' "$ME" "$*" >&2; }

# die TEXT [HINT]: what went wrong and where; then what to do about it. Exits 1.
die() {
    printf '%s: error: %s\n' "$ME" "$1" >&2
    if [ $# -gt 1 ]; then printf '  %s\n' "${@:2}" >&2; fi
    exit 1
}

# usage_error TEXT [HINT]: the command line is wrong. Exits 2.
usage_error() {
    printf '%s: %s\n' "$ME" "$1" >&2
    if [ $# -gt 1 ]; then printf '  %s\n' "${@:2}" >&2; fi
    printf "  '%s --help' explains the command line\n" "$ME" >&2
    exit 2
}

# help_of FILE: print the script's own header comment, without the marks; the header is the help.
help_of() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$1"; }

# have COMMAND: is it installed?
have() { command -v "$1" >/dev/null 2>&1; }

# need COMMAND...: stop unless every one is installed, and name them all.
need() {
    local command missing=()
    for command; do have "$command" || missing+=("$command"); done
    [ ${#missing[@]} = 0 ] || die "not installed: ${missing[*]}" "run $ROOT/scripts/setup.sh build"
}

# as_root COMMAND...: run it as root, through sudo where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo; then sudo -- "$@"
    else die "'$1' needs root and there is no sudo" "run $ME as root"
    fi
}

# is_one_of WORD CANDIDATE...: exact comparison; `grep -w` would take run-jre for run.
is_one_of() {
    local word=$1 candidate
    shift
    for candidate; do [ "$candidate" != "$word" ] || return 0; done
    return 1
}

# nearest WORD CANDIDATE...: print the candidate with the least edit distance, when it is near enough to be meant.
nearest() {
    awk -v word="$1" 'BEGIN {
        best = int(length(word) / 3) + 2
        for (n = 1; n < ARGC; n++) {
            d = distance(word, ARGV[n])
            if (d < best) { best = d; name = ARGV[n] }
        }
        if (name != "") print name
        exit
    }
    function distance(a, b,    i, j, d, cost) {
        for (i = 0; i <= length(a); i++) d[i, 0] = i
        for (j = 0; j <= length(b); j++) d[0, j] = j
        for (i = 1; i <= length(a); i++)
            for (j = 1; j <= length(b); j++) {
                cost = substr(a, i, 1) != substr(b, j, 1)
                d[i, j] = min(d[i-1, j] + 1, min(d[i, j-1] + 1, d[i-1, j-1] + cost))
            }
        return d[length(a), length(b)]
    }
    function min(x, y) { return x < y ? x : y }' "${@:2}"
}

# known_stage WORD [HINT...]: stop unless vars.sh, which is sourced, has such a stage.
known_stage() {
    local names=("${STAGES[@]%%:*}") hint
    if is_one_of "$1" "${names[@]}"; then return; fi
    hint=$(nearest "$1" "${names[@]}")
    usage_error "unknown stage '$1'" ${hint:+"did you mean $hint?"} "stages: ${names[*]}" "${@:2}"
}

# revision_of STAGE: the last commit that changed what goes into the stage's image, not the last of all: the image changes only when
# its content may. With -dirty behind it when something there is not committed, what git was told to overlook included; `unknown` outside git.
revision_of() {
    local revision sources=(vars.sh scripts/{archive,lib,mkcontext}.sh "Dockerfile.$1" "rootfs/$1" "fetch/$1")
    [ "$1" != root ] || sources+=(scripts/{build-wrapper,mkrootfs}.sh src crates build.rs Cargo.toml Cargo.lock .cargo)
    if ! have git || ! git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
        echo unknown
        return
    fi
    revision=$(git -C "$ROOT" log -1 --format=%H -- "${sources[@]}")
    [ -z "$(git -C "$ROOT" -c core.fileMode=true status --porcelain --untracked-files=all --ignored -- "${sources[@]}")" ] || revision+=-dirty
    echo "$revision"
}

# names_registry NAME: does NAME, a prefix or an image, name a registry? As docker reads it: its first part has a dot or a port in it,
# or is localhost.
names_registry() { [[ $1 == */* && (${1%%/*} == *[.:]* || ${1%%/*} == localhost) ]]; }

# a_prefix PREFIX: stop when it would run into the image's name; registry/path/ and registry/path/team- are fine.
a_prefix() {
    [[ $1 != *[[:alnum:]] ]] || usage_error "IMAGE_PREFIX has no / at its end: '$1'" "the image would be ${1}base-root; did you mean IMAGE_PREFIX=$1/ ?"
}

# need_engine: stop unless $ENGINE is installed and answers.
need_engine() {
    local answer
    have "$ENGINE" || die "$ENGINE is not installed" "run $ROOT/scripts/setup.sh build, or choose another with ENGINE="
    if ! answer=$("$ENGINE" info 2>&1 >/dev/null); then
        die "$ENGINE does not answer: $(tail -n 1 <<<"$answer")" "start it ($ROOT/scripts/setup.sh build), or choose another with ENGINE="
    fi
}

# debian_arch and rust_arch: one machine, two names. Both take either name, and `docker --platform`s too.
debian_arch() {
    case ${1#linux/} in
        amd64 | x86_64) echo amd64 ;;
        arm64 | arm64/v8 | aarch64) echo arm64 ;;
        *) return 1 ;;
    esac
}
rust_arch() {
    case $(debian_arch "$1") in
        amd64) echo x86_64 ;;
        arm64) echo aarch64 ;;
        *) return 1 ;;
    esac
}

# reach_docker SCRIPT ARGUMENT...: when the engine answers root but not us, run the script again as a member of its group.
# Nothing happens where it answers already, or where that did not help.
reach_docker() {
    if [ "$(id -u)" = 0 ] || [ -n "${REACHED_DOCKER-}" ] || docker version >/dev/null 2>&1 || ! have sudo; then return; fi
    if ! getent group docker >/dev/null; then return; fi
    # sudo has a PATH and a HOME of its own, whatever it preserves.
    exec sudo --preserve-env --user="$(id -un)" --group=docker -- env HOME="$HOME" PATH="$PATH" REACHED_DOCKER=1 "$@"
}
