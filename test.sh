#!/usr/bin/env bash
# Run every check of this repository.
#
# Usage: ./test.sh [quick|full]
#        ./test.sh STEP...
#
#   (nothing)    every step, without the tests that take many minutes: half an hour at most
#   full         every step, with them (the bats tests tagged `full`, and a soak of ten minutes)
#   quick        all but the steps that need images: images, example and cri
#   STEP         these steps only
#   --list       print the steps and what each checks
#   -h, --help   this text
#
# Works from any directory. The setup step installs what is missing and starts Docker; the tests make PID namespaces, mounts and
# images. All that needs root: as another user it runs itself through sudo, and root then owns target/ and build/. Each step
# runs even when an earlier one failed; the table at the end says what passed, failed or was skipped.
#
# Exit codes: 0 nothing failed, 1 something did, 2 the command line is wrong. With CI=true a skipped step is a failure.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
cd "$ROOT"

# name|what it checks; run in this order
steps=(
    "setup|tools installed, Docker daemon running"
    "format|rustfmt"
    "lint|clippy, every warning an error"
    "docs|rustdoc, every warning an error"
    "tests|unit and integration tests"
    "soak|ten minutes of clients, orders, signals and kills at random; only in full, or by name"
    "shell|shellcheck of every script"
    "images|the images themselves"
    "example|the examples, their probes, load and restarts, and every command in the documents"
    "cri|probes through a real CRI"
)
needs_images=(images example cri)
needs_no_root=(format lint docs shell)

step_setup() { scripts/setup.sh test; }

step_format() { cargo fmt --all -- --check; }

step_lint() { cargo clippy --workspace --all-targets -- -D warnings; }

step_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items; }

# tests/cri needs images: see the step cri.
step_tests() { cargo test --workspace --exclude cri --no-fail-fast; }

# A seed that failed is given again by WRAPPER_SOAK_SEED.
step_soak() { WRAPPER_SOAK_SECONDS=${WRAPPER_SOAK_SECONDS:-600} cargo test --test it soak:: -- --nocapture; }

# Every tracked or new file that starts with a shell's shebang, whatever its name.
step_shell() {
    local file line
    local -a scripts=() bats=()
    while IFS= read -r -d '' file; do
        [[ -f $file && ! -L $file ]] || continue
        # no extension and no shebang, or binary: not a script
        IFS= read -r line <"$file" 2>/dev/null || true
        case $line in
            '#!'*bats*) bats+=("$file") ;;
            '#!'*[/\ ]bash* | '#!'*[/\ ]sh | '#!'*[/\ ]sh\ * | '#!'*[/\ ]dash*) scripts+=("$file") ;;
            *) [[ $file != *.sh && $file != *.bash ]] || scripts+=("$file") ;;
        esac
    done < <(git ls-files -z --cached --others --exclude-standard)
    printf '%s\n' "${scripts[@]}" "${bats[@]}"
    shellcheck -x "${scripts[@]}"
    # SC2030, SC2031: bats runs each test in a subshell by design.
    [[ ${#bats[@]} -eq 0 ]] || shellcheck -x -e SC2030,SC2031 "${bats[@]}"
}

step_images() {
    local -a files=()
    local file
    for file in tests/images/*.bats; do
        case $file in
            */postgres*.bats | */nginx.bats | */scala-service.bats | */documents.bats) ;;
            *) files+=("$file") ;;
        esac
    done
    run_bats "${files[@]}"
}

step_example() { run_bats tests/images/{postgres*,nginx,scala-service,documents}.bats; }

# Builds what the step example builds too, so that each can run alone.
step_cri() {
    local prefix=${IMAGE_PREFIX-}
    ./dbuild.sh --with-parents runtime
    docker build --quiet --build-arg PARENT="${prefix}base-runtime" --tag "${prefix}example-postgres" examples/postgres
    cargo test --package cri
}

# run_bats FILE...: a test that bats skipped makes the whole step a skipped one, so that it is seen.
run_bats() {
    docker version >/dev/null || {
        echo "test.sh: the Docker daemon does not answer: see the setup step" >&2
        return 1
    }
    local -a which=(--filter-tags '!full')
    [[ $full -eq 0 ]] || which=()
    # For tests over every stage: see tests/images/common.bash.
    export TEST_FULL=$full
    bats --timing --print-output-on-failure "${which[@]}" "$@" | tee "$work/bats.log"
    sed -nE 's/^(not )?ok [0-9]+ (.*) in ([0-9]+)ms( #.*)?$/\3 \2/p' "$work/bats.log" >>"$work/times"
    local skipped
    skipped=$(grep -cE '(# skip|\(skipped)' "$work/bats.log" || true)
    [[ $skipped -eq 0 ]] || skip "$skipped test(s) inside"
}

