#!/usr/bin/env bash
# The build script as it is often written, with its usual faults: what arguments.bats must be able to tell from a good one.
# Not used for anything else. It prints the commands that it would run.
# shellcheck disable=SC2048,SC2046,SC2086,SC2115,SC2294,SC1091
source ./vars.sh
stages="" options=""
for word in $*; do
    case $word in
        --dry-run) ;;
        -*) options="$options $word" ;;
        *) if [ -n "$options" ]; then options="$options $word"; else stages="$stages $word"; fi ;;
    esac
done
for word in $stages; do eval "wanted_${word//-/_}=1"; done
rm -rf ./tmp
mkdir -p ./tmp
for entry in "${STAGES[@]}"; do
    stage=${entry%%:*}
    if [ -z "$stages" ] || echo "$stages" | grep -qw "$stage"; then
        echo "docker build -f Dockerfile.$stage -t base-$stage:$VERSION $(eval echo $options) ." >/tmp/dbuild.out
        cat /tmp/dbuild.out
    fi
done
