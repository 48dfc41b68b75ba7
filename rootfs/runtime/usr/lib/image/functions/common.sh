# shellcheck shell=dash
# What the functions share: help, errors, HTTP. Sourced by ../functions.sh; everything here is private (_image_).
#
# A public function is one line, `NAME() { _image_call NAME MIN MAX "$@"; }`, under the comment that is its help; the work is
# in _NAME. That one has a subshell for a body, ( ), so that its variables, umask and `set` end with it; only those that
# set variables of the caller have braces. No code here leans on `set -e`: it is off in whatever the caller tests.

# _image_call NAME MIN MAX ARGUMENT...: answer --help, count the arguments, run _NAME.
_image_call() {
    local _image_name="$1"
    case ${4-} in
        -h | --help) _image_help "$1"; return ;;
    esac
    if [ "$(($# - 3))" -lt "$2" ] || [ "$(($# - 3))" -gt "$3" ]; then
        _image_usage "$1" "wrong number of arguments: $(($# - 3))"
        return
    fi
    shift 3
    "_$_image_name" "$@"
}

# _image_help NAME: print the comment above NAME, which is its help.
_image_help() {
    _image_awk -v name="$1()" '
        /^#/ { text = text substr($0, 3) "\n"; next }
        index($0, name) == 1 { printf "%s", text; exit }
        { text = "" }'
}

# _image_list PREFIX: a line for each public function whose name starts so: the first of its help.
_image_list() {
    _image_awk -v prefix="$1" '
        /^#/ { if (first == "") first = substr($0, 3); next }
        index($0, prefix) == 1 && /^[a-z0-9_]+\(\)/ && split(first, part, ": ") > 1 {
            printf "%-26s %s\n", part[1], substr(first, length(part[1]) + 3)
        }
        { first = "" }'
    printf '\nNAME --help explains one.\n'
}

# _image_awk WORD...: run awk on the files that hold public functions. They are named, since `set -f` lets no pattern find them.
_image_awk() ( cd /usr/lib/image/functions && awk "$@" aws.sh kubernetes-api.sh kubernetes.sh; )

# _image_fail CODE NAME TEXT [HINT...]: say what went wrong and where; then what to do about it. Returns CODE.
_image_fail() (
    code=$1 text="$2: error: $3"
    shift 3
    for hint; do
        text="$text
  $hint"
    done
    # Much of it is a server's, and this is a terminal: no control characters but newline and tab, nor those of UTF-8 (U+0080 to U+009F).
    plain=$(printf '%s\n' "$text" | LC_ALL=C sed 's/[\x01-\x08\x0b-\x1f\x7f]//g; s/\xc2[\x80-\x9f]//g' 2>/dev/null) || plain=$text
    printf '%s\n' "$plain" >&2
    return "$code"
)

# _image_usage NAME TEXT: the call is wrong. Returns 2.
_image_usage() { _image_fail 2 "$1" "$2" "$(_image_help "$1" | sed -n 's/^Usage: /usage: /p')" "'$1 --help' explains it"; }

# _image_need NAME PROGRAM...: each one is installed, or 127.
_image_need() (
    name=$1
    shift
    for program; do
        command -v "$program" >/dev/null 2>&1 \
            || { _image_fail 127 "$name" "not installed: $program" "base-runtime has it; elsewhere: install_packages"; return; }
    done
)

# _image_is_number TEXT: decimal digits without a leading zero, or 0; at most nine of them, which every shell can count with.
_image_is_number() {
    case $1 in
        '' | *[!0-9]* | 0?* | ??????????*) return 1 ;;
    esac
}

# _image_quote: make stdin the inside of a quoted value in curl's configuration.
_image_quote() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e '$!s/$/\\n/' | tr -d '\n'; }

# _image_curl OPTION...: run curl; print the body, then a line with the HTTP code (000: none) and curl's own message. Never
# fails for what the server said. The rest of the options, the secret ones, come from stdin as curl's configuration: the
# command line of a process can be read by others.
_image_curl() {
    curl -q --silent --globoff --config - --write-out '\n%{http_code} %{errormsg}' "$@"
}

# _image_transport_failed NAME CURL-CODE SERVER MESSAGE [HINT]: no HTTP answer; say why. Returns 75 or 69.
_image_transport_failed() {
    case $2 in
        28) _image_fail 75 "$1" "$3 did not answer in time: $4" "${5:-is a network policy or firewall in the way? try it again}" ;;
        35 | 60) _image_fail 69 "$1" "no trusted TLS connection to $3: $4" "${5:-is something between here and there that answers in its name?}" ;;
        *) _image_fail 69 "$1" "$3 cannot be reached: ${4:-curl ended with $2}" "${5:-is the address right, and the network there?}" ;;
    esac
}
