#!/usr/bin/env bats
# The OCI labels: of each real image, and of the fixture's small ones where it needs a registry or another setting.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup() {
    load common
    . "$REPO/vars.sh"
}

teardown() {
    remove_test_images
    [ -z "${REGISTRY_PID-}" ] || kill "$REGISTRY_PID"
}

# label IMAGE KEY: its value without org.opencontainers.image; `-` when there is none.
label() { docker image inspect "$1" | jq -r --arg key "org.opencontainers.image.$2" '.[0].Config.Labels[$key] // "-"'; }

@test "each image has its own: title, description, licences, version, revision, created, the name of its base" {
    stages_of_this_run
    "$REPO/dbuild.sh" "${STAGES[@]%%:*}"
    descriptions=()
    for entry in "${STAGES[@]}"; do
        stage=${entry%%:*} parent=${entry#*:} image=${IMAGE_PREFIX}base-${entry%%:*}:$VERSION
        echo "$image: $(docker image inspect --format '{{json .Config.Labels}}' "$image")"
        [ "$(label "$image" title)" = "base-$stage" ]
        [ "$(label "$image" licenses)" = Apache-2.0 ]
        [ "$(label "$image" version)" = "$VERSION" ]
        [[ $(label "$image" revision) =~ ^([0-9a-f]{40}(-dirty)?|unknown)$ ]]
        [ "$(label "$image" created)" = "$(jq -r .created "$REPO/build/rootfs-$SUITE-$(dpkg --print-architecture).json")" ]
        descriptions+=("$(label "$image" description)")
        if [ "$parent" = scratch ]; then
            [ "$(label "$image" base.name)" = - ]
        else
            [ "$(label "$image" base.name)" = "${IMAGE_PREFIX}base-$parent:$VERSION" ]
            # What the name says is so: the base's layers come first.
            docker image inspect "${IMAGE_PREFIX}base-$parent:$VERSION" "$image" | jq -e '.[0].RootFS.Layers as $base | .[1].RootFS.Layers[:$base | length] == $base'
        fi
    done
    # None is inherited, none is empty.
    [ "$(printf '%s\n' "${descriptions[@]}" | grep . | sort --unique | wc -l)" -eq ${#STAGES[@]} ]
}

@test "source: the repository's address, when it is known" {
    fixture "$BATS_TEST_TMPDIR/repo"
    export IMAGE_PREFIX=$TEST_PREFIX
    "$BATS_TEST_TMPDIR/repo/dbuild.sh" tool
    [ "$(label "${IMAGE_PREFIX}base-tool:$VERSION" source)" = - ]
    SOURCE_URL='https://git.example/a "b"' "$BATS_TEST_TMPDIR/repo/dbuild.sh" tool
    [ "$(label "${IMAGE_PREFIX}base-tool:$VERSION" source)" = 'https://git.example/a "b"' ]
}

@test "base.digest: what the base's name is in the registry, when it is known; never that of another base" {
    start_registry "$BATS_TEST_TMPDIR/registry"
    fixture "$BATS_TEST_TMPDIR/repo"
    cp "$REPO/dpush.sh" "$BATS_TEST_TMPDIR/repo"
    cd "$BATS_TEST_TMPDIR/repo"
    export IMAGE_PREFIX=$HOST/labels/ TEST_PREFIX=$HOST/labels/
    image=${IMAGE_PREFIX}base
    ./dbuild.sh run run-jre run-jre-debug
    [ "$(label "$image-run-jre:$VERSION" base.name)" = "$image-run:$VERSION" ]
    [ "$(label "$image-run-jre-debug:$VERSION" base.name)" = "$image-run-jre:$VERSION" ]
    # Nobody has it yet: a digest would lead nowhere.
    [[ $(label "$image-run-jre:$VERSION" base.digest) != sha256:* ]]
    pushed=$(./dpush.sh run)
    ./dbuild.sh run-jre run-jre-debug
    [ "$(label "$image-run-jre:$VERSION" base.digest)" = "${pushed#*@}" ]
    # What run-jre-debug would inherit is the digest of run, which is not its base.
    [[ $(label "$image-run-jre-debug:$VERSION" base.digest) != sha256:* ]]
    # The label is no reason to refuse: the same version, pushed before with another one.
    ./dpush.sh run run-jre
    ./dbuild.sh run-jre run-jre-debug
    [ "$(label "$image-run-jre-debug:$VERSION" base.digest)" = "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$image-run-jre:$VERSION")" ]
}
