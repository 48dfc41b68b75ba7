# shellcheck shell=bash disable=SC2034  # sourced by the scripts, which use the variables
# What the scripts of this image share: where the server is, where the data is, how to fail.

pgbin=/usr/lib/postgresql/17/bin
volume=/var/lib/postgresql/data
# Clients look for the socket in /var/run/postgresql, which this image links into the volume: a read-only root needs no tmpfs.
socket_dir=/var/run/postgresql

log() { printf 'postgres: %s\n' "$*" >&2; }

# die WHAT WHERE-AND-WHAT-TO-DO...
die() {
    printf 'postgres: error: %s\n' "$1" >&2
    [[ $# -eq 1 ]] || printf '  %s\n' "${@:2}" >&2
    exit 1
}

# Settles PGDATA. The default is a directory inside the volume, because the server wants a directory of its own uid with
# mode 0700, which the root of a volume is not under a random uid. A cluster that another image left in the volume's
# root is used where it is.
choose_pgdata() {
    export PGDATA=${PGDATA:-$volume/pgdata}
    if [[ $PGDATA == "$volume/pgdata" && ! -e $PGDATA && -s $volume/PG_VERSION ]]; then
        PGDATA=$volume
    fi
}

# make_socket_dir: false where it cannot be made or written to.
make_socket_dir() {
    local real
    real=$(readlink -m "$socket_dir")
    { mkdir -p -- "$real" && [[ -w $real ]]; } 2>/dev/null
}

# Lets clients find the running server: sets PGHOST and PGPORT to what it says of itself in PGDATA/postmaster.pid (line 4 the
# port, line 5 the socket's directory), or to the image's own where that is not there or not for this user to read.
find_server() {
    local -a lines=()
    [[ ! -r $PGDATA/postmaster.pid ]] || mapfile -t lines <"$PGDATA/postmaster.pid"
    export PGPORT=${lines[3]:-${PGPORT:-5432}} PGHOST=${lines[4]:-$socket_dir}
}

# Holds an exclusive lock on the data directory for as long as this process or any of its children lives, the server
# included. PostgreSQL's own check looks for a pid, which says nothing across containers.
# lock_pgdata SECONDS: how long to wait for it.
lock_pgdata() {
    local lock code=0
    [[ -r $PGDATA && -x $PGDATA ]] || die "uid $EUID cannot open $PGDATA, which is owned by uid $(stat -c %u -- "$PGDATA")" \
        "Start with that uid, or chown the directory and all in it; started as root this image does it itself."
    exec {lock}<"$PGDATA"
    flock --exclusive --timeout "$1" --conflict-exit-code 75 "$lock" || code=$?
    case $code in
        0) ;;
        75) die "$PGDATA is in use by another server" "Stop the other container that has this volume, then start this one." ;;
        *) log "warning: this file system has no locks: nothing keeps a second container off $PGDATA" ;;
    esac
}
