#!/usr/bin/env bash
# Write the SBOM of base images, or of images derived from them: what is in them, as CycloneDX JSON.
#
# Usage: scripts/sbom.sh [--directory DIR] [--output FILE] [STAGE|IMAGE...]
#
# Without a name: every stage. A word with a `/`, `:` or `@` in it is an image, any other is a stage.
#
#   --directory DIR   where the files go; default build/sbom
#   --output FILE     for one image: this file; - is stdout
#   -h, --help        this text
#
# Result: DIR/NAME-VERSION.cdx.json for each image, such as build/sbom/base-root-1.2.3.cdx.json (of another architecture
# base-root-1.2.3-arm64.cdx.json), and the paths on stdout.
#
# In it: every Debian package that dpkg has installed, with the source it was built from, its licence as far as the copyright
# file is machine-readable, and what it depends on (debsbom); the wrapper with its digest and the crates it is made of
# (Cargo.lock); jar files of Maven's coordinates. The image itself is the subject, with the diff ids of its layers. An SBOM is
# validated against CycloneDX' schema by another tool before it is written. Same image, same bytes: its time is the image's.
#
# The wrapper's crates are known where it was built: an image with another wrapper than build/wrapper-ARCH is refused.
#
# Environment:
#   ENGINE         docker (default) or podman
#   IMAGE_PREFIX   as the images were built with
#
# Exit codes: 0 written, 1 an error, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/vars.sh"

ENGINE=${ENGINE:-docker}
names=("${STAGES[@]%%:*}")
arguments=("$@")
images=() directory=$ROOT/build/sbom output=''
while [ $# -gt 0 ]; do
    word=$1 value=''
    shift
    case $word in
        --directory=* | --output=*) value=${word#*=} word=${word%%=*}
            [ -n "$value" ] || usage_error "$word wants a value" ;;
        --directory | --output)
            [ -n "${1-}" ] || usage_error "$word wants a value"
            value=$1
            shift ;;
    esac
    case $word in
        --directory) directory=$value ;;
        --output) output=$value ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -*)
            hint=$(nearest "${word%%=*}" --directory --output --help)
            usage_error "unknown option '$word'" ${hint:+"did you mean $hint?"} ;;
        *[/:@]*) images+=("$word") ;;
        *)
            known_stage "$word" "an image is named with its tag: $word:latest"
            images+=("${IMAGE_PREFIX}base-$word:$VERSION") ;;
    esac
