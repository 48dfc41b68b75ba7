# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2034,SC2154  # a Dockerfile's variables; status and output are set by bats
# Shared by the image tests. Sets REPO, the repository under test, and TEST_PREFIX, which every image made by a test starts
# with: this run's own, so that two runs on one machine do not remove each other's.

REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
TEST_PREFIX=wrapper-test/$(basename "$BATS_RUN_TMPDIR" | tr '[:upper:]' '[:lower:]')/
export REPO TEST_PREFIX

# fixture FOLDER: a repository of its own with the scripts under test and small stages whose names contain each other,
# so that real builds take a second. Its stages: run, run-jre (on run), run-jre-debug (on run-jre), tool.
fixture() {
    mkdir -p "$1/build"
    cp -r "$REPO/dbuild.sh" "$REPO/scripts" "$1/"
    sed '/^STAGES=(/,/^)/d' "$REPO/vars.sh" >"$1/vars.sh"
    echo 'STAGES=(run:scratch run-jre:run run-jre-debug:run-jre tool:scratch)' >>"$1/vars.sh"
    local stage arch
    arch=$(dpkg --print-architecture)
    echo '{"epoch": 1700000000, "created": "2023-11-14T22:13:20Z"}' >"$1/build/rootfs-trixie-$arch.json"
    for stage in run run-jre run-jre-debug tool; do
        mkdir -p "$1/rootfs/$stage/etc"
        echo "$stage" >"$1/rootfs/$stage/etc/$stage"
        case $stage in
            run | tool) printf 'FROM scratch\n' ;;
            *) printf 'ARG PARENT\nFROM ${PARENT}\n' ;;
        esac >"$1/Dockerfile.$stage"
        printf 'ADD overlay.tar /\nHEALTHCHECK CMD ["/none"]\nCMD ["/none"]\n' >>"$1/Dockerfile.$stage"
    done
}

# start_registry FOLDER [YAML]: Debian's docker-registry on a free port of loopback, its images in FOLDER, with more settings.
# Sets HOST (address:port) and REGISTRY_PID. Returns when it listens.
start_registry() {
    local says line
    mkdir -p "$1"
    printf 'version: 0.1\nhttp: {addr: "127.0.0.1:0"}\n%s\n' "${2:-storage: {filesystem: {rootdirectory: $1\}\}}" >"$1/registry.yml"
    mkfifo "$1/says"
    docker-registry serve "$1/registry.yml" >"$1/says" 2>&1 3>&- &
    REGISTRY_PID=$!
    # Its own word that it listens, and where; what it says after that is kept, or it would wait for a reader.
    exec {says}<"$1/says"
    while read -r line <&"$says"; do
        if [[ $line =~ listening\ on\ (127.0.0.1:[0-9]+) ]]; then break; fi
    done
    HOST=${BASH_REMATCH[1]}
    cat <&"$says" >"$1/log" 3>&- &
    exec {says}<&-
}

# registry_for_file: a registry for all tests of the file, to be killed by `kill "$REGISTRY_PID"`; sets HOST too.
registry_for_file() {
    start_registry "$BATS_FILE_TMPDIR/registry"
    export REGISTRY_PID HOST
}

# pushing_fixture NAME: a fixture with dpush.sh, and the naive form of it, in which the test then is, and a path of its own in the registry.
pushing_fixture() {
    repo=$BATS_TEST_TMPDIR/repo
    fixture "$repo"
    cp "$REPO/dpush.sh" "$REPO/tests/images/naive-dpush.sh" "$repo/"
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    export IMAGE_PREFIX=$HOST/$1-$BATS_TEST_NUMBER/
    TEST_PREFIX=$IMAGE_PREFIX
    cd "$repo" || return 1
}

