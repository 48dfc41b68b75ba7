# shellcheck shell=bash
# What the scripts that speak with a registry share. Sourced after lib.sh. It speaks by skopeo, which needs no engine;
# who is logged in with docker or podman is logged in here.

# use_registry NAME: stop unless NAME, a prefix or an image, names a registry; sets `registry`, and `plain`, skopeo's options for it.
use_registry() {
    registry=${1%%/*}
    names_registry "$1" || usage_error "IMAGE_PREFIX names no registry: '$1'" "for example: IMAGE_PREFIX=registry.example.com/team/ $ME"
    have skopeo || die "skopeo is not installed; it asks the registry what it has" "run $ROOT/scripts/setup.sh publish"
    need jq
    plain=()
    # A registry on this machine speaks plain http, as docker takes it for granted.
    [[ ! $registry =~ ^(localhost|127(\.[0-9]+){3})(:[0-9]+)?$ ]] || plain=(--tls-verify=false)
    # Where docker login wrote it, when that is not the usual place; a choice made for skopeo wins.
    if [ -n "${DOCKER_CONFIG-}" ] && [ -z "${REGISTRY_AUTH_FILE-}" ] && [ -e "$DOCKER_CONFIG/config.json" ]; then
        export REGISTRY_AUTH_FILE=$DOCKER_CONFIG/config.json
    fi
}

# refused TEXT ANSWER: the registry said no, or nothing: its words, and what to do about such words. Exits 1.
refused() {
    local words hint="is $registry reachable, and are you logged in (${ENGINE:-docker} login $registry)?"
    # Of skopeo's line of log the message alone.
    words=$(grep -v '^ *$' <<<"${2:-no reason was given}" | tail -n 1 | sed 's/^time=.* msg="\(.*\)"$/\1/; s/\\"/"/g')
    case ${2,,} in
        *"open /"*"permission denied"*) hint="a file of this machine, not the registry: may you read it?" ;;
        *unauthorized* | *"authentication required"* | *"no basic auth"* | *401*) hint="log in, or log in again: ${ENGINE:-docker} login $registry" ;;
        *denied* | *forbidden* | *403*) hint="the account in use may not do that in $registry: log in with another (${ENGINE:-docker} login $registry), or ask for the right" ;;
    esac
    die "$1: $words" "$hint"
}

# ask IMAGE FILE OPTION...: what the registry has under the name, as its bytes came, into FILE; an empty FILE when it has no
# such image. Any other answer ends the script: what could not be asked is never taken for absent.
ask() {
    local answer
    if answer=$({ skopeo inspect "${plain[@]}" --raw "${@:3}" "docker://$1" >"$2"; } 2>&1); then return; fi
    : >"$2"
    # Each registry has its own words; what counts is the 404, where skopeo tells it.
    [[ $answer =~ (manifest|name)\ unknown|NAME_UNKNOWN|(artifact|repository)\ .*not\ found|StatusCode:\ 404 ]] \
        || refused "the registry did not tell about $1" "$answer"
}

# digest_of IMAGE: sha256:..., which names the image for good; nothing when the registry has none of that name.
digest_of() {
    local file
    file=$(mktemp)
    if ! (ask "$1" "$file"); then rm -f "$file"; return 1; fi
    [ ! -s "$file" ] || printf 'sha256:%s\n' "$(sha256sum <"$file" | cut -d ' ' -f 1)"
    rm -f "$file"
}

# configuration_of IMAGE: its configuration in the registry, as JSON; nothing when it is not there.
configuration_of() {
    local file
    file=$(mktemp)
    if ! (ask "$1" "$file" --config); then rm -f "$file"; return 1; fi
    cat "$file"
    rm -f "$file"
}

# give_tag NAME DIGEST TAG: NAME:TAG becomes that image, inside the registry: its layers are there already and are not sent.
give_tag() {
    local answer
    answer=$(skopeo copy "${plain[@]/--tls-verify/--src-tls-verify}" "${plain[@]/--tls-verify/--dest-tls-verify}" --all --preserve-digests --quiet \
        "docker://$1@$2" "docker://$1:$3" 2>&1) || refused "$1:$3 was not moved" "$answer"
    answer=$(digest_of "$1:$3")
    [ "$answer" = "$2" ] || die "$1:$3 is $answer in the registry, not $2" "does another push move it at the same time?"
}

# read_pushed FILE: sets `images` and `digests` to what dpush.sh printed into FILE (- for stdin), and does as use_registry does.
read_pushed() {
    local listed line where
    [ "$1" = - ] || [ -r "$1" ] || die "cannot read $1" "it is what dpush.sh printed on stdout"
    listed=$(cat -- "$1")
    images=() digests=()
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        [[ $line =~ ^([^@[:space:]]+/[^@:/[:space:]]+)@(sha256:[0-9a-f]{64})$ ]] || die "not IMAGE@sha256:DIGEST in $1: '$line'" "it is what dpush.sh printed on stdout"
        images+=("${BASH_REMATCH[1]}") digests+=("${BASH_REMATCH[2]}")
    done <<<"$listed"
    [ ${#images[@]} -gt 0 ] || die "no image is listed in $1" "it is what dpush.sh printed on stdout"
    names_registry "${images[0]}" || die "no registry in $1: ${images[0]}" "it is what dpush.sh printed on stdout"
    where=$(printf '%s\n' "${images[@]%%/*}" | sort --unique)
    [ "$(wc -l <<<"$where")" = 1 ] || die "images of several registries in $1" "one registry at a time"
    use_registry "${images[0]}"
}
