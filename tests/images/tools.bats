#!/usr/bin/env bats
# base-runtime's tools where one container is not enough, and what docs/images.md says of them: a session with a real ssh server,
# a capture and a trace with what they need and without, root's HOME, pip3 and gpg in a derived image, bats by hand.
# shellcheck disable=SC2016,SC2153,SC2154  # for the inner shell; REPO comes from common.bash; status and output from bats

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    "$REPO/dbuild.sh" --with-parents runtime
    p=tools-$(cksum <<<"$TEST_PREFIX" | cut -d ' ' -f 1)
    export p
    docker network create "$p" >/dev/null
}

teardown_file() {
    load common
    docker network rm "$p" >/dev/null
    remove_test_images
}

setup() {
    load common
    . "$REPO/vars.sh"
    image=${IMAGE_PREFIX}base-runtime:$VERSION
    hard=(--read-only --cap-drop ALL --security-opt no-new-privileges)
}

teardown() { docker rm --force --volumes "$p" >/dev/null 2>&1 || true; }

# derived LINE...: TEST_PREFIXderived, base-runtime with these lines of a Dockerfile.
derived() { printf '%s\n' "FROM $image" "$@" | docker build --tag "${TEST_PREFIX}derived" - >"$BATS_TEST_TMPDIR/build.log" 2>&1 || { cat "$BATS_TEST_TMPDIR/build.log"; return 1; }; }

# A server, whose root accepts the key in $keys.
start_sshd() {
    keys=$BATS_TEST_TMPDIR/keys
    mkdir "$keys"
    ssh-keygen -q -t ed25519 -N '' -f "$keys/key"
    # For any uid, which makes a copy of its own.
    chmod -R a+rX "$keys"
    derived 'USER root' 'RUN install_packages openssh-server'
    docker run --detach --name "$p" --network "$p" --volume "$keys:/keys:ro" "${TEST_PREFIX}derived" sh -c \
        'mkdir -p /run/sshd; ssh-keygen -A; exec /usr/sbin/sshd -D -e -p 2222 -o StrictModes=no -o AuthorizedKeysFile=/keys/key.pub' >/dev/null
    timeout 60 grep -q -m1 'Server listening' < <(docker logs --follow "$p" 2>&1)
}

# client USER COMMAND...: in a hard container that knows the key.
client() {
    local user=$1
    shift
    docker run --rm "${hard[@]}" --network "$p" --user "$user" --volume "$keys:/keys:ro" "$image" \
        sh -c 'install -m 600 /keys/key /dev/shm/key && exec "$@"' sh "$@"
}

@test "ssh: a session, its exit code, a refused key, and rsync over it, as app, as root and as any uid" {
    start_sshd
    local user ssh=(ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/shm/known -p 2222)
    for user in 65532:0 0:0 12345:12345; do
        run -7 client "$user" with-account "${ssh[@]}" -i /dev/shm/key "root@$p" 'echo "$SSH_CONNECTION"; cat; exit 7' </dev/null
        [[ $output == *" 2222"* ]]
        run -255 client "$user" with-account "${ssh[@]}" -i /dev/null "root@$p" true
        [[ $output == *"Permission denied"* ]]
        run -0 client "$user" sh -c "with-account rsync -e '${ssh[*]} -i /dev/shm/key' root@$p:/usr/lib/os-release /dev/shm/ && cat /dev/shm/os-release"
        [[ $output == *trixie* ]]
    done
    # Without it no uid without an account gets so far.
    run -255 client 12345:12345 "${ssh[@]}" -i /dev/shm/key "root@$p" true
    [[ $output == *"No user exists for uid 12345"* ]]
}

@test "with-account: the names that were there stay, and uid and gid get one; the command's code is its own" {
    run -0 docker run --rm "${hard[@]}" --user 12345:23456 "$image" with-account sh -c 'id; id app; stat -c %U /etc; lsof -p 1 >/dev/null; git --version'
    [[ $output == "uid=12345(user) gid=23456(user)"*"uid=65532(app) gid=0(root)"*$'\nroot\n'*"git version"* && $output != *"no pwd entry"* ]]
    run -0 docker run --rm --user 65532:0 "$image" with-account sh -c 'id; echo "$LD_PRELOAD"'
    [[ $output == "uid=65532(app) gid=0(root) groups=0(root)" ]]
    run -5 docker run --rm --user 12345:23456 "$image" with-account sh -c 'exit 5'
    run -127 docker run --rm --user 12345:23456 "$image" with-account no-such-program
    run -2 docker run --rm "$image" with-account
    run -0 docker run --rm "$image" with-account --help
    [[ $output == *"Usage: with-account COMMAND"* ]]
}

@test "with-account: no folder, and folders that are somebody else's" {
    run -69 docker run --rm "${hard[@]}" --user 12345:12345 --ipc none "$image" with-account id
    [[ $output == *"no writable folder"*"tmpfs"* ]]
    # What another uid put there is not believed.
    docker run --detach --name "$p" --user 1:1 "$image" sleep 1000 >/dev/null
    docker exec "$p" sh -c 'mkdir -m 777 /tmp/with-account-12345; echo trap:x:12345:0::/:/bin/sh >/tmp/with-account-12345/passwd; mkdir /tmp/mine; ln -s /tmp/mine /var/tmp/with-account-12345'
    run -0 docker exec --user 12345:12345 "$p" with-account sh -c 'id --user --name; echo "$NSS_WRAPPER_PASSWD"'
    [[ $output == $'user\n/dev/shm/with-account-12345/passwd' ]]
}

