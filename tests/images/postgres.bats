#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2086  # single quotes: expanded in the container, or by nobody; names hold no spaces
# examples/postgres on a real engine: what its README promises, each sentence a test.
# Waits for what the server says or does, within a bound. Needs docker and base-runtime; builds the example first,
# unless POSTGRES_IMAGE names one that is built. Everything it makes is named pgtest-* and is removed.

bats_require_minimum_version 1.5.0

image=${POSTGRES_IMAGE:-${IMAGE_PREFIX-}example-postgres}
base=${POSTGRES_BASE:-${IMAGE_PREFIX-}base-runtime}
p=pgtest-$(cksum <<<"$BATS_RUN_TMPDIR" | cut -d ' ' -f 1) # in front of all names: two runs on one machine stay apart
net=$p-net
uid=23456 # in no passwd file
hard=(--read-only --user "$uid:$uid" --cap-drop ALL --security-opt no-new-privileges)
data=/var/lib/postgresql/data
strange_user="o'brien \"the\" dba" strange_db="d'b \"x\" =y" strange_password="p'a\$s \"w\" \\d"

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    command -v docker >/dev/null
    if [[ -z ${POSTGRES_IMAGE:-} ]]; then
        [[ -n ${POSTGRES_BASE:-} ]] || ./dbuild.sh --with-parents runtime >&2
        docker build --quiet --build-arg PARENT="$base" --tag "$image" examples/postgres >&2
    fi
    remove_all
    docker network create "$net" >/dev/null
    # The server that the tests which only look at one share.
    start $p-main "${hard[@]}" -v $p-main:$data -e POSTGRES_USER="$strange_user" -e POSTGRES_DB="$strange_db" \
        -e POSTGRES_PASSWORD="$strange_password" "$image"
}

teardown_file() { remove_all; }

teardown() {
    local name
    for name in $(docker ps -aq --filter name=$p-t); do docker rm -fv "$name" >/dev/null; done
    for name in $(docker volume ls -q --filter name=$p-t); do docker volume rm "$name" >/dev/null; done
}

remove_all() {
    local name
    for name in $(docker ps -aq --filter name=$p-); do docker rm -fv "$name" >/dev/null; done
    for name in $(docker volume ls -q --filter name=$p-); do docker volume rm "$name" >/dev/null; done
    docker network rm "$net" >/dev/null 2>&1 || true
}

# start NAME RUN-ARGUMENT...: a container that answers queries when this returns.
start() {
    docker run -d --name "$1" --network "$net" "${@:2}" >/dev/null
    wait_ready "$1"
}

# wait_ready NAME [PG_ISREADY-OPTION...]: the server answers; no event says so. 60 s at most, and not longer than the container lives.
wait_ready() {
    local deadline=$((SECONDS + 60))
    until docker exec "$1" pg_isready --quiet -U any "${@:2}" 2>/dev/null; do
        [[ $(docker inspect -f '{{.State.Running}}' "$1") == true && $SECONDS -lt $deadline ]] || {
            echo "$1 is not ready:" && docker logs "$1" 2>&1
            return 1
        }
        sleep 0.1
    done
}

# wait_log NAME TEXT: until the container's log has a line with TEXT; 60 s at most.
wait_log() {
    timeout 60 grep -q -m1 -F -- "$2" <(exec docker logs -f "$1" 2>&1) || {
        echo "no '$2' in the log of $1:" && docker logs "$1" 2>&1
        return 1
    }
}

# log_since_start NAME: what the container's last start printed.
log_since_start() { docker logs --since "$(docker inspect -f '{{.State.StartedAt}}' "$1")" "$1" 2>&1; }

# ends NAME: waits for the container's end, 60 s at most; prints its exit code.
ends() { timeout 60 docker wait "$1"; }

# sql NAME SQL: the answer of the server in the container NAME, as its superuser postgres.
sql() { docker exec "$1" psql -XqtA -v ON_ERROR_STOP=1 -U postgres -c "$2"; }

