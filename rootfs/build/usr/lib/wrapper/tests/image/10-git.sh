#!/bin/sh
# git commits and clones; diff and patch carry a change over.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.test GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.test
git init --quiet --initial-branch main one
cd one
echo before >file
git add file
git commit --quiet --message first
cd ..
git clone --quiet one two
cmp one/file two/file || fail "the clone is not the same"
echo after >two/file
git -C two diff >change.patch
(cd one && patch --quiet --strip 1 <../change.patch) || fail "patch does not apply: $(cat change.patch)"
[ "$(cat one/file)" = after ] || fail "the patched file is '$(cat one/file)'"
