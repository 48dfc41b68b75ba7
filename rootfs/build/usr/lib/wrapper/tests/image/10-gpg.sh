#!/bin/sh
# gpg signs, and a signature is bad when the file changed.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

export GNUPGHOME="$work/keys"
install -d -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key test@example.test ed25519 sign 2>/dev/null
echo text >file
gpg --batch --quiet --detach-sign file
gpg --batch --verify file.sig file 2>/dev/null || fail "the signature is not good"
echo changed >file
if gpg --batch --verify file.sig file 2>/dev/null; then fail "the signature is good, though the file changed"; fi
gpgconf --kill gpg-agent