# captures OPTION... -- TCPDUMP-OPTION...: one packet of a request in the container $p.
captures() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    run docker run --rm "${hard[@]}" --network "container:$p" "${options[@]}" "$image" bash -c '
        curl --silent --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:9 >/dev/null &
        timeout 20 tcpdump "$@" -i lo -n -c 1 tcp dst port 9' bash "$@"
}

@test "tcpdump: in another container that shares the network, as root with NET_RAW and -Z root, and with nothing less" {
    docker run --detach --name "$p" "${hard[@]}" "$image" sleep 1000 >/dev/null
    captures --user 0 --cap-add NET_RAW -- -Z root
    [[ $status -eq 0 && $output == *"127.0.0.1.9: Flags [S]"* ]]
    captures --user 0 -- -Z root
    [[ $status -eq 1 && $output == *"don't have permission"* ]]
    captures --cap-add NET_RAW -- -Z root
    [[ $status -eq 1 && $output == *"don't have permission"* ]]
    captures --user 0 --cap-add NET_RAW --
    [[ $status -eq 1 && $output == *"Couldn't change to 'tcpdump'"* ]]
}

# Its app calls the system all the time; trace shows one call.
trace='timeout 20 strace -p "$(pgrep -x -f "sh /busy")" 2>&1 | grep -m1 -e "^wait4(" -e "not permitted"'

@test "strace: the app's own uid traces it, in the container and beside it; root with SYS_PTRACE only" {
    printf 'while :; do sleep 0.1; done\n' >"$BATS_TEST_TMPDIR/busy"
    docker run --detach --name "$p" "${hard[@]}" --volume "$BATS_TEST_TMPDIR/busy:/busy:ro" "$image" sh /busy >/dev/null
    run -0 docker exec "$p" bash -c "$trace"
    [[ $output == "wait4("* ]]
    run -0 docker exec --user 0 "$p" bash -c "$trace"
    [[ $output == *"not permitted"* ]]
    local beside=(docker run --rm "${hard[@]}" --pid "container:$p")
    run -0 "${beside[@]}" "$image" bash -c "$trace"
    [[ $output == "wait4("* ]]
    run -0 "${beside[@]}" --user 0 "$image" bash -c "$trace"
    [[ $output == *"not permitted"* ]]
    run -0 "${beside[@]}" --user 0 --cap-add SYS_PTRACE "$image" bash -c "$trace"
    [[ $output == "wait4("* ]]
}

@test "HOME: root with its own leaves nothing in app's; a uid of another group writes there with group 0 beside its own" {
    derived 'USER root' 'RUN HOME=/root gpg --list-keys' 'USER 65532:0'
    run -0 docker run --rm "${TEST_PREFIX}derived" sh -c 'ls -A /home/app; gpg --list-keys'
    [[ $output != *"can't"* ]]
    docker run --detach --name "$p" "$image" sleep 1000 >/dev/null
    docker exec --user 0 --env HOME=/root "$p" gpg --list-keys
    docker exec "$p" gpg --list-keys
    run -0 docker run --rm --user 12345:12345 --group-add 0 "$image" sh -c 'touch ~/file && gpg --list-keys'
    run ! docker run --rm --user 12345:12345 "$image" touch /home/app/file
}

@test "pip3 in a derived image: --target, or a virtual environment with python3-venv" {
    derived 'USER root' 'RUN install_packages python3-venv && python3 -m venv /opt/venv' \
        "RUN python3 -c 'import zipfile; w = zipfile.ZipFile(\"/opt/tiny-1.0-py3-none-any.whl\", \"w\"); w.writestr(\"tiny.py\", \"answer = 42\"); w.writestr(\"tiny-1.0.dist-info/METADATA\", \"Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n\"); w.writestr(\"tiny-1.0.dist-info/WHEEL\", \"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n\"); w.writestr(\"tiny-1.0.dist-info/RECORD\", \"\"); w.close()'" \
        'RUN pip3 install --no-index --no-cache-dir --target /opt/packages /opt/tiny-1.0-py3-none-any.whl' \
        'RUN /opt/venv/bin/pip install --no-index --no-cache-dir /opt/tiny-1.0-py3-none-any.whl' \
        'ENV PYTHONPATH=/opt/packages' 'USER 65532:0'
    [[ $(docker run --rm "${hard[@]}" "${TEST_PREFIX}derived" python3 -c 'import tiny; print(tiny.answer)') == 42 ]]
    [[ $(docker run --rm "${hard[@]}" --env PYTHONPATH= "${TEST_PREFIX}derived" /opt/venv/bin/python3 -c 'import tiny; print(tiny.answer)') == 42 ]]
}

@test "bats by hand, read-only: TMPDIR names the folder" {
    echo '@test "one" { [ -w "$BATS_TEST_TMPDIR" ]; }' >"$BATS_TEST_TMPDIR/one.bats"
    run -0 docker run --rm "${hard[@]}" --env TMPDIR=/dev/shm --volume "$BATS_TEST_TMPDIR/one.bats:/one.bats:ro" "$image" bats /one.bats
    [[ $output == *"ok 1 one"* ]]
    run ! docker run --rm "${hard[@]}" --volume "$BATS_TEST_TMPDIR/one.bats:/one.bats:ro" "$image" bats /one.bats
}

@test "every tool that docs/images.md lists is in a check of the image suite" {
    local tool tools
    tools=$(sed -n -E 's/^\| (network|processes|files|tests|clouds) \| ([a-z0-9, ]*).*/\2/p' "$REPO/docs/images.md" | tr ',' ' ')
    [[ $(wc -w <<<"$tools") -gt 30 ]]
    for tool in $tools; do
        grep -h -v '^ *#' "$REPO"/rootfs/runtime/usr/lib/wrapper/tests/image/* | grep -q -w -e "$tool" || { echo "no check uses $tool"; return 1; }
    done
}
