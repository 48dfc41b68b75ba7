#!/bin/sh
# UTC works, and the time zone of the environment exists: the C library takes a name that it does not know for UTC, silently.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

zones=/usr/share/zoneinfo
repair='RUN install_packages --reinstall tzdata'
is_zone() { [ -f "$1" ] && [ -r "$1" ] && [ "$(head -c 4 "$1")" = TZif ]; }

is_zone "$zones/Etc/UTC" || fail "$zones/Etc/UTC is not a time zone" "$repair"
epoch=$(LC_ALL=C TZ=Etc/UTC date -d @0 '+%F %T %Z')
[ "$epoch" = '1970-01-01 00:00:00 UTC' ] || fail "second 0 in UTC is '$epoch'" "$repair"
is_zone /etc/localtime || fail "/etc/localtime is not a time zone" "RUN ln -sf $zones/Etc/UTC /etc/localtime"

# A name, not a rule such as CET-1CEST.
case ${TZ-} in
    '' | *[0-9,]*) ;;
    *)
        name=${TZ#:}
        case $name in /*) ;; *) name=$zones/$name ;; esac
        is_zone "$name" || fail "TZ is '$TZ', which is no time zone of this image: the time would be UTC" "look in $zones for the name"
        ;;
esac
