#!/usr/bin/env bash
# Build the release binary of the wrapper: static, for musl, without an interpreter.
#
# Usage: scripts/build-wrapper.sh [--target ARCH]
#
#   --target ARCH   x86_64 (amd64) or aarch64 (arm64); default: this machine's
#
# Result: build/wrapper-ARCH, and its path on stdout. Cargo decides whether there is anything to do. The paths of this
# machine's home and checkout are kept out of the binary, so that the same source gives the same bytes anywhere.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

arch=$(rust_arch "$(uname -m)") || die "no wrapper for $(uname -m)" "pass --target x86_64 or --target aarch64"
while [ $# -gt 0 ]; do
    case $1 in
        --target) [ $# -gt 1 ] || usage_error "--target wants an architecture"; word=$2; shift ;;
        --target=*) word=${1#*=} ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$1'" ;;
    esac
    arch=$(rust_arch "$word") || usage_error "unknown architecture '$word'" "known: x86_64 (amd64), aarch64 (arm64)"
    shift
done

need cargo readelf
target=$arch-unknown-linux-musl
cd "$ROOT"

cargo fetch --locked --quiet || die "cargo could not fetch the crates" "check the network, or a registry mirror in ~/.cargo/config.toml"
remap=("$ROOT=/wrapper")
for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do remap+=("${folder%/}=/crates"); done
flags=$(printf '"--remap-path-prefix=%s",' "${remap[@]}")
quiet=(--quiet)
if [ -t 2 ]; then quiet=(); fi
[ -e "build/wrapper-$arch" ] || say "compiling the wrapper for $arch (one to two minutes)"
cargo build --release --locked "${quiet[@]}" --bin wrapper --target "$target" --config "target.$target.rustflags=[${flags%,}]" \
    || die "cargo could not build the wrapper for $target" \
        "when the target is what is missing: rustup target add $target"

binary=${CARGO_TARGET_DIR:-target}/$target/release/wrapper
if readelf --program-headers --wide "$binary" | grep -q INTERP; then
    die "$binary is not static: it asks for an interpreter"
fi
if readelf --dynamic --wide "$binary" | grep -q NEEDED; then
    die "$binary is not static: it needs shared libraries"
fi

mkdir -p build
# Only a changed binary is copied, so that its time says when it changed.
cmp -s "$binary" "build/wrapper-$arch" || install -m 0755 "$binary" "build/wrapper-$arch"
say "wrapper for $arch: $(stat -c %s "build/wrapper-$arch") bytes, static"
echo "build/wrapper-$arch"
