#!/usr/bin/env bats
# The base images as they are, to a real registry on loopback and back: pushed, pulled by digest, pushed again, and a changed
# one refused. base-root in every run, all of vars.sh in a full one (minutes, and a gigabyte or two of disk).
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup_file() {
    load common
    registry_for_file
}

teardown_file() { kill "$REGISTRY_PID"; }

setup() {
    load common
    . "$REPO/vars.sh"
    # One path for both tests: what is there already is part of the second.
    export IMAGE_PREFIX=$HOST/published/ TEST_PREFIX=$HOST/published/
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() { remove_test_images; }

name_of() { echo "${IMAGE_PREFIX}base-$1"; }
remote_digest() { skopeo inspect --tls-verify=false --raw "docker://$(name_of "$1"):$VERSION" | sha256sum | sed 's/^/sha256:/; s/ .*//'; }

# there_and_back STAGE...
there_and_back() {
    local stage digest layers config n
    # Under their usual names, so that nothing is built again, and then the registry's.
    IMAGE_PREFIX='' "$REPO/dbuild.sh" --with-parents "$@" >&2
    for stage; do docker tag "base-$stage:$VERSION" "$(name_of "$stage"):$VERSION"; done
    # While somebody works on it, the images are of files not committed: only that cannot be tried then.
    force=()
    ! docker image inspect "$(name_of "$1"):$VERSION" | grep -q -e '-dirty"' || force=(--force)
    "$REPO/dpush.sh" "${force[@]}" "$@" >pushed
    [ "$(wc -l <pushed)" -eq $# ]

    for stage; do
        digest=$(sed -n "s|^$(name_of "$stage")@||p" pushed)
        [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]
        [ "$(remote_digest "$stage")" = "$digest" ]
        [ "$(remote_digest "$stage")" = "$(skopeo inspect --tls-verify=false --raw "docker://$(name_of "$stage"):latest" | sha256sum | sed 's/^/sha256:/; s/ .*//')" ]

        # Every byte comes back: manifest, configuration and layers, each unpacked, are what the engine has here.
        skopeo copy --quiet --src-tls-verify=false "docker://$(name_of "$stage")@$digest" "dir:$stage"
        [ "sha256:$(sha256sum <"$stage/manifest.json" | cut -d ' ' -f 1)" = "$digest" ]
        config=$(jq -r .config.digest "$stage/manifest.json")
        mapfile -t layers < <(jq -r '.layers[].digest' "$stage/manifest.json")
        for ((n = 0; n < ${#layers[@]}; n++)); do
            [ "sha256:$(zcat "$stage/${layers[n]#sha256:}" | sha256sum | cut -d ' ' -f 1)" = "$(jq -r ".rootfs.diff_ids[$n]" "$stage/${config#sha256:}")" ]
        done
        [ "$(docker image inspect --format '{{json .RootFS.Layers}}' "$(name_of "$stage"):$VERSION")" = "$(jq -c .rootfs.diff_ids "$stage/${config#sha256:}")" ]
        rm -r "$stage"

        # And it runs.
        docker pull --quiet "$(name_of "$stage")@$digest" >&2
        [ "$(docker run --rm --network none "$(name_of "$stage")@$digest" cat /usr/lib/image/version)" = "$VERSION" ]
    done

    # Again: nothing moves.
    run --separate-stderr "$REPO/dpush.sh" "${force[@]}" "$@"
    [ "$status" -eq 0 ]
    diff pushed <(echo "$output")
    # shellcheck disable=SC2154  # set by run
    [ "$(grep -c ': same$' <<<"$stderr")" -eq $# ]

    if [ ${#force[@]} -gt 0 ]; then
        echo "# not tried: a changed image is refused. Commit first." >&3
        return
    fi
    # Changed, under the same version: refused, whichever it is, and nothing moves.
    for stage; do
        printf 'FROM %s\nLABEL changed=yes\n' "$(name_of "$stage"):$VERSION" | docker build --quiet --tag "$(name_of "$stage"):$VERSION" - >&2
        run "$REPO/dpush.sh" "$@"
        fails_with 1 "the registry has another $(name_of "$stage"):$VERSION"
        docker tag "$(grep "^$(name_of "$stage")@" pushed)" "$(name_of "$stage"):$VERSION"
    done
    for stage; do [ "$(name_of "$stage")@$(remote_digest "$stage")" = "$(grep "^$(name_of "$stage")@" pushed)" ]; done
}

@test "base-root" { there_and_back root; }

# bats test_tags=full
@test "every stage of vars.sh" { there_and_back "${STAGES[@]%%:*}"; }
