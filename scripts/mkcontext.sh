#!/usr/bin/env bash
# Prepare what the image of a stage is built from, in a folder that holds nothing else.
#
# Usage: scripts/mkcontext.sh STAGE [--arch ARCH] [--base IMAGE[@DIGEST]] [--ca-bundle FILE]
#
#   --base        the parent's image, for the labels
#   --ca-bundle   certificates that a fetch stage trusts besides Debian's; default: BUILD_CA_BUNDLE, else what the
#                 machine's own bundle has besides
#
# Result: build/context/STAGE-ARCH with Dockerfile (Dockerfile.STAGE and the labels that change), overlay.tar (rootfs/STAGE; the
# wrapper and the version too for the stage root); for root, rootfs.tar; for a stage with a folder in fetch/, fetch.tar (that
# folder, vars.sh, ca.pem). Its path on stdout. Names sorted, owner root,
# modes 0755 and 0644, and one time, that of the rootfs: the umask and the time of a checkout do not reach the image.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"
. "$ROOT/vars.sh"

stage='' base='' ca_bundle='' arch=$(debian_arch "$(uname -m)") || die "no image for $(uname -m)" "pass --arch amd64 or --arch arm64"
while [ $# -gt 0 ]; do
    case $1 in
        --arch) [ $# -gt 1 ] || usage_error "--arch wants a value"
            arch=$(debian_arch "$2") || usage_error "unknown architecture '$2'" "known: amd64 (x86_64), arm64 (aarch64)"; shift ;;
        --base) [ $# -gt 1 ] || usage_error "--base wants an image"; base=$2; shift ;;
        --ca-bundle) [ $# -gt 1 ] || usage_error "--ca-bundle wants a file"; ca_bundle=$2; shift ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -*) usage_error "unknown option '$1'" ;;
        *) [ -z "$stage" ] || usage_error "one stage at a time"; stage=$1 ;;
    esac
    shift
done
[ -n "$stage" ] || usage_error "no stage named"
known_stage "$stage"
ca_bundle=${ca_bundle:-${BUILD_CA_BUNDLE-}}
[ -z "$ca_bundle" ] || ca_bundle=$(realpath -- "$ca_bundle")
cd "$ROOT"
[ -f "Dockerfile.$stage" ] || die "no Dockerfile.$stage in $ROOT"
need tar jq

rootfs=build/rootfs-$SUITE-$arch
wrapper=build/wrapper-$(rust_arch "$arch")
if [ "$stage" = root ]; then
    scripts/build-wrapper.sh --target "$arch" >/dev/null
    passed=()
    for name in MIRROR SECURITY_MIRROR KEYRING TMPDIR http_proxy https_proxy no_proxy; do
        if [ -n "${!name-}" ]; then passed+=("$name=${!name}"); fi
    done
    as_root env "${passed[@]}" scripts/mkrootfs.sh --arch "$arch" >&2
fi
other=''
[ "$arch" = "$(debian_arch "$(uname -m)")" ] || other="--platform linux/$arch "
[ -f "$rootfs.json" ] || die "no $rootfs.json: the stage '$stage' takes its time from it" "build the root first: ./dbuild.sh ${other}root"
epoch=$(jq -r .epoch "$rootfs.json")

context=build/context/$stage-$arch
overlay=$context/overlay
rm -rf "$context"
mkdir -p "$overlay"
if [ -d "rootfs/$stage" ]; then cp -r "rootfs/$stage/." "$overlay/"; fi
if [ "$stage" = root ]; then
    install -D "$wrapper" "$overlay/usr/bin/wrapper"
    echo "$VERSION" >"$overlay/usr/lib/image/version"
    echo "$epoch" >"$overlay/usr/lib/image/epoch" # the latest time that a file of our images may carry
    ln "$rootfs.tar" "$context/rootfs.tar" 2>/dev/null || cp --reflink=auto "$rootfs.tar" "$context/rootfs.tar"
fi
tar_repeatable "$overlay" "$context/overlay.tar" --mtime="@$epoch" --owner=0 --group=0 --mode='u=rwX,go=rX'
rm -rf "$overlay"

# Only a stage of the build that is not published gets to see this.
if [ -d "fetch/$stage" ]; then
    cp -r "fetch/$stage" "$context/fetch"
    cp vars.sh "$context/fetch/vars.sh"
    scripts/ca-bundle.sh ${ca_bundle:+"$ca_bundle"} >"$context/fetch/ca.pem"
    tar_repeatable "$context/fetch" "$context/fetch.tar" --mtime="@$epoch" --owner=0 --group=0 --mode='u=rwX,go=rX'
    rm -rf "$context/fetch"
fi

revision=$(revision_of "$stage")
{
    cat "Dockerfile.$stage"
    echo
    jq -r --arg version "$VERSION" --arg revision "$revision" --arg source "$SOURCE_URL" --arg stage "$stage" --arg base "$base" '
        {
            "org.opencontainers.image.version": $version,
            "org.opencontainers.image.revision": $revision,
            "org.opencontainers.image.created": .created,
            "org.opencontainers.image.source": $source,
            "org.opencontainers.image.base.name": ($base | split("@")[0] // ""),
            "org.opencontainers.image.base.digest": ($base | split("@")[1] // "")
        }
        + if $stage == "root" then .inrelease | with_entries(.key |= "wrapper.inrelease." + .) else {} end
        # Empty, and no label, but for this one: the base has inherited that of its own base.
        | [to_entries[] | select(.value != "" or ($base != "" and (.key | endswith(".base.digest")))) | "\(.key)=\(.value | @json)"] | "LABEL " + join(" \\\n      ")' "$rootfs.json"
} >"$context/Dockerfile"
echo "$context"
