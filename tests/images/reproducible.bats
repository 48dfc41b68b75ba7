#!/usr/bin/env bats
# Two builds of base-root from the same state of the archive are the same bytes: rootfs, wrapper, layers. Each is made
# in a checkout of its own, in another folder, with another umask, time zone and time of checkout. Takes minutes.

# shellcheck disable=SC2016,SC2153  # the inner shell's variables; REPO comes from common.bash

bats_require_minimum_version 1.5.0

teardown() { remove_test_images; }

# checkout NAME: a copy of the files under version control, as they are now.
checkout() {
    mkdir -p "$BATS_TEST_TMPDIR/$1"
    git -C "$REPO" ls-files -z --cached --others --exclude-standard | (cd "$REPO" && xargs -0 cp --parents --no-preserve=all --target-directory "$BATS_TEST_TMPDIR/$1")
    git -C "$REPO" ls-files --stage | awk '$1 == 100755' | cut -f 2 | (cd "$BATS_TEST_TMPDIR/$1" && xargs chmod u+x)
}

@test "two builds of base-root: the same rootfs, wrapper and layers" {
    load common
    (umask 022 && checkout one)
    (umask 077 && checkout another/folder && find "$BATS_TEST_TMPDIR/another/folder" -exec touch --date 2024-05-06 {} +)
    one=$BATS_TEST_TMPDIR/one two=$BATS_TEST_TMPDIR/another/folder

    build() { "$@" >"$BATS_TEST_TMPDIR/build.log" 2>&1 || { cat "$BATS_TEST_TMPDIR/build.log"; return 1; }; }
    (umask 022 && TZ=UTC IMAGE_PREFIX=${TEST_PREFIX}one- build "$one/dbuild.sh" --no-cache --metadata "$one.json" root)
    (umask 077 && TZ=Asia/Tokyo LANG=de_DE.UTF-8 IMAGE_PREFIX=${TEST_PREFIX}two- build unshare --uts sh -c 'hostname another && exec "$@"' sh \
        "$two/dbuild.sh" --no-cache --metadata "$two.json" root)

    # The archive may move between the two, once in six hours: then they are not from the same state.
    [ "$(jq -c .inrelease "$one"/build/rootfs-*.json)" = "$(jq -c .inrelease "$two"/build/rootfs-*.json)" ]
    # What differs, when it does: the listing says which file.
    diff <(tar -tvf "$one"/build/rootfs-*.tar --full-time) <(tar -tvf "$two"/build/rootfs-*.tar --full-time)
    (cd "$one/build" && sha256sum rootfs-*.tar wrapper-*) >"$BATS_TEST_TMPDIR/first"
    (cd "$two/build" && sha256sum rootfs-*.tar wrapper-*) >"$BATS_TEST_TMPDIR/second"
    diff "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
    echo "# layers: $(jq -c '.[0].layers' "$one.json")" >&3
    [ "$(jq -c '.[0].layers' "$one.json")" = "$(jq -c '.[0].layers' "$two.json")" ]
}
