#!/usr/bin/env bats
# The image base-root: its facts (size, accounts, labels, configuration), and what is derived from it with install_packages.
# shellcheck disable=SC2016,SC2153  # the inner shell's variables; REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    "$REPO/dbuild.sh" root
}

teardown_file() {
    load common
    remove_test_images
}

setup() {
    load common
    . "$REPO/vars.sh"
    image=${IMAGE_PREFIX}base-root:$VERSION
    metadata=$REPO/build/rootfs-$SUITE-$(dpkg --print-architecture).json
}

of_image() { docker image inspect "$image" | jq --raw-output ".[0].$1"; }

# in_image SCRIPT: run by bash in the image, without the wrapper: this is about the files.
in_image() { docker run --rm --network none --entrypoint /bin/bash "$image" -c "$1"; }

# derived DOCKERFILE-LINE...: build them on top of the image; the result is $derived.
derived() {
    derived=${TEST_PREFIX}derived
    mkdir -p "$BATS_TEST_TMPDIR/context"
    printf '%s\n' "FROM $image" "$@" >"$BATS_TEST_TMPDIR/context/Dockerfile"
    docker build --no-cache --tag "$derived" "$BATS_TEST_TMPDIR/context" >"$BATS_TEST_TMPDIR/build.log" 2>&1 || { cat "$BATS_TEST_TMPDIR/build.log"; return 1; }
}

@test "the version is the wrapper's" {
    [ "$(sed -n 's/^version = "\(.*\)"/\1/p' "$REPO/Cargo.toml" | head -n 1)" = "$VERSION" ]
}

@test "size: at most 84 MB as a tar, 31.5 MB compressed, wrapper included" {
    container=$(docker create "$image")
    docker export "$container" >"$BATS_TEST_TMPDIR/root.tar"
    docker rm "$container" >/dev/null
    raw=$(stat -c %s "$BATS_TEST_TMPDIR/root.tar") compressed=$(gzip -n6 <"$BATS_TEST_TMPDIR/root.tar" | wc -c)
    echo "# base-root: $raw bytes, $compressed compressed" >&3
    [ "$raw" -le 84000000 ]
    [ "$compressed" -le 31500000 ]
}

@test "entry point and command in exec form, stop signal, user, environment" {
    [ "$(of_image 'Config.Entrypoint | tojson')" = '["/usr/bin/wrapper"]' ]
    [ "$(of_image 'Config.Cmd | tojson')" = '["run"]' ]
    [ "$(of_image Config.StopSignal)" = SIGTERM ]
    [ "$(of_image Config.User)" = root ]
    [ "$(of_image 'Config.Env | map(select(startswith("PATH=") | not)) | tojson')" = '["LANG=C.UTF-8"]' ]
}

@test "labels: version, revision, the archive's date and the digests of its InRelease files" {
    label() { of_image "Config.Labels[\"$1\"]"; }
    [ "$(label org.opencontainers.image.version)" = "$VERSION" ]
    [[ $(label org.opencontainers.image.revision) =~ ^([0-9a-f]{40}(-dirty)?|unknown)$ ]]
    [ "$(label org.opencontainers.image.created)" = "$(jq -r .created "$metadata")" ]
    [ "$(label org.opencontainers.image.title)" = base-root ]
    for suite in trixie trixie-updates trixie-security; do
        [[ $(label "wrapper.inrelease.$suite") =~ ^sha256:[0-9a-f]{64}$ ]]
        [ "$(label "wrapper.inrelease.$suite")" = "$(jq -r --arg suite "$suite" '.inrelease[$suite]' "$metadata")" ]
    done
}

@test "the wrapper is there, static, for everybody" {
    run in_image 'stat -c "%A %U:%G" /usr/bin/wrapper; /usr/bin/wrapper --version'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "-rwxr-xr-x root:root" ]
    run readelf --program-headers --wide "$REPO/build/wrapper-$(uname -m)"
    [[ $output != *INTERP* ]]
}

@test "no setuid or setgid program, and dpkg knows, so that an upgrade keeps it so" {
    run in_image 'find / -xdev -type f -perm /6000; dpkg-statoverride --list | wc -l'
    [ "$output" -ge 8 ]
}

@test "nothing of the machine that built it: name, resolver, logs, caches, lists, machine id, keys" {
    run in_image 'ls -A /tmp /var/tmp /var/lib/apt/lists /var/cache/apt/archives | grep -v -e ":$" -e "^partial$" -e "^lock$" -e "^auxfiles$" -e "^$"
        find /var/log /var/cache/apt -type f ! -name lock; find /etc/machine-id -size +0; ls /etc/*- /var/lib/dpkg/*-old /var/cache/debconf/*-old 2>/dev/null; true'
    [ "$output" = "" ]
    tar -xOf "$REPO/build/rootfs-$SUITE-$(dpkg --print-architecture).tar" ./etc/hostname ./etc/resolv.conf >"$BATS_TEST_TMPDIR/names"
    [ "$(cat "$BATS_TEST_TMPDIR/names")" = localhost ]
}

@test "no time after the archive's" {
    epoch=$(jq -r .epoch "$metadata")
    run in_image "find / -xdev -newermt @$epoch -not -path '/etc/host*' -not -path /etc/mtab -not -path /etc/resolv.conf -not -path /.dockerenv -not -path /etc -not -path / -not -path '/dev*' -not -path /proc -not -path /sys"
    [ "$output" = "" ]
}

@test "documents, manuals and translations are left out; copyright files and the manuals' folders stay" {
    run in_image 'find /usr/share/doc -type f ! -name copyright | wc -l; find /usr/share/man -type f | wc -l; ls /usr/share/locale
        ls /usr/share/doc/*/copyright | wc -l; ls -d /usr/share/man/man[1-8] | wc -l'
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]}" = 0 ]
    [ "${lines[2]}" -gt 60 ]
    [ "${lines[3]}" = 8 ]
}

