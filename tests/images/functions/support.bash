# shellcheck shell=bash disable=SC2034,SC2154  # status, output and errors are read by the tests
# Shared by functions*.bats. The library runs in two containers: $pod is base-runtime as it is deployed (read-only, a uid in no
# passwd file, no capability, a service account mounted), and shares the network of $fakes, which has moto and the fakes.
#
# FUNCTIONS_IMAGE names another image with the tools; the library is then mounted from this checkout.

load common

name=fntest-$(basename "$BATS_FILE_TMPDIR" | tr '[:upper:]' '[:lower:]')-$(cksum <<<"$BATS_RUN_TMPDIR" | cut -d ' ' -f 1)
fakes=$name-fakes pod=$name-pod
# Stays after the tests, as the examples do: it is the cache of its own packages.
fakes_image=${IMAGE_PREFIX-}function-fakes
library=/usr/lib/image/functions.sh
account=/var/run/secrets/kubernetes.io/serviceaccount
token=eyJhbGciOiJSUzI1NiIsImtpZCI6Ing.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJl-of_the.pod

start_containers() {
    local image=${FUNCTIONS_IMAGE:-${IMAGE_PREFIX-}base-runtime} ready
    [[ -n ${FUNCTIONS_IMAGE-} ]] || "$REPO/dbuild.sh" --with-parents runtime >&2
    docker build --quiet --build-arg PARENT="$image" --tag "$fakes_image" "$REPO/tests/images/functions" >&2
    mkdir -p "$BATS_FILE_TMPDIR"/{fake,account,code}
    chmod 0755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
    printf %s "$token" | tee "$BATS_FILE_TMPDIR/fake/token" >"$BATS_FILE_TMPDIR/account/token"
    printf shop >"$BATS_FILE_TMPDIR/account/namespace"
    remove_containers
    docker run --detach --name "$fakes" --hostname db-0 --user 0 --cap-add NET_ADMIN --env FAKE=/fake --env FAKE_CODE=/code \
        --volume "$BATS_FILE_TMPDIR/fake:/fake" --volume "$REPO/tests/images/functions:/code:ro" "$fakes_image" /code/start.sh >/dev/null
    # No event says that a file is there: poll, at most 60 s, and no longer than the container lives.
    for ready in aws kubernetes moto; do
        # shellcheck disable=SC2016  # the inner shell's variables
        timeout 60 bash -c 'until [[ -e $1 ]]; do [[ $(docker inspect -f "{{.State.Running}}" "$2") == true ]] || exit 1; sleep 0.1; done' \
            - "$BATS_FILE_TMPDIR/fake/$ready-ready" "$fakes" || { docker logs "$fakes" >&2; return 1; }
    done
    cp "$BATS_FILE_TMPDIR/fake/ca.crt" "$BATS_FILE_TMPDIR/account/"
    new_pod "$pod" --tmpfs /tmp
}

# new_pod NAME RUN-OPTION...: a container as Kubernetes would run it, kept alive by the wrapper.
new_pod() {
    local mounts=()
    if [[ -n ${FUNCTIONS_IMAGE-} ]]; then
        mounts=(--volume "$REPO/rootfs/runtime$library:/etc/profile.d/image-functions.sh:ro" --volume "$REPO/rootfs/runtime$library:$library:ro" --volume "$REPO/rootfs/runtime${library%.sh}:${library%.sh}:ro")
    fi
    docker run --detach --name "$1" --network "container:$fakes" --read-only --user 23456:0 --cap-drop ALL --security-opt no-new-privileges \
        --volume "$BATS_FILE_TMPDIR/account:$account:ro" --env KUBERNETES_SERVICE_HOST=10.96.0.1 --env KUBERNETES_SERVICE_PORT=443 \
        "${mounts[@]}" "${@:2}" "${FUNCTIONS_IMAGE:-${IMAGE_PREFIX-}base-runtime}" maintenance >/dev/null
}

remove_containers() {
    local container
    for container in $(docker ps --all --quiet --filter "name=$name-"); do docker rm --force --volumes "$container" >/dev/null; done
}