# in_front MODE STATUS CODE [MESSAGE]: deny.py before the registry; sets FRONT, its address, and adds to `started`, which the
# test's teardown kills.
in_front() {
    local says line pipe=$BATS_TEST_TMPDIR/front-${#started[@]}
    mkfifo "$pipe"
    python3 "$REPO/tests/images/deny.py" "$HOST" "$@" >"$pipe" 2>"$pipe.log" 3>&- &
    started+=($!)
    exec {says}<"$pipe"
    read -r line <&"$says"
    FRONT=${line#listening on }
}

# tags STAGE: those that the registry has, as JSON.
tags() { skopeo list-tags --tls-verify=false "docker://${IMAGE_PREFIX}base-$1" 2>/dev/null | jq -c '.Tags | sort'; }

# Sets STAGES as vars.sh has them; on a push (./test.sh without `full`) without base-build-sbt, which takes minutes and Maven's
# repositories to build.
stages_of_this_run() {
    . "$REPO/vars.sh"
    [ "${TEST_FULL-1}" = 1 ] || STAGES=("${STAGES[@]/#build-sbt:*/}")
    local entry all=("${STAGES[@]}")
    STAGES=()
    for entry in "${all[@]}"; do [ -z "$entry" ] || STAGES+=("$entry"); done
}

# start_proxy OPTION...: proxy.py; sets PROXY, its address. End it with stop_proxy.
start_proxy() {
    local line
    coproc PROXY_OUT { exec python3 "$REPO/tests/images/proxy.py" "$@" 2>"$BATS_TEST_TMPDIR/proxy.log" 3>&-; }
    PROXY_PID=$PROXY_OUT_PID
    read -r line <&"${PROXY_OUT[0]}"
    PROXY=http://${line#listening on }
}
stop_proxy() { [ -z "${PROXY_PID-}" ] || kill "$PROXY_PID"; }

# authority NAME: a certificate authority of this test's own, NAME.pem and NAME.key.
authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1" 2>/dev/null; }

# copy_with_parent STAGE: in ./repo a copy of the repository that can build the stage, under this test's names. Its parent has
# such a name too, and so has the stage's earlier image, which is the parent's for want of another.
copy_with_parent() {
    local parent
    parent=$(printf '%s\n' "${STAGES[@]}" | sed -n "s/^$1://p")
    "$REPO/dbuild.sh" --with-parents "$parent"
    mkdir -p repo/build
    (cd "$REPO" && cp -r --parents dbuild.sh vars.sh scripts fetch "rootfs/$1" "Dockerfile.$1" build/rootfs-*.json "$BATS_TEST_TMPDIR/repo/")
    docker tag "${IMAGE_PREFIX}base-$parent:$VERSION" "${TEST_PREFIX}base-$parent:$VERSION"
    docker tag "${IMAGE_PREFIX}base-$parent:$VERSION" "${TEST_PREFIX}base-$1:$VERSION"
    export IMAGE_PREFIX=$TEST_PREFIX
}

# docker_with_buildkit: puts a docker client that has BuildKit first on PATH; skips the test where there is none.
docker_with_buildkit() {
    local candidate
    for candidate in $(type -aP docker); do
        if DOCKER_BUILDKIT=1 "$candidate" build --help 2>&1 | grep -q -- '--progress'; then
            mkdir -p "$BATS_TEST_TMPDIR/bin"
            ln -s "$candidate" "$BATS_TEST_TMPDIR/bin/docker"
            PATH=$BATS_TEST_TMPDIR/bin:$PATH
            return
        fi
    done
    skip "no docker client with BuildKit"
}

# Remove what the tests built, and nothing else. An image that lost its tag to a later one still has a digest.
remove_test_images() {
    local images
    mapfile -t images < <(docker image ls --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' \
        | awk -v prefix="$TEST_PREFIX" 'index($1, prefix) == 1 { print $2 == "<none>" ? $1 "@" $3 : $1 ":" $2 }')
    if [ ${#images[@]} -gt 0 ]; then docker image rm --force "${images[@]}" >/dev/null; fi
}

# fails_with CODE TEXT: the last `run` ended so, and said so.
fails_with() {
    [ "$status" -eq "$1" ] || { echo "exit code $status, wanted $1; output: $output"; return 1; }
    [[ $output == *"$2"* ]] || { echo "not said: $2; output: $output"; return 1; }
}