done
if [ ${#images[@]} = 0 ]; then
    for word in "${names[@]}"; do images+=("${IMAGE_PREFIX}base-$word:$VERSION"); done
fi
[ -z "$output" ] || [ ${#images[@]} = 1 ] || usage_error "--output is for one image, these are ${#images[@]}" "--directory takes all of them"
is_one_of "$ENGINE" docker podman || usage_error "unknown ENGINE '$ENGINE'" "known: docker, podman"

if [ "$ENGINE" = docker ]; then reach_docker "$ROOT/scripts/sbom.sh" "${arguments[@]}"; fi
need_engine
need jq tar cargo
tools=$ROOT/build/sbom-tools
cmp -s "$ROOT/scripts/sbom-tools.txt" "$tools/installed.txt" || die "the tools are not installed in $tools, or not the pinned ones" "run $ROOT/scripts/setup.sh publish"
schemas=("$tools"/lib/python3*/site-packages/cyclonedx/schema/_res)

missing=()
for image in "${images[@]}"; do "$ENGINE" image inspect "$image" >/dev/null 2>&1 || missing+=("$image"); done
[ ${#missing[@]} = 0 ] || die "no such image here: ${missing[*]}" "build it (./dbuild.sh) or pull it first"

work=$(mktemp -d)
container=''
cleanup() {
    [ -z "$container" ] || "$ENGINE" rm --force "$container" >/dev/null 2>&1 || true
    chmod -R u+rwX "$work" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

# unpack IMAGE: of its file system what tells what is in it, to $work/root; the names of all files to $work/files.
unpack() {
    local listing
    rm -rf "$work/root" "$work/pipe"
    mkdir "$work/root"
    mkfifo "$work/pipe"
    container=$("$ENGINE" create "$1" /none) || die "no container of $1 could be made"
    # Only the names of jar files are wanted; the lists of apt are large and no record of what is installed.
    tar --list <"$work/pipe" >"$work/files" &
    listing=$!
    # A pattern without a match is no error here: what has to be there is looked at below.
    "$ENGINE" export "$container" | tee "$work/pipe" | {
        tar --extract --directory "$work/root" --no-same-owner --no-same-permissions --exclude='var/lib/apt/lists/*' --wildcards \
            'var/lib/dpkg/status*' 'var/lib/dpkg/arch' 'var/lib/apt/*' 'usr/share/doc/*' 'etc/os-release' 'usr/lib/os-release' 'usr/bin/wrapper' '*/sbt-launch.jar' 2>/dev/null \
            || true
    } || die "$1 could not be read: $ENGINE export failed"
    wait "$listing" || die "$1 could not be read to its end"
    "$ENGINE" rm --force "$container" >/dev/null
    container=''
    [ -s "$work/root/var/lib/dpkg/status" ] || die "$1 has no record of Debian packages (/var/lib/dpkg/status)" "an SBOM is made of a Debian image only"
}

# crates ARCH: the crates in the wrapper as JSON, one a line: those compiled in, without what only runs while it is built.
crates() {
    local target
    target=$(rust_arch "$1")-unknown-linux-musl
    (cd "$ROOT" && cargo tree --locked --quiet --package wrapper --edges normal,no-proc-macro --target "$target" --prefix none --no-dedupe --format '{p}|{l}') \
        | grep -v '^wrapper ' | sort --unique | sed -E 's/^([^ ]+) v([^ |]+)[^|]*\|/\1|\2|/' \
        | while IFS='|' read -r name version license; do
            checksum=$(grep -A 3 -xF "name = \"$name\"" "$ROOT/Cargo.lock" | grep -A 2 -xF "version = \"$version\"" | sed -n 's/^checksum = "\(.*\)"/\1/p')
            jq --compact-output --null-input --arg name "$name" --arg version "$version" --arg license "$license" --arg checksum "$checksum" '
                ("pkg:cargo/\($name)@\($version)") as $purl
                | {"bom-ref": $purl, type: "library", name: $name, version: $version, purl: $purl}
                + (if $license == "" then {} else {licenses: [{acknowledgement: "declared", expression: ($license | gsub("/"; " OR "))}]} end)
                + (if $checksum == "" then {} else {hashes: [{alg: "SHA-256", content: $checksum}]} end)'
        done
}

# jars: the jar files of $work/files that stand in a Maven repository's layout or in sbt's, as JSON, one a line.
jars() {
    grep '\.jar$' "$work/files" | jq --raw-input --compact-output '
        (capture("/maven2/(?<group>.+)/(?<name>[^/]+)/(?<version>[^/]+)/[^/]+\\.jar$") | .group |= gsub("/"; "."))
        // (capture("/boot/(?:[^/]+/)?(?<group>[^/]+\\.[^/]+)/(?<name>[^/]+)/(?<version>[0-9][^/]*)/[^/]+\\.jar$"))
        // empty
        | "pkg:maven/\(.group)/\(.name)@\(.version | @uri)" as $purl
        | {"bom-ref": $purl, type: "library", group, name, version, purl: $purl}' | sort --unique
}

# launcher: sbt's, whose file name has no version, as JSON: the pinned one, when it is that.
launcher() {
    local file
    file=$(find "$work/root" -name sbt-launch.jar -print -quit)
    if [ -z "$file" ] || [ "$(sha256sum <"$file" | cut -d ' ' -f 1)" != "$SBT_LAUNCH_SHA256" ]; then return; fi
    jq --compact-output --null-input --arg version "$SBT_VERSION" --arg digest "$SBT_LAUNCH_SHA256" '"pkg:maven/org.scala-sbt/sbt-launch@\($version)" as $purl
        | {"bom-ref": $purl, type: "library", group: "org.scala-sbt", name: "sbt-launch", $version, purl: $purl, hashes: [{alg: "SHA-256", content: $digest}]}'
}

# sbom_of IMAGE: into $work/sbom.json; sets `written` to its usual name.
sbom_of() {
    local image=$1 name version arch inspected digest subject
    inspected=$("$ENGINE" image inspect "$image" | jq '.[0] | {layers: .RootFS.Layers, created: .Created, arch: .Architecture, labels: (.Config.Labels // {})}')
    label() { jq -r --arg key "org.opencontainers.image.$1" '.labels[$key] // ""' <<<"$inspected"; }
    name=$(label title) version=$(label version) arch=$(jq -r .arch <<<"$inspected")
    # A derived image has inherited both: its own name and tag say what it is.
    if [ -z "$name" ] || [[ ${image##*/} != "$name"[:@]* ]]; then name=${image##*/} name=${name%%[:@]*} version=${image##*[:@]}; fi
    local created
    created=$(label created)
    [ -n "$created" ] || created=$(jq -r .created <<<"$inspected")
    say "$image"
    unpack "$image"

    : >"$work/more"
    if [ -e "$work/root/usr/bin/wrapper" ]; then
        digest=$(sha256sum <"$work/root/usr/bin/wrapper" | cut -d ' ' -f 1)
        cmp -s "$work/root/usr/bin/wrapper" "$ROOT/build/wrapper-$(rust_arch "$arch")" \
            || die "the wrapper in $image is not the one of this checkout, build/wrapper-$(rust_arch "$arch"): what is in it is not known here" \
                "check out the commit that the image is of ($(label revision)), then: scripts/build-wrapper.sh --target $arch"
        crates "$arch" >"$work/more" || die "cargo could not tell what the wrapper is made of" "cargo tree --locked --package wrapper"
        jq --compact-output --null-input --arg version "$VERSION" --arg digest "$digest" '
            {"bom-ref": "wrapper", type: "application", name: "wrapper", version: $version, hashes: [{alg: "SHA-256", content: $digest}],
             licenses: [{acknowledgement: "declared", expression: "Apache-2.0"}], properties: [{name: "path", value: "/usr/bin/wrapper"}]}' >>"$work/more"
    fi
    jars >>"$work/more" || true
    launcher >>"$work/more"

    # A serial number that is the content's: of the layers, in the form of a UUID (version 8).
    subject=$(jq -r '.layers | join(" ")' <<<"$inspected" | sha256sum)
    "$tools/bin/debsbom" generate --root "$work/root" --sbom-type cdx --with-licenses --distro-name "$name" --distro-version "$version" --distro-arch "$arch" \
        --timestamp "$created" --cdx-serialnumber "${subject:0:8}-${subject:8:4}-8${subject:13:3}-8${subject:17:3}-${subject:20:12}" --out "$work/debian" >"$work/log" 2>&1 \
        || { tail -n 15 "$work/log" >&2; die "debsbom failed for $image, see above"; }

    # Its result with the rest added, everything in one order.
    jq --sort-keys --argjson inspected "$inspected" --slurpfile more "$work/more" '
        .metadata.component["bom-ref"] as $root
        | ($more | map(select(.purl != null and (.purl | startswith("pkg:cargo/")))["bom-ref"])) as $crates
        | .metadata.component += {type: "container", properties: (
            [$inspected.layers[] | {name: "oci:layer:diff_id", value: .}]
            + [$inspected.labels | to_entries[] | select(.key | startswith("org.opencontainers.image.")) | {name: .key, value}])}
        | .components = (.components + $more | unique_by(."bom-ref"))
        | .dependencies = (.dependencies
            + [$more[] | {ref: ."bom-ref"} + if ."bom-ref" == "wrapper" then {dependsOn: $crates} else {} end]
            | map(if .ref == $root then .dependsOn += [$more[]."bom-ref" | select(IN($crates[]) | not)] else . end)
            | map(if .dependsOn then .dependsOn |= unique else . end) | unique_by(.ref))' "$work/debian.cdx.json" >"$work/sbom.json"

    local schema
    schema=${schemas[0]}/bom-$(jq -r .specVersion "$work/sbom.json").SNAPSHOT.schema.json
    "$tools/bin/check-jsonschema" --base-uri "file://${schemas[0]}/" --schemafile "$schema" "$work/sbom.json" >"$work/log" 2>&1 \
        || { cat "$work/log" >&2; die "the SBOM of $image is not valid CycloneDX, see above"; }
    written=$name-$version.cdx.json
    # As its tag: this machine's architecture has no mark.
    [ "$arch" = "$(debian_arch "$(uname -m)")" ] || written=$name-${version%-"$arch"}-$arch.cdx.json
}

for image in "${images[@]}"; do
    sbom_of "$image"
    if [ "$output" = - ]; then cat "$work/sbom.json"; continue; fi
    file=${output:-$directory/$written}
    mkdir -p "$(dirname "$file")"
    # Beside it first, so that the file is whole or not there.
    temporary=$(mktemp "$file.XXXXXX") || die "cannot write beside $file"
    cat "$work/sbom.json" >"$temporary"
    chmod 0644 "$temporary"
    mv "$temporary" "$file"
    say "$(jq '.components | length' "$file") components"
    echo "$file"
done
