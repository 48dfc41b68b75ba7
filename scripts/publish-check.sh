#!/usr/bin/env bash
# May this checkout be published as TAG? The one place that decides it; the CI workflow only asks.
#
# Usage: scripts/publish-check.sh [OPTION...] [TAG]
#
#   TAG               the tag to publish; default: VERSION in vars.sh
#   --remote NAME     the repository that everybody shares; default origin
#   --prefix PREFIX   look too whether PREFIX, the IMAGE_PREFIX to be, names a registry
#   -h, --help        this text
#
# Yes, when all of this holds:
#   - TAG is VERSION of vars.sh, letter by letter: MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH-PRERELEASE (1.2.3, 1.2.3-rc.1), no `v`;
#   - Cargo.toml, Cargo.lock and the newest version in CHANGELOG.md, `## [1.2.3] - YYYY-MM-DD`, say the same;
#   - the tag is here and in the remote, at the same commit;
#   - that commit is checked out, and nothing is changed or added; nothing is hidden from git but in build and target;
#   - it is on RELEASE_BRANCH of vars.sh, as the remote has it; a shallow clone cannot tell and is refused.
#
# Every reason against it is printed, not only the first. Yes prints VERSION and commit on stdout. Reads from the remote,
# and changes no file, branch or tag.
#
# Exit codes: 0 yes, 1 no, or it cannot be told, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/vars.sh"

tag='' remote=origin prefix='' with_prefix=''
while [ $# -gt 0 ]; do
    case $1 in
        --remote) [ $# -gt 1 ] || usage_error "--remote wants a name"; remote=$2; shift ;;
        --remote=*) remote=${1#*=} ;;
        --prefix) [ $# -gt 1 ] || usage_error "--prefix wants a value"; prefix=$2 with_prefix=1; shift ;;
        --prefix=*) prefix=${1#*=} with_prefix=1 ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -*)
            hint=$(nearest "${1%%=*}" --remote --prefix --help)
            usage_error "unknown option '$1'" ${hint:+"did you mean $hint?"} ;;
        *) [ -z "$tag" ] || usage_error "one tag at a time: '$tag' or '$1'"
            [ -n "$1" ] || usage_error "the tag is empty"
            tag=$1 ;;
    esac
    shift
done
[ -n "$tag" ] || tag=$VERSION
[ -n "$remote" ] || usage_error "--remote wants a name"

problems=0
# no TEXT HINT...: one more reason against it.
no() {
    printf '%s: no: %s\n' "$ME" "$1" >&2
    printf '  %s\n' "${@:2}" >&2
    problems=$((problems + 1))
}

# git without questions: a remote that wants a password is an error, not a prompt.
git() { GIT_TERMINAL_PROMPT=0 command git -C "$ROOT" "$@"; }

need git
top=$(git rev-parse --show-toplevel 2>&1) || die "$ROOT is not a git checkout: $top" "publish from a clone"
[ "$top" = "$ROOT" ] || die "$ROOT is inside another repository, $top" "publish from a clone of its own"

