#!/usr/bin/env bats
# The tools that work on files: git, rsync, gpg, ssh-keygen, vim, pip3, and TLS against the certificates. In bats' own folder.

setup() {
    export HOME=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

@test "git: commit, clone, change, push, log" {
    export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.test GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.test
    git init --quiet --bare --initial-branch main origin.git
    git clone --quiet origin.git work 2>/dev/null
    cd work
    echo one >file
    git add file
    git commit --quiet --message first
    git push --quiet origin HEAD:main
    echo two >file
    git diff | grep -x -e '-one'
    git commit --quiet --all --message second
    git push --quiet origin HEAD:main
    [ "$(git -C ../origin.git log --format=%s main | tr '\n' ' ')" = "second first " ]
}

@test "rsync: copies what changed, deletes what went" {
    mkdir -p from/sub
    echo a >from/a
    echo b >from/sub/b
    rsync --archive --delete from/ to/
    diff -r from to
    rm from/a
    echo c >from/sub/c
    [ "$(rsync --archive --delete --itemize-changes from/ to/ | grep -c -e '^\*deleting *a$' -e 'sub/c$')" = 2 ]
    diff -r from to
}

@test "gpg: a signature is good, and bad when the file changed" {
    export GNUPGHOME=$BATS_TEST_TMPDIR/keys
    install -d -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key test@example.test ed25519 sign
    echo text >file
    gpg --batch --quiet --detach-sign file
    gpg --batch --verify file.sig file
    echo changed >file
    ! gpg --batch --verify file.sig file || false
    gpgconf --kill gpg-agent
}

@test "ssh-keygen: a key signs, and only what it signed is accepted" {
    # OpenSSH's programs want an account.
    ssh-keygen() { with-account ssh-keygen "$@"; }
    ssh-keygen -q -t ed25519 -N '' -f key
    echo text >file
    ssh-keygen -q -Y sign -f key -n test file
    echo "me $(cat key.pub)" >signers
    ssh-keygen -Y verify -f signers -I me -n test -s file.sig <file
    ! ssh-keygen -Y verify -f signers -I me -n test -s file.sig <key.pub || false
}

@test "vim: edits a file" {
    echo 'hello world' >file
    vim -u NONE -es -c '%s/world/image/' -c wq file
    [ "$(cat file)" = 'hello image' ]
}

@test "pip3: installs a wheel, which Python then finds" {
    python3 -c '
import zipfile
with zipfile.ZipFile("tiny-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny.py", "answer = 42\n")
    wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("tiny-1.0.dist-info/RECORD", "")'
    pip3 install --quiet --no-index --no-cache-dir --no-compile --disable-pip-version-check --target packages ./tiny-1.0-py3-none-any.whl
    [ "$(PYTHONPATH=packages python3 -c 'import tiny, importlib.metadata as m; print(tiny.answer, m.version("tiny"))')" = "42 1.0" ]
}

@test "certificates: a server nobody vouches for is refused, one that is vouched for is not" {
    # shellcheck source=../../../image/loopback.bash
    . /usr/lib/image/loopback.bash
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
        -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    serve '
import http.server, ssl
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port)
server.serve_forever()' 2>/dev/null
    run curl --silent --show-error "https://127.0.0.1:$port/cert.pem"
    [ "$status" -eq 60 ]
    curl --silent --fail --cacert cert.pem "https://127.0.0.1:$port/cert.pem" | cmp - cert.pem
    kill "$server"
}
