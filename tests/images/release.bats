#!/usr/bin/env bats
# docs/publishing.md, its blocks marked `sh` typed as they stand: a release from a clone, to a registry on loopback. The
# clone has the stage root alone, since it is the commands that are tested here.
# bats file_tags=full

bats_require_minimum_version 1.5.0

setup() {
    load common
    start_registry "$BATS_TEST_TMPDIR/registry"
    export IMAGE_PREFIX=$HOST/release/ TEST_PREFIX=$HOST/release/
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
    export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost
    clone=$BATS_TEST_TMPDIR/clone
    mkdir "$clone"
    # The files as they are now, committed or not.
    (cd "$REPO" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --no-dereference --preserve=mode --target-directory "$clone")
    cd "$clone" || return 1
    sed -i '/^STAGES=(/,/^)/c STAGES=(root:scratch)' vars.sh
    sed -i '/^## \[[0-9]/d' CHANGELOG.md
    git init --quiet --initial-branch=master && git add --all && git commit --quiet --message begin
    git init --quiet --bare --initial-branch=master ../remote.git
    git remote add origin ../remote.git && git push --quiet origin master
    # What is made already is not made again; Cargo's own folder has the crates.
    mkdir build
    cp "$REPO"/build/rootfs-* build/ 2>/dev/null || true
    export CARGO_TARGET_DIR=$BATS_TEST_TMPDIR/target
}

teardown() {
    remove_test_images
    kill "$REGISTRY_PID"
}

@test "docs/publishing.md: a release, the same by hand, and back" {
    awk '/^```sh$/ { typed = 1; next } /^```$/ { typed = 0 } typed' docs/publishing.md >"$BATS_TEST_TMPDIR/typed"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/typed")" -ge 20 ]
    run timeout 1200 bash -euxo pipefail "$BATS_TEST_TMPDIR/typed"
    echo "$output"
    [ "$status" -eq 0 ]
    rest=$output
    for text in "not yet: nobody else has the tag" "0.2.0 $(git rev-parse HEAD)" "restricted  passed" "base-root-0.2.0.cdx.json" "0.2.0 may be published" \
        "base-root:0.2.0: new" "base-root@sha256:" ".sbom@sha256:" "base-root:0.2.0: same" "base-root:stable: new -> sha256:" "base-root:stable: there already" "wrapper 0.2.0" "base-root-0.2.0.cdx.json"; do
        [[ $rest == *"$text"* ]] || { echo "not said, or not in this order: $text"; return 1; }
        rest=${rest#*"$text"}
    done
    # What the clone's remote and the registry have in the end.
    [ "$(git ls-remote origin refs/tags/0.2.0 | cut -f 1)" = "$(git rev-parse HEAD)" ]
    [ "$(skopeo list-tags --tls-verify=false "docker://${IMAGE_PREFIX}base-root" | jq -c '.Tags | map(select(endswith(".sbom") | not)) | sort')" = '["0.2","0.2.0","latest","stable"]' ]
    [ "$(git status --porcelain)" = "" ]
}