@test "time zone and locale" {
    run in_image 'readlink /etc/localtime; date +%Z; locale charmap; printf "ü" | wc -m'
    [ "$output" = "$(printf '%s\n' /usr/share/zoneinfo/Etc/UTC UTC UTF-8 1)" ]
}

@test "the sources: three suites, signed, in the form of today, and only those" {
    run in_image 'cat /etc/apt/sources.list.d/debian.sources; ls /etc/apt/sources.list.d /etc/apt/sources.list 2>/dev/null | grep -c list$'
    [[ $output == *"Suites: trixie trixie-updates"*"Suites: trixie-security"* ]]
    [[ $output == *"Signed-By: /usr/share/keyrings/debian-archive-keyring."* ]]
    [ "${lines[-1]}" = 0 ]
    run in_image 'test -r "$(grep -m 1 ^Signed-By: /etc/apt/sources.list.d/debian.sources | cut -d " " -f 2)"'
    [ "$status" -eq 0 ]
}

@test "packages are whole and configured" {
    run in_image 'dpkg --audit; dpkg-query --show --showformat "\${db:Status-Abbrev}\n" | sort -u; dpkg --verify | grep -v -e " /usr/share/\(doc\|man\|locale\|info\|lintian\)/" -e "^missing .*/var/log"'
    [ "$output" = "ii " ]
}

@test "the account app: uid, group 0, a home that any uid of group 0 can write" {
    run in_image 'id app; stat -c "%a %u:%g" /home/app; getent passwd app'
    [ "${lines[0]}" = "uid=$APP_UID(app) gid=0(root) groups=0(root)" ]
    [ "${lines[1]}" = "775 $APP_UID:0" ]
    [[ ${lines[2]} == *:/home/app:/bin/bash ]]
    docker run --rm --network none --user 123456:0 --cap-drop ALL --entrypoint /bin/sh "$image" -c 'touch /home/app/mine'
}

@test "no service starts while a package is installed" {
    run in_image '/usr/sbin/policy-rc.d'
    [ "$status" -eq 101 ]
}

@test "install_packages works twice in one image and leaves neither lists nor logs" {
    derived 'RUN install_packages less' 'RUN install_packages file && install_packages --no-install-suggests lsof'
    run docker run --rm --network none --entrypoint /bin/bash "$derived" -c 'less --version | head -n 1; file -b /bin/bash; command -v lsof
        find /var/lib/apt/lists /var/log /var/cache/apt/archives -type f ! -name lock; ls /etc/*- /var/lib/dpkg/*-old 2>/dev/null; true'
    [[ ${lines[0]} == less* ]]
    [[ ${lines[1]} == ELF* ]]
    [ "${lines[2]}" = /usr/bin/lsof ]
    [ "${#lines[@]}" -eq 3 ]
}

@test "install_packages: the same layer twice, an account and a file capability included" {
    layers=()
    for _ in 1 2; do
        derived 'RUN install_packages openssh-client iputils-ping dbus'
        layers+=("$(docker image inspect --format '{{index .RootFS.Layers 2}}' "$derived")")
    done
    [ "${layers[0]}" = "${layers[1]}" ]
    run docker run --rm --network none --entrypoint /bin/bash "$derived" -c 'getent passwd messagebus; test ! -e /var/lib/dbus/machine-id'
    [ "$status" -eq 0 ]
    [[ $output == messagebus:* ]]
}

@test "install_packages does not copy files of lower layers into its own" {
    mkdir -p "$BATS_TEST_TMPDIR/context"
    head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/context/large"
    derived 'COPY large /large' 'RUN install_packages less'
    size=$(docker history --human=false --format '{{.Size}} {{.CreatedBy}}' "$derived" | awk '/install_packages/ { print $1; exit }')
    [ "$size" -lt 4000000 ]
}

@test "install_packages in trouble: no package, no root, an unknown package, no network" {
    run in_image 'install_packages'
    fails_with 2 "no package named"
    run docker run --rm --user 12345 --entrypoint /usr/sbin/install_packages "$image" less
    fails_with 1 "put 'USER root' before it"
    run docker run --rm --entrypoint /usr/sbin/install_packages "$image" no-such-package
    fails_with 1 "no-such-package"
    run in_image 'install_packages -o Acquire::Retries=0 less'
    fails_with 1 "the package archive could not be read"
}

@test "an upgrade of a package does not bring setuid back" {
    derived 'RUN apt-get update && apt-get install --reinstall --yes passwd mount util-linux'
    run docker run --rm --entrypoint /bin/bash "$derived" -c 'find / -xdev -type f -perm /6000'
    [ "$output" = "" ]
}