# once RUN-ARGUMENT...: a container that is to end by itself, within 60 s; what it prints and its exit code.
once() { timeout 60 docker run --rm --name $p-t-once "$@"; }

# client HOST PASSWORD PSQL-ARGUMENT...: psql from another container, over the network.
client() {
    docker run --rm --network "$net" -e PGPASSWORD="$2" -e PGHOST="$1" -e PGCONNECT_TIMEOUT=10 "$image" psql -XqtA "${@:3}"
}

# fill VOLUME COMMAND: runs a shell command as root with the volume on /v.
fill() { docker run --rm --user 0 -v "$1:/v" --entrypoint sh "$image" -c "$2"; }

# init_scripts VOLUME: what script() wrote, into a volume.
init_scripts() {
    docker run --rm -i --user 0 -v "$1:/v" --entrypoint sh "$image" -c 'tar -x -C /v && chmod -R a+rX /v' \
        < <(tar -c -C "$BATS_TEST_TMPDIR/initdb.d" .)
}

# script NAME [MODE] <CONTENT
script() {
    mkdir -p "$BATS_TEST_TMPDIR/initdb.d"
    cat >"$BATS_TEST_TMPDIR/initdb.d/$1"
    chmod "${2:-644}" "$BATS_TEST_TMPDIR/initdb.d/$1"
}

@test "the image is derived from base-runtime and PID 1 is the wrapper" {
    local layers base_layers
    base_layers=$(docker image inspect -f '{{join .RootFS.Layers " "}}' "$base")
    layers=$(docker image inspect -f '{{join .RootFS.Layers " "}}' "$image")
    [[ "$layers " == "$base_layers "* ]]
    run -0 docker exec $p-main sh -c 'tr "\0" " " </proc/1/cmdline'
    [[ $output == *wrapper* ]]
}

@test "read-only root, a random uid, no capabilities, no_new_privs, on a fresh named volume" {
    run -0 docker exec $p-main sh -c 'grep -E "^(Uid|CapBnd|NoNewPrivs)" /proc/self/status; ! touch /x 2>&1'
    [[ $output == *"Uid:"*"$uid"*"CapBnd:"*"0000000000000000"*"NoNewPrivs:"*"1"* ]]
    [[ $output == *"Read-only file system"* ]]
    run -0 docker exec $p-main stat -c '%u %a' "$data/pgdata" "$data"
    [[ ${lines[0]} == "$uid 700" && ${lines[1]} == "999 1777" ]]
}

@test "names and passwords with spaces, quotes, backslashes and = are what they are, over the network with scram" {
    run -0 client $p-main "$strange_password" -U "$strange_user" -d "dbname='${strange_db//\'/\\\'}'" \
        -c "SELECT current_user, current_database()"
    [[ $output == "$strange_user|$strange_db" ]]
    # The one superuser, and nothing left of the way there.
    run -0 docker exec $p-main psql -XqtA -U "$strange_user" -d postgres \
        -c "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256\$%' FROM pg_authid WHERE rolcanlogin"
    [[ $output == "$strange_user|t" ]]
}

@test "a wrong password and no password are refused over the network" {
    run ! client $p-main wrong -U "$strange_user" -d postgres -c "SELECT 1"
    [[ $output == *"password authentication failed"* ]]
    run ! client $p-main "" -w -U "$strange_user" -d postgres -c "SELECT 1"
    [[ $output == *"no password supplied"* ]]
}

@test "JIT compiles" {
    run -0 docker exec $p-main psql -XqtA -U "$strange_user" -d postgres -c "SET jit_above_cost = 0" \
        -c "EXPLAIN ANALYZE SELECT sum(i) FROM generate_series(1, 10) i"
    [[ $output == *"JIT:"*"Functions:"* ]]
}

