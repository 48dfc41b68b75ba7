#!/usr/bin/env bash
# Make the root file system of base-root: a minimal Debian, the same bytes from the same state of the archive (and the
# same files, times and modes with another version of debootstrap and tar).
#
# Usage: scripts/mkrootfs.sh [--arch ARCH] [--force] [--output FOLDER]
#
#   --arch ARCH       amd64 (x86_64) or arm64 (aarch64); default: this machine's. Another machine's needs qemu-user
#                     registered with binfmt_misc: `scripts/setup.sh test` does that.
#   --force           build also when nothing changed
#   --output FOLDER   default: build
#
# Environment:
#   MIRROR            the archive to use; it stays in the image's sources, since what is derived from the image is built in
#                     the same network. Default: debootstrap's own. By http, whose packages are signed: base-root has no
#                     certificates. No user and password in it: they would be in the image.
#   SECURITY_MIRROR   the security archive; default: MIRROR with -security at its end
#   KEYRING           keys that the archive's signatures are checked with; default: the package debian-archive-keyring's
#   TMPDIR            where to work, 700 MB, not mounted noexec or nodev; default /var/tmp
#   http_proxy        as usual, for wget and apt alike
#
# Result: FOLDER/rootfs-SUITE-ARCH.tar and .json (epoch, digests of the archive's InRelease files, packages, sizes).
# Both appear at the very end or not at all. When script, files, mirror and the archive's package lists are as they were, nothing
# is built; when the archive does not answer and the rest is as it was, the earlier one is kept, with a warning. Needs root.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"
. "$ROOT/vars.sh"

arch=$(debian_arch "$(uname -m)") || die "no Debian architecture known for $(uname -m)" "pass --arch amd64 or --arch arm64"
output=$ROOT/build force=
options=("$@")
while [ $# -gt 0 ]; do
    case $1 in
        --arch | --output) [ $# -gt 1 ] || usage_error "$1 wants a value" ;;&
        --arch) arch=$(debian_arch "$2") || usage_error "unknown architecture '$2'" "known: amd64 (x86_64), arm64 (aarch64)"; shift ;;
        --output) output=$2; shift ;;
        --force) force=1 ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$1'" ;;
    esac
    shift
done
need debootstrap wget tar gpgv jq unshare

# In a mount namespace of its own nothing stays mounted, whatever happens.
if [ "${MKROOTFS_INSIDE-}" != 1 ]; then
    [ "$(id -u)" = 0 ] || die "needs root, for chroot and device nodes" "sudo $0 ${options[*]}"
    MKROOTFS_INSIDE=1 exec unshare --mount --propagation private -- "$0" "${options[@]}"
fi

mirror=${MIRROR:-$(sed -n 's/^DEF_MIRROR="\([^"$]*\)"$/\1/p' "$(command -v debootstrap)" | head -n 1)}
mirror=${mirror%/}
security=${SECURITY_MIRROR:-$mirror-security}
security=${security%/}
for url in "$mirror" "$security"; do
    case $url in
        *://*@*) die "a mirror with a user or password would be readable in the image: ${url%%://*}://...@${url##*@}" "give it without, for example through a proxy" ;;
        http://*) ;;
        https://* | file:/*) die "an archive that the images cannot read: $url" "base-root has no certificates, and no folder of this machine; over http the archive's signatures are checked all the same" ;;
        *) die "not the address of an archive: '$url'" "set MIRROR (and SECURITY_MIRROR) to an http address" ;;
    esac
done

