#!/usr/bin/env bats
# dbuild.sh reads its command line right. Each `good_only` check also runs against naive-dbuild.sh and must fail there.
# shellcheck disable=SC2016,SC2153,SC2317  # quoted on purpose; REPO comes from common.bash; checks are called by name

bats_require_minimum_version 1.5.0

setup() {
    load common
    repo=$BATS_TEST_TMPDIR/repo
    fixture "$repo"
    cp "$REPO/tests/images/naive-dbuild.sh" "$repo/"
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    cd "$repo" || return 1
}

# good_only CHECK: it holds for dbuild.sh, and does not hold for the naive script.
good_only() {
    script=$repo/dbuild.sh
    (cd "$repo" && "$1") || { echo "does not hold for dbuild.sh"; return 1; }
    script=$repo/naive-dbuild.sh
    if (cd "$repo" && "$1") >"${NAIVE_LOG:-/dev/null}" 2>&1; then echo "holds for the naive script too"; return 1; fi
}

# builds NAME...: the last dry run builds these stages, in this order, and no others.
builds() {
    local found
    found=$(grep -oE 'base-[a-z-]+:[0-9.]+' <<<"$(grep -E '^[a-z]+ build ' <<<"$output" | sed 's/--build-arg PARENT=[^ ]*//')" | sed 's/^base-//; s/:.*//' | tr '\n' ' ')
    [ "$found" = "${*/%/ }" ] || [ "$found" = "$* " ]
}

# passes WORD...: one of the dry run's engine commands has these words, whole and in this order.
passes() {
    local line words
    while IFS= read -r line; do
        [[ $line == *" build "* ]] || continue
        eval "words=($line)"
        local joined wanted
        joined=$(printf '<%s>' "${words[@]}") wanted=$(printf '<%s>' "$@")
        if [[ $joined == *"$wanted"* ]]; then return 0; fi
    done <<<"$output"
    return 1
}

@test "a stage whose name is part of another's: only the one named" {
    check() { run "$script" --dry-run run-jre; [ "$status" -eq 0 ] && builds run-jre; }
    good_only check
}

@test "an unknown stage is an error, with the nearest name" {
    check() { run "$script" --dry-run run-jer; fails_with 2 "did you mean run-jre?"; }
    good_only check
}

@test "options may come before stages" {
    check() { run "$script" --dry-run --no-cache run-jre tool; [ "$status" -eq 0 ] && builds run-jre tool && passes --no-cache; }
    good_only check
}

@test "a value with spaces stays one word" {
    check() { run "$script" --dry-run tool --build-arg "A=b  c"; [ "$status" -eq 0 ] && builds tool && passes --build-arg "A=b  c"; }
    good_only check
}

@test "an argument is never evaluated" {
    check() {
        run "$script" --dry-run tool --build-arg 'A=$(touch evaluated)' --label 'b=`touch evaluated`'
        [ "$status" -eq 0 ] && ! [ -e evaluated ] && passes --build-arg 'A=$(touch evaluated)'
    }
    good_only check
}

@test "a stage name is never evaluated" {
    check() { run "$script" --dry-run 'x=1;touch${IFS}evaluated;y'; [ "$status" -eq 2 ] && ! [ -e evaluated ]; }
    good_only check
}

@test "the working directory does not matter: configuration and context are the script's own" {
    check() {
        mkdir -p "$BATS_TEST_TMPDIR/elsewhere"
        echo 'STAGES=(other:scratch)' >"$BATS_TEST_TMPDIR/elsewhere/vars.sh"
        cd "$BATS_TEST_TMPDIR/elsewhere"
        run "$script" --dry-run tool
        [ "$status" -eq 0 ] && builds tool && [[ $output == *"$repo/build/context/"* ]]
    }
    good_only check
}

@test "the user's own files stay: ./tmp" {
    check() { mkdir -p tmp; touch tmp/mine; run "$script" --dry-run tool; [ "$status" -eq 0 ] && [ -e tmp/mine ]; }
    good_only check
}

@test "no temporary file with a name that others can foresee" {
    check() { run grep -nE '[ >"]/tmp/' "$script"; [ "$status" -eq 1 ]; }
    good_only check
}

@test "the context is a folder of its own, not the repository with its .git" {
    check() { run "$script" --dry-run tool; [ "$status" -eq 0 ] && passes "$repo/build/context/tool-$(dpkg --print-architecture)"; }
    good_only check
}

@test "--with-parents adds every parent, first" {
    check() { run "$script" --dry-run --with-parents run-jre-debug; [ "$status" -eq 0 ] && builds run run-jre run-jre-debug; }
    good_only check
}

