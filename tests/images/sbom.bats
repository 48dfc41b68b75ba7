#!/usr/bin/env bats
# scripts/sbom.sh: what it lists is what is in the image, the schema's validator agrees and can disagree, and the same image gives
# the same bytes.
# shellcheck disable=SC2016,SC2153  # a Dockerfile's variables; REPO comes from common.bash

bats_require_minimum_version 1.5.0

# An image of this run's own: the usual name may be built again by somebody in the middle of it.
setup_file() {
    load common
    export IMAGE_PREFIX=$TEST_PREFIX
    "$REPO/dbuild.sh" root
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    export version
    "$REPO/scripts/sbom.sh" --directory "$BATS_FILE_TMPDIR" root
}

teardown_file() {
    load common
    remove_test_images
}

setup() {
    load common
    export IMAGE_PREFIX=$TEST_PREFIX
    image=${TEST_PREFIX}base-root:$version
    sbom=$BATS_FILE_TMPDIR/base-root-$version.cdx.json
    tools=$REPO/build/sbom-tools
}

validates() {
    local schemas=("$tools"/lib/python3*/site-packages/cyclonedx/schema/_res)
    "$tools/bin/check-jsonschema" --base-uri "file://${schemas[0]}/" --schemafile "${schemas[0]}/bom-$(jq -r .specVersion "$sbom").SNAPSHOT.schema.json" "$1"
}

# installed IMAGE: name, version and architecture of each package, a line each; listed FILE: the same of an SBOM.
installed() {
    docker run --rm "$1" dpkg-query --show --showformat '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' | sed -n 's/^installed //p' | LC_ALL=C sort
}
listed() {
    jq -r '.components[] | select(.purl // "" | test("^pkg:deb/debian/.*arch=")) | select(.purl | test("arch=source") | not)
        | "\(.name) \(.version) \(.purl | capture("arch=(?<arch>[^&]+)").arch)"' "$1" | LC_ALL=C sort
}

@test "every package that dpkg has installed, and none that it has not" {
    installed "$image" >"$BATS_TEST_TMPDIR/installed"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/installed")" -ge 70 ]
    diff "$BATS_TEST_TMPDIR/installed" <(listed "$sbom")
    # The source of each, as far as dpkg names one: the package itself, or another.
    [ "$(jq '[.components[] | select(.purl // "" | test("arch=source"))] | length' "$sbom")" -ge 40 ]
}

@test "the schema's own validator accepts it, and sees what is wrong" {
    validates "$sbom"
    for edit in '.components[0].type = "thing"' 'del(.components[0].name)' '.serialNumber = "1"' '.metadata.timestamp = "today"' '.components[1] = .components[0]'; do
        jq "$edit" "$sbom" >"$BATS_TEST_TMPDIR/broken.json"
        run validates "$BATS_TEST_TMPDIR/broken.json"
        [ "$status" -eq 1 ] || { echo "accepted: $edit"; return 1; }
    done
}

@test "what it refers to is in it, each thing once" {
    [ "$(jq '[.components[]."bom-ref"] | length - (unique | length)' "$sbom")" -eq 0 ]
    [ "$(jq -c '([.components[]."bom-ref"] + [.metadata.component."bom-ref"]) as $known | [.dependencies[] | .ref, (.dependsOn // [])[]] - $known' "$sbom")" = "[]" ]
    # The image depends on each package and on the wrapper.
    root=$(jq -r '.metadata.component."bom-ref"' "$sbom")
    jq -e --arg root "$root" '.dependencies[] | select(.ref == $root) | .dependsOn | index("wrapper") and any(startswith("pkg:deb/debian/bash@"))' "$sbom"
}

@test "the subject is the image: name, version, layers, labels" {
    [ "$(jq -r '.metadata.component | "\(.type) \(.name) \(.version)"' "$sbom")" = "container base-root $version" ]
    [ "$(jq -c '[.metadata.component.properties[] | select(.name == "oci:layer:diff_id").value]' "$sbom")" = "$(docker image inspect "$image" | jq -c '.[0].RootFS.Layers')" ]
    created=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.created"}}' "$image")
    [ "$(jq -r '.metadata.timestamp | sub("\\+00:00"; "Z")' "$sbom")" = "$created" ]
    jq -e '.metadata.component.properties[] | select(.name == "org.opencontainers.image.revision")' "$sbom"
}

@test "the wrapper: its digest, and the crates that are compiled in" {
    [ "$(jq -r '.components[] | select(."bom-ref" == "wrapper") | "\(.version) \(.hashes[0].content)"' "$sbom")" \
        = "$version $(docker run --rm "$image" sha256sum /usr/bin/wrapper | cut -d ' ' -f 1)" ]
    crates=$(jq -r '.components[] | select(.purl // "" | startswith("pkg:cargo/")) | "\(.name) \(.version) \(.hashes[0].content)"' "$sbom")
    [ "$(wc -l <<<"$crates")" -ge 20 ]
    # Each stands so in Cargo.lock, with this digest.
    awk '/^\[\[package/ { name = version = "" } /^name = / { name = $3 } /^version = / { version = $3 } /^checksum = / { print name, version, $3 }' "$REPO/Cargo.lock" | tr -d '"' | sort >"$BATS_TEST_TMPDIR/locked"
    [ "$(comm -23 <(sort <<<"$crates") "$BATS_TEST_TMPDIR/locked")" = "" ]
    grep -q '^nix ' <<<"$crates"
    # Of the tests, and run only while it is compiled.
    run ! grep -qE '^(proptest|serde_derive) ' <<<"$crates"
    [ "$(jq '.dependencies[] | select(.ref == "wrapper").dependsOn | length' "$sbom")" -eq "$(wc -l <<<"$crates")" ]
}