keyring=${KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
[ -r "$keyring" ] || die "no keyring at $keyring" "install the package debian-archive-keyring"
if [ "$arch" != "$(dpkg --print-architecture)" ] && ! grep -qs ^enabled "/proc/sys/fs/binfmt_misc/qemu-$(rust_arch "$arch")"; then
    die "this machine runs no programs for $arch" "let scripts/setup.sh test register qemu with binfmt_misc, or build on such a machine"
fi

umask 022
export LC_ALL=C DEBIAN_FRONTEND=noninteractive TZ=UTC
work=$(mktemp -d "${TMPDIR:-/var/tmp}/mkrootfs.XXXXXX")
target=$work/rootfs
trap 'cleanup' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cleanup() {
    local mounted
    while mounted=$(awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | tail -n 1) && [ -n "$mounted" ]; do
        umount "$mounted" || break
    done
    rm -rf --one-file-system "$work"
    rm -f "$output/.rootfs-$SUITE-$arch.tar.$$" "$output/.rootfs-$SUITE-$arch.json.$$"
}

# The part of an InRelease that a build depends on: the digests of its package lists. Its date moves four times a day.
lists_of() { awk -v lists="main/binary-$arch/Packages" '/^SHA256:/ { on = 1 } /^[A-Z].*:/ && !/^SHA256:/ { on = 0 } on && $3 == lists { print $1 }' "$@"; }

# What a rootfs is made from: our side, and with the archive's side. Equal inputs, nothing to do.
recipe=$({
    printf '%s\n' "$arch" "$SUITE" "$APP_USER" "$APP_UID" "$mirror" "$security"
    debootstrap --version
    cd "$ROOT"
    sha256sum scripts/mkrootfs.sh scripts/archive.sh
    find rootfs/root/etc rootfs/root/usr/sbin rootfs/root/usr/lib/image -type f | sort | xargs sha256sum
} | sha256sum | cut -d ' ' -f 1)
digest_of_inputs() { { echo "$recipe"; lists_of "$@" | sort; } | sha256sum | cut -d ' ' -f 1; }

tar_file=$output/rootfs-$SUITE-$arch.tar json_file=$output/rootfs-$SUITE-$arch.json
mkdir -p "$output"

fetch_release() { # ADDRESS FILE
    if wget --quiet --tries=2 --timeout=20 --output-document="$2" "$1"; then
        # Several keys sign; one known is enough, as for debootstrap.
        if gpgv --keyring "$keyring" --status-fd 1 "$2" 2>/dev/null | grep -q '^\[GNUPG:\] VALIDSIG '; then return; fi
        die "not signed by a key in $keyring: $1" "what answers is no Debian archive (a login page of the network?), or the keyring is too old:" \
            "update the package debian-archive-keyring, or pass a newer one with KEYRING="
    fi
    if [ -z "$force" ] && [ -e "$tar_file" ] && [ "$(jq -r .recipe "$json_file" 2>/dev/null)" = "$recipe" ]; then
        warn "the archive does not answer ($1): keeping the rootfs of $(jq -r .created "$json_file")"
        exit 0
    fi
    die "the archive does not answer: $1" "check the network and http_proxy, or set MIRROR to an archive that this machine reaches"
}
say "archive: $mirror, $security"
fetch_release "$mirror/dists/$SUITE/InRelease" "$work/1-InRelease"
fetch_release "$mirror/dists/$SUITE-updates/InRelease" "$work/2-InRelease"
fetch_release "$security/dists/$SUITE-security/InRelease" "$work/3-InRelease"
inputs=$(digest_of_inputs "$work"/[123]-InRelease)
if [ -z "$force" ] && [ -e "$tar_file" ] && [ "$(jq -r .inputs "$json_file" 2>/dev/null)" = "$inputs" ]; then
    say "unchanged: $tar_file"
    exit 0
fi

run_in() { chroot "$target" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LC_ALL=C TZ=UTC DEBIAN_FRONTEND=noninteractive HOME=/root \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} "$@"; }

# step TEXT COMMAND...: the output of a long step goes to a file, its end is shown when the step fails.
step() {
    say "$1"
    if ! "${@:2}" >"$work/log" 2>&1; then
        tail -q -n 15 "$work/log" >&2
        if [ -s "$target/debootstrap/debootstrap.log" ]; then tail -n 5 "$target/debootstrap/debootstrap.log" >&2; fi
        die "failed: $1" "the lines above are the end of its output; $(df -h --output=avail "$work" | tail -n 1 | tr -d ' ') are free in ${work%/*}"
    fi
}

# An older debootstrap has no script for the suite; all of Debian's are the same one.
script=()
[ -e "/usr/share/debootstrap/scripts/$SUITE" ] || script=(/usr/share/debootstrap/scripts/sid)

# lay FOLDER: this part of rootfs/root over the target; a checkout's umask does not count.
lay() {
    mkdir -p "$target/$1"
    rm -rf "$work/lay"
    cp -r "$ROOT/rootfs/root/$1" "$work/lay"
    chmod -R u=rwX,go=rX "$work/lay"
    cp -r --preserve=mode "$work/lay/." "$target/$1/"
}

# The rules for dpkg and apt come first, so that they hold for what debootstrap itself installs.
lay etc
step "debootstrap $SUITE for $arch (about a minute)" \
    debootstrap --variant=minbase --arch="$arch" --keyring="$keyring" --force-check-gpg --merged-usr "$SUITE" "$target" "$mirror" "${script[@]}"

lay usr/sbin
lay usr/lib/image
rm -f "$target/etc/apt/sources.list"
cat >"$target/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $SUITE $SUITE-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: $SUITE-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES

apt_options=(-qq -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0)
upgrade() {
    run_in apt-get "${apt_options[@]}" update && run_in apt-get "${apt_options[@]}" --yes dist-upgrade \
        && run_in apt-get "${apt_options[@]}" --yes autoremove --purge
}
step "updates and security fixes" upgrade

