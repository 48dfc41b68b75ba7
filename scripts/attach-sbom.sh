#!/usr/bin/env bash
# Put the SBOMs of published images beside them into the registry, so that whoever has an image finds what is in it.
#
# Usage: scripts/attach-sbom.sh [--directory DIR] FILE
#
#   FILE              the images, a line each, IMAGE@sha256:DIGEST, as dpush.sh prints them; - for stdin
#   --directory DIR   where scripts/sbom.sh wrote; default build/sbom
#   -h, --help        this text
#
# Each becomes an OCI artifact of type application/vnd.cyclonedx+json whose subject is the image: a referrer, in a registry that
# knows them. For any other it has the tag sha256-DIGEST.sbom in the image's repository, where tools have looked since before
# there were referrers. Everything is checked before anything is sent: each SBOM is there, and names the layers that the
# registry has. Again moves nothing. For each image one line on stdout: IMAGE:sha256-DIGEST.sbom@sha256:DIGEST.
#
# Exit codes: 0 attached, 1 an error, 2 the command line is wrong.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/registry.sh"
. "$ROOT/vars.sh"

directory=$ROOT/build/sbom from=''
while [ $# -gt 0 ]; do
    case $1 in
        --directory) [ -n "${2-}" ] || usage_error "--directory wants a value"; directory=$2; shift ;;
        --directory=*) directory=${1#*=} ;;
        -h | --help) help_of "$0"; exit 0 ;;
        -?*)
            hint=$(nearest "${1%%=*}" --directory --help)
            usage_error "unknown option '$1'" ${hint:+"did you mean $hint?"} ;;
        *) [ -z "$from" ] || usage_error "one list at a time: '$from' or '$1'"; from=$1 ;;
    esac
    shift
done
[ -n "$from" ] || usage_error "which images? Name the file with what dpush.sh printed"
read_pushed "$from"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
type=application/vnd.cyclonedx+json

# blob FILE: into the layout in $work/N; sets `descriptor` to what a manifest says of it.
blob() {
    local digest
    digest=$(sha256sum <"$1" | cut -d ' ' -f 1)
    cp "$1" "$layout/blobs/sha256/$digest"
    descriptor=$(jq --null-input --compact-output --arg type "$2" --arg digest "sha256:$digest" --argjson size "$(stat -c %s "$1")" '{mediaType: $type, digest: $digest, size: $size}')
}

for ((n = 0; n < ${#images[@]}; n++)); do
    image=${images[n]}@${digests[n]} layout=$work/$n sbom=$directory/${images[n]##*/}-$VERSION.cdx.json
    [ -r "$sbom" ] || die "no SBOM of $image: cannot read $sbom" "write it first: scripts/sbom.sh; nothing was sent"
    ask "$image" "$work/subject"
    [ -s "$work/subject" ] || die "not in the registry: $image" "nothing was sent"
    layers=$(configuration_of "$image" | jq --compact-output .rootfs.diff_ids)
    [ "$(jq --compact-output '[.metadata.component.properties[]? | select(.name == "oci:layer:diff_id").value]' "$sbom")" = "$layers" ] \
        || die "$sbom is not of $image: its layers are others" "write it anew from that image: scripts/sbom.sh $image; nothing was sent"

    mkdir -p "$layout/blobs/sha256"
    echo '{"imageLayoutVersion": "1.0.0"}' >"$layout/oci-layout"
    printf '{}' >"$work/empty"
    blob "$work/empty" application/vnd.oci.empty.v1+json
    config=$descriptor
    blob "$sbom" "$type"
    jq --null-input --compact-output --arg type "$type" --argjson config "$config" --argjson layer "$descriptor" --arg title "${sbom##*/}" \
        --arg subject "$(jq -r '.mediaType // "application/vnd.oci.image.manifest.v1+json"' "$work/subject")" --arg digest "${digests[n]}" --argjson size "$(stat -c %s "$work/subject")" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: $type, $config,
         layers: [$layer + {annotations: {"org.opencontainers.image.title": $title}}], subject: {mediaType: $subject, $digest, $size}}' >"$work/manifest-$n"
    blob "$work/manifest-$n" application/vnd.oci.image.manifest.v1+json
    jq --null-input --compact-output --argjson manifest "$descriptor" '{schemaVersion: 2, manifests: [$manifest]}' >"$layout/index.json"
done

for ((n = 0; n < ${#images[@]}; n++)); do
    tagged=${images[n]}:sha256-${digests[n]#sha256:}.sbom
    wanted=sha256:$(sha256sum <"$work/manifest-$n" | cut -d ' ' -f 1)
    if [ "$(digest_of "$tagged")" != "$wanted" ]; then
        answer=$(skopeo copy "${plain[@]/--tls-verify/--dest-tls-verify}" --preserve-digests --quiet "oci:$work/$n" "docker://$tagged" 2>&1) || refused "$tagged was not sent" "$answer"
    fi
    echo "$tagged@$wanted"
done
