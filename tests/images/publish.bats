#!/usr/bin/env bats
# scripts/publish-check.sh, in throw-away repositories with a remote of their own. Each fault is one row: what is done to a
# checkout that may be published, and the words of the refusal. Every one of them gets past naive-publish.sh.
# shellcheck disable=SC2153  # REPO comes from common.bash

bats_require_minimum_version 1.5.0

setup() {
    load common
    # Nobody's configuration but the test's own.
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
    export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost
}

# publishable FOLDER: a clone at version 1.2.3 with its tag pushed, in FOLDER/repo; the remote is FOLDER/remote.git. One
# commit more is on the branch by now, as is usual.
publishable() {
    mkdir -p "$1/repo/scripts"
    cd "$1/repo" || return 1
    cp "$REPO/scripts/lib.sh" "$REPO/scripts/publish-check.sh" scripts/
    sed 's/^VERSION=[^ ]*/VERSION=1.2.3/' "$REPO/vars.sh" >vars.sh
    sed '/^\[package\]/,/^\[lib\]/ s/^version = .*/version = "1.2.3"/' "$REPO/Cargo.toml" >Cargo.toml
    sed '/^name = "wrapper"$/,/^version/ s/^version = .*/version = "1.2.3"/' "$REPO/Cargo.lock" >Cargo.lock
    printf '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-24\n\n- new\n\n## [1.2.2] - 2026-10-01\n' >CHANGELOG.md
    cp "$REPO/tests/images/naive-publish.sh" .
    echo /build >.gitignore
    git init --quiet --initial-branch=master
    git init --quiet --bare --initial-branch=master ../remote.git
    git remote add origin "file://$1/remote.git"
    commit "version 1.2.3"
    git tag 1.2.3
    commit "what comes after it"
    git push --quiet origin master 1.2.3
    git checkout --quiet 1.2.3
}

commit() { git add --all && git commit --quiet --allow-empty --message "$1"; }

# retagged: the tag moves to what is in the folder now, and the remote has it so too: all agree but what the row changed.
retagged() { commit "$1" && git tag --force 1.2.3 >/dev/null && git push --quiet --force origin HEAD:master 1.2.3; }

@test "a tag equal to VERSION on the release branch: yes, with version and commit" {
    publishable "$BATS_TEST_TMPDIR"
    commit=$(git rev-parse HEAD)
    for words in "" 1.2.3 "--remote origin 1.2.3" "1.2.3 --remote=origin"; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr scripts/publish-check.sh $words
        [ "$status" -eq 0 ]
        [ "$output" = "1.2.3 $commit" ]
    done
    (cd / && "$BATS_TEST_TMPDIR/repo/scripts/publish-check.sh" 1.2.3)
}

@test "yes as well: an annotated tag, the commit alone under its name, a pre-release, ignored files, a branch that was never fetched" {
    publishable "$BATS_TEST_TMPDIR/annotated"
    git tag --force --annotate --message "1.2.3" 1.2.3 >/dev/null && git push --quiet --force origin 1.2.3
    scripts/publish-check.sh 1.2.3
    # As a CI's checkout writes it, which knows the commit only.
    git update-ref refs/tags/1.2.3 HEAD
    scripts/publish-check.sh 1.2.3

    publishable "$BATS_TEST_TMPDIR/pre"
    sed -i 's/1\.2\.3/1.2.3-rc.1/' vars.sh Cargo.toml Cargo.lock CHANGELOG.md
    retagged pre && git tag 1.2.3-rc.1 && git push --quiet origin 1.2.3-rc.1
    [ "$(scripts/publish-check.sh 1.2.3-rc.1)" = "1.2.3-rc.1 $(git rev-parse HEAD)" ]

    publishable "$BATS_TEST_TMPDIR/ignored"
    mkdir build && touch build/wrapper
    scripts/publish-check.sh

    publishable "$BATS_TEST_TMPDIR/fetched"
    git clone --quiet --single-branch --branch 1.2.3 "file://$PWD/../remote.git" ../clone && cd ../clone
    before=$(git for-each-ref)
    scripts/publish-check.sh
    [ "$(git for-each-ref)" = "$before" ]
}

