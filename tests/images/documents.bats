#!/usr/bin/env bats
# Every block marked `sh` in README.md, docs/tutorial.md and the example's README, typed as it stands. (Blocks marked
# `shell`, `bash`, `yaml` and `dockerfile` are for reading.) The names in them are short, so a container or volume of the
# same name that is somebody's own stops the test, and is not touched.

bats_require_minimum_version 1.5.0

names=(hello tutorial shop db tight)

# Two runs on one machine take turns; the lock ends with this file's process.
setup_file() {
    exec {turn}>"${TMPDIR:-/tmp}/wrapper-documents.lock"
    flock --timeout 900 "$turn"
}

setup() {
    local name
    for name in "${names[@]}"; do
        if docker container inspect "$name" >/dev/null 2>&1 || docker volume inspect "$name" >/dev/null 2>&1; then
            echo "in the way: a container or volume called $name; remove it or give it another name"
            return 1
        fi
    done
    ours=1
    # A folder to type in, where the repository's things are in reach and nothing of it is written to.
    repository=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
    mkdir "$BATS_TEST_TMPDIR/type"
    cd "$BATS_TEST_TMPDIR/type" || return
    ln -s "$repository/examples" examples
    printf '#!/bin/sh\nexec %s/dbuild.sh "$@"\n' "$repository" >dbuild.sh
    chmod +x dbuild.sh
}

teardown() {
    [[ ${ours:-} ]] || return 0
    local name
    for name in "${names[@]}"; do
        docker rm --force --volumes "$name" >/dev/null 2>&1 || true
        docker volume rm "$name" >/dev/null 2>&1 || true
    done
}

# type_out FILE: its blocks as one script; prints what it prints.
type_out() {
    awk '/^```sh$/ { typed = 1; next } /^```$/ { typed = 0 } typed' "$repository/$1" >typed
    [[ -s typed ]]
    timeout 900 bash -euxo pipefail typed 2>&1
}

# said TEXT...: these, in this order.
said() {
    local rest=$output text
    for text; do
        [[ $rest == *"$text"* ]] || { echo "not said, or not in this order: $text" && return 1; }
        rest=${rest#*"$text"}
    done
}

@test "README.md: an image of your own" {
    run type_out README.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "hello, world; my options: -v --fast" "running" "SIGTERM: SIGINT" "goodbye, world" "+ docker inspect" $'\n0\n' "maintenance"
}

@test "docs/tutorial.md: a database, and an image derived from it" {
    run type_out docs/tutorial.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "grace: 90s" "running" "in use by another server" "refused: 1" "refused: 2" "database system is shut down" \
        "database system was shut down" "maintenance" "in production" "grace: 25s" "64MB" "8MB" "the database ended with code 0"
}

@test "examples/postgres/README.md: run it, and maintenance" {
    run type_out examples/postgres/README.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "PostgreSQL 17" "shut down" "Checksum operation completed"
}
