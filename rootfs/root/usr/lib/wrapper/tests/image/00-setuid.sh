#!/bin/sh
# No setuid or setgid program but those on the record, which is dpkg's: `dpkg-statoverride --list`. base-root has none.
# What this user cannot look into, it cannot run from either.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

record=/var/lib/dpkg/statoverride
[ -r "$record" ] || fail "$record cannot be read" "RUN chmod 644 $record, or take it from base-root again"
surprises=$(find / -xdev -type f -perm /6000 -printf '%u %g %m %p\n' 2>/dev/null | grep -vxF -f "$record" | sort)
[ -z "$surprises" ] || fail "setuid or setgid and not on the record (owner, group, mode, path):" "$surprises" \
    "take the bits off: RUN dpkg-statoverride --update --add OWNER GROUP 0755 PATH" \
    "or put the program on the record as it is: RUN dpkg-statoverride --add OWNER GROUP MODE PATH"
