#!/usr/bin/env bats
# Every image passes its own suite, the inherited checks included, in every way that scripts/test-images.sh knows, and has
# the configuration that the documents promise (labels: labels.bats).
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    stages_of_this_run
    "$REPO/dbuild.sh" "${STAGES[@]%%:*}"
}

setup() {
    load common
    stages_of_this_run
}

passes() { # STAGE: in every way
    run "$REPO/scripts/test-images.sh" "$1"
    [ "$status" -eq 0 ]
    echo "# $1: $(awk '{ print $2 " " $4 }' <<<"$output" | paste -sd ' ') checks" >&3
}

@test "base-root" { passes root; }
@test "base-build" { passes build; }
@test "base-runtime" { passes runtime; }
@test "base-runtime-jre" { passes runtime-jre; }

# Each way takes a build with sbt.
# bats test_tags=full
@test "base-build-sbt" { passes build-sbt; }

# bats test_tags=full
@test "base-build-sbt: a first build without a network" {
    run docker run --rm --network none "${IMAGE_PREFIX}base-build-sbt:$VERSION" test image --only '20-*'
    [ "$status" -eq 0 ]
    [[ $output == *"pass "*image/20-sbt.sh* ]]
}

@test "no stage is left out here" {
    local stage
    for stage in "${STAGES[@]%%:*}"; do grep -q "^@test \"base-$stage\" " "$BATS_TEST_FILENAME" || { echo "$stage"; return 1; }; done
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

@test "no setuid or setgid program in any of them" {
    local stage
    for stage in "${STAGES[@]%%:*}"; do
        run docker run --rm --user 0 --entrypoint /usr/bin/find "${IMAGE_PREFIX}base-$stage:$VERSION" / -xdev -type f -perm /6000
        [ "$status" -eq 0 ]
        [ "$output" = "" ]
    done
}
