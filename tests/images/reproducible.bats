#!/usr/bin/env bats
# Two builds from the same state of the archive are the same bytes: rootfs, wrapper, layers. Each is made in a checkout of
# its own, in another folder, with another umask, time zone and time of checkout. base-root takes minutes, all of them half an hour.

# shellcheck disable=SC2016,SC2153  # the inner shell's variables; REPO comes from common.bash

bats_require_minimum_version 1.5.0

teardown() { remove_test_images; }

# checkout NAME: a copy of the files under version control, as they are now.
checkout() {
    mkdir -p "$BATS_TEST_TMPDIR/$1"
    git -C "$REPO" ls-files -z --cached --others --exclude-standard | (cd "$REPO" && xargs -0 cp --parents --no-preserve=all --target-directory "$BATS_TEST_TMPDIR/$1")
    git -C "$REPO" ls-files --stage | awk '$1 == 100755' | cut -f 2 | (cd "$BATS_TEST_TMPDIR/$1" && xargs chmod u+x)
}

build() { nice "$@" >"$BATS_TEST_TMPDIR/build.log" 2>&1 || { tail -n 50 "$BATS_TEST_TMPDIR/build.log"; return 1; }; }

# build_twice STAGE...: into $one.json and $two.json; $one and $two are the checkouts.
build_twice() {
    load common
    (umask 022 && checkout one)
    (umask 077 && checkout another/folder && find "$BATS_TEST_TMPDIR/another/folder" -exec touch --date 2024-05-06 {} +)
    one=$BATS_TEST_TMPDIR/one two=$BATS_TEST_TMPDIR/another/folder
    (umask 022 && TZ=UTC IMAGE_PREFIX=${TEST_PREFIX}one- build "$one/dbuild.sh" --no-cache --metadata "$one.json" "$@")
    (umask 077 && TZ=Asia/Tokyo LANG=de_DE.UTF-8 IMAGE_PREFIX=${TEST_PREFIX}two- build unshare --uts sh -c 'hostname another && exec "$@"' sh \
        "$two/dbuild.sh" --no-cache --metadata "$two.json" "$@")
    # The archive may move between the two, once in six hours: then they are not from the same state.
    [ "$(jq -c .inrelease "$one"/build/rootfs-*.json)" = "$(jq -c .inrelease "$two"/build/rootfs-*.json)" ]
}

# listing STAGE NAME N: the files of a layer of the image, with times and digests, for the message when they differ.
listing() {
    local version layer
    version=$(. "$REPO/vars.sh" && echo "$VERSION")
    docker save "${TEST_PREFIX}$2-base-$1:$version" | tar -xO manifest.json >"$BATS_TEST_TMPDIR/manifest.json"
    layer=$(jq -r ".[0].Layers[$3]" "$BATS_TEST_TMPDIR/manifest.json")
    docker save "${TEST_PREFIX}$2-base-$1:$version" | tar -xO "$layer" >"$BATS_TEST_TMPDIR/layer.tar"
    tar -tvf "$BATS_TEST_TMPDIR/layer.tar" --full-time
    tar -xf "$BATS_TEST_TMPDIR/layer.tar" --to-command 'echo "$TAR_FILENAME $(sha256sum)"'
}

# same_layers INDEX: those of the stage at this place of the two builds.
same_layers() {
    local stage first second n
    stage=$(jq -r ".[$1].stage" "$one.json")
    mapfile -t first < <(jq -r ".[$1].layers[]" "$one.json")
    mapfile -t second < <(jq -r ".[$1].layers[]" "$two.json")
    [ "${#first[@]}" -eq "${#second[@]}" ]
    for n in "${!first[@]}"; do
        [ "${first[n]}" = "${second[n]}" ] || {
            echo "layer $n of base-$stage is not the same:"
            diff <(listing "$stage" one "$n") <(listing "$stage" two "$n")
            return 1
        }
    done
    echo "# base-$stage: ${first[*]}" >&3
}

@test "two builds of base-root: the same rootfs, wrapper and layers" {
    build_twice root
    # What differs, when it does: the listing says which file.
    diff <(tar -tvf "$one"/build/rootfs-*.tar --full-time) <(tar -tvf "$two"/build/rootfs-*.tar --full-time)
    (cd "$one/build" && sha256sum rootfs-*.tar wrapper-*) >"$BATS_TEST_TMPDIR/first"
    (cd "$two/build" && sha256sum rootfs-*.tar wrapper-*) >"$BATS_TEST_TMPDIR/second"
    diff "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
    same_layers 0
}

# bats test_tags=full
@test "two builds of every image: the same layers" {
    build_twice
    for n in $(jq 'keys[]' "$one.json"); do same_layers "$n"; done
}
