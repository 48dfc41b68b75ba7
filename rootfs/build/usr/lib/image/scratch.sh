# shellcheck shell=sh disable=SC2034  # work is for the tests that source this
# A folder to work in, for the `image` suite. Sourced: sets `work`, and goes there; it is removed when the test ends. Where
# nothing is writable it says so and ends the test: who builds needs a writable folder.

fail() { printf '%s\n' "$@" >&2; exit 1; }

work=
for folder in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm /run; do
    if work=$(mktemp -d "$folder/image-suite.XXXXXX" 2>/dev/null); then break; fi
done
if [ -z "$work" ]; then
    echo "not tried: nothing can be built without a writable directory (mount a tmpfs at /tmp)"
    exit 0
fi
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work" HOME="$work"
cd "$work" || exit 1