@test "psql in the example needs no database, password or writable directory" {
    run -0 --separate-stderr once "${hard[@]}" "$image" psql --version
    [[ $output == "psql (PostgreSQL) 17"* ]]
}

@test "-c max_connections=7 is an option of the server; so is postgres -c, and docker-entrypoint.sh postgres -c" {
    start $p-t1 "${hard[@]}" -e POSTGRES_PASSWORD=x "$image" -c max_connections=7
    [[ $(sql $p-t1 "SHOW max_connections") == 7 ]]
    start $p-t2 "${hard[@]}" -e POSTGRES_PASSWORD=x "$image" postgres -c max_connections=8
    [[ $(sql $p-t2 "SHOW max_connections") == 8 ]]
    start $p-t3 "${hard[@]}" -e POSTGRES_PASSWORD=x --entrypoint docker-entrypoint.sh "$image" postgres -c max_connections=9
    [[ $(sql $p-t3 "SHOW max_connections") == 9 ]]
    run -0 --separate-stderr once "${hard[@]}" "$image" postgres --version
    [[ $output == "postgres (PostgreSQL) 17"* ]]
}

@test "no password: an error that says what to do, and nothing is created" {
    run -1 once "${hard[@]}" -v $p-t1:$data "$image"
    [[ $output == *"no superuser password"*"POSTGRES_PASSWORD"*"POSTGRES_HOST_AUTH_METHOD=trust"* ]]
    run -0 fill $p-t1 'find /v -type f'
    [[ -z $output ]]
}

@test "POSTGRES_HOST_AUTH_METHOD=trust needs no password, and is warned about" {
    start $p-t1 "${hard[@]}" -e POSTGRES_HOST_AUTH_METHOD=trust "$image"
    run -0 docker logs $p-t1
    [[ $output == *"WARNING: POSTGRES_HOST_AUTH_METHOD is trust"* ]]
    run -0 client $p-t1 "" -w -U postgres -c "SELECT 1"
    [[ $output == 1 ]]
}

@test "POSTGRES_PASSWORD_FILE, POSTGRES_USER_FILE and POSTGRES_DB_FILE; both forms at once are an error" {
    fill $p-t1 'echo from-a-file >/v/password; echo someone >/v/user; echo something >/v/db'
    start $p-t1 "${hard[@]}" -v $p-t1:/run/secrets:ro -e POSTGRES_PASSWORD_FILE=/run/secrets/password \
        -e POSTGRES_USER_FILE=/run/secrets/user -e POSTGRES_DB_FILE=/run/secrets/db "$image"
    run -0 client $p-t1 from-a-file -U someone -d something -c "SELECT current_user, current_database()"
    [[ $output == "someone|something" ]]

    run ! once "${hard[@]}" -v $p-t1:/run/secrets:ro -e POSTGRES_PASSWORD=x \
        -e POSTGRES_PASSWORD_FILE=/run/secrets/password "$image"
    [[ $output == *POSTGRES_PASSWORD* ]]
}

@test "POSTGRES_INITDB_ARGS reach initdb with their quotes understood and nothing evaluated" {
    start $p-t1 "${hard[@]}" -e POSTGRES_PASSWORD=x \
        -e POSTGRES_INITDB_ARGS="--data-checksums --locale-provider=icu --icu-locale='en-US' --set 'log_line_prefix=\$(id) %p '" "$image"
    [[ $(sql $p-t1 "SHOW data_checksums") == on ]]
    [[ $(sql $p-t1 "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'postgres'") == "i|en-US" ]]
    [[ $(sql $p-t1 "SHOW log_line_prefix") == '$(id) %p ' ]]
    run -1 once "${hard[@]}" -e POSTGRES_PASSWORD=x -e POSTGRES_INITDB_ARGS="--locale='C" "$image"
    [[ $output == *"unmatched single quote"*"cannot read POSTGRES_INITDB_ARGS"* ]]
}

