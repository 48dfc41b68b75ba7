#!/usr/bin/env bash
# Install what building, testing and measuring need, on Debian or Ubuntu, and start a Docker engine.
#
# Usage: scripts/setup.sh [GROUP...]
#
#   build   compile the wrapper, make and build the images, run them; a Docker engine that answers (the default)
#   publish build, and what pushing images and their SBOM needs: skopeo, and pinned tools in build/sbom-tools
#   test    publish, and what ./test.sh needs: linters, bats, other inits to compare with, qemu, podman and buildah, protoc
#   bench   build, and what benches/ measures with
#
# Needs root or sudo where something is missing. Quick and silent on the network when all is there.
#
# Environment:
#   DOCKERD_LOG     where a Docker engine started here logs; default /var/log/dockerd.log
#   DOCKERD_WAIT    seconds to wait until it answers; default 60
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

groups=(build)
for word; do
    case $word in
        build) ;; # always
        publish | test | bench)
            [ "$word" != test ] || is_one_of publish "${groups[@]}" || groups+=(publish)
            is_one_of "$word" "${groups[@]}" || groups+=("$word") ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unknown group '$word'" "known: build, publish, test, bench" ;;
    esac
done
have apt-get || die "this is not Debian or Ubuntu: no apt-get" \
    "install by hand: debootstrap, a Docker engine, Rust with the musl targets, gcc, git, jq, binutils"

# tools_of GROUP: what it needs, as command=package; a path stands for a file. `a|b`: the first one that this system has.
tools_of() {
    case $1 in
        build)
            echo debootstrap=debootstrap /usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring
            echo wget=wget gpgv=gpgv tar=tar jq=jq git=git xz=xz-utils unshare=util-linux 'column=bsdextrautils|bsdmainutils'
            echo /etc/ssl/certs/ca-certificates.crt=ca-certificates
            echo gcc=gcc /usr/include/stdio.h=libc6-dev readelf=binutils
            echo dockerd=docker.io 'docker=docker-cli|docker.io' containerd=containerd runc=runc iptables=iptables ;;
        publish) echo skopeo=skopeo python3=python3-minimal /usr/share/doc/python3-venv=python3-venv ;;
        test)
            echo shellcheck=shellcheck bats=bats curl=curl python3=python3-minimal /usr/lib/python3/dist-packages/yaml/__init__.py=python3-yaml ps=procps
            echo tini=tini tini-static=tini dumb-init=dumb-init catatonit=catatonit
            echo 'qemu-aarch64-static=qemu-user-static|qemu-user' podman=podman buildah=buildah docker-registry=docker-registry ab=apache2-utils openssl=openssl ssh-keygen=openssh-client
            # For tests/cri: what makes its gRPC client, and what starts its own containerd.
            echo protoc=protobuf-compiler ctr=containerd ip=iproute2 setpriv=util-linux
            # Debian 12's own client has BuildKit inside, a newer one has it in a plugin.
            have_buildkit || echo '/usr/libexec/docker/cli-plugins/docker-buildx=docker-buildx|docker.io' ;;
        bench)
            echo tini=tini tini-static=tini dumb-init=dumb-init catatonit=catatonit strace=strace ps=procps
            echo bats=bats run-parts=debianutils unshare=util-linux ;;
    esac
}

# Does one of the docker clients have BuildKit?
have_buildkit() {
    local client
    for client in $(type -aP docker); do
        if DOCKER_BUILDKIT=1 "$client" build --help 2>&1 | grep -q -- --progress; then return 0; fi
    done
    return 1
}

# apt_install PACKAGE...: its many lines are shown only when it fails.
apt_install() {
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$@" >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: $*" "the lines above are the end of its output"
    fi
    rm -f "$log"
}

known_package() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

