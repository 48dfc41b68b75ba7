#!/bin/sh
# What is packed comes out the same: tar with gzip, bzip2, xz and zstd, and zip; rsync copies a tree.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

mkdir -p from/sub
seq 1000 >from/numbers
echo text >from/sub/text
for kind in gz bz2 xz zst; do
    mkdir "out-$kind"
    tar --auto-compress --create --file "from.tar.$kind" --directory from .
    tar --extract --file "from.tar.$kind" --directory "out-$kind"
    diff -r from "out-$kind" || fail "tar.$kind does not come out the same"
done
(cd from && zip --quiet --recurse-paths ../from.zip .)
unzip -q from.zip -d out-zip
diff -r from out-zip || fail "zip does not come out the same"
rsync --archive from/ out-rsync/
diff -r from out-rsync || fail "rsync does not copy the same"
