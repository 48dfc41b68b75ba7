#!/usr/bin/env bash
# Measure the base images: base-root beside what else is made of Debian's minbase, build times, and the memory that containers
# share. Prints Markdown.
#
# Usage: benches/images.sh [OPTION...]
#
#   --only LIST     some measurements only, comma-separated: sizes, builds, memory
#   --stages LIST   the stages of `builds`, comma-separated; default: all
#   -h, --help      print this text
#
# sizes    raw is the root file system as a tar file, gz that through gzip -n6. The peers are made here by debootstrap from the same
#          archive: minbase as it comes (its .deb files and lists removed), minbase with the files left out that
#          Debian's slim variant leaves out, and minbase trimmed as minideb's mkimage does it.
# builds   cold: from nothing (the root file system too, docker's cache unused; cargo's and the crates are there), one stage
#          after the other. warm: everything once more with nothing changed.
# memory   the pages of /usr/bin/wrapper in N containers in maintenance: Rss counts them in each that maps them, Pss once.
#
# Needs root and Docker; takes ten minutes or more. MIRROR as for dbuild.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
. "$ROOT/scripts/archive.sh"
. "$ROOT/vars.sh"

measures=(sizes builds memory)
stages=("${STAGES[@]%%:*}")
while [ $# -gt 0 ]; do
    case $1 in
        --only | --stages) [ $# -gt 1 ] || usage_error "$1 wants a value" ;;&
        --only) IFS=, read -ra measures <<<"$2"; shift ;;
        --stages) IFS=, read -ra stages <<<"$2"; shift ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$1'" ;;
    esac
    shift
done
for measure in "${measures[@]}"; do
    is_one_of "$measure" sizes builds memory || usage_error "unknown measurement '$measure'" "known: sizes, builds, memory"
done
[ "$(id -u)" = 0 ] || die "needs root, for debootstrap and smaps" "run: sudo $0"
need docker debootstrap gzip tar jq
cd "$ROOT"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/bench-images.XXXXXX")
containers=()
cleanup() {
    if [ ${#containers[@]} -gt 0 ]; then docker rm --force "${containers[@]}" >/dev/null; fi
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT

mb() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1e6 }'; }

# size_row NAME: the tar file on stdin as a row of the table.
size_row() {
    tee "$work/tar" | gzip -n6 | wc -c >"$work/gz"
    printf '| %s | %s | %s |\n' "$1" "$(mb "$(stat -c %s "$work/tar")")" "$(mb "$(<"$work/gz")")"
}

packed() { tar --create --sort=name --numeric-owner --one-file-system --directory "$1" --exclude='./dev/*' --exclude='./proc/*' .; }

sizes() {
    local rootfs=$work/minbase script=() image container
    image=${IMAGE_PREFIX}base-root:$VERSION
    docker image inspect "$image" >/dev/null 2>&1 || ./dbuild.sh root >&2
    [ -e "/usr/share/debootstrap/scripts/$SUITE" ] || script=(/usr/share/debootstrap/scripts/sid)
    say "debootstrap $SUITE"
    debootstrap --variant=minbase "$SUITE" "$rootfs" ${MIRROR:+"$MIRROR"} "${script[@]}" >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
    rm -rf "$rootfs"/var/cache/apt/*.bin "$rootfs"/var/cache/apt/archives/*.deb "$rootfs"/var/lib/apt/lists/*
    printf '| root file system | raw MB | gz MB |\n|---|---|---|\n'
    packed "$rootfs" | size_row "debootstrap minbase"

    cp -a "$rootfs" "$work/minideb"
    local folder
    for folder in usr/share/man var/cache/apt var/lib/apt/lists usr/share/locale var/log usr/share/info; do rm -rf "$work/minideb/$folder"; done
    find "$work/minideb/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
    rm -f "$work/minideb/var/cache/ldconfig/aux-cache"
    packed "$work/minideb" | size_row "minbase, trimmed as minideb does"

    find "$rootfs"/usr/share/{doc,info,linda,lintian,locale,man,omf,groff} -depth ! -type d ! -name copyright ! -name locale.alias -delete 2>/dev/null || true
    find "$rootfs/usr/share" -depth -type d -empty -delete
    packed "$rootfs" | size_row "minbase without what Debian's slim leaves out"

    container=$(docker create "$image")
    docker export "$container" | size_row "**base-root**, wrapper included"
    docker rm "$container" >/dev/null
    local stage
    for stage in "${names[@]:1}"; do
        image=${IMAGE_PREFIX}base-$stage:$VERSION
        docker image inspect "$image" >/dev/null 2>&1 || continue
        container=$(docker create "$image")
        docker export "$container" | size_row "base-$stage"
        docker rm "$container" >/dev/null
    done
}

builds() {
    local stage start
    printf '| build | seconds |\n|---|---|\n'
    start=$SECONDS
    scripts/build-wrapper.sh >/dev/null
    scripts/mkrootfs.sh --force >/dev/null
    printf '| the root file system, cold | %d |\n' $((SECONDS - start))
    for stage in "${stages[@]}"; do
        start=$SECONDS
        ./dbuild.sh --no-cache "$stage" >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
        printf '| %s, cold | %d |\n' "$stage" $((SECONDS - start))
    done
    ./dbuild.sh "${stages[@]}" >/dev/null 2>&1
    start=$SECONDS
    ./dbuild.sh "${stages[@]}" >/dev/null 2>&1
    printf '| %s of them, warm | %d |\n' "${#stages[@]}" $((SECONDS - start))
}

# mapped PID FIELD: kB of the wrapper's file in a process.
mapped() { awk -v field="$2:" '/^[0-9a-f]+-[0-9a-f]+ / { ours = /\/usr\/bin\/wrapper$/ } ours && $1 == field { sum += $2 } END { print sum + 0 }' "/proc/$1/smaps"; }

memory() {
    local image count container pid rss pss
    image=${IMAGE_PREFIX}base-root:$VERSION
    docker image inspect "$image" >/dev/null 2>&1 || ./dbuild.sh root >&2
    printf '| containers | Rss of the file, all of them, kB | Pss of it, all of them, kB |\n|---|---|---|\n'
    for count in 1 2 10 50; do
        while [ ${#containers[@]} -lt "$count" ]; do
            container=$(docker run --detach --network none "$image" maintenance)
            containers+=("$container")
            docker exec "$container" wrapper status >/dev/null
        done
        # Each gives its pages back when nothing has happened for a moment.
        sleep 2
        rss=0 pss=0
        for pid in $(docker inspect --format '{{.State.Pid}}' "${containers[@]}"); do
            rss=$((rss + $(mapped "$pid" Rss))) pss=$((pss + $(mapped "$pid" Pss)))
        done
        printf '| %d | %d | %d |\n' "$count" "$rss" "$pss"
    done
}

names=("${STAGES[@]%%:*}")
for measure in "${measures[@]}"; do
    printf '\n'
    "$measure"
done