# skip REASON: ends the step that calls it.
skip() {
    echo "$1" >"$work/skip"
    exit 77
}

# run_step NAME: runs step_NAME in a shell of its own and adds its line to the table.
run_step() {
    local name=$1 state note="" start=$SECONDS code=0
    printf '\n==== %s\n' "$name"
    rm -f "$work/skip"
    set +e
    (
        set -e
        "step_$name"
    )
    code=$?
    set -e
    if [[ $code -eq 0 ]]; then
        state=passed
        passed=$((passed + 1))
    elif [[ $code -eq 77 && -e $work/skip ]]; then
        state=skipped
        note=$(<"$work/skip")
        skipped=$((skipped + 1))
    else
        state=FAILED
        note="exit code $code"
        failed=$((failed + 1))
    fi
    table+=("$(printf '%-8s %-8s %5ds  %s' "$name" "$state" $((SECONDS - start)) "$note")")
}

# wants_root STEP...: does one of them need it?
wants_root() {
    local step
    for step; do is_one_of "$step" "${needs_no_root[@]}" || return 0; done
    return 1
}

main() {
    local -a words=("$@") wanted=() known=()
    local step name
    for step in "${steps[@]}"; do known+=("${step%%|*}"); done

    while [[ $# -gt 0 ]]; do
        case $1 in
            -h | --help) help_of "$0"; exit 0 ;;
            --list)
                for step in "${steps[@]}"; do printf '%-8s %s\n' "${step%%|*}" "${step#*|}"; done
                exit 0
                ;;
            quick | full)
                [[ $# -eq 1 && ${#wanted[@]} -eq 0 ]] || usage_error "$1 stands alone"
                if [[ $1 == full ]]; then full=1; else quick=1; fi
                ;;
            *)
                is_one_of "$1" "${known[@]}" || usage_error "unknown step '$1'" "known: ${known[*]}"
                wanted+=("$1")
                ;;
        esac
        shift
    done

    if [[ $(id -u) -ne 0 ]] && wants_root "${wanted[@]:-setup}"; then
        have sudo || die "needs root, and there is no sudo" "run it as root, or some of these steps only: ${needs_no_root[*]}"
        # sudo has a PATH and a HOME of its own, whatever it preserves.
        exec sudo --preserve-env -- env HOME="$HOME" PATH="$PATH" "$ROOT/test.sh" "${words[@]}"
    fi

    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    for name in "${known[@]}"; do
        if [[ ${#wanted[@]} -gt 0 ]] && ! is_one_of "$name" "${wanted[@]}"; then
            continue
        elif [[ $name == soak && $full -eq 0 && ${#wanted[@]} -eq 0 ]]; then
            # A short form is among the integration tests.
            continue
        elif [[ $quick -eq 1 ]] && is_one_of "$name" "${needs_images[@]}"; then
            table+=("$(printf '%-8s %-8s %6s  %s' "$name" skipped "" "left out by quick")")
            skipped=$((skipped + 1))
        else
            run_step "$name"
        fi
    done

    if [[ -s $work/times ]]; then
        printf '\nthe slowest bats tests\n'
        sort -rn "$work/times" | head -n 10 | awk '{ ms = $1; $1 = ""; printf "%6ds %s\n", ms / 1000, $0 }'
    fi
    printf '\nstep     result    time\n'
    printf '%s\n' "${table[@]}"
    [[ $skipped -eq 0 || ${CI:-} != true ]] || echo "CI=true: a skipped step is a failure"
    printf '\n%d passed, %d failed%s\n' "$passed" "$failed" "$([[ $skipped -eq 0 ]] || echo ", $skipped skipped")"
    [[ $failed -eq 0 ]] || exit 1
    [[ $skipped -eq 0 || ${CI:-} != true ]] || exit 1
}

quick=0 full=0 passed=0 failed=0 skipped=0 work=""
table=()
main "$@"