@test "POSTGRES_INITDB_ARGS=--auth=scram-sha-256 closes the local door too" {
    start $p-t1 "${hard[@]}" -e POSTGRES_PASSWORD=x -e POSTGRES_INITDB_ARGS=--auth=scram-sha-256 "$image"
    run ! docker exec $p-t1 psql -XqtA -w -U postgres -c "SELECT 1"
    [[ $output == *"no password supplied"* ]]
    run -0 docker exec -e PGPASSWORD=x $p-t1 psql -XqtA -U postgres -c "SELECT 1"
}

@test "PGDATA and POSTGRES_INITDB_WALDIR elsewhere" {
    start $p-t1 "${hard[@]}" --tmpfs /db:mode=1777 -e POSTGRES_PASSWORD=x -e PGDATA=/db/here -e POSTGRES_INITDB_WALDIR=/db/wal "$image"
    [[ $(sql $p-t1 "SHOW data_directory") == /db/here ]]
    [[ $(docker exec $p-t1 readlink /db/here/pg_wal) == /db/wal ]]
}

@test "only PGDATA is writable: the socket is there, and the log says so" {
    fill $p-t1 "touch /v/not-empty && chmod 555 /v"
    docker run -d --name $p-t1 "${hard[@]}" --tmpfs /db:mode=1777 -v $p-t1:$data -e POSTGRES_PASSWORD=x \
        -e PGDATA=/db/here "$image" >/dev/null
    wait_log $p-t1 "the socket is in PGDATA (psql -h /db/here)"
    wait_log $p-t1 "listening on Unix socket \"/db/here/.s.PGSQL.5432\""
    wait_ready $p-t1 -h /db/here
    [[ $(docker exec $p-t1 psql -XqtA -h /db/here -U postgres -c "SELECT 1") == 1 ]]
}

@test "init scripts: executable ones run, others are sourced, SQL plain and packed; each once, in order" {
    script 10-run.sh 755 <<'END'
#!/bin/sh
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" -c "CREATE TABLE ran (what text)"
# an executable script's variables are its own
export LEFT=behind
END
    script 20-sourced.sh <<'END'
psql -c "INSERT INTO ran VALUES ('sourced${LEFT:-}$UNSET')"
# what scripts for the official image call
docker_process_sql <<<"INSERT INTO ran VALUES ('function')"
echo "shared_buffers = 16MB" >>"$PGDATA/postgresql.conf"
END
    script "30 with space.sql" <<<"INSERT INTO ran VALUES ('sql');"
    gzip -c <<<"INSERT INTO ran VALUES ('gz');" | script 40-packed.sql.gz
    xz -c <<<"INSERT INTO ran VALUES ('xz');" | script 50-packed.sql.xz
    zstd -qc <<<"INSERT INTO ran VALUES ('zst');" | script 60-packed.sql.zst
    script 70-ignored.txt <<<"not SQL"
    init_scripts $p-t1
    start $p-t1 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data -e POSTGRES_PASSWORD=x "$image"
    [[ $(sql $p-t1 "SELECT string_agg(what, ' ') FROM ran") == "sourced function sql gz xz zst" ]]
    [[ $(sql $p-t1 "SHOW shared_buffers") == 16MB ]]
    run -0 docker logs $p-t1
    [[ $output == *"ignoring /docker-entrypoint-initdb.d/70-ignored.txt"* ]]

    docker restart -t 60 $p-t1 >/dev/null
    wait_ready $p-t1
    [[ $(sql $p-t1 "SELECT count(*) FROM ran") == 6 ]]
    run -0 log_since_start $p-t1
    [[ $output != *initdb* && $output != *running* ]]
}

@test "init scripts see the server's options" {
    script 10.sql <<<"CREATE TABLE seen AS SELECT current_setting('wal_level') AS wal; SELECT pg_create_logical_replication_slot('s', 'pgoutput');"
    init_scripts $p-t1
    start $p-t1 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -e POSTGRES_PASSWORD=x "$image" -c wal_level=logical
    [[ $(sql $p-t1 "SELECT wal FROM seen") == logical ]]
}

