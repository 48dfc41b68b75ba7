//! `wrapper test`: what runs, by whom, what it says of it, and its options.

use crate::support::suite::{outcomes, test, test_by, verdicts};
use crate::support::terminal::Terminal;
use crate::support::{Init, Place, Tree, User};

fn shell(tree: Tree, name: &str, body: &str) -> Tree {
    tree.script(&format!("tests/{name}"), body)
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, outcome)| ((*name).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn a_shell_check_is_its_exit_status() {
    let tree = shell(Tree::new(), "image/10-good.sh", "exit 0");
    test(&tree, &["image"]).code(0).quiet();
    let tree = shell(tree, "image/20-bad.sh", "echo looking; echo 'no such thing' >&2; exit 3");
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let found = verdicts(&done);
    assert_eq!(outcomes(&done), pairs(&[("image/10-good.sh", "pass"), ("image/20-bad.sh", "fail")]));
    assert!(found[1].message.contains("exited with code 3"), "{found:?}");
    assert!(found[1].message.contains("no such thing"), "the last lines are its message: {found:?}");
}

#[test]
fn bats_tests_are_checks_of_their_own() {
    let tree = Tree::new().file(
        "tests/image/10-all.bats",
        0o644,
        "@test \"good\" { true; }\n@test \"bad\" { echo why; false; }\n@test \"later\" { skip \"not now\"; }\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1).quiet();
    let found = verdicts(&done);
    assert_eq!(
        found.iter().map(|check| check.outcome.as_str()).collect::<Vec<_>>(),
        ["pass", "fail", "skip"]
    );
    assert!(found[1].message.contains("bad") && found[1].message.contains("why"), "{found:?}");
    assert!(found[2].message.contains("not now"), "{found:?}");
}

#[test]
fn a_broken_bats_file_is_no_pass() {
    let tree = Tree::new().file("tests/image/10-cut.bats", 0o644, "@test \"x\" {\n true\n");
    let done = test(&tree, &["image", "--format", "json"]);
    assert_ne!(done.status.code(), Some(0), "{done}");
    assert!(verdicts(&done)[0].message.contains("syntax error"), "{done}");
    let tree = Tree::new().file("tests/image/10-none.bats", 0o644, "# no test\n");
    test(&tree, &["image"]).code(78);
}

#[test]
fn without_a_word_it_is_the_image_suite_here() {
    let tree = shell(shell(Tree::new(), "image/10-a.sh", "exit 0"), "live/10-b.sh", "exit 1");
    let done = test(&tree, &["--format", "json"]).code(0);
    assert_eq!(outcomes(&done), pairs(&[("image/10-a.sh", "pass")]));
    // The same as the container's own command.
    let done = Init::wrapper().tree(&tree).raw(&["test", "--format", "json"]).finish().code(0);
    assert_eq!(outcomes(&done), pairs(&[("image/10-a.sh", "pass")]));
}

#[test]
fn an_unknown_suite_names_the_known_ones() {
    let tree = shell(Tree::new(), "smoke/10-a.sh", "exit 0");
    test(&tree, &["smok"]).code(2).printed(&[]).says(&["\"smok\"", "image, live, ready, smoke, startup"]);
    test(&tree, &["../image"]).code(2).printed(&[]);
    test(&tree, &["smoke"]).code(0);
}

#[test]
fn an_empty_suite_passes_unless_one_is_required() {
    let tree = Tree::new();
    for suite in ["image", "live", "ready", "startup"] {
        let done = test(&tree, &[suite]).code(0);
        assert!(done.stdout.join("\n").contains("no tests"), "{done}");
        let done = test(&tree, &[suite, "--require"]).code(1);
        assert!(done.stdout.join("\n").contains("no tests"), "{done}");
    }
}

#[test]
fn only_and_list() {
    let tree = shell(shell(Tree::new(), "image/10-a.sh", "exit 1"), "image/20-b.sh", "exit 0").file(
        "tests/image/30-c.bats",
        0o644,
        "",
    );
    test(&tree, &["image", "--only", "20-*"]).code(0);
    test(&tree, &["image", "--only", "image/2?-b.sh"]).code(0);
    test(&tree, &["image", "--only", "20-*", "--only", "zz*"])
        .code(2)
        .says(&["--only zz*: no test file matches", "image/10-a.sh"]);
    test(&tree, &["image", "--only", "zz*"]).code(2).says(&["zz*", "image/10-a.sh", "image/30-c.bats"]);
    let done = test(&tree, &["image", "--list"]).code(0).quiet();
    assert_eq!(done.stdout, ["image/10-a.sh    shell", "image/20-b.sh    shell", "image/30-c.bats  bats"]);
}

#[test]
fn fail_fast_begins_nothing_more() {
    let tree = shell(shell(Tree::new(), "image/10-a.sh", "exit 1"), "image/20-b.sh", "exit 0");
    let done = test(&tree, &["image", "--fail-fast", "--jobs", "1", "--format", "json"]).code(1);
    assert_eq!(outcomes(&done), pairs(&[("image/10-a.sh", "fail"), ("image/20-b.sh", "skip")]));
    assert!(verdicts(&done)[1].message.contains("--fail-fast"), "{done}");
}

#[test]
fn a_shell_test_can_be_skipped() {
    let tree = shell(Tree::new(), "image/10-a.sh", "echo looking; echo no volume here; echo; exit 77");
    let tree = shell(tree, "image/20-b.sh", "exit 77");
    let done = test(&tree, &["image", "--format", "json"]).code(0);
    assert_eq!(outcomes(&done), pairs(&[("image/10-a.sh", "skip"), ("image/20-b.sh", "skip")]));
    assert!(verdicts(&done)[0].message.ends_with("skipped: no volume here"), "{done}");
    assert!(verdicts(&done)[1].message.ends_with("skipped: exited with code 77"), "{done}");
}

#[test]
fn retries_until_it_passes() {
    let tree = Tree::new();
    let count = tree.path("count");
    let tree =
        shell(tree, "image/10-third.sh", &format!("echo x >>{count}; test \"$(wc -l <{count})\" -ge 3"));
    let done = test(&tree, &["image", "--retry-timeout", "1m", "--sleep", "1ms"]).code(0);
    assert!(done.stdout.join("\n").contains("attempt 3"), "{done}");
    test(&tree, &["image", "--sleep", "1ms"]).code(2).says(&["retry-timeout"]);
}

/// A pause that is longer than what is left is cut: the time that was given is used.
#[test]
fn a_long_pause_does_not_give_up_early() {
    let attempt = |time: &str| {
        let tree = Tree::new();
        let count = tree.path("count");
        let check = format!("echo x >>{count}; test \"$(wc -l <{count})\" -ge 2");
        let tree = shell(tree, "image/10-second.sh", &check);
        test(&tree, &["image", "--retry-timeout", time, "--sleep", "1h"])
    };
    // The last attempt has what is left of the time: on a busy machine that takes more of it.
    let passed = ["2s", "10s", "40s"]
        .into_iter()
        .map(attempt)
        .find(|done| done.stdout.join("\n").contains("attempt 2"));
    passed.expect("a second attempt").code(0);
}

#[test]
fn a_retry_ends_in_its_time() {
    let tree = shell(Tree::new(), "image/10-never.sh", "exit 1");
    let done = test(&tree, &["image", "--retry-timeout", "100ms", "--sleep", "10ms"]).code(1);
    assert!(done.stdout.join("\n").contains("did not pass within 100ms"), "{done}");
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let mut tree = Tree::new();
    for n in 10..40 {
        tree = shell(tree, &format!("image/{n}-check.sh"), &format!("echo {n}; exit $(({n} % 3))"));
    }
    for format in ["documentation", "rspecish", "tap", "junit", "json", "prometheus", "nagios"] {
        let once = |jobs: &str| {
            let done = test(&tree, &["image", "--format", format, "--jobs", jobs]);
            // Times are all that may differ: what holds a time is cut to its words.
            done.stdout
                .iter()
                .filter(|line| !line.contains("milliseconds"))
                .map(|line| strip_times(line))
                .collect::<Vec<_>>()
        };
        let first = once("1");
        for jobs in ["2", "8", "8"] {
            assert!(once(jobs) == first, "--format {format} --jobs {jobs} differs");
        }
    }
}

/// Without digits that belong to a time: `0.012s`, `"duration":123`, `time="0.001"`, `2026-11-24T11:27:28Z`.
fn strip_times(line: &str) -> String {
    let mut out = String::new();
    for word in line.split_inclusive([' ', ',', '>', '|']) {
        let timed =
            word.contains("duration") || word.contains("time") || word.contains('T') && word.contains(':');
        let seconds = word
            .as_bytes()
            .windows(3)
            .any(|w| w[1] == b'.' && w[0].is_ascii_digit() && w[2].is_ascii_digit());
        if timed || seconds {
            out.extend(word.chars().filter(|c| !c.is_ascii_digit()));
        } else {
            out.push_str(word);
        }
    }
    out
}

#[test]
fn tests_see_the_environment_of_the_app() {
    let tree = Tree::new().yaml("run:\n  env: {COLOUR: blue}\n  file_env: [PIN]\n").file(
        "pin",
        0o644,
        "8642-1357\n",
    );
    let pin = tree.path("pin");
    let tree = shell(tree, "image/10-env.sh", "test \"$COLOUR/$PIN\" = blue/8642-1357");
    let init = Init::wrapper().place(Place::Subreaper).env("PIN_FILE", &pin);
    test_by(init, &tree, &["image"]).code(0);
}

#[test]
fn secrets_are_never_printed() {
    let tree = Tree::new().yaml("run:\n  file_env: [PIN]\n").file("pin", 0o644, "8642-1357\n");
    let pin = tree.path("pin");
    let tree = shell(tree, "image/10-env.sh", "set -x; test \"$PIN $DB_PASSWORD\" = ''").file(
        "tests/image/20-env.bats",
        0o644,
        "@test \"it\" { echo \"got $DB_PASSWORD\"; false; }\n",
    );
    for format in
        ["probe", "documentation", "rspecish", "tap", "json", "junit", "nagios", "prometheus", "silent"]
    {
        let init =
            Init::wrapper().place(Place::Subreaper).env("PIN_FILE", &pin).env("DB_PASSWORD", "hunter22");
        let done = test_by(init, &tree, &["image", "--format", format]);
        assert_ne!(done.status.code(), Some(0), "{done}");
        let all = [done.stdout.join("\n"), done.stderr.join("\n")].join("\n");
        assert!(!all.contains("8642-1357") && !all.contains("hunter22"), "{done}");
    }
}

#[test]
fn a_probe_says_the_verdict_first_and_no_more_than_a_kilobyte() {
    let noise = "n=0; while [ $n -lt 200 ]; do echo \"line $n of much more than anybody wants to see in an event\"; n=$((n+1)); done";
    let tree = shell(Tree::new(), "ready/10-noise.sh", &format!("{noise}; exit 3"));
    let tree = shell(tree, "ready/20-fine.sh", "exit 0");
    let done = test(&tree, &["ready"]).code(1).quiet();
    assert!(
        done.stdout[0].starts_with("ready: fail: 1 of 2 checks: 10-noise.sh: exited with code 3"),
        "{done}"
    );
    assert!(done.stdout.join("\n").len() < 1024, "{done}");
    let done = test(&tree, &["ready", "--only", "20*"]).code(0).quiet();
    assert!(done.stdout[0].starts_with("ready: pass: 1 check"), "{done}");
    assert!(done.stdout.len() == 2 && done.stdout[1].starts_with("there is no init to ask"), "{done}");
}

#[test]
fn nagios_has_its_own_codes() {
    let tree = shell(Tree::new(), "image/10-a.sh", "exit 0");
    test(&tree, &["image", "--format", "nagios"]).code(0);
    let tree = shell(tree, "image/20-b.sh", "exit 1");
    test(&tree, &["image", "--format", "nagios"]).code(2);
    test(&tree, &["image", "--format", "silent"]).code(1).printed(&[]).quiet();
}

#[test]
fn suites_have_their_settings() {
    let tree = Tree::new().yaml("test:\n  suites:\n    slow: {timeout: 50ms}\n");
    let tree = shell(tree, "slow/10-a.sh", "sleep 1000");
    let done = test(&tree, &["slow"]).code(1);
    assert!(done.stdout.join("\n").contains("timed out after 50ms"), "{done}");
}

#[test]
fn what_was_over_is_named() {
    let tree = shell(Tree::new(), "ready/10-slow.sh", "sleep 1000");
    let tree =
        shell(tree, "ready/20-slow.sh", "sleep 1000").yaml("test: {suites: {ready: {timeout: 300ms}}}\n");
    for (more, said) in [
        (&[][..], ["timed out after 300ms", "not run: timed out after 300ms before its turn"]),
        (
            &["--timeout", "200ms"],
            ["timed out after 200ms", "not run: timed out after 200ms (--timeout) before its turn"],
        ),
        (
            &["--retry-timeout", "100ms", "--timeout", "1h"],
            [
                "timed out after 100ms (--retry-timeout)",
                "not run: timed out after 100ms (--retry-timeout) before",
            ],
        ),
    ] {
        let done = test(&tree, &[&["ready", "--jobs", "1"], more].concat()).code(1);
        let out = done.stdout.join("\n");
        assert!(said.iter().all(|part| out.contains(part)), "{done}");
    }
}

#[test]
fn several_suites_keep_their_order() {
    let tree = shell(shell(Tree::new(), "b/10-x.sh", "exit 0"), "a/10-y.sh", "exit 0");
    let done = test(&tree, &["b", "a", "b", "--format", "json"]).code(0);
    assert_eq!(outcomes(&done), pairs(&[("b/10-x.sh", "pass"), ("a/10-y.sh", "pass")]));
}

#[test]
fn works_with_nothing_at_all() {
    let tree = shell(Tree::new(), "live/10-a.sh", "exit 0");
    let init = Init::wrapper().place(Place::Subreaper).user(User::random());
    test_by(init, &tree, &["live"]).code(0).quiet();
    let tree = shell(tree, "live/20-b.sh", "exit 5");
    // Closed and full descriptors: the exit code is the verdict.
    for (only, code) in [("10-*", 0), ("*", 1)] {
        for redirection in [">&-", "<&- >&- 2>&-", ">/dev/full 2>&1"] {
            let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
            let program = crate::support::tools::programs().wrapper.clone();
            let line = format!("exec {program} test live --only '{only}' {redirection}");
            init.without(&["sh", "-c", &line]).finish().code(code);
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_is_no_pass() {
    let tree = shell(shell(Tree::new(), "image/10-a.sh", "exit 0"), "live/10-a.sh", "exit 0");
    let program = crate::support::tools::programs().wrapper.clone();
    for (suite, format, code) in
        [("image", "junit", 1), ("image", "json", 1), ("live", "probe", 0), ("image", "silent", 0)]
    {
        let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
        let line = format!("exec {program} test {suite} --format {format} >/dev/full");
        init.without(&["sh", "-c", &line]).finish().code(code);
    }
}

#[test]
fn a_name_that_is_not_what_it_looks_like_is_refused() {
    let tree = shell(Tree::new(), "caf\\xe9/10-a.sh", "exit 1");
    let program = crate::support::tools::programs().wrapper.clone();
    for name in ["caf\\351", "a\\tb", "..", "a/b", ""] {
        let line = format!("exec {program} test \"$(printf '{name}')\"");
        let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
        init.without(&["sh", "-c", &line]).finish().code(2).says(&["no name of a suite"]);
    }
}

#[test]
fn the_shorter_time_holds_with_a_retry() {
    let tree = Tree::new();
    let runs = tree.path("runs");
    let tree = shell(tree, "image/10-never.sh", &format!("echo x >>{runs}; exit 4"));
    let done = test(
        &tree,
        &["image", "--timeout", "300ms", "--retry-timeout", "1h", "--sleep", "10ms", "--format", "json"],
    );
    let found = verdicts(&done.code(1));
    assert!(found[0].message.contains("exited with code 4"), "the last whole attempt is told: {found:?}");
    let runs = std::fs::read_to_string(&runs).expect("it ran").len();
    assert!(runs >= 4, "it ran again and again");
}

#[test]
fn nagios_hears_of_errors_too() {
    let tree = shell(Tree::new().yaml("test: {jbos: 3}\n"), "image/10-a.sh", "exit 0");
    for suite in ["image", "nope"] {
        let done = test(&tree, &[suite, "--format", "nagios"]).code(3);
        assert!(done.stdout[0].starts_with("GOSS UNKNOWN - "), "{done}");
    }
}

#[test]
fn the_configuration_must_be_right() {
    let tree = shell(Tree::new().yaml("test: {jbos: 3}\n"), "image/10-a.sh", "exit 0");
    test(&tree, &["image"]).code(78).printed(&[]).says(&["test.jbos", "test.jobs"]);
}

#[test]
fn a_missing_program_is_named() {
    let tree = Tree::new().file("tests/image/10-a.bats", 0o644, "@test \"x\" { true; }\n").file(
        "tests/image/20-b.goss.yaml",
        0o644,
        "file: {/: {exists: true}}\n",
    );
    let init = Init::wrapper().place(Place::Subreaper).env("PATH", "/nowhere");
    let done = test_by(init, &tree, &["image", "--format", "json"]).code(78);
    let found = verdicts(&done);
    assert!(found[0].message.contains("bats is not in"), "{done}");
    assert!(found[1].message.contains("goss is not in"), "{done}");
    test(&tree, &["image", "--only", "*goss*", "--engine", "builtin"]).code(78);
}

/// On a terminal, and only there: colours, and after a second how far it is.
#[test]
fn a_terminal_gets_colours_and_progress() {
    for (no_color, coloured) in [("", true), ("1", false)] {
        let tree = Tree::new();
        let gate = tree.path("gate");
        let tree = shell(tree, "image/10-waits.sh", &format!("mkfifo {gate}; read -r line <{gate}; exit 1"));
        let terminal = Terminal::open();
        let init = Init::wrapper().env("TERM", "xterm").env("NO_COLOR", no_color).launch(&["--terminal"]);
        let mut running = terminal.start_raw(init.tree(&tree), &["test", "image"]);
        // The line is drawn over and over, and ends with the report.
        running.part("0 of 1 files");
        std::fs::write(&gate, "go\n").expect("the test reads it");
        let done = running.finish().code(1);
        let text = done.stdout.join("\n");
        assert!(text.contains("image/10-waits.sh") && text.contains("exited with code 1"), "{done}");
        assert_eq!(text.contains("\u{1b}[31m"), coloured, "NO_COLOR={no_color}\n{done}");
    }
    // Elsewhere neither.
    let tree = shell(Tree::new(), "image/10-bad.sh", "exit 1");
    let done = test(&tree, &["image"]).code(1).quiet();
    assert!(!done.stdout.join("").contains('\u{1b}'), "{done}");
}

#[test]
fn bats_without_any_writable_directory_says_what_to_do() {
    let tree = Tree::new().file("tests/image/10-a.bats", 0o644, "@test \"x\" { true; }\n");
    let program = crate::support::tools::programs().wrapper.clone();
    // Read-only as they stand, with what is in them.
    let line = format!(
        "for d in /tmp /var/tmp /dev/shm /run; do mount --bind $d $d && mount -o remount,bind,ro $d || exit 99; done
        exec {program} test image --format json"
    );
    let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
    let done = init.without(&["unshare", "--mount", "sh", "-c", &line]).finish().code(78);
    let message = &verdicts(&done)[0].message;
    assert!(message.contains("needs a writable directory") && message.contains("TMPDIR"), "{done}");
}

/// Perl's own reader takes nothing that a test prints or is called for a directive.
#[test]
fn tap_is_read_by_perl() {
    let tree = shell(Tree::new(), "image/10-a # TODO later.sh", "echo 'x # SKIP not'; echo 'a \\ b'; exit 1");
    let tree = shell(tree, "image/20-skips.sh", "echo 'no volume # TODO'; exit 77").file(
        "tests/image/30-b.bats",
        0o644,
        "@test \"good # skip me\" { true; }\n@test \"bad \\\\# TODO me\" { false; }\n",
    );
    let out = tree.path("out.tap");
    let done = test(&tree, &["image", "--format", "tap"]).code(1);
    std::fs::write(&out, done.stdout.join("\n") + "\n").expect("write");
    let read = "my $p = TAP::Parser->new({source => $ARGV[0]});
        while (my $r = $p->next) {
            next unless $r->is_test;
            printf \"%s%s%s\\n\", $r->is_actual_ok ? 'ok' : 'not ok', $r->has_skip ? ' skip' : '', $r->has_todo ? ' todo' : '';
        }
        print 'problems: ', scalar($p->parse_errors), \"\\n\"";
    let perl = crate::support::tools::tool("perl");
    let read =
        crate::support::running::run(&[perl, "-MTAP::Parser".into(), "-e".into(), read.into(), out]).code(0);
    assert_eq!(read.stdout, ["not ok", "ok skip", "ok", "not ok", "problems: 0"], "{done}");
}