epoch=$(run_in /usr/lib/image/archive-epoch)
releases=("$target"/var/lib/apt/lists/*InRelease)
inputs=$(digest_of_inputs "${releases[@]}")
release_digests=$(for file in "${releases[@]}"; do
    printf '%s %s\n' "$(sed -n 's/^Codename: //p; /^Codename: /q' "$file")" "$(sha256sum <"$file" | cut -d ' ' -f 1)"
done | jq -Rn '[inputs | split(" ") | {(.[0]): ("sha256:" + .[1])}] | add')

say "account $APP_USER, no setuid, times and traces"
run_in useradd --key SYS_UID_MAX="$APP_UID" --system --uid "$APP_UID" --gid 0 --home-dir "/home/$APP_USER" --no-create-home --shell /bin/bash --comment "runs the application" "$APP_USER"
install -d -m 0775 -o "$APP_UID" -g 0 "$target/home/$APP_USER"

# By dpkg's own means, so that an upgrade of the package keeps it so; `dpkg-statoverride --list` is the list.
while read -r owner group mode path; do
    run_in dpkg-statoverride --update --add "$owner" "$group" "$(printf '%04o' $((0$mode & 0777)))" "$path"
done < <(cd "$target" && find . -xdev -type f -perm /6000 -printf '%u %g %m /%P\n' | sort -k 4)

# What debootstrap unpacked before dpkg could read its rules; OpenJDK's packages want the manuals' folders.
find "$target/usr/share/doc" -mindepth 1 \( -type f -o -type l \) ! -name copyright -delete
find "$target/usr/share/doc" -mindepth 1 -type d -empty -delete
find "$target"/usr/share/{man,info,groff,lintian,linda} -mindepth 1 -delete 2>/dev/null || true
find "$target/usr/share/locale" -mindepth 1 ! -name locale.alias -delete
mkdir -p "$target"/usr/share/man/man{1..8}
# Links to manuals that are not there. A package that replaces one in a derived image would delete it, and the mark that a
# layer holds for a deleted file carries the time of the build.
find "$target/etc/alternatives" -type l -name '*.gz' -delete

run_in /usr/lib/image/clean 0 "$epoch"
find "$target"/tmp "$target"/var/tmp -xdev -mindepth 1 -delete
find "$target"/var/log "$target"/run -xdev ! -type d -delete
echo localhost >"$target/etc/hostname"
: >"$target/etc/resolv.conf"
: >"$target/etc/machine-id"
chmod 0644 "$target"/etc/{hostname,resolv.conf,machine-id}
ln -sfn /usr/share/zoneinfo/Etc/UTC "$target/etc/localtime"
chmod 0755 "$target"

# What was mounted here: their times differ between versions of debootstrap, and clamping does not reach an earlier one.
touch --date "@$epoch" "$target"/{dev,proc,sys}

say "packing"
tar_repeatable "$target" "$output/.rootfs-$SUITE-$arch.tar.$$" --mtime="@$epoch" --clamp-mtime \
    --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
    || die "could not write $output/.rootfs-$SUITE-$arch.tar.$$" "$(df -h --output=avail "$output" | tail -n 1 | tr -d ' ') are free there"
# shellcheck disable=SC2016  # dpkg's variables, not the shell's
packages=$(run_in dpkg-query --show --showformat='${Package} ${Version} ${Architecture}\n' | jq -Rn '[inputs]')
jq -n --arg suite "$SUITE" --arg arch "$arch" --arg recipe "$recipe" --arg inputs "$inputs" --argjson epoch "$epoch" --argjson inrelease "$release_digests" \
    --arg sha256 "$(sha256sum <"$output/.rootfs-$SUITE-$arch.tar.$$" | cut -d ' ' -f 1)" --argjson packages "$packages" \
    --argjson bytes "$(stat -c %s "$output/.rootfs-$SUITE-$arch.tar.$$")" \
    '{suite: $suite, arch: $arch, epoch: $epoch, created: ($epoch | todate), inrelease: $inrelease, sha256: $sha256, bytes: $bytes, recipe: $recipe, inputs: $inputs, packages: $packages}' \
    >"$output/.rootfs-$SUITE-$arch.json.$$"
rm -f "$json_file"
if [ -n "${SUDO_UID-}" ]; then chown "$SUDO_UID:${SUDO_GID:-0}" "$output" "$output/.rootfs-$SUITE-$arch".*.$$; fi
mv "$output/.rootfs-$SUITE-$arch.tar.$$" "$tar_file"
mv "$output/.rootfs-$SUITE-$arch.json.$$" "$json_file"
say "made $tar_file: $(stat -c %s "$tar_file") bytes, archive of $(jq -r .created "$json_file")"
