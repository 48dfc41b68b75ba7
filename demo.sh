#!/usr/bin/env bash
# Show the whole thing on this machine: build the wrapper, base-runtime and the PostgreSQL example, then run it.
#
# Usage: ./demo.sh [--keep]
#
#   --keep       leave the database running at the end, and say how to reach and remove it
#   -h, --help   this text
#
# On Debian or Ubuntu, as root or with sudo. Installs what is missing and starts Docker. The first run takes some minutes,
# a second one builds nothing. It removes the containers and the volume that it makes, both named wrapper-demo, and keeps
# the images (base-root, base-runtime and example-postgres) and build/.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
. "$ROOT/vars.sh"

keep=''
for word; do
    case $word in
        --keep) keep=1 ;;
        -h | --help) help_of "$0"; exit 0 ;;
        *) usage_error "unexpected argument '$word'" ;;
    esac
done

name=wrapper-demo
volume=$name
base=${IMAGE_PREFIX}base-runtime
image=${IMAGE_PREFIX}example-postgres
uid=$((100000 + RANDOM)) # in no passwd file
hard=(--read-only --user "$uid:$uid" --cap-drop ALL --security-opt no-new-privileges)
steps=8 step=0

# step TEXT: a heading that says what is shown now.
step() {
    step=$((step + 1))
    printf '\n%s[%d/%d] %s%s\n' "$bold" "$step" "$steps" "$*" "$plain"
}
bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

note() { printf '      %s\n' "$*"; }

# show COMMAND...: print it as it is typed, run it, its output set in.
show() {
    local word line=''
    for word; do
        if [[ $word == *[!A-Za-z0-9_./:=,@%+-]* ]]; then word=${word@Q}; fi
        line+=" $word"
    done
    printf '    $%s\n' "$line"
    "$@" 2>&1 | sed 's/^/      /'
}

# slowly TEXT COMMAND...: the time passes visibly; the output is shown only when the command fails.
slowly() {
    local text=$1 pid started=$SECONDS every=1 next=0
    shift
    if ! [ -t 1 ]; then every=20 next=20; fi
    "$@" >"$work/log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if [ $((SECONDS - started)) -ge $next ]; then
            next=$((SECONDS - started + every))
            if [ -t 1 ]; then
                printf '\r      %s ... %ds  %s\e[K' "$text" $((SECONDS - started)) "$(tail -n 1 "$work/log" | tr -d '\r' | cut -c 1-60)"
            else
                printf '      %s ... %ds\n' "$text" $((SECONDS - started))
            fi
        fi
        sleep 0.2
    done
    if [ -t 1 ]; then printf '\r\e[K'; fi
    wait "$pid" || {
        tail -n 30 "$work/log" >&2
        die "$text: failed, see above"
    }
    note "$text: $((SECONDS - started)) s"
}

# ready: until the database answers, 60 s at most.
ready() {
    local deadline=$((SECONDS + 60))
    until docker exec "$name" pg_isready --quiet -U postgres 2>/dev/null; do
        if [ "$(docker inspect --format '{{.State.Running}}' "$name")" != true ] || [ $SECONDS -ge $deadline ]; then
            docker logs --tail 20 "$name" >&2
            die "the database did not start, see its log above"
        fi
        sleep 0.1
    done
}

remove() {
    docker rm --force --volumes "$name" >/dev/null 2>&1 || true
    docker volume rm "$volume" >/dev/null 2>&1 || true
}

work=$(mktemp -d)
finish() {
    local code=$?
    rm -rf -- "$work"
    if [ -n "$running" ] && ! { [ -n "$keep" ] && [ $code = 0 ]; }; then remove; fi
    exit $code
}
running=''
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$ROOT"

step "Install what is missing, start Docker"
# The password is asked for here, where nothing writes over the question.
if [ "$(id -u)" != 0 ] && have sudo; then sudo --validate; fi
slowly "scripts/setup.sh" scripts/setup.sh build
reach_docker "$ROOT/demo.sh" "$@"

step "Build: the wrapper (static Rust), base-root (minimal Debian), base-runtime (its tools), PostgreSQL on top"
[ -e build/wrapper-x86_64 ] || note "the first time this takes some minutes"
slowly "./dbuild.sh --with-parents runtime" ./dbuild.sh --with-parents runtime
slowly "docker build examples/postgres" docker build --build-arg "PARENT=$base:$VERSION" --tag "$image" examples/postgres
show docker image ls --format 'table {{.Repository}}\t{{.Tag}}\t{{.Size}}' --filter "reference=$base" --filter "reference=$image"

step "Run it: read-only root, a uid that nobody knows, no capabilities, no new privileges, a fresh volume"
remove
running=1
show docker run --detach --name "$name" "${hard[@]}" --volume "$volume:/var/lib/postgresql/data" \
    --env POSTGRES_PASSWORD=secret "$image"
ready
note "PID 1 is the wrapper; its init.d script has made the database:"
show docker exec "$name" ps -e -o pid,ppid,uid,args

step "Load it with pgbench"
slowly "pgbench --initialize" docker exec "$name" pgbench -U postgres -i -q -s 10 postgres
show docker exec "$name" pgbench -U postgres -c 8 -T 10 -P 2 postgres

step "What PID 1 says about itself"
show docker exec "$name" wrapper status

step "Stop it under load: TERM becomes INT, PostgreSQL's fast shutdown, and nothing is lost"
docker exec --detach "$name" pgbench -n -U postgres -c 8 -T 600 postgres
stop_at=$((SECONDS + 30))
busy="SELECT count(*) >= 8 FROM pg_stat_activity WHERE application_name = 'pgbench' AND state <> 'idle'"
until [ "$(docker exec "$name" psql -XqtA -U postgres -c "$busy")" = t ] || [ $SECONDS -ge $stop_at ]; do sleep 0.1; done
show docker stop -t 100 "$name"
show docker inspect --format 'exit code {{.State.ExitCode}}' "$name"
show docker logs --tail 1 "$name"
note "Started again, it has nothing to recover:"
docker start "$name" >/dev/null
ready
docker logs --since "$(docker inspect --format '{{.State.StartedAt}}' "$name")" "$name" 2>&1 | grep 'database system' | sed 's/^/      /'

step "Maintenance: the container without the database, to work on its volume"
docker stop -t 100 "$name" >/dev/null
docker rm "$name" >/dev/null
show docker run --detach --name "$name" "${hard[@]}" --volume "$volume:/var/lib/postgresql/data" "$image" maintenance
show docker exec "$name" wrapper status
show docker exec "$name" ps -e -o pid,ppid,uid,args
docker exec "$name" pg_controldata | grep -E 'cluster state|checkpoint location' | sed 's/^/      /'
printf '    $ %s\n' "echo 'SELECT count(*) FROM pgbench_history' | docker exec -i $name as-postgres postgres --single postgres"
echo 'SELECT count(*) FROM pgbench_history' | docker exec -i "$name" as-postgres postgres --single postgres 2>&1 | grep count | sed 's/^/      /'
show docker stop "$name"

step "Clean up"
docker rm "$name" >/dev/null
if [ -n "$keep" ]; then
    show docker run --detach --name "$name" "${hard[@]}" --volume "$volume:/var/lib/postgresql/data" "$image"
    ready
    note "still running, as asked. Reach it:  docker exec -it $name psql -U postgres"
    note "Remove it:  docker rm -f $name && docker volume rm $volume"
else
    remove
    running=''
    note "container and volume are removed; the images stay: $image, $base"
fi
note "Next: README.md derives an image of your own, docs/tutorial.md takes the database apart."
