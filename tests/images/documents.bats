#!/usr/bin/env bats
# Every block marked `sh` in README.md, docs/tutorial.md, docs/testing.md and the examples' READMEs, typed as it stands. (Blocks marked
# `shell`, `bash`, `yaml` and `dockerfile` are for reading.) The names in them are short, so a container or volume of the
# same name that is somebody's own stops the test, and is not touched.
# shellcheck disable=SC2016  # variables that a typed script expands

bats_require_minimum_version 1.5.0

names=(hello tutorial shop web db tight service)

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
    said "hello, world; my options: -v --fast" "running" "SIGTERM: SIGINT" "image/00-wrapper.sh" "Failed: 0" \
        "live: pass: no tests; the app runs" "goodbye, world" "+ docker inspect" $'\n0\n' "maintenance" "live, ready: fail: " "maintenance since" "not ready: 1"
}

@test "docs/tutorial.md: a database, and an image derived from it" {
    run type_out docs/tutorial.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "grace: 90s" "ready: pass: " "running" "image/50-cluster.sh" "Failed: 0" "live/50-answers.sh" "Failed: 0" "in use by another server" "refused: 1" "refused: 2" "database system is shut down" \
        "database system was shut down" "maintenance" "in production" "grace: 25s" "64MB" "8MB" "the database ended with code 0"
}

# in_format FORMAT: its example in docs/testing.md, and what it looks like now; times stand as T.
in_format() {
    awk -v head="\`$1\`" 'index($0, head) == 1 { found = 1 } found && /^```$/ { if (shown++) exit; next } found && shown' \
        "$repository/docs/testing.md" | sed -E 's/[0-9]+\.[0-9]{3}s/T/g' >expected
    [[ -s expected ]]
    local code=0
    docker run --rm --user "$(id -u)" --env WRAPPER_CONFIG_DIR=/smoke --env DB_USER=app --env DB_PASSWORD=hunter22 \
        --volume "$PWD:/smoke:ro" web test smoke --format "$1" >actual || code=$?
    echo "test --format $1: exit code $code"
    # A slow machine shows a check's time in its column.
    sed -E -i 's/^(....) {2}[0-9. ]{5}s /\1          /; s/[0-9]+\.[0-9]{3}s/T/g' actual
    diff expected actual
    case $1 in
        nagios) [[ $code -eq 2 ]] ;;
        *) [[ $code -eq 1 ]] ;;
    esac
}

@test "docs/testing.md: an image with probes, and the formats as they are shown" {
    run type_out docs/testing.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "image/50-content.goss.yaml" "/srv/index.html: contents" "Failed: 0" "ready: pass: 1 check" "live: pass: 1 check" \
        "the page says hello" "maintenance is on" "live: pass: " "maintenance since" "ready: fail: " "maintenance since" "not ready: 1"

    mkdir -p tests/smoke
    printf '#!/bin/sh\ntest -r /etc/hostname\n' >tests/smoke/10-config.sh
    printf '%s\n' '#!/bin/sh' 'echo "connecting to db:5432 as $DB_USER, password $DB_PASSWORD"' \
        'echo "could not connect: connection refused" >&2' 'exit 2' >tests/smoke/20-query.sh
    printf '@test "%s" { %s; }\n' "the data directory is there" "[ -d /var/lib ]" "is not full" 'skip "no volume"' \
        >tests/smoke/30-data.bats
    local format
    for format in documentation probe tap nagios; do in_format "$format"; done
}

@test "examples/postgres/README.md: run it, and maintenance" {
    run type_out examples/postgres/README.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "PostgreSQL 17" "ready: pass" "live: pass" "shut down" "Checksum operation completed"
}

@test "examples/nginx/README.md: run it, reload it, stop it" {
    run type_out examples/nginx/README.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "Failed: 0" "ready: pass" "It works." "web"
}

# base-build-sbt takes minutes and Maven's repositories to build.
# bats test_tags=full
@test "examples/scala-service/README.md: build it without a network, run it, stop it" {
    run type_out examples/scala-service/README.md
    echo "$output"
    [[ $status -eq 0 ]]
    said "Failed: 0" "ready: pass" "It works." "service"
}
