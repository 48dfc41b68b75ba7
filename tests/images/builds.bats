#!/usr/bin/env bats
# dbuild.sh builds for real: parents, failures, metadata, several at once, each engine. With small stages of its own.
# shellcheck disable=SC2016,SC2153  # the Dockerfile's and the inner shell's variables; REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup() {
    load common
    repo=$BATS_TEST_TMPDIR/repo
    fixture "$repo"
    export IMAGE_PREFIX=$TEST_PREFIX
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    cd "$repo" || return 1
}

teardown() { remove_test_images; }

id_of() { docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-$1:$version"; }

@test "a stage is built under its version and as latest" {
    run ./dbuild.sh tool
    [ "$status" -eq 0 ]
    [ "$(id_of tool)" = "$(docker image inspect --format '{{.Id}}' "${TEST_PREFIX}base-tool:latest")" ]
}

@test "the context holds the Dockerfile and the stage's files, whatever the umask" {
    (umask 077 && touch rootfs/tool/etc/private && mkdir rootfs/tool/etc/folder)
    run ./dbuild.sh tool
    [ "$status" -eq 0 ]
    cd build/context/tool-*
    [ "$(ls)" = "$(printf 'Dockerfile\noverlay.tar')" ]
    run tar -tvf overlay.tar
    [[ $output == *"-rw-r--r-- 0/0"*"2023-11-14"*./etc/private* ]]
    [[ $output == *"drwxr-xr-x 0/0"*"2023-11-14"*./etc/folder/* ]]
}

@test "a missing parent image: which one, and what to type" {
    run ./dbuild.sh run-jre
    fails_with 1 "needs the image ${TEST_PREFIX}base-run:$version"
    [[ $output == *"./dbuild.sh --with-parents run-jre"* ]]
    run ./dbuild.sh --with-parents run-jre
    [ "$status" -eq 0 ]
    run ./dbuild.sh run-jre # its parent is there now
    [ "$status" -eq 0 ]
}

@test "--metadata: what was built, as JSON" {
    run ./dbuild.sh --metadata "$BATS_TEST_TMPDIR/built it.json" run tool
    [ "$status" -eq 0 ]
    [ "$(jq -r '.[].stage' "$BATS_TEST_TMPDIR/built it.json" | tr '\n' ' ')" = "run tool " ]
    [ "$(jq -r '.[1].id' "$BATS_TEST_TMPDIR/built it.json")" = "$(id_of tool)" ]
    [ "$(jq -r '.[1].layers | length' "$BATS_TEST_TMPDIR/built it.json")" = 1 ]
    [ "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'built*' | wc -l)" = 1 ]
}

@test "what would fail at the end fails at the beginning: a folder for --metadata, a file for --ca-bundle" {
    run ./dbuild.sh --metadata "$BATS_TEST_TMPDIR/none/m.json" tool
    fails_with 1 "cannot write --metadata $BATS_TEST_TMPDIR/none/m.json"
    run ./dbuild.sh --metadata "$BATS_TEST_TMPDIR" tool
    fails_with 1 "cannot write --metadata $BATS_TEST_TMPDIR"
    run ./dbuild.sh --ca-bundle "$BATS_TEST_TMPDIR/none.pem" tool
    fails_with 1 "cannot read the certificates in $BATS_TEST_TMPDIR/none.pem"
    run id_of tool
    [ "$status" -ne 0 ]
}

@test "a build argument with spaces arrives whole" {
    printf 'ARG TEXT\nLABEL text=${TEXT}\n' >>Dockerfile.tool
    run ./dbuild.sh --build-arg "TEXT=a  b" tool
    [ "$status" -eq 0 ]
    [ "$(docker image inspect --format '{{.Config.Labels.text}}' "${TEST_PREFIX}base-tool:$version")" = "a  b" ]
}

@test "a build that fails: exit code 1, the stage's name, and the earlier image keeps its name" {
    ./dbuild.sh tool
    before=$(id_of tool)
    echo 'ADD missing /' >>Dockerfile.tool
    run ./dbuild.sh --metadata "$BATS_TEST_TMPDIR/m.json" tool
    fails_with 1 "stage 'tool' was not built"
    [ "$(id_of tool)" = "$before" ]
    [ ! -e "$BATS_TEST_TMPDIR/m.json" ]
}

@test "-j: stages of one depth at once, a failure of one is the command's" {
    run ./dbuild.sh -j 4 --metadata "$BATS_TEST_TMPDIR/m.json"
    [ "$status" -eq 0 ]
    [ "$(jq -r '.[].stage' "$BATS_TEST_TMPDIR/m.json" | tr '\n' ' ')" = "run run-jre run-jre-debug tool " ]
    [[ $output == *"[run] "*  ]] && [[ $output == *"[tool] "* ]]
    echo 'ADD missing /' >>Dockerfile.tool
    run ./dbuild.sh -j 4
    fails_with 1 "stage 'tool' was not built"
}

@test "the revision is the last commit that touched the stage, and says when files are not committed" {
    git init --quiet .
    git -c user.name=t -c user.email=t@test add .
    git -c user.name=t -c user.email=t@test commit --quiet -m one
    first=$(git rev-parse HEAD)
    touch other
    git add other
    git -c user.name=t -c user.email=t@test commit --quiet -m two
    revision() { docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "${TEST_PREFIX}base-tool:$version"; }
    ./dbuild.sh tool
    [ "$(revision)" = "$first" ]
    echo more >>rootfs/tool/etc/tool
    ./dbuild.sh tool
    [ "$(revision)" = "$first-dirty" ]
    # What git was told to overlook is in the image all the same.
    git checkout --quiet rootfs
    echo '*.swp' >>.git/info/exclude
    for overlooked in "touch rootfs/tool/etc/.tool.swp" "git config core.fileMode false; chmod +x rootfs/tool/etc/tool" "git config status.showUntrackedFiles no; touch rootfs/tool/etc/new"; do
        eval "$overlooked"
        ./dbuild.sh tool
        [ "$(revision)" = "$first-dirty" ] || { echo "$overlooked"; return 1; }
        git config --unset status.showUntrackedFiles || true
        git config core.fileMode true
        git checkout --quiet rootfs && git clean --quiet -fdx rootfs
    done
}

@test "an engine that is not running: one clear line and what to do" {
    DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock run ./dbuild.sh tool
    fails_with 1 "docker does not answer"
    [[ $output == *"setup.sh build"* ]]
}

@test "an engine that is not installed" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in bash dirname awk id jq flock sed uname; do ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"; done
    PATH=$BATS_TEST_TMPDIR/bin ENGINE=podman run ./dbuild.sh tool
    fails_with 1 "podman is not installed"
}

@test "a second build in the same checkout waits for the first" {
    exec {lock}>build/.lock
    flock "$lock"
    ./dbuild.sh tool >"$BATS_TEST_TMPDIR/second" 2>&1 {lock}>&- 3>&- &
    second=$!
    # Its own word that it waits; then the first one ends.
    timeout 20 sh -c 'until grep -q "waiting for another build" "$0"; do sleep 0.1; done' "$BATS_TEST_TMPDIR/second"
    run id_of tool
    [ "$status" -ne 0 ]
    flock --unlock "$lock"
    wait "$second"
    id_of tool
}

@test "podman and buildah build the same layers as each other, at the archive's time" {
    for engine in podman buildah; do
        ENGINE=$engine run ./dbuild.sh --no-cache --metadata "$BATS_TEST_TMPDIR/$engine.json" run run-jre
        [ "$status" -eq 0 ] || { echo "$engine: $output"; return 1; }
        [[ $(jq -r '.[1].created' "$BATS_TEST_TMPDIR/$engine.json") == 2023-11-14T22:13:20Z ]]
        "$engine" rmi --force "localhost/${TEST_PREFIX}base-run-jre:$version" "localhost/${TEST_PREFIX}base-run:$version" >/dev/null
    done
    [ "$(jq -c '.[].layers' "$BATS_TEST_TMPDIR/podman.json")" = "$(jq -c '.[].layers' "$BATS_TEST_TMPDIR/buildah.json")" ]
}

@test "BuildKit, where the client has it, builds the same layers as the classic builder" {
    docker_with_buildkit
    DOCKER_BUILDKIT=0 ./dbuild.sh --no-cache --metadata "$BATS_TEST_TMPDIR/classic.json" run run-jre
    DOCKER_BUILDKIT=1 run ./dbuild.sh --no-cache --progress plain --metadata "$BATS_TEST_TMPDIR/buildkit.json" run run-jre
    [ "$status" -eq 0 ]
    [[ $output == *"exporting layers"* ]]
    [ "$(jq -c '.[].layers' "$BATS_TEST_TMPDIR/classic.json")" = "$(jq -c '.[].layers' "$BATS_TEST_TMPDIR/buildkit.json")" ]
}
