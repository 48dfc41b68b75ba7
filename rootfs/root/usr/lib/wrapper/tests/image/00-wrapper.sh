#!/bin/sh
# The wrapper is the one that this image came with: in its place, root's alone to change, static, found first, of the image's version.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

wrapper=/usr/bin/wrapper
repair="take it from base-root again: COPY --from=base-root $wrapper $wrapper"

[ -f "$wrapper" ] || fail "$wrapper is not there" "$repair"
facts=$(stat -Lc '%a %u:%g' "$wrapper")
[ "$facts" = '755 0:0' ] || fail "$wrapper has mode and owner $facts, not 755 0:0" "RUN chown 0:0 $wrapper && chmod 755 $wrapper"

found=$(command -v wrapper) || fail "no wrapper in PATH, which is $PATH" "ENV PATH with /usr/bin in it"
[ "$(readlink -f "$found")" = "$(readlink -f "$wrapper")" ] || fail "$found comes before $wrapper in PATH" "remove $found or give it another name"

# As static it starts whatever happens to the libraries. ldd's words: "statically linked", "not a dynamic executable".
libraries=$(ldd "$wrapper" 2>&1) || true
case $libraries in
    *static* | *'not a dynamic'*) ;;
    *) fail "$wrapper is not static: $libraries" "$repair" ;;
esac

wanted="wrapper $(cat /usr/lib/image/version)"
version=$("$wrapper" --version) || fail "$wrapper --version fails" "$repair"
[ "$version" = "$wanted" ] || fail "$wrapper says '$version', the image was made with '$wanted'" "$repair"