@test "the same image gives the same bytes" {
    (cd / && PYTHONHASHSEED=7 TZ=Asia/Tokyo LANG=C "$REPO/scripts/sbom.sh" --output "$BATS_TEST_TMPDIR/again.json" "$image")
    cmp "$sbom" "$BATS_TEST_TMPDIR/again.json"
    "$REPO/scripts/sbom.sh" --output - root >"$BATS_TEST_TMPDIR/stdout.json"
    cmp "$sbom" "$BATS_TEST_TMPDIR/stdout.json"
    # No container is left; by the name, since others may run the same image under another.
    run ! grep -xF "$image" <(docker ps --all --format '{{.Image}}')
}

@test "a derived image: its name, its packages, jar files by their Maven coordinates" {
    jars="/opt/cache/maven2/org/example/some-lib_3/1.2.3 /opt/sbt/boot/scala-2.12.20/org.scala-sbt/sbt/1.11.7 /opt/cache/elsewhere"
    printf 'FROM %s\nRUN install_packages jq && for d in %s; do mkdir -p $d; touch $d/x.jar; done\n' "$image" "$jars" | docker build --tag "${TEST_PREFIX}derived:7" -
    run --separate-stderr "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR" "${TEST_PREFIX}derived:7"
    [ "$status" -eq 0 ]
    [ "$output" = "$BATS_TEST_TMPDIR/derived-7.cdx.json" ]
    validates "$output"
    [ "$(jq -r '.metadata.component | "\(.name) \(.version)"' "$output")" = "derived 7" ]
    diff <(installed "${TEST_PREFIX}derived:7") <(listed "$output")
    listed "$output" | grep -q '^jq '
    [ "$(jq -r '.components[].purl // "" | select(startswith("pkg:maven"))' "$output")" = $'pkg:maven/org.example/some-lib_3@1.2.3\npkg:maven/org.scala-sbt/sbt@1.11.7' ]
}

# bats test_tags=full
@test "every stage of vars.sh: its packages, all of its parent's components, valid" {
    . "$REPO/vars.sh"
    # Under their usual names, so that nothing is built again, and then this run's.
    IMAGE_PREFIX='' "$REPO/dbuild.sh"
    for entry in "${STAGES[@]}"; do docker tag "base-${entry%%:*}:$version" "${TEST_PREFIX}base-${entry%%:*}:$version"; done
    "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR"
    for entry in "${STAGES[@]}"; do
        stage=${entry%%:*} parent=${entry#*:}
        made=$BATS_TEST_TMPDIR/base-$stage-$version.cdx.json
        validates "$made"
        diff <(installed "${TEST_PREFIX}base-$stage:$version") <(listed "$made")
        [ "$parent" = scratch ] || [ "$(jq -c --slurpfile parent "$BATS_TEST_TMPDIR/base-$parent-$version.cdx.json" \
            '[$parent[0].components[] | select(.purl // "" | test("arch=source") | not)."bom-ref"] - [.components[]."bom-ref"]' "$made")" = "[]" ]
        echo "# base-$stage: $(jq '.components | length' "$made") components, $(jq '[.components[] | select(.purl // "" | startswith("pkg:maven"))] | length' "$made") jar files" >&3
    done
    # A jar in a folder of Maven's layout, each, and the launcher, whose name has no version.
    made=$BATS_TEST_TMPDIR/base-build-sbt-$version.cdx.json
    [ "$(jq -r --arg version "$SBT_VERSION" '.components[] | select(.purl == "pkg:maven/org.scala-sbt/sbt-launch@" + $version).hashes[0].content' "$made")" = "$SBT_LAUNCH_SHA256" ]
    [ "$(jq '[.components[] | select(.purl // "" | startswith("pkg:maven"))] | length' "$made")" -ge \
        "$(docker run --rm "${TEST_PREFIX}base-build-sbt:$version" find /opt -path '*/maven2/*.jar' -printf '%h\n' | sort --unique | wc -l)" ]
}

@test "refused: another wrapper, no packages, no such image; nothing is written" {
    printf 'FROM %s\nRUN echo >>/usr/bin/wrapper\n' "$image" | docker build --tag "${TEST_PREFIX}other:1" -
    run "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR/out" "${TEST_PREFIX}other:1"
    fails_with 1 "is not the one of this checkout"
    printf 'FROM scratch\nCOPY --from=%s /usr/bin/wrapper /wrapper\n' "$image" | docker build --tag "${TEST_PREFIX}empty:1" -
    run "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR/out" "${TEST_PREFIX}empty:1"
    fails_with 1 "has no record of Debian packages"
    run "$REPO/scripts/sbom.sh" --directory "$BATS_TEST_TMPDIR/out" "${TEST_PREFIX}none:1" root
    fails_with 1 "no such image here: ${TEST_PREFIX}none:1"
    [ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "the command line: near misses, values, one file for several images" {
    rows=(
        "--ouput x root|did you mean --output?"
        "--director x|did you mean --directory?"
        "rot|did you mean root?"
        "root --output|--output wants a value"
        "--directory= root|--directory wants a value"
        "--output x root other:1|--output is for one image, these are 2"
    )
    for row in "${rows[@]}"; do
        # shellcheck disable=SC2086  # words
        run "$REPO/scripts/sbom.sh" ${row%%|*}
        fails_with 2 "${row#*|}" || { echo "row: $row"; return 1; }
    done
}
