#!/usr/bin/env bats
# Every image passes its own suite, the inherited checks included, in each of these ways: see WAYS.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

# name|options of docker run
WAYS=(
    "root|--user 0:0"
    "its USER|"
    "its USER, read-only|--read-only"
    "root, read-only, no capabilities|--user 0:0 --read-only --cap-drop ALL --network none"
    "an arbitrary uid of group 0, read-only|--user 123456:0 --read-only"
    "an arbitrary uid and gid, read-only, no capabilities, no new privileges|--user 123456:234567 --read-only --cap-drop ALL --security-opt no-new-privileges --network none"
)

setup_file() {
    load common
    "$REPO/dbuild.sh"
}

setup() {
    load common
    . "$REPO/vars.sh"
}

# passes STAGE FILE: the image of STAGE passes in every way, and FILE, one of the stage's own checks, was among those that ran.
passes() {
    local way failed=0
    local -a options
    for way in "${WAYS[@]}"; do
        read -ra options <<<"${way#*|}"
        run docker run --rm "${options[@]}" "${IMAGE_PREFIX}base-$1:$VERSION" test --timeout 120s
        if [ "$status" -ne 0 ] || [[ $output != *"image/00-setuid.sh"*"image/$2"*"Failed: 0,"* ]]; then
            printf 'base-%s as %s: exit code %s\n' "$1" "${way%%|*}" "$status"
            sed -n '/^Failures/,$p' <<<"$output"
            failed=1
        fi
    done
    return $failed
}

@test "base-root" { passes root 00-wrapper.sh; }
@test "base-build" { passes build 10-compile.sh; }
@test "base-build-sbt" { passes build-sbt 20-sbt.sh; }
@test "base-runtime" { passes runtime 10-aws.sh; }
@test "base-runtime-jre" { passes runtime-jre 20-jar.py; }

@test "no stage is left out here" {
    local stage
    for stage in "${STAGES[@]%%:*}"; do grep -q "^@test \"base-$stage\"" "$BATS_TEST_FILENAME" || { echo "$stage"; return 1; }; done
}

@test "the entry point, command, health check, stop signal and user of each" {
    facts() { docker image inspect "${IMAGE_PREFIX}base-$1:$VERSION" | jq --compact-output '.[0].Config | [.Entrypoint, .Cmd, .Healthcheck.Test, .StopSignal, .User]'; }
    local stage user
    for stage in "${STAGES[@]%%:*}"; do
        user=root
        [[ $stage != runtime* ]] || user=$APP_UID:0
        [ "$(facts "$stage")" = '[["/usr/bin/wrapper"],["run"],["CMD","/usr/bin/wrapper","test","live"],"SIGTERM","'"$user"'"]' ] || { facts "$stage"; return 1; }
    done
}
