#!/usr/bin/env bash
# The push script as it is often written, with its usual faults: what push.bats must be able to tell from a good one. Not used
# for anything else.
# shellcheck disable=SC1091,SC2034,SC2048
. ./vars.sh
options=""
for word in $*; do
    case $word in
        -*) options="$options $word" ;;
        *) stages="$stages $word" ;;
    esac
done
for stage in ${stages:-${STAGES[@]%%:*}}; do
    docker push "${IMAGE_PREFIX}base-$stage:$VERSION" >&2
    docker tag "${IMAGE_PREFIX}base-$stage:$VERSION" "${IMAGE_PREFIX}base-$stage:latest"
    docker push "${IMAGE_PREFIX}base-$stage:latest" >&2
done
