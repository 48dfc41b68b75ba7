#!/usr/bin/env bash
# Build the base images.
#
# Usage: ./dbuild.sh [OPTION...] [STAGE...] [-- BUILD-OPTION...]
#
# Without a stage: all of them, parents first. Options and stages may come in any order.
#
#   --with-parents    build the parents of the named stages too
#   -j, --jobs N      build up to N stages of the same depth at once; default 1
#   --dry-run         print the commands, run none
#   --list            print a line a stage: stage, image, parent's image
#   --metadata FILE   write what was built, as JSON: stage, image, id, layers, size, created
#   --ca-bundle FILE  certificates in PEM that a fetch from the Internet trusts besides Debian's, where the network intercepts TLS;
#                     none of them gets into an image. Default: what this machine's own bundle has besides Debian's
#   -h, --help        this text
#
# Known options of `docker build` are passed on, with their values: --no-cache, --build-arg NAME=VALUE, --label,
# --network, --add-host, --progress, --platform, --secret, --ssh, --cache-from, --memory, --ulimit, --quiet and some more.
# Any other goes behind `--`.
#
# Environment:
#   ENGINE            docker (default), podman or buildah
#   IMAGE_PREFIX      in front of each image name; default none
#   BUILD_CA_BUNDLE   as --ca-bundle
#   http_proxy, https_proxy, no_proxy
#                     reach the builds, and are in no image
#   MIRROR            the Debian archive to use; see scripts/mkrootfs.sh --help
#
# An image is tagged VERSION and latest; one for another architecture (--platform linux/arm64) VERSION-arm64 only.
#
# Exit codes: 0 built, 1 an error, 2 the command line is wrong. When a build fails the earlier image keeps its name.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
. "$ROOT/vars.sh"

ENGINE=${ENGINE:-docker}
# Options of `docker build`: those that take a value, those that do not, and those that this script sets.
WITH_VALUE=(--add-host --annotation --build-arg --build-context --cache-from --cache-to --cgroup-parent --cpu-period --cpu-quota
    -c --cpu-shares --cpuset-cpus --cpuset-mems --isolation --label -m --memory --memory-swap --network --platform
    --progress --secret --security-opt --shm-size --ssh --ulimit -v --volume)
WITHOUT_VALUE=(--compress --force-rm --no-cache --quiet -q --rm)
RESERVED=(-f --file -t --tag --target -o --output --iidfile --timestamp --format)

image_of() { if [ "$1" = scratch ]; then echo scratch; else echo "${IMAGE_PREFIX}base-$1"; fi; }
parent_of() {
    local entry
    for entry in "${STAGES[@]}"; do
        if [ "${entry%%:*}" = "$1" ]; then echo "${entry#*:}"; fi
    done
}
depth_of() { if [ "$1" = scratch ]; then echo 0; else echo $(($(depth_of "$(parent_of "$1")") + 1)); fi; }

list() {
    local entry parent
    for entry in "${STAGES[@]}"; do
        parent=$(image_of "${entry#*:}")
        [ "$parent" = scratch ] || parent+=:$VERSION
        printf '%s %s %s\n' "${entry%%:*}" "$(image_of "${entry%%:*}"):$VERSION" "$parent"
    done | column -t
}