@test "pg_isready says no until the init scripts are done" {
    script 10.sh <<'END'
mkfifo "$PGDATA/gate" && echo "gate is there" >&2 && read -r line <"$PGDATA/gate"
END
    init_scripts $p-t1
    docker run -d --name $p-t1 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -e POSTGRES_PASSWORD=x "$image" >/dev/null
    wait_log $p-t1 "gate is there"
    run ! docker exec $p-t1 pg_isready -U any
    [[ $output == *"no response"* ]]
    docker exec $p-t1 sh -c 'echo go >$PGDATA/gate'
    wait_ready $p-t1
}

@test "as root: a bind mount of root's becomes the server's, which runs as postgres, with the word postgres too" {
    local dir=$BATS_TEST_TMPDIR/bind args
    for args in "" postgres; do
        install -d -m 700 "$dir$args"
        docker run --rm -v "$dir$args:/v" --entrypoint chown "$image" 0:0 /v
        # shellcheck disable=SC2086 # no word at all, or one
        start "$p-t1$args" -v "$dir$args:$data" -e POSTGRES_PASSWORD=x "$image" $args
        run -0 docker exec "$p-t1$args" sh -c 'stat -c "%u %a" "$PGDATA"; ps -o user= -C postgres | sort -u'
        [[ ${lines[0]} == "999 700" && ${lines[1]} == postgres && ${#lines[@]} -eq 2 ]]
        docker stop -t 60 "$p-t1$args" >/dev/null
    done
}

@test "root without capabilities is told what is missing" {
    local all=(--cap-drop ALL --cap-add SETUID --cap-add SETGID)
    run -78 once --cap-drop ALL -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"run.user"*"SETUID and SETGID"* ]]
    run -1 once "${all[@]}" -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"root lacks the capability KILL"*"SETGID and KILL, or start with --user 999"* ]]
    run -1 once "${all[@]}" --cap-add KILL -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"cannot give $data/pgdata to the user postgres"*"--user 999"* ]]
    # With all that is named it starts, and a stop is no crash.
    start $p-t9 "${all[@]}" --cap-add KILL --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER -e POSTGRES_PASSWORD=x "$image"
    docker stop -t 60 $p-t9 >/dev/null
    [[ $(docker logs $p-t9 2>&1) == *"database system is shut down"* ]]
}

@test "PGDATA as the volume's root works as root, and a random uid is told what to do" {
    start $p-t1 -v $p-t1:$data -e PGDATA=$data -e POSTGRES_PASSWORD=x "$image"
    [[ $(sql $p-t1 "SHOW data_directory") == "$data" ]]
    run -1 once "${hard[@]}" -v $p-t2:$data -e PGDATA=$data -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"belongs to another user"*"PGDATA=$data/pgdata"* ]]
}

@test "a PGDATA that Kubernetes' fsGroup has opened to the group is closed again" {
    start $p-t1 "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x "$image"
    docker stop -t 60 $p-t1 >/dev/null
    fill $p-t1 "chmod -R g+rwX /v/pgdata && find /v/pgdata -type d -exec chmod g+s {} +"
    docker start $p-t1 >/dev/null
    wait_ready $p-t1
    [[ $(docker exec $p-t1 stat -c %a $data/pgdata) == 700 ]]
}

@test "a cluster that the official image left in the volume's root is used, with its locale" {
    start $p-t1 -v $p-t1:$data -e PGDATA=$data -e POSTGRES_INITDB_ARGS=--locale=en_US.utf8 -e POSTGRES_PASSWORD=x "$image"
    sql $p-t1 "CREATE TABLE old AS SELECT 1 AS x"
    docker stop -t 60 $p-t1 >/dev/null
    start $p-t2 -v $p-t1:$data "$image"
    [[ $(sql $p-t2 "SELECT x FROM old") == 1 ]]
    [[ $(sql $p-t2 "SELECT string_agg(w, '' ORDER BY w) FROM (VALUES ('b'), ('A'), ('a'), ('B')) v(w)") == aAbB ]]
}