# Each row: a name, the words of the refusal, the tag asked for, and what is done before.
faults=(
    "a tag that is not VERSION|the tag is '1.2.4', VERSION in vars.sh is '1.2.3'|1.2.4|git tag 1.2.4; git push --quiet origin 1.2.4"
    "a v in front|a tag has no 'v' here|v1.2.3|git tag v1.2.3; git push --quiet origin v1.2.3"
    "the beginning of VERSION|the tag is '1.2', VERSION|1.2|git tag 1.2; git push --quiet origin 1.2"
    "a pattern that matches VERSION|the tag is '1.2.*'|1.2.*|true"
    "VERSION raised, tag not|VERSION in vars.sh is '1.2.4'|1.2.3|sed -i s/VERSION=1.2.3/VERSION=1.2.4/ vars.sh; retagged vars"
    "VERSION is no version|it has to be MAJOR.MINOR.PATCH|1.2|sed -i s/VERSION=1.2.3/VERSION=1.2/ vars.sh; retagged vars; git tag 1.2; git push --quiet origin 1.2"
    "Cargo.toml behind|version in Cargo.toml is '1.2.2'|1.2.3|sed -i '0,/^version = .*/s//version = \"1.2.2\"/' Cargo.toml; retagged cargo"
    "Cargo.lock behind|version of wrapper in Cargo.lock is '1.2.2'|1.2.3|sed -i 's/^version = \"1.2.3\"/version = \"1.2.2\"/' Cargo.lock; retagged lock"
    "not in the changelog|the newest version in CHANGELOG.md is '[1.2.2] - 2026-10-01'|1.2.3|sed -i '/1.2.3/d' CHANGELOG.md; retagged changelog"
    "the changelog without a date|the newest version in CHANGELOG.md is '[1.2.3] - soon'|1.2.3|sed -i 's/2026-11-24/soon/' CHANGELOG.md; retagged changelog"
    "a changed file|?? new|1.2.3|touch new"
    "an edited file| M vars.sh|1.2.3|echo >>vars.sh"
    "a staged file|A  new|1.2.3|touch new; git add new"
    "an edited file that git does not look at|git does not look whether vars.sh is changed|1.2.3|echo >>vars.sh; git update-index --assume-unchanged vars.sh"
    "a file that git is told to ignore, in what an image is made of|rootfs/tool/.a.swp|1.2.3|mkdir -p rootfs/tool; touch rootfs/tool/.a.swp; echo '*.swp' >>.git/info/exclude"
    "a build script that git is told to ignore|build.rs|1.2.3|touch build.rs; echo build.rs >>.git/info/exclude"
    "an empty folder in what an image is made of|rootfs/tool/empty|1.2.3|mkdir -p rootfs/tool/empty"
    "another mode, in a clone that does not look at modes| M vars.sh|1.2.3|git config core.fileMode false; chmod +x vars.sh"
    "another commit is checked out|checked out is|1.2.3|git checkout --quiet master"
    "no such tag here|there is no tag '1.2.3' in|1.2.3|git tag --delete 1.2.3 >/dev/null"
    "a branch of the tag's name|there is no tag '1.2.3' in|1.2.3|git tag --delete 1.2.3 >/dev/null; git branch 1.2.3"
    "the tag was never pushed|the remote 'origin' has no tag '1.2.3'|1.2.3|git push --quiet --delete origin 1.2.3"
    "the tag was moved in the remote|the tag '1.2.3' was moved|1.2.3|git push --quiet --force origin master:refs/tags/1.2.3"
    "the tag was moved here|the tag '1.2.3' was moved|1.2.3|git commit --quiet --allow-empty --message x; git push --quiet --force origin HEAD:master; git tag --force 1.2.3 >/dev/null"
    "the commit is on another branch|is not on master of 'origin'|1.2.3|git commit --quiet --allow-empty --message x; git tag --force 1.2.3 >/dev/null; git push --quiet --force origin HEAD:refs/heads/other 1.2.3"
    "on master here, not in the remote|is not on master of 'origin'|1.2.3|git checkout --quiet master; git commit --quiet --allow-empty --message x; git tag --force 1.2.3 >/dev/null; git push --quiet --force origin 1.2.3"
    "the remote has no such branch|the remote 'origin' has no branch 'master'|1.2.3|git push --quiet origin master:main; git -C ../remote.git symbolic-ref HEAD refs/heads/main; git push --quiet --delete origin master"
    "a shallow clone|this is a shallow clone|1.2.3|git clone --quiet --depth 1 --branch 1.2.3 file://\$PWD/../remote.git ../shallow 2>/dev/null; cd ../shallow"
    "no remote|no remote 'origin'|1.2.3|git remote remove origin"
    "a remote that does not answer|the remote 'origin' did not answer|1.2.3|rm -rf ../remote.git"
)