# Each test starts with a healthy world.
reset_world() {
    rm -f "$BATS_FILE_TMPDIR/fake/fault" "$BATS_FILE_TMPDIR/fake/requests"
    printf %s "$token" >"$BATS_FILE_TMPDIR/account/token"
    cp "$BATS_FILE_TMPDIR/fake/ca.crt" "$BATS_FILE_TMPDIR/account/ca.crt"
    chmod 0644 "$BATS_FILE_TMPDIR"/account/*
    options=() container=$pod limit=''
}

# fault WHAT [PART]: see fake.py.
fault() { echo "$*" >"$BATS_FILE_TMPDIR/fake/fault"; }

# instead CODE BODY [PART]: this is the answer, whatever was asked.
instead() {
    printf '%s\n%s' "$1" "$2" >"$BATS_FILE_TMPDIR/fake/instead"
    fault "instead ${3-}"
}

# lib CODE SCRIPT: in bash and in dash, both with `set -eu`, source the library and run SCRIPT; it ends with CODE, and both say the
# same. Sets output (stdout), errors (stderr), and for `sent` what the fakes were asked. `options` are for docker exec, such as -e. What
# hangs ends with 124; the container goes after the test.
lib() {
    local shell code flags before=''
    for shell in bash dash; do
        rm -f "$BATS_FILE_TMPDIR/fake/requests"
        touch "$BATS_FILE_TMPDIR/fake/requests"
        flags=(-eu)
        [[ $shell == dash ]] || flags=(-euo pipefail)
        code=0
        timeout "${limit:-120}" docker exec -i "${options[@]}" "$container" "$shell" "${flags[@]}" -c ". $library
$2" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || code=$?
        output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/stdout") errors=$(<"$BATS_TEST_TMPDIR/stderr")
        cp "$BATS_FILE_TMPDIR/fake/requests" "$BATS_TEST_TMPDIR/requests.$shell"
        [[ $code -eq $1 ]] || { printf '%s: exit code %s, wanted %s\nstdout: %s\nstderr: %s\n' "$shell" "$code" "$1" "$output" "$errors"; return 1; }
        [[ $shell == bash || $output == "$before" ]] || { printf 'bash: %s\ndash: %s\n' "$before" "$output"; return 1; }
        before=$output
    done
}

# prints TEXT: exactly this is on stdout, and nothing on stderr.
prints() { [[ $output == "$1" && -z $errors ]] || { printf 'wanted: %s\nstdout: %s\nstderr: %s\n' "$1" "$output" "$errors"; return 1; }; }

# says TEXT...: each is on stderr, and nothing on stdout.
says() {
    local text
    for text; do
        [[ $errors == *"$text"* ]] || { printf 'not said: %s\nstderr: %s\n' "$text" "$errors"; return 1; }
    done
    [[ -z $output ]] || { printf 'stdout: %s\n' "$output"; return 1; }
}

# sent JQ-FILTER TEXT: the filter on the list of requests gives TEXT, for both shells.
sent() {
    local shell found
    for shell in bash dash; do
        found=$(jq -src "$1" "$BATS_TEST_TMPDIR/requests.$shell")
        [[ $found == "$2" ]] || { printf '%s sent: %s\nwanted: %s\n' "$shell" "$found" "$2"; jq -c . "$BATS_TEST_TMPDIR/requests.$shell"; return 1; }
    done
}

# secret_is_hidden SECRET SERVER SCRIPT: while the server lets SCRIPT wait, no process of the container shows SECRET on its command line, and
# under `set -x` nothing shows it either.
secret_is_hidden() {
    local runner deadline=$((SECONDS + 30)) shell=$4
    rm -f "$BATS_FILE_TMPDIR/fake/requests"
    docker exec "${options[@]}" "$pod" "$shell" -xc ". $library
$3" >"$BATS_TEST_TMPDIR/trace" 2>&1 &
    runner=$!
    # The request's line in the log says that the client waits; there is no event for it.
    until grep -qs "\"server\": \"$2\"" "$BATS_FILE_TMPDIR/fake/requests"; do
        if [[ $SECONDS -ge $deadline ]] || ! kill -0 $runner 2>/dev/null; then
            echo "nothing was asked:" && cat "$BATS_TEST_TMPDIR/trace"
            return 1
        fi
        sleep 0.05
    done
    docker exec "$pod" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n"' >"$BATS_TEST_TMPDIR/cmdlines"
    wait $runner || true
    grep -qE 'curl|aws' "$BATS_TEST_TMPDIR/cmdlines" || { echo "no client was seen"; return 1; }
    ! grep -F -- "$1" "$BATS_TEST_TMPDIR/cmdlines" "$BATS_TEST_TMPDIR/trace" || return 1
}