@test "a directory that holds something else is left alone" {
    fill $p-t1 "mkdir -m 700 /v/pgdata && echo precious >/v/pgdata/file && chown -R $uid /v/pgdata"
    run -1 once "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"not empty and holds no database"* ]]
    run -0 fill $p-t1 'cat /v/pgdata/file; ls -A /v/pgdata | wc -l'
    [[ ${lines[0]} == precious && ${lines[1]} == 1 ]]
}

@test "a volume that cannot be written to: one error that names it" {
    fill $p-t1 "touch /v/not-empty && chmod 555 /v"
    run -1 once "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x "$image"
    [[ $output == *"cannot create $data/pgdata as uid $uid"* ]]
}

@test "an initialization that was killed halfway is cleared and begun again" {
    script 10.sql <<<"CREATE TABLE half ();"
    script 20.sh <<'END'
[[ -e /docker-entrypoint-initdb.d/30.sql ]] || { echo "halfway" >&2; read -r line < <(tail -f /dev/null); }
END
    init_scripts $p-t1
    docker run -d --name $p-t1 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data \
        -e POSTGRES_PASSWORD=x "$image" >/dev/null
    wait_log $p-t1 "halfway"
    docker kill -s KILL $p-t1 >/dev/null

    # The same scripts, but for the first, which would fail on what is left, and the one that waits no longer.
    fill $p-t1 'echo "CREATE TABLE whole ();" >/v/30.sql'
    start $p-t2 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data -e POSTGRES_PASSWORD=x "$image"
    run -0 docker logs $p-t2
    [[ $output == *"an initialization did not finish here"* ]]
    [[ $(sql $p-t2 "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('half', 'whole')") == "half whole" ]]
}

@test "killed inside initdb, it begins again too" {
    docker run -d --name $p-t1 "${hard[@]}" -v $p-t2:$data -e POSTGRES_PASSWORD=x "$image" >/dev/null
    wait_log $p-t1 "running bootstrap script"
    docker kill -s KILL $p-t1 >/dev/null
    start $p-t2 "${hard[@]}" -v $p-t2:$data -e POSTGRES_PASSWORD=x "$image"
    run -0 docker exec $p-t2 sh -c 'ls -A $PGDATA | grep "^\.initdb"; test ! -e $PGDATA/.initializing'
    [[ -z $output ]]
}

@test "TERM during an init script ends the container at once; the next start begins again" {
    script 10.sh <<'END'
[[ ${SECOND:-} ]] || { echo "halfway" >&2; read -r line < <(tail -f /dev/null); }
END
    init_scripts $p-t1
    docker run -d --name $p-t1 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data \
        -e POSTGRES_PASSWORD=x "$image" >/dev/null
    wait_log $p-t1 "halfway"
    local start=$SECONDS
    docker stop -t 30 $p-t1 >/dev/null
    [[ $((SECONDS - start)) -lt 10 ]]
    start $p-t2 "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data -e SECOND=1 -e POSTGRES_PASSWORD=x "$image"
}

@test "an init script that fails, or that says exit 0 when sourced, fails the start and is not taken for done" {
    local content
    for content in 'psql -v ON_ERROR_STOP=1 -c "SELECT wrong"' 'exit 0'; do
        rm -rf "$BATS_TEST_TMPDIR/initdb.d"
        script 10.sh <<<"$content"
        init_scripts $p-t1
        run -1 once "${hard[@]}" -v $p-t1:/docker-entrypoint-initdb.d:ro -v $p-t2:$data \
            -e POSTGRES_PASSWORD=x "$image"
        [[ $output == *"the initialization did not finish"* ]]
    done
    start $p-t2 "${hard[@]}" -v $p-t2:$data -e POSTGRES_PASSWORD=x "$image"
}

