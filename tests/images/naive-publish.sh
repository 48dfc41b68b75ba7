#!/usr/bin/env bash
# The decision to publish as it is often written, with its usual faults: a tag on this commit is reason enough. What
# publish.bats must be able to tell from a good one. Not used for anything else.
cd "$(dirname "$0")" || exit 1
tag=${1:-$(git describe --tags --abbrev=0)}
case $tag in
    v* | [0-9]*) echo "publish $tag" ;;
    *) exit 1 ;;
esac