install_missing() {
    local group tool missing=() packages=() name names
    for group in "${groups[@]}"; do
        for tool in $(tools_of "$group"); do
            case ${tool%%=*} in
                /*) [ -e "${tool%%=*}" ] || missing+=("${tool#*=}") ;;
                *) PATH=$PATH:/usr/sbin:/sbin have "${tool%%=*}" || missing+=("${tool#*=}") ;;
            esac
        done
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    say "installing: ${missing[*]} (a minute or two)"
    as_root apt-get update -qq || die "apt-get could not read the package lists" "check the network, the proxy and /etc/apt/sources.list.d"
    for tool in "${missing[@]}"; do
        IFS='|' read -ra names <<<"$tool"
        for name in "${names[@]}"; do
            known_package "$name" || continue
            packages+=("$name")
            continue 2
        done
        die "no package ${names[*]} in this system's archive" "on Ubuntu enable universe: add-apt-repository universe"
    done
    apt_install "${packages[@]}"
}

# The compiler that Cargo.toml asks for, and its musl targets.
install_rust() {
    local wanted found target
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    if ! have cargo && ! have rustup; then
        known_package rustup || die "no Rust: neither cargo nor rustup is installed, and this system's archive has no rustup" \
            "install it as https://rustup.rs says, then run $ME again"
        say "installing: rustup"
        apt_install rustup
    fi
    if have rustup && ! cargo --version >/dev/null 2>&1; then
        say "installing Rust's stable toolchain"
        rustup default stable >&2 || die "rustup could not install a toolchain" "check the network, or set RUSTUP_DIST_SERVER to a mirror"
    fi
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
    found=$(cargo --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort --version-sort | head -n 1)" = "$wanted" ] \
        || die "cargo $found is too old: $wanted or newer is needed" "rustup update, or install rustup as https://rustup.rs says"
    for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
        [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] && continue
        have rustup || die "this Rust has no target $target, and there is no rustup to add it" "install rustup as https://rustup.rs says"
        say "adding Rust's target $target"
        rustup target add "$target" || die "rustup could not add $target" "check the network, or set RUSTUP_DIST_SERVER to a mirror"
    done
}

# The tools that make an SBOM, in an environment of their own: pinned, each file by its digest, and no part of this system.
install_sbom_tools() {
    local tools=$ROOT/build/sbom-tools log
    if cmp -s "$ROOT/scripts/sbom-tools.txt" "$tools/installed.txt"; then return; fi
    say "installing what makes an SBOM into $tools"
    rm -rf "$tools"
    mkdir -p "$ROOT/build"
    log=$(mktemp)
    if ! { /usr/bin/python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$ROOT/scripts/sbom-tools.txt"; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "pip could not install $ROOT/scripts/sbom-tools.txt" "the lines above are the end of its output; a mirror is named in pip's own configuration"
    fi
    rm -f "$log"
    cp "$ROOT/scripts/sbom-tools.txt" "$tools/installed.txt"
}

engine_answers() { as_root docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A container has no /sys/fs/cgroup of its own making, and dockerd needs one: version 2 where the kernel has all of it
# free, else version 1, a folder a controller.
mount_cgroups() {
    if grep -q ' /sys/fs/cgroup' /proc/self/mounts; then return; fi
    say "mounting the control groups"
    if awk 'NR > 1 && $2 != 0 { exit 1 }' /proc/cgroups && as_root mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null; then return; fi
    as_root mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || die "cannot mount /sys/fs/cgroup: no control groups, no containers"
    local controller
    awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
        as_root mkdir -p "/sys/fs/cgroup/$controller"
        as_root mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" 2>/dev/null || as_root rmdir "/sys/fs/cgroup/$controller"
    done
}

start_engine() {
    local log=${DOCKERD_LOG:-/var/log/dockerd.log} pid deadline
    if engine_answers; then return; fi
    if [ -n "${DOCKER_HOST-}" ]; then
        die "no Docker engine answers at $DOCKER_HOST" "start it, or unset DOCKER_HOST to use this machine's own"
    fi
    if [ -d /run/systemd/system ]; then
        say "starting Docker's engine by systemd"
        as_root systemctl start docker && engine_answers && return
        as_root journalctl --unit docker --no-pager --lines 15 >&2 || true
        die "Docker's engine did not start, see above" "systemctl status docker"
    fi
    mount_cgroups
    say "starting Docker's engine (log: $log)"
    # In a session of its own: it outlives this script and the terminal.
    # shellcheck disable=SC2016  # the inner shell's variables
    as_root sh -c 'setsid dockerd >"$1" 2>&1 </dev/null & echo $! >/run/dockerd-setup.pid' sh "$log"
    pid=$(cat /run/dockerd-setup.pid)
    deadline=$((SECONDS + ${DOCKERD_WAIT:-60}))
    until engine_answers; do
        if ! as_root kill -0 "$pid" 2>/dev/null; then
            tail -n 15 "$log" >&2
            die "Docker's engine ended while it started; the lines above are the end of $log"
        fi
        if [ $SECONDS -ge $deadline ]; then
            tail -n 15 "$log" >&2
            die "Docker's engine did not answer within ${DOCKERD_WAIT:-60} s; the lines above are the end of $log"
        fi
        sleep 0.2
    done
}

# Programs for arm64 run by themselves, in an image's build too, when the kernel knows qemu. Not possible everywhere: only a warning.
register_qemu() {
    local registry=/proc/sys/fs/binfmt_misc qemu
    if [ -e $registry/qemu-aarch64 ] || [ "$(uname -m)" = aarch64 ]; then return; fi
    if ! [ -e $registry/register ] && ! as_root mount -t binfmt_misc binfmt_misc $registry 2>/dev/null; then
        warn "no binfmt_misc in this kernel: images for arm64 cannot be built here"
        return
    fi
    if [ -e $registry/qemu-aarch64 ]; then return; fi
    qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64)
    # F: the kernel opens qemu now, so that it is found inside a chroot or container too.
    # shellcheck disable=SC2016  # the inner shell's variables
    as_root sh -c 'printf "%s" "$1" >"$2"' sh \
        ":qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$qemu:F" \
        "$registry/register" 2>/dev/null || warn "the kernel refused qemu for arm64: images for arm64 cannot be built here"
}

install_missing
install_rust
if is_one_of publish "${groups[@]}"; then install_sbom_tools; fi
start_engine
if is_one_of test "${groups[@]}"; then register_qemu; fi
say "ready: ${groups[*]}"
