#!/usr/bin/env bats
# mkrootfs.sh meets trouble: no archive, not an archive, no rights. Each ends in one clear line and leaves nothing behind.
# shellcheck disable=SC2016  # the inner shell's variables

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    # A web server on loopback whose pages are no Debian archive, like the login page of a hotel.
    mkdir -p "$BATS_FILE_TMPDIR/web/debian/dists/trixie" "$BATS_FILE_TMPDIR/web/debian-security"
    echo '<html>please log in</html>' >"$BATS_FILE_TMPDIR/web/debian/dists/trixie/InRelease"
    cat >"$BATS_FILE_TMPDIR/serve.py" <<'PY'
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
    coproc WEB { exec python3 "$BATS_FILE_TMPDIR/serve.py" "$BATS_FILE_TMPDIR/web" 2>/dev/null 3>&-; }
    export WEB_PID
    read -r port <&"${WEB[0]}"
    export PORT=$port
}

teardown_file() { kill "$WEB_PID"; }

setup() {
    load common
    output_folder=$BATS_TEST_TMPDIR/out
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
}

# Nothing half done: no file of the result, none of the work.
nothing_left() {
    [ -z "$(find "$output_folder" -type f)" ] || { find "$output_folder"; return 1; }
    [ -z "$(ls -A "$TMPDIR")" ] || { ls -A "$TMPDIR"; return 1; }
    ! grep "$TMPDIR" /proc/self/mounts
}

@test "an archive that does not answer" {
    MIRROR=http://127.0.0.1:9/debian run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "the archive does not answer: http://127.0.0.1:9/debian/dists/trixie/InRelease"
    [[ $output == *"set MIRROR"* ]]
    nothing_left
}

@test "an archive that does not answer, and an earlier rootfs of the same recipe: it is kept, with a warning" {
    arch=$(dpkg --print-architecture)
    "$REPO/scripts/mkrootfs.sh"
    mkdir "$output_folder"
    cp "$REPO/build/rootfs-trixie-$arch".{tar,json} "$output_folder/"
    export http_proxy=http://127.0.0.1:9
    run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    [ "$status" -eq 0 ]
    [[ $output == *"warning: the archive does not answer"*"$(jq -r .created "$output_folder/rootfs-trixie-$arch.json")"* ]]
    # Forced, or made by another recipe, it must be made: an error. The earlier one stays all the same.
    run "$REPO/scripts/mkrootfs.sh" --force --output "$output_folder"
    fails_with 1 "the archive does not answer"
    sed -i 's/"recipe": "./"recipe": "-/' "$output_folder/rootfs-trixie-$arch.json"
    run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "the archive does not answer"
    cmp "$REPO/build/rootfs-trixie-$arch.tar" "$output_folder/rootfs-trixie-$arch.tar"
}

@test "what answers is not an archive" {
    MIRROR=http://127.0.0.1:$PORT/debian run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "not signed by a key in"
    nothing_left
}

@test "a keyring without the archive's keys" {
    : >"$BATS_TEST_TMPDIR/empty.gpg"
    KEYRING=$BATS_TEST_TMPDIR/empty.gpg run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "pass a newer one with KEYRING="
    nothing_left
    KEYRING=$BATS_TEST_TMPDIR/none.gpg run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "no keyring at $BATS_TEST_TMPDIR/none.gpg"
}

@test "the archive goes away in the middle" {
    # The first file is Debian's own; after that nothing answers.
    default=$(sed -n 's/^DEF_MIRROR="\(.*\)"$/\1/p' "$(command -v debootstrap)")
    mkdir -p "$BATS_FILE_TMPDIR/web/half/dists"/{trixie,trixie-updates} "$BATS_FILE_TMPDIR/web/half-security/dists/trixie-security"
    for suite in trixie trixie-updates; do wget -qO "$BATS_FILE_TMPDIR/web/half/dists/$suite/InRelease" "$default/dists/$suite/InRelease"; done
    wget -qO "$BATS_FILE_TMPDIR/web/half-security/dists/trixie-security/InRelease" "$default-security/dists/trixie-security/InRelease"
    MIRROR=http://127.0.0.1:$PORT/half run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "failed: debootstrap"
    nothing_left
}

@test "no address, one by https or of this machine, or one with a password in it" {
    MIRROR=somewhere run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "not the address of an archive: 'somewhere'"
    # base-root has no certificates: nothing could be installed above it.
    for url in https://127.0.0.1/debian file:///srv/debian; do
        MIRROR=$url run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
        fails_with 1 "an archive that the images cannot read: $url"
    done
    MIRROR=http://me:secret@127.0.0.1/debian run "$REPO/scripts/mkrootfs.sh" --output "$output_folder"
    fails_with 1 "readable in the image"
    [[ $output != *secret* ]]
}

@test "without root" {
    # Nobody, who can still read a checkout in a closed home.
    run unshare --user bash "$REPO/scripts/mkrootfs.sh" --output /nowhere
    fails_with 1 "needs root"
}

@test "a full disk" {
    mkdir "$BATS_TEST_TMPDIR/small"
    run unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=20M tmpfs "$1" && TMPDIR=$1 "$2" --output "$3"' \
        sh "$BATS_TEST_TMPDIR/small" "$REPO/scripts/mkrootfs.sh" "$output_folder"
    fails_with 1 "failed: debootstrap"
    [[ $output == *"are free in $BATS_TEST_TMPDIR/small"* ]]
    nothing_left
}

@test "wrong arguments are usage errors" {
    run "$REPO/scripts/mkrootfs.sh" --arch vax
    fails_with 2 "unknown architecture 'vax'"
    run "$REPO/scripts/mkrootfs.sh" --arch
    fails_with 2 "--arch wants a value"
    run "$REPO/scripts/mkrootfs.sh" root
    fails_with 2 "unexpected argument 'root'"
}