@test "a missing value and a bad one are usage errors" {
    check() {
        run "$script" --dry-run tool --build-arg && fails_with 2 "--build-arg wants a value" \
            && run "$script" --dry-run -j none && fails_with 2 "not 'none'" && run "$script" --dry-run -j 0 && fails_with 2 "not '0'" \
            && run "$script" --dry-run --list=x && fails_with 2 "takes no value"
    }
    good_only check
}

@test "an unknown option is an error that names the nearest one and the way out" {
    check() { run "$script" --dry-run --no-cach tool; fails_with 2 "did you mean --no-cache?"; }
    good_only check
}

@test "no stage named: all of them, parents first" {
    run ./dbuild.sh --dry-run
    [ "$status" -eq 0 ]
    builds run run-jre run-jre-debug tool
}

@test "a stage named twice is built once" {
    run ./dbuild.sh --dry-run tool tool
    [ "$status" -eq 0 ]
    builds tool
}

@test "what is behind -- goes to the engine as it is, stage names too" {
    run ./dbuild.sh --dry-run tool -- --odd "a b" run
    [ "$status" -eq 0 ]
    builds tool
    passes --odd "a b" run
}

@test "what the script sets itself cannot be set" {
    for option in -t -f --tag=x --file --target --output; do
        run ./dbuild.sh --dry-run "$option" x
        fails_with 2 "is set by this script"
    done
    # The registry's parent in the place of the one just built.
    run ./dbuild.sh --dry-run --pull tool
    fails_with 2 "--pull is not for these images"
}

@test "every form of an option with a value" {
    run ./dbuild.sh --dry-run tool --build-arg=A=b=c --label "x=y" -m 1g --no-cache=true
    [ "$status" -eq 0 ]
    passes --build-arg A=b=c --label x=y -m 1g --no-cache=true
}

@test "IMAGE_PREFIX and the parent's name reach the command" {
    IMAGE_PREFIX=registry.test/team/ run ./dbuild.sh --dry-run run-jre
    [ "$status" -eq 0 ]
    passes "--tag=registry.test/team/base-run-jre:$version"
    passes --build-arg "PARENT=registry.test/team/base-run:$version"
    IMAGE_PREFIX=registry.test/team run ./dbuild.sh --dry-run run-jre
    fails_with 2 "did you mean IMAGE_PREFIX=registry.test/team/ ?"
    IMAGE_PREFIX=registry.test/team- run ./dbuild.sh --dry-run tool
    passes "--tag=registry.test/team-base-tool:$version"
}

@test "--platform chooses the architecture of the context and the tag" {
    run ./dbuild.sh --dry-run tool --platform linux/arm64
    [ "$status" -eq 0 ]
    [[ $output == *"mkcontext.sh tool --arch arm64"* ]]
    passes --platform linux/arm64
    # This machine's own images keep their names.
    passes "--tag=base-tool:$version-arm64" --platform
    [[ $output != *latest* ]]
    run ./dbuild.sh --dry-run --platform linux/s390x tool
    fails_with 2 "known: linux/amd64, linux/arm64"
}

@test "ENGINE: podman and buildah get their own options, another is a usage error" {
    for engine in podman buildah; do
        ENGINE=$engine run ./dbuild.sh --dry-run tool
        [ "$status" -eq 0 ]
        passes "$engine" build --format docker
        passes --timestamp 1700000000
    done
    ENGINE=dokcer run ./dbuild.sh --dry-run tool
    fails_with 2 "known: docker, podman, buildah"
}

@test "--list: a line a stage with its image and its parent's" {
    run ./dbuild.sh --list
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 4 ]
    [[ ${lines[1]} =~ ^run-jre\ +base-run-jre:[0-9.]+\ +base-run:[0-9.]+$ ]]
    [[ ${lines[3]} =~ ^tool\ +base-tool:[0-9.]+\ +scratch$ ]]
}

@test "--help tells every option, on stdout" {
    run --separate-stderr ./dbuild.sh --help
    [ "$status" -eq 0 ]
    for word in --with-parents --jobs --dry-run --list --metadata ENGINE IMAGE_PREFIX 'Exit codes'; do
        [[ $output == *"$word"* ]]
    done
}

@test "a dry run makes nothing" {
    before=$(find . -newermt 2000-01-01 -printf '%p %T@\n' | sort)
    run ./dbuild.sh --dry-run
    [ "$(find . -newermt 2000-01-01 -printf '%p %T@\n' | sort)" = "$before" ]
}
