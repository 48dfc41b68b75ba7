//! What the app inherits: exactly what the init was started with, and nothing of the init's own.

use crate::support::tools::programs;
use crate::support::{Init, matrix, portable, proc};

portable! {
    every: [sigchld_ignored_at_the_start, sigchld_blocked_at_the_start, state_passes_through_unchanged,
        closed_stdio_stays_closed, children_that_the_init_was_born_with],
    once: [listen_pid_names_the_app],
}

fn sigchld_ignored_at_the_start(init: Init) {
    let init = init.launch(&["--ignore", "CHLD"]);
    init.clone().app(&["exit", "5"]).finish().code(5);
    let done = init.app(&["state"]).finish().code(0);
    assert!(done.has("ignored 0000000000010000"), "the app does not get it as it was\n{done}");
}

fn sigchld_blocked_at_the_start(init: Init) {
    init.launch(&["--block", "CHLD"]).app(&["exit", "5"]).finish().code(5);
}

/// A state with something unusual in each part of it.
const STATE: &[&str] = &[
    "--block",
    "USR1,WINCH,TSTP,33,40",
    "--ignore",
    "PIPE,USR2,TTOU,32,50",
    "--open",
    "7=/dev/null",
    "--open",
    "9=/dev/zero",
    "--directory",
    "/usr/lib",
    "--umask",
    "037",
    "--limit",
    "7",
    "77",
    "--limit",
    "4",
    "0",
    "--oom-score-adj",
    "321",
];

/// The state as the probe prints it, without what must differ.
fn state_lines(lines: Vec<String>) -> Vec<String> {
    let differs = ["pid ", "ppid ", "pgid ", "sid ", "tpgid ", "fd 0 ", "fd 1 ", "fd 2 "];
    lines.into_iter().filter(|line| !differs.iter().any(|name| line.starts_with(name))).collect()
}

fn state_passes_through_unchanged(init: Init) {
    same_state(init.clone());
    // Names and values of any bytes, but NUL.
    let odd: [(&[u8], &[u8]); 3] = [(b"A", b"b c\n"), (b"x.y-z", b"\x01=\xff"), (b"\xfe", b"")];
    let init = odd.iter().fold(init, |init, (name, value)| init.env_bytes(name, value));
    same_state(init.launch(STATE));
}

fn same_state(init: Init) {
    let bare = init.clone().without(&[programs().probe.as_str(), "state"]).finish().code(0);
    let under = init.app(&["state"]).finish().code(0);
    let (bare, under) = (state_lines(bare.stdout), state_lines(under.stdout));
    let missing: Vec<_> = bare.iter().filter(|line| !under.contains(line)).collect();
    let added: Vec<_> = under.iter().filter(|line| !bare.contains(line)).collect();
    assert!(missing.is_empty() && added.is_empty(), "missing {missing:?}, added {added:?}");
}

fn closed_stdio_stays_closed(init: Init) {
    // With stdout closed there is only the code to see.
    for close in [&["0"][..], &["1"], &["2"], &["0", "1"], &["0", "1", "2"]] {
        let options: Vec<_> = close.iter().flat_map(|fd| ["--close", fd]).collect();
        init.clone().launch(&options).app(&["exit", "6"]).finish().code(6);
    }
    let lines =
        init.clone().launch(&["--close", "0", "--close", "2"]).app(&["state"]).finish().code(0).stdout;
    let open: Vec<_> =
        lines.iter().filter_map(|line| line.strip_prefix("fd ")).map(|line| &line[..2]).collect();
    assert_eq!(open, ["1 "], "{lines:#?}");
}

/// As after `exec` in a shell that had a background job: the child is not the app, and not a zombie either.
fn children_that_the_init_was_born_with(init: Init) {
    let mut running = init.launch(&["--child"]).app(&["catch", "--code", "8"]);
    running.ready("app");
    let init = running.init_pid();
    assert_eq!(proc::children(init).len(), 2);
    running.close_stdin();
    proc::until("the end of the child", || proc::children(init).len() == 1);
    running.signal(&["TERM"]);
    running.finish().code(8);
}

fn listen_pid_names_the_app(init: Init) {
    let lines =
        init.launch(&["--listen", "1", "--open", "3=/dev/null"]).app(&["state"]).finish().code(0).stdout;
    let value = |prefix: &str| lines.iter().find_map(|line| line.strip_prefix(prefix)).unwrap_or_default();
    let (named, app) = (value("env LISTEN_PID="), value("pid "));
    assert!(named == app, "LISTEN_PID is {named}, the app {app}");
    assert_eq!(value("env LISTEN_FDS="), "1");
    assert_eq!(value("fd 3 "), "/dev/null");
}

#[test]
fn listen_pid_of_somebody_else_is_left_alone() {
    matrix(|init| {
        let done = init.env("LISTEN_PID", "4711").app(&["state"]).finish().code(0);
        assert!(done.has("env LISTEN_PID=4711"), "{done}");
    });
}
