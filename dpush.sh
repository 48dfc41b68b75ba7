#!/usr/bin/env bash
# Push the base images to a registry.
#
# Usage: IMAGE_PREFIX=REGISTRY/[PATH/] ./dpush.sh [--force] [--no-latest] [--dry-run] [STAGE...]
#
# Without a stage: all of them. Everything is checked before anything is pushed: every image is there and was
# built from what is committed and checked out, and the registry has no other image under the same version. An image that is
# there already, the time of its build aside, is not pushed again.
# For each image one line on stdout: IMAGE@sha256:DIGEST.
#
#   --force       put this image in the place of another of the same version; push one that was built from
#                 something else than what is committed
#   --no-latest   push the version only, leave `latest` where it is. Without it `latest` follows, but never back to an older
#                 version, and never to a pre-release (1.2.3-rc.1)
#   --dry-run     check, and print what would be pushed
#   -h, --help    this text
#
# Environment:
#   IMAGE_PREFIX  the registry and path, as the images were built with
#   ENGINE        docker (default) or podman: whose images, and who pushes. Log in with it first where the registry asks.
#
# Exit codes: 0 pushed or there already, 1 an error, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
. "$ROOT/scripts/registry.sh"
. "$ROOT/vars.sh"

ENGINE=${ENGINE:-docker}
names=("${STAGES[@]%%:*}")
arguments=("$@")
wanted=() force='' latest=1 dry_run=''
while [ $# -gt 0 ]; do
    case $1 in
        --force) force=1 ;;
        --no-latest) latest='' ;;
        --dry-run) dry_run=1 ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -*)
            hint=$(nearest "$1" --force --no-latest --dry-run --help)
            usage_error "unknown option '$1'" ${hint:+"did you mean $hint?"} ;;
        *)
            known_stage "$1"
            is_one_of "$1" "${wanted[@]}" || wanted+=("$1") ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${names[@]}")
is_one_of "$ENGINE" docker podman || usage_error "unknown ENGINE '$ENGINE'" "known: docker, podman"
a_prefix "$IMAGE_PREFIX"
use_registry "$IMAGE_PREFIX"

if [ "$ENGINE" = docker ]; then reach_docker "$ROOT/dpush.sh" "${arguments[@]}"; fi
need_engine

# What an image is, less what changes from build to build of the same content (the digest of its base too: the base's own content
# is in the layers). From a configuration on stdin, the engine's or the registry's.
content='{layers: .rootfs.diff_ids, architecture: .architecture, config: ((.config // {}) |
    {User, Env, Entrypoint, Cmd, Labels, StopSignal, WorkingDir, ExposedPorts, Volumes, Healthcheck, OnBuild, Shell}
    | del(.Labels["org.opencontainers.image.base.digest"]?) | with_entries(select(.value | IN(null, "", [], {}) | not)))}'
local_content() {
    # podman's own inspect leaves out what OCI does not know, such as HEALTHCHECK.
    if [ "$ENGINE" = podman ]; then skopeo inspect --raw --config "containers-storage:$1"
    else docker image inspect "$1" | jq '.[0] | {rootfs: {diff_ids: .RootFS.Layers}, architecture: .Architecture, config: .Config}'
    fi | jq --sort-keys --compact-output "$content"
}

# published IMAGE: its content in the registry; nothing when it is not there.
published() {
    local answer
    answer=$(configuration_of "$1")
    [ -z "$answer" ] || jq --sort-keys --compact-output "$content" <<<"$answer"
}

push() { # IMAGE
    local log=$work/push
    if [ "$ENGINE" = podman ]; then podman push "${plain[@]}" "$1" 2>&1; else docker push "$1" 2>&1; fi | tee "$log" >&2 \
        || refused "$1 was not pushed; what was pushed before it stays, and the same command goes on from there" "$(cat "$log")"
}

# latest_of STAGE DIGEST: `latest` goes to this image, but never back to an older version, and never to a pre-release.
latest_of() {
    local name=${IMAGE_PREFIX}base-$1 there
    if [[ $VERSION == *-* ]]; then return; fi
    there=$(configuration_of "$name:latest" | jq -r '.config.Labels["org.opencontainers.image.version"] // ""')
    if [ -n "$there" ] && [ "$(printf '%s\n' "$there" "$VERSION" | sort --version-sort | tail -n 1)" != "$VERSION" ]; then
        say "$name:latest stays at $there"
        return
    fi
    there=$(digest_of "$name:latest")
    [ "$there" = "$2" ] || give_tag "$name" "$2" latest
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=() unclean=() stale=()
for stage in "${wanted[@]}"; do
    image=${IMAGE_PREFIX}base-$stage:$VERSION
    if ! revision=$("$ENGINE" image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$image" 2>/dev/null); then
        missing+=("$image")
        continue
    fi
    committed=$(revision_of "$stage")
    case $revision in
        *-dirty | '' | '<no value>') unclean+=("$image") ;;
        "${committed%-dirty}") ;;
        *) [ "$committed" = unknown ] || stale+=("$image") ;;
    esac
done
[ ${#missing[@]} = 0 ] || die "not built: ${missing[*]}" "build first, with the same IMAGE_PREFIX: ./dbuild.sh ${wanted[*]}"
[ ${#unclean[@]} = 0 ] || [ -n "$force" ] || die "built from files that were not committed: ${unclean[*]}" \
    "nobody could build them again: commit, build, and push then. --force pushes them all the same"
[ ${#stale[@]} = 0 ] || [ -n "$force" ] || die "built from another commit than the one that is checked out: ${stale[*]}" \
    "build them again: ./dbuild.sh ${wanted[*]}. --force pushes them all the same"

declare -A state
for stage in "${wanted[@]}"; do
    image=${IMAGE_PREFIX}base-$stage:$VERSION
    there=$(published "$image")
    if [ -z "$there" ]; then state[$stage]=new
    elif [ "$there" = "$(local_content "$image")" ]; then state[$stage]=same
    elif [ -n "$force" ]; then state[$stage]=replace
    else
        die "the registry has another $image ($(digest_of "$image"))" \
            "a version does not change: raise VERSION in vars.sh and Cargo.toml, or replace it with --force"
    fi
done

for stage in "${wanted[@]}"; do
    image=${IMAGE_PREFIX}base-$stage:$VERSION
    say "$image: ${state[$stage]}"
    [ -z "$dry_run" ] || continue
    [ "${state[$stage]}" = same ] || push "$image"
    digest=$(digest_of "$image")
    [ -z "$latest" ] || latest_of "$stage" "$digest"
    echo "${IMAGE_PREFIX}base-$stage@$digest"
done