names=("${STAGES[@]%%:*}")
arguments=("$@")
wanted=() options=() with_parents='' jobs=1 dry_run='' metadata='' platform='' ca_bundle=''
while [ $# -gt 0 ]; do
    word=$1 value='' attached=''
    shift
    case $word in
        --?*=*) attached=1 value=${word#*=} word=${word%%=*} ;;
        -j[0-9]*) attached=1 value=${word#-j} word=-j ;;
    esac
    if is_one_of "$word" -j --jobs --metadata --ca-bundle "${WITH_VALUE[@]}"; then
        if [ -z "$attached" ]; then
            [ $# -gt 0 ] || usage_error "$word wants a value"
            value=$1
            shift
        fi
    elif [ -n "$attached" ] && is_one_of "$word" --help --list --with-parents --dry-run; then
        usage_error "$word takes no value"
    fi
    case $word in
        -h | --help) help_of "$0"; exit 0 ;;
        --list) list; exit 0 ;;
        --with-parents) with_parents=1 ;;
        --dry-run) dry_run=1 ;;
        -j | --jobs)
            jobs=$value
            [[ $jobs =~ ^[1-9][0-9]*$ ]] || usage_error "$word wants a number from 1 on, not '$jobs'" ;;
        --metadata)
            metadata=$value
            [ -n "$metadata" ] || usage_error "--metadata wants a file" ;;
        --ca-bundle)
            ca_bundle=$value
            [ -n "$ca_bundle" ] || usage_error "--ca-bundle wants a file"
            "$ROOT/scripts/ca-bundle.sh" "$ca_bundle" >/dev/null || exit 1 ;;
        --) options+=("$@"); break ;;
        --pull) usage_error "--pull is not for these images" "the parent would be the registry's, not the one that was just built here; --no-cache builds anew" ;;
        -*)
            if is_one_of "$word" "${RESERVED[@]}"; then
                usage_error "$word is set by this script" "the name of an image comes from IMAGE_PREFIX and vars.sh"
            elif is_one_of "$word" "${WITH_VALUE[@]}"; then options+=("$word" "$value")
            elif is_one_of "$word" "${WITHOUT_VALUE[@]}"; then options+=("$word${attached:+=$value}")
            else
                hint=$(nearest "$word" --with-parents --jobs --dry-run --list --metadata --ca-bundle --help "${WITH_VALUE[@]}" "${WITHOUT_VALUE[@]}")
                usage_error "unknown option '$word'" ${hint:+"did you mean $hint?"} "another option of '$ENGINE build' goes behind --"
            fi
            [ "$word" != --platform ] || platform=$value ;;
        *)
            known_stage "$word"
            is_one_of "$word" "${wanted[@]}" || wanted+=("$word") ;;
    esac
done
a_prefix "$IMAGE_PREFIX"
is_one_of "$ENGINE" docker podman buildah || usage_error "unknown ENGINE '$ENGINE'" "known: docker, podman, buildah"
arch=$(debian_arch "${platform:-$(uname -m)}") || usage_error "no image for the platform '${platform:-$(uname -m)}'" "known: linux/amd64, linux/arm64"
# This machine's own images are VERSION and latest; another architecture's must not take their names.
tags=("$VERSION" latest)
[ "$arch" = "$(debian_arch "$(uname -m)")" ] || tags=("$VERSION-$arch")
tag=${tags[0]}

