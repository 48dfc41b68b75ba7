# shellcheck shell=bash
# What the scripts in benches/ share: their options and the harness. Source it after scripts/lib.sh.

# value_of OPTION COUNT: stop unless a value follows the option.
value_of() { [ "$2" -gt 1 ] || usage_error "$1 wants a value"; }

# each_known WHAT LIST KNOWN...: stop unless every word of the comma-separated LIST is known.
each_known() {
    local what=$1 word words near
    IFS=, read -ra words <<<"$2"
    shift 2
    for word in "${words[@]}"; do
        is_one_of "$word" "$@" && continue
        near=$(nearest "$word" "$@")
        usage_error "unknown $what '$word'" "${near:+did you mean $near? }known: $*"
    done
}

# wrapper_to_measure [FILE]: the path of the binary FILE, or of the release binary, which is built first.
wrapper_to_measure() {
    if [ -z "$1" ]; then
        printf '%s/' "$ROOT"
        "$ROOT/scripts/build-wrapper.sh"
    else
        [ -x "$1" ] || die "$1 is not an executable file" "give --wrapper the binary to measure"
        realpath -- "$1"
    fi
}

# build_harness: the path of benches/harness, built.
build_harness() {
    local target
    target=$(rust_arch "$(uname -m)")-unknown-linux-musl
    cd "$ROOT" || die "cannot enter $ROOT"
    cargo build --release --locked --quiet --package bench-harness --target "$target" \
        || die "cargo could not build benches/harness"
    realpath -- "${CARGO_TARGET_DIR:-target}/$target/release/bench-harness"
}

# say_load: how busy the machine is.
say_load() {
    say "load average $(cut -d' ' -f1 /proc/loadavg) on $(nproc) processors: the lower, the better the figures"
}
