# shellcheck shell=bash
# How an archive is packed so that the same content gives the same bytes. Sourced; a file of its own since its content
# decides, together with mkrootfs.sh, whether a rootfs is made anew.

# tar_repeatable FOLDER FILE OPTION...: pack FOLDER, its own entry included, into FILE: names sorted, numeric owners, file
# capabilities kept, no access and change times. The caller says which modification times.
tar_repeatable() {
    tar --create --file "$2" --directory "$1" --sort=name --numeric-owner --one-file-system \
        --format=posix --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
        --xattrs --xattrs-include=security.capability "${@:3}" .
}
