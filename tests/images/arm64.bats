#!/usr/bin/env bats
# The images for arm64, where the kernel runs its programs through qemu. A quarter of an hour: only in a full run.
# shellcheck disable=SC2153  # REPO comes from common.bash
# bats file_tags=full

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || [ "$(uname -m)" = aarch64 ] || skip "no qemu in this kernel: scripts/setup.sh test"
    "$REPO/dbuild.sh" --platform linux/arm64 root runtime
}

setup() {
    load common
    . "$REPO/vars.sh"
    tag=$VERSION-arm64
    [ "$(uname -m)" != aarch64 ] || tag=$VERSION
}

# failed STAGE: the files of its suite that fail, each with much time: Python under qemu takes it.
failed() {
    docker run --rm --network none --platform linux/arm64 --env WRAPPER_TEST_TIMEOUT=10m "${IMAGE_PREFIX}base-$1:$tag" test image --format json >"$BATS_TEST_TMPDIR/$1.json" || true
    jq -r '.results[] | select(.successful | not).file' "$BATS_TEST_TMPDIR/$1.json" | sort --unique | paste -sd ' '
}

@test "they are arm64, and this machine's own keep their names" {
    for stage in root runtime; do
        [ "$(docker image inspect --format '{{.Architecture}}' "${IMAGE_PREFIX}base-$stage:$tag")" = arm64 ]
        [ "$(docker run --rm --platform linux/arm64 --entrypoint /usr/bin/uname "${IMAGE_PREFIX}base-$stage:$tag" -m)" = aarch64 ]
    done
    if docker image inspect "${IMAGE_PREFIX}base-root:latest" >/dev/null; then
        [ "$(docker image inspect --format '{{.Architecture}}' "${IMAGE_PREFIX}base-root:latest")" = "$(dpkg --print-architecture)" ]
    fi
}

@test "base-root: its suite" {
    [ "$(failed root)" = "" ]
    [ "$(jq .summary.\"test-count\" "$BATS_TEST_TMPDIR/root.json")" -ge 12 ]
}

@test "base-runtime: its suite, but what qemu cannot do" {
    known=""
    # It has no ptrace, and not the request by which tcpdump asks an interface for its clocks.
    [ "$(uname -m)" = aarch64 ] || known="10-strace.sh 10-tcpdump.sh"
    [ "$(failed runtime)" = "$known" ]
    [ "$(jq .summary.\"test-count\" "$BATS_TEST_TMPDIR/runtime.json")" -ge 70 ]
}

@test "an SBOM has the architecture in its name, and leaves this machine's own alone" {
    run --separate-stderr "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR" "${IMAGE_PREFIX}base-root:$tag"
    [ "$status" -eq 0 ]
    [ "$output" = "$BATS_TEST_TMPDIR/base-root-$tag.cdx.json" ]
    jq -e '[.components[].purl // "" | select(test("arch=arm64"))] | length > 50' "$output"
}
