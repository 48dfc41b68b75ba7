#!/usr/bin/env bash
# Every check of this repository from one command. Each step runs even when an earlier one failed; the table at the
# end says what passed, failed or was skipped. Exit 0: nothing failed (with CI=true: nothing was skipped either).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

usage() {
    cat <<'END'
usage: ./test.sh [quick|full]
       ./test.sh STEP...

  full    every step (the default)
  quick   all but the steps that need images: example and images
  STEP    these steps only; ./test.sh --list names them

Works from any directory. The setup step installs what is missing and starts the Docker daemon, which needs root
or sudo. With CI=true a skipped step counts as a failure.

  --list       print the steps
  -h, --help   print this text
END
}

# name|what it checks; run in this order
steps=(
    "setup|tools installed, Docker daemon running"
    "format|rustfmt"
    "lint|clippy, every warning an error"
    "docs|rustdoc, every warning an error"
    "tests|unit and integration tests"
    "shell|shellcheck of every script"
    "images|the images themselves"
    "example|PostgreSQL under the wrapper"
)
needs_images=" images example "

step_setup() { scripts/setup.sh test; }

step_format() { cargo fmt --all -- --check; }

step_lint() { cargo clippy --workspace --all-targets -- -D warnings; }

step_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items; }

step_tests() { cargo test --workspace --no-fail-fast; }

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
            *) [[ $file != *.sh ]] || scripts+=("$file") ;;
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
        [[ ! -e $file || $file == */postgres.bats ]] || files+=("$file")
    done
    [[ ${#files[@]} -gt 0 ]] || skip "no tests/images/*.bats"
    run_bats "${files[@]}"
}

step_example() {
    [[ -e tests/images/postgres.bats ]] || skip "no tests/images/postgres.bats"
    run_bats tests/images/postgres.bats
}

# run_bats FILE...: a test that bats skipped makes the whole step a skipped one, so that it is seen.
run_bats() {
    docker version >/dev/null || {
        echo "test.sh: the Docker daemon does not answer: see the setup step" >&2
        return 1
    }
    bats --timing --print-output-on-failure "$@" | tee "$work/bats.log"
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

main() {
    local -a wanted=() known=()
    local step name
    for step in "${steps[@]}"; do known+=("${step%%|*}"); done

    while [[ $# -gt 0 ]]; do
        case $1 in
            -h | --help) usage; exit 0 ;;
            --list)
                for step in "${steps[@]}"; do printf '%-8s %s\n' "${step%%|*}" "${step#*|}"; done
                exit 0
                ;;
            quick | full)
                [[ $# -eq 1 && ${#wanted[@]} -eq 0 ]] || fail_usage "$1 stands alone"
                [[ $1 == full ]] || quick=1
                ;;
            *)
                [[ " ${known[*]} " == *" $1 "* ]] || fail_usage "unknown step '$1'; known: ${known[*]}"
                wanted+=("$1")
                ;;
        esac
        shift
    done

    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    for name in "${known[@]}"; do
        if [[ ${#wanted[@]} -gt 0 && " ${wanted[*]} " != *" $name "* ]]; then
            continue
        elif [[ $quick -eq 1 && $needs_images == *" $name "* ]]; then
            table+=("$(printf '%-8s %-8s %6s  %s' "$name" skipped "" "left out by quick")")
            skipped=$((skipped + 1))
        else
            run_step "$name"
        fi
    done

    printf '\nstep     result    time\n'
    printf '%s\n' "${table[@]}"
    [[ $skipped -eq 0 || ${CI:-} != true ]] || echo "CI=true: a skipped step is a failure"
    printf '\n%d passed, %d failed%s\n' "$passed" "$failed" "$([[ $skipped -eq 0 ]] || echo ", $skipped skipped")"
    [[ $failed -eq 0 ]] || exit 1
    [[ $skipped -eq 0 || ${CI:-} != true ]] || exit 1
}

fail_usage() {
    echo "test.sh: $1; try ./test.sh --help" >&2
    exit 2
}

quick=0 passed=0 failed=0 skipped=0 work=""
table=()
main "$@"