# The tag and the version, in every place that tells it.
number='(0|[1-9][0-9]*)'
[[ $VERSION =~ ^$number\.$number\.$number(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$ ]] \
    || no "VERSION in $ROOT/vars.sh is '$VERSION'" "it has to be MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH-PRERELEASE, such as 1.2.3"
if [ "$tag" != "$VERSION" ]; then
    hint="tag the commit whose vars.sh says VERSION=${tag#v}, or raise VERSION first"
    [ "$tag" != "v$VERSION" ] || hint="a tag has no 'v' here: git tag $VERSION $tag^{commit}"
    no "the tag is '$tag', VERSION in vars.sh is '$VERSION'" "$hint"
fi
in_manifest=$(sed -n '/^\[package\]/,/^\[[^p]/ s/^version *= *"\(.*\)".*/\1/p' "$ROOT/Cargo.toml" | head -n 1)
[ "$in_manifest" = "$VERSION" ] \
    || no "version in Cargo.toml is '$in_manifest', VERSION in vars.sh is '$VERSION'" "make them the same, commit, and tag that commit"
in_lock=$(grep -A 1 '^name = "wrapper"$' "$ROOT/Cargo.lock" | sed -n 's/^version = "\(.*\)"/\1/p' || true)
[ "$in_lock" = "$VERSION" ] \
    || no "version of wrapper in Cargo.lock is '$in_lock', VERSION in vars.sh is '$VERSION'" "cargo update --package wrapper, commit, and tag that commit"
newest=$(sed -n 's/^## \[\([0-9].*\)/\1/p' "$ROOT/CHANGELOG.md" | head -n 1)
[[ ${newest%%]*} == "$VERSION" && ${newest#*]} =~ ^\ -\ [0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] \
    || no "the newest version in CHANGELOG.md is '${newest:+[}$newest', VERSION in vars.sh is '$VERSION'" \
        "the entries of this version belong below a line '## [$VERSION] - $(date --utc +%F)'"

if [ -n "$with_prefix" ] && { ! names_registry "$prefix" || [[ $prefix == *[[:alnum:]] ]]; }; then
    no "IMAGE_PREFIX is '$prefix', which names no registry, or has no / at its end" "such as registry.example.com/team/, see docs/publishing.md"
fi

# What is checked out.
head=$(git rev-parse --verify --quiet HEAD) || die "nothing is committed in $ROOT" "publish from a clone"
commit=$(git rev-parse --verify --quiet "refs/tags/$tag^{commit}") || commit=''
if [ -z "$commit" ]; then
    no "there is no tag '$tag' in $ROOT" "git fetch --tags $remote, or make it: git tag $tag COMMIT"
elif [ "$commit" != "$head" ]; then
    no "the tag '$tag' is at ${commit:0:12}, checked out is ${head:0:12}" "git checkout $tag"
fi
# Modes count, whatever this clone is told to overlook.
changed=$(git -c core.fileMode=true status --porcelain --untracked-files=all)
[ -z "$changed" ] || no "not everything in $ROOT is committed: $(wc -l <<<"$changed") file(s)" "${changed%%$'\n'*}" "commit it and tag that commit, or remove it"
# What git overlooks could get into an image, but for the folders of this project's own .gitignore, where builds go.
ignored=$(git ls-files --others -i --exclude-standard -- ':!/build' ':!/target')
[ -n "$ignored" ] || ignored=$(find "$ROOT/rootfs" "$ROOT/fetch" -type d -empty 2>/dev/null || true)
[ -z "$ignored" ] || no "what git does not hold could get into an image: $(wc -l <<<"$ignored") file(s) or empty folder(s)" "${ignored%%$'\n'*}" "remove it"
hidden=$(git ls-files -v | grep -m 1 '^[a-zS] ' || true)
[ -z "$hidden" ] || no "git does not look whether ${hidden:2} is changed" "git update-index --no-assume-unchanged --no-skip-worktree ${hidden:2}"

# What everybody else sees.
if ! git remote get-url "$remote" >/dev/null 2>&1; then
    no "no remote '$remote': whether the tag was moved and the commit is on $RELEASE_BRANCH cannot be told" "remotes here: $(git remote | paste -sd ' ' | grep . || echo none)" "name the one that everybody shares with --remote"
elif ! refs=$(git ls-remote "$remote" "refs/heads/$RELEASE_BRANCH" "refs/tags/$tag" "refs/tags/$tag^{}" 2>&1); then
    no "the remote '$remote' did not answer: $(tail -n 1 <<<"$refs")" "check the network, and that you may read it: git ls-remote $remote"
else
    id_of() { awk -v name="$1" '$2 == name { print $1 }' <<<"$refs"; }
    # An annotated tag has a commit behind it; a clone may hold the commit alone under the same name, as CI's checkout does.
    there=$(id_of "refs/tags/$tag^{}")
    [ -n "$there" ] || there=$(id_of "refs/tags/$tag")
    if [ -z "$there" ]; then
        no "the remote '$remote' has no tag '$tag'" "git push $remote refs/tags/$tag"
    elif [ -n "$commit" ] && [ "$there" != "$commit" ]; then
        no "the tag '$tag' was moved: ${commit:0:12} here, ${there:0:12} in '$remote'" "a tag that others have seen stays where it is: raise VERSION and make a new one"
    fi
    tip=$(id_of "refs/heads/$RELEASE_BRANCH")
    if [ -z "$tip" ]; then
        no "the remote '$remote' has no branch '$RELEASE_BRANCH'" "RELEASE_BRANCH in vars.sh names the branch that versions are published from"
    elif [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        no "this is a shallow clone: whether ${head:0:12} is on $RELEASE_BRANCH cannot be told" "git fetch --unshallow $remote; in a CI workflow: fetch-depth: 0"
    elif ! git cat-file -e "$tip^{commit}" 2>/dev/null && ! answer=$(git fetch --quiet --no-tags --no-write-fetch-head --refmap= "$remote" "refs/heads/$RELEASE_BRANCH" 2>&1); then
        no "$RELEASE_BRANCH of '$remote' could not be fetched: $(tail -n 1 <<<"$answer")" "git fetch $remote $RELEASE_BRANCH"
    elif ! git merge-base --is-ancestor "${commit:-$head}" "$tip"; then
        no "${commit:0:12} is not on $RELEASE_BRANCH of '$remote', which is at ${tip:0:12}" "merge it into $RELEASE_BRANCH, push, and tag the commit there"
    fi
fi

if [ $problems -gt 0 ]; then
    say "$tag is not to be published: $problems reason(s), see above"
    exit 1
fi
say "$tag may be published"
echo "$VERSION $commit"
