#!/usr/bin/env bats
# scripts/attach-sbom.sh: the SBOM of a published image is found beside it in a real registry, and only that image's.
# shellcheck disable=SC2153,SC2154  # REPO comes from common.bash, stderr from run

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    registry_for_file
    "$REPO/dbuild.sh" root
    "$REPO/scripts/sbom.sh" --directory "$BATS_FILE_TMPDIR/sbom" root
}

teardown_file() { kill "$REGISTRY_PID"; }

setup() {
    load common
    . "$REPO/vars.sh"
    root=${IMAGE_PREFIX}base-root:$VERSION
    path=attach-$BATS_TEST_NUMBER/
    export IMAGE_PREFIX=$HOST/$path TEST_PREFIX=$HOST/$path
    cd "$BATS_TEST_TMPDIR" || return 1
    docker tag "$root" "${IMAGE_PREFIX}base-root:$VERSION"
    "$REPO/dpush.sh" --force root >pushed
    digest=$(sed 's/.*@//' pushed)
    tag=sha256-${digest#sha256:}.sbom
    sbom=base-root-$VERSION.cdx.json
}

teardown() { remove_test_images; }

manifest() { curl --silent --fail --header 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$HOST/v2/${path}base-root/manifests/$tag"; }

@test "beside the image, under its digest: the same bytes, with the image as its subject" {
    run --separate-stderr "$REPO/scripts/attach-sbom.sh" --directory "$BATS_FILE_TMPDIR/sbom" pushed
    [ "$status" -eq 0 ]
    [ "$output" = "${IMAGE_PREFIX}base-root:$tag@sha256:$(manifest | sha256sum | cut -d ' ' -f 1)" ]
    [ "$(manifest | jq -r '.artifactType, .subject.digest, .layers[0].mediaType, .layers[0].annotations[]')" \
        = "application/vnd.cyclonedx+json"$'\n'"$digest"$'\n'"application/vnd.cyclonedx+json"$'\n'"$sbom" ]
    curl --silent --fail "http://$HOST/v2/${path}base-root/blobs/$(manifest | jq -r '.layers[0].digest')" | cmp - "$BATS_FILE_TMPDIR/sbom/$sbom"
    # The subject is the image as the registry has it, size and all.
    [ "$(manifest | jq .subject.size)" = "$(skopeo inspect --raw --tls-verify=false "docker://${IMAGE_PREFIX}base-root@$digest" | wc -c)" ]
    # Again, from stdin: nothing moves.
    first=$output
    run --separate-stderr "$REPO/scripts/attach-sbom.sh" --directory="$BATS_FILE_TMPDIR/sbom" - <pushed
    [ "$output" = "$first" ]
    # The image itself is as it was.
    [ "$(tags root)" = "[\"$VERSION\",\"latest\",\"$tag\"]" ]
}

@test "an SBOM of other layers, none at all, an image that is not there: nothing is sent" {
    mkdir other
    jq '.metadata.component.properties[0].value = "sha256:0"' "$BATS_FILE_TMPDIR/sbom/$sbom" >"other/$sbom"
    run "$REPO/scripts/attach-sbom.sh" --directory other pushed
    fails_with 1 "other/$sbom is not of ${IMAGE_PREFIX}base-root@$digest: its layers are others"
    rm "other/$sbom"
    run "$REPO/scripts/attach-sbom.sh" --directory other pushed
    fails_with 1 "no SBOM of ${IMAGE_PREFIX}base-root@$digest"
    { cat pushed; sed 's/@sha256:../@sha256:00/' pushed; } >two
    run "$REPO/scripts/attach-sbom.sh" --directory "$BATS_FILE_TMPDIR/sbom" two
    fails_with 1 "not in the registry: ${IMAGE_PREFIX}base-root@sha256:00"
    [ "$(tags root)" = "[\"$VERSION\",\"latest\"]" ]
}

@test "the command line" {
    run "$REPO/scripts/attach-sbom.sh"
    fails_with 2 "which images?"
    run "$REPO/scripts/attach-sbom.sh" --director x pushed
    fails_with 2 "did you mean --directory?"
    run "$REPO/scripts/attach-sbom.sh" none
    fails_with 1 "cannot read none"
    run "$REPO/scripts/attach-sbom.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == *"Usage: "*"Exit codes"* ]]
}