# The stages to build, in the order of vars.sh, which has parents first.
[ ${#wanted[@]} -gt 0 ] || wanted=("${names[@]}")
if [ -n "$with_parents" ]; then
    for stage in "${wanted[@]}"; do
        while stage=$(parent_of "$stage") && [ "$stage" != scratch ]; do wanted+=("$stage"); done
    done
fi
selected=()
for stage in "${names[@]}"; do
    if is_one_of "$stage" "${wanted[@]}"; then selected+=("$stage"); fi
done

# The time that an image carries: the archive's, in seconds.
epoch() { jq -r .epoch "$ROOT/build/rootfs-$SUITE-$arch.json" 2>/dev/null || echo 0; }

# context_of STAGE [DIGEST]: sets `context_command` to what makes its context; DIGEST is its parent's.
context_of() {
    local parent
    parent=$(parent_of "$1")
    context_command=("$ROOT/scripts/mkcontext.sh" "$1" --arch "$arch")
    [ "$parent" = scratch ] || context_command+=(--base "$(image_of "$parent"):$tag${2:+@$2}")
    [ -z "$ca_bundle" ] || context_command+=(--ca-bundle "$ca_bundle")
}

# command_of STAGE CONTEXT: sets `command` to the engine's command line.
command_of() {
    local image parent name
    image=$(image_of "$1") parent=$(parent_of "$1")
    command=("$ENGINE" build)
    # The docker format keeps HEALTHCHECK; the archive's time for all that the build makes, since the layers carry it.
    [ "$ENGINE" = docker ] || command+=(--format docker --identity-label=false --timestamp "$(epoch)")
    [ "$ENGINE" != buildah ] || command+=(--layers)
    command+=(--file "$2/Dockerfile" "${tags[@]/#/--tag=$image:}")
    [ "$parent" = scratch ] || command+=(--build-arg "PARENT=$(image_of "$parent"):$tag")
    # Known to every engine without an ARG, and kept out of the history.
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name-}" ] || command+=(--build-arg "$name")
    done
    command+=("${options[@]}" "$2")
}

if [ -n "$dry_run" ]; then
    for stage in "${selected[@]}"; do
        context_of "$stage"
        command_of "$stage" "$ROOT/build/context/$stage-$arch"
        printf '%q ' "${context_command[@]}" | sed 's/ $/\n/'
        printf '%q ' "${command[@]}" | sed 's/ $/\n/'
    done
    exit 0
fi

inspect() { # IMAGE: id, layers, size and creation as JSON
    if [ "$ENGINE" = buildah ]; then
        buildah inspect --type image "$1" | jq '{id: ("sha256:" + .FromImageID), layers: .OCIv1.rootfs.diff_ids, created: .OCIv1.created}'
    else
        "$ENGINE" image inspect "$1" | jq '.[0] | {id: (if .Id | startswith("sha256:") then .Id else "sha256:" + .Id end), layers: .RootFS.Layers, size: .Size, created: .Created}'
    fi
}

if [ "$ENGINE" = docker ]; then reach_docker "$ROOT/dbuild.sh" "${arguments[@]}"; fi
need_engine
need jq flock
for stage in "${selected[@]}"; do
    parent=$(parent_of "$stage")
    if [ "$parent" = scratch ] || is_one_of "$parent" "${selected[@]}"; then continue; fi
    inspect "$(image_of "$parent"):$tag" >/dev/null 2>&1 \
        || die "the stage '$stage' needs the image $(image_of "$parent"):$tag, which is not there" "build it too: ./dbuild.sh --with-parents $stage"
done

# One build at a time in a checkout: the contexts are shared.
mkdir -p "$ROOT/build"
# Told now, not after all the builds.
if [ -n "$metadata" ] && { [ -d "$metadata" ] || ! [ -w "$(dirname "$metadata")" ]; }; then
    die "cannot write --metadata $metadata" "it wants a file, in a folder that is there and that you may write to"
fi
exec {lock}>"$ROOT/build/.lock"
if ! flock --nonblock "$lock"; then
    say "waiting for another build in $ROOT"
    flock "$lock"
fi

# published_digest NAME: the digest that NAME:TAG of here has in the registry of its name, when it was pushed or pulled; else nothing.
# podman and buildah give a digest to what nobody has, too.
published_digest() {
    [ "$ENGINE" = docker ] || return 0
    docker image inspect "$1:$tag" | jq -r --arg name "$1@" '[.[0].RepoDigests[]? | select(startswith($name))][0] // "" | ltrimstr($name)'
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

build() { # STAGE
    local stage=$1 image parent context context_command command started=$SECONDS
    image=$(image_of "$stage"):$tag parent=$(parent_of "$stage")
    context_of "$stage" "$([ "$parent" = scratch ] || published_digest "$(image_of "$parent")")"
    context=$ROOT/$("${context_command[@]}") \
        || die "stage '$stage' was not built; $image is as it was"
    command_of "$stage" "$context"
    say "building $image"
    # For a BuildKit that knows them: a fixed time in the image's configuration, no attestation that differs each time.
    if [ "$ENGINE" = docker ]; then
        SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(epoch)}
        export SOURCE_DATE_EPOCH BUILDX_NO_DEFAULT_ATTESTATIONS=1
    fi
    "${command[@]}" || die "stage '$stage' was not built (${command[0]} build failed, see above); $image is as it was"
    inspect "$image" | jq --arg stage "$stage" --arg image "$image" '{stage: $stage, image: $image} + .' >"$results/$stage"
    say "built $image $(jq -r .id "$results/$stage") in $((SECONDS - started)) s"
}

deepest=0
for stage in "${selected[@]}"; do
    depth=$(depth_of "$stage")
    if [ "$depth" -gt "$deepest" ]; then deepest=$depth; fi
done
for ((depth = 1; depth <= deepest; depth++)); do
    level=()
    for stage in "${selected[@]}"; do
        if [ "$(depth_of "$stage")" = "$depth" ]; then level+=("$stage"); fi
    done
    for ((first = 0; first < ${#level[@]}; first += jobs)); do
        batch=("${level[@]:first:jobs}")
        if [ ${#batch[@]} = 1 ]; then
            build "${batch[0]}"
            continue
        fi
        pids=()
        for stage in "${batch[@]}"; do
            (build "$stage") > >(sed -u "s/^/[$stage] /") 2>&1 &
            pids+=($!)
        done
        failed=''
        for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
        [ -z "$failed" ] || die "not every stage was built, see above"
    done
done

if [ -n "$metadata" ]; then
    temporary=$(mktemp "$metadata.XXXXXX") || die "cannot write beside $metadata"
    jq -s . "${selected[@]/#/$results/}" >"$temporary"
    chmod 0644 "$temporary"
    mv "$temporary" "$metadata"
fi