@test "every fault is refused with its reason, and gets past the naive form" {
    failed=0 number=0
    for row in "${faults[@]}"; do
        IFS='|' read -r name words tag change <<<"$row"
        number=$((number + 1))
        publishable "$BATS_TEST_TMPDIR/$number"
        eval "$change"
        run ./naive-publish.sh "$tag"
        [ "$status" -eq 0 ] || { echo "$name: refused by the naive form too, so that the row says nothing"; failed=1; }
        run --separate-stderr scripts/publish-check.sh "$tag"
        # shellcheck disable=SC2154  # set by run
        if [ "$status" -ne 1 ] || [ -n "$output" ] || [[ $stderr != *"$words"* ]]; then
            echo "$name: code $status, stdout '$output', not said: $words; said: $stderr"
            failed=1
        fi
    done
    [ $failed -eq 0 ]
}

@test "every reason is told, not only the first, each with what to do" {
    publishable "$BATS_TEST_TMPDIR"
    touch new
    git remote remove origin
    run scripts/publish-check.sh 1.2.4
    fails_with 1 "4 reason(s), see above"
    [ "$(grep -c '^publish-check.sh: no: ' <<<"$output")" -eq 4 ]
    [ "$(grep -A 1 '^publish-check.sh: no: ' <<<"$output" | grep -c '^  ')" -eq 4 ]
}

@test "not a repository, nothing committed, inside another repository" {
    publishable "$BATS_TEST_TMPDIR"
    rm -rf .git
    GIT_CEILING_DIRECTORIES=$BATS_TEST_TMPDIR run scripts/publish-check.sh
    fails_with 1 "is not a git checkout"
    git init --quiet
    run scripts/publish-check.sh
    fails_with 1 "nothing is committed"
    rm -rf .git && git init --quiet ..
    run scripts/publish-check.sh
    fails_with 1 "is inside another repository"
}

@test "the command line: help, unknown options, two tags, an empty one" {
    cd "$BATS_TEST_TMPDIR"
    run "$REPO/scripts/publish-check.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == "May this checkout be published as TAG?"*"Exit codes: 0 yes"* ]]
    run "$REPO/scripts/publish-check.sh" --remot origin
    fails_with 2 "did you mean --remote?"
    run "$REPO/scripts/publish-check.sh" --remote
    fails_with 2 "--remote wants a name"
    run "$REPO/scripts/publish-check.sh" 1.2.3 1.2.4
    fails_with 2 "one tag at a time: '1.2.3' or '1.2.4'"
    publishable "$BATS_TEST_TMPDIR/prefix"
    for prefix in "" team wrapper-test/x/ registry.example.com/team; do
        run scripts/publish-check.sh --prefix "$prefix" 1.2.3
        fails_with 1 "IMAGE_PREFIX is '$prefix', which names no registry, or has no / at its end"
    done
    scripts/publish-check.sh --prefix=registry.example.com/team/ 1.2.3
    run "$REPO/scripts/publish-check.sh" ""
    fails_with 2 "the tag is empty"
}