@test "a second container on the volume of a running server is refused" {
    run -1 once "${hard[@]}" -v $p-main:$data "$image"
    [[ $output == *"in use by another server"* ]]
    run -0 docker exec $p-main pg_isready -U any
}

@test "stopped under pgbench load: a clean shutdown within the grace period, and a start without recovery" {
    start $p-t1 "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x "$image"
    docker exec $p-t1 pgbench -U postgres -i -q -s 5 postgres >/dev/null 2>&1
    docker exec -d $p-t1 sh -c 'pgbench -U postgres -c 6 -T 600 -P 1 postgres >/proc/1/fd/2 2>&1'
    wait_log $p-t1 "progress: 2.0 s"
    local before
    before=$(sql $p-t1 "SELECT count(*) FROM pgbench_history")
    [[ $before -gt 0 ]]

    local start=$SECONDS
    docker stop -t 60 $p-t1 >/dev/null
    echo "stopped in $((SECONDS - start)) s"
    [[ $((SECONDS - start)) -lt 30 ]]
    [[ $(docker inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' $p-t1) == "0 false" ]]
    run -0 docker logs $p-t1
    [[ $output == *"received fast shutdown request"*"database system is shut down"* ]]

    docker start $p-t1 >/dev/null
    wait_ready $p-t1
    run -0 log_since_start $p-t1
    [[ $output == *"database system was shut down at"* ]]
    [[ $output != *"not properly shut down"* && $output != *"was interrupted"* && $output != *redo* ]]
    [[ $(sql $p-t1 "SELECT count(*) FROM pgbench_history") -ge $before ]]
}

@test "control: without the rewrite TERM waits for the clients, and the next start has to recover" {
    start $p-t1 "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x -e WRAPPER_SIGNALS_REWRITE='{SIGTERM: SIGTERM}' "$image"
    docker exec -d $p-t1 psql -U postgres -c "SELECT pg_sleep(600)"
    local deadline=$((SECONDS + 30))
    until [[ $(sql $p-t1 "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1 ]]; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 0.1
    done
    docker stop -t 3 $p-t1 >/dev/null
    [[ $(docker inspect -f '{{.State.ExitCode}}' $p-t1) == 137 ]]
    docker start $p-t1 >/dev/null
    wait_ready $p-t1
    run -0 log_since_start $p-t1
    [[ $output == *"not properly shut down"* ]]
}

@test "in maintenance no server runs and the volume can be worked on" {
    start $p-t1 "${hard[@]}" -v $p-t1:$data -e POSTGRES_PASSWORD=x "$image"
    docker stop -t 60 $p-t1 >/dev/null

    docker run -d --name $p-t2 --network "$net" "${hard[@]}" -v $p-t1:$data "$image" maintenance >/dev/null
    run -0 docker exec $p-t2 pg_controldata
    [[ $output == *"cluster state:"*"shut down"* ]]
    run -0 docker exec $p-t2 pg_resetwal -n $data/pgdata
    [[ $output == *"Latest checkpoint"* ]]
    run -0 docker exec $p-t2 pg_checksums --enable
    run -0 docker exec -i $p-t2 as-postgres postgres --single postgres <<<'CREATE TABLE made_by_hand AS SELECT 42 AS x'
    run -2 docker exec $p-t2 pg_isready -U any
    run ! docker exec $p-t2 pgrep -x postgres
    local start=$SECONDS
    docker stop -t 30 $p-t2 >/dev/null
    [[ $((SECONDS - start)) -lt 10 ]]
    [[ $(docker inspect -f '{{.State.ExitCode}}' $p-t2) == 0 ]]

    docker start $p-t1 >/dev/null
    wait_ready $p-t1
    [[ $(sql $p-t1 "SELECT x FROM made_by_hand") == 42 ]]
    [[ $(sql $p-t1 "SHOW data_checksums") == on ]]
}
