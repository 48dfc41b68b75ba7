//! Signals: what arrives, where, and that none is lost.

use crate::support::tools::programs;
use crate::support::{Init, Place, Running, Target, Tree, matrix, portable};

portable! {
    every: [each_signal_from_outside, each_signal_from_inside, the_group_reaches_a_grandchild,
        target_pid_spares_a_grandchild, a_storm_of_1000_with_exits],
    once: [term_at_a_random_moment_of_the_start, term_to_the_group_at_a_random_moment_of_the_start,
        term_racing_the_childs_exit, an_app_that_changed_its_user_is_no_error],
}

/// Each signal that can be caught arrives exactly once. SIGCHLD is asked for on its own: most inits use it for
/// themselves. So is SIGCONT, which takes TSTP, TTIN and TTOU out of a queue, and they take it. Signal 64 comes
/// again as a marker: with it, all that was sent before has been dealt with.
fn each_signal_arrives(init: Init, send: impl Fn(&Running, &[&str])) {
    let mut running = init.target(Target::Pid).app(&["stubborn"]);
    running.ready("app");
    let mut expected: Vec<String> = (1..=64)
        .filter(|signal| ![9, 17, 18, 19].contains(signal))
        .map(|signal| signal.to_string())
        .collect();
    send(&running, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    let mut got = Vec::new();
    while got.iter().filter(|signal| *signal == "64").count() < 2 {
        let line = running.line("app got ");
        let signal = line.split(' ').nth(2).expect("a number").to_owned();
        if signal == "64" && !got.contains(&signal) {
            send(&running, &["64"]);
        }
        got.push(signal);
    }
    expected.push("64".to_owned());
    let lost: Vec<_> = expected.iter().filter(|signal| !got.contains(signal)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}\n{}", running.transcript());
    assert_eq!(got.len(), expected.len(), "too many\n{}", running.transcript());
    send(&running, &["CONT"]);
    running.line("app got 18 ");
}

fn each_signal_from_outside(init: Init) {
    each_signal_arrives(init, Running::signal);
}

fn each_signal_from_inside(init: Init) {
    each_signal_arrives(init, Running::signal_inside);
}

/// Who of app, grandchild and stranger got USR1. The init has dealt with it when USR2 arrives; then each of them
/// is ended directly, and prints what it had in its queue before.
fn reached(init: Init) -> Vec<String> {
    let mut running = init.app(&["tree"]);
    let pids = ["grandchild", "stranger", "app"].map(|name| (name, running.ready(name).get("pid")));
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    running.signal(&["USR2"]);
    running.line("app got 12 ");
    for (name, pid) in pids {
        running.signal_process(pid, &["TERM"]);
        running.line(&format!("{name} got 15 "));
    }
    let lines = running.finish().code(0).stdout;
    lines.iter().filter_map(|line| line.split_once(" got 10 ")).map(|(who, _)| who.to_owned()).collect()
}

fn the_group_reaches_a_grandchild(init: Init) {
    let mut reached = reached(init.target(Target::Group));
    reached.sort();
    assert_eq!(reached, ["app", "grandchild"]);
}

fn target_pid_spares_a_grandchild(init: Init) {
    assert_eq!(reached(init.target(Target::Pid)), ["app"]);
}

#[test]
fn target_all_reaches_another_session() {
    matrix(|init| {
        let mut reached = reached(init.target(Target::All));
        reached.sort();
        assert_eq!(reached, ["app", "grandchild", "stranger"]);
    });
}

fn a_storm_of_1000_with_exits(init: Init) {
    let mut running = init.app(&["storm", "1000"]);
    running.ready("app");
    running.signal_times(1000, &["40"]);
    running.line("app counted 1000");
    running.finish().code(0);
}

fn term_at_a_random_moment_of_the_start(init: Init) {
    init.target(Target::Pid).sweep("race-term", 10_000);
}

fn term_to_the_group_at_a_random_moment_of_the_start(init: Init) {
    init.target(Target::Group).sweep("race-term", 10_000);
}

fn term_racing_the_childs_exit(init: Init) {
    init.sweep("race-exit", 3_000);
}

/// Without `CAP_KILL` (5) even root may not signal a process of another user.
fn an_app_that_changed_its_user_is_no_error(init: Init) {
    let mut running = init.launch(&["--drop-capability", "5"]).app(&["switch-user", "12345", "--code", "9"]);
    running.ready("app");
    running.signal(&["USR1", "TERM"]);
    running.finish().code(9);
}

#[test]
fn kill_from_outside_ends_the_whole_namespace() {
    let mut running = Init::wrapper().app(&["tree"]);
    running.ready("app");
    running.signal(&["KILL"]);
    // The end of output, which `finish` waits for, means that nobody is left.
    assert!(!running.finish().status.success());
}

#[test]
fn sigchld_that_somebody_sends_is_forwarded() {
    matrix(|init| {
        let mut running = init.app(&["stubborn"]);
        running.ready("app");
        running.signal(&["CHLD"]);
        running.line("app got 17 ");
    });
}

/// A rewritten signal, two that change places, one that is dropped, a real-time one.
#[test]
fn rewrite_swap_and_drop() {
    matrix(|init| {
        let rules = ["HUP=INT", "USR1=USR2", "USR2=USR1", "WINCH=none", "SIGRTMIN+1=41"];
        let init = rules.iter().fold(init, |init, rule| init.flag("--rewrite").flag(rule));
        let mut running = init.app(&["catch", "--code", "3"]);
        running.ready("app");
        for (sent, got) in [("HUP", 2), ("USR1", 12), ("USR2", 10), ("35", 41), ("36", 36)] {
            running.signal(&[sent]);
            running.line(&format!("app got {got} "));
        }
        running.signal(&["WINCH", "URG"]);
        running.line("app got 23 ");
        running.signal(&["TERM"]);
        let done = running.finish().code(3);
        assert!(!done.has("app got 28 "), "WINCH should be dropped\n{done}");
    });
}

/// A rewritten stop signal starts the stop sequence all the same.
#[test]
fn a_rewritten_term_still_stops() {
    let init = Init::wrapper().flag("--rewrite").flag("TERM=QUIT").flag("--grace").flag("100ms");
    let mut running = init.app(&["stubborn"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 3 ");
    running.finish().code(137);
}

#[test]
fn term_during_an_init_script_ends_the_start() {
    matrix(|init| {
        // As they arrived: the rules are for the app.
        let yaml = "signals: {rewrite: {SIGTERM: SIGQUIT, SIGHUP: SIGTERM, SIGCONT: none}}\n";
        let script = "exec \"$PROBE\" catch --code 0";
        let tree = Tree::new().yaml(yaml).script("init.d/10-slow", script).app("exit 99");
        let mut running = init.tree(&tree).env("WRAPPER_LOG", "info").raw(&["run"]);
        running.ready("app");
        running.signal(&["HUP", "USR1", "QUIT", "40"]);
        running.error("SIGRTMIN+6");
        running.signal(&["CONT"]);
        running.line("app got 18 ");
        running.signal(&["WINCH"]);
        running.line("app got 28 ");
        running.signal(&["TERM"]);
        running.line("app got 15 ");
        let done = running.finish().code(143).says(&["SIGHUP", "dropped"]);
        let got = done.stdout.iter().filter(|line| line.starts_with("app got ")).count();
        assert_eq!(got, 3, "{done}");
    });
}

/// A reload that is meant for the app must not end the start of it.
#[test]
fn hup_during_an_init_script_leaves_the_start_alone() {
    let tree =
        Tree::new().script("init.d/10-slow", "echo init; read line; echo $line").script("run", "echo app");
    let mut running = Init::wrapper().tree(&tree).env("WRAPPER_LOG", "info").raw(&["run"]);
    running.line("init");
    running.signal(&["HUP", "USR1", "ALRM"]);
    running.error("SIGALRM");
    running.close_stdin();
    running.line("app");
    running.finish().code(0);
}

#[test]
fn term_in_maintenance_ends_with_0() {
    matrix(|init| {
        let tree = Tree::new().app("exit 99");
        let mut running = init.tree(&tree).raw(&["maintenance"]);
        running.error("maintenance");
        running.signal(&["USR1", "HUP", "TERM"]);
        running.finish().code(0);
    });
}

#[test]
fn a_session_of_its_own() {
    matrix(|init| {
        let mut running = init.flag("--session").flag("setsid").app(&["catch"]);
        let app = running.ready("app");
        assert_eq!(app.get("sid"), app.get("pid"));
        running.signal(&["TERM"]);
        running.finish().code(0);
    });
}

#[test]
fn term_to_a_new_session_at_a_random_moment_of_the_start() {
    Init::wrapper().flag("--session").flag("setsid").sweep("race-term", 3_000);
}

/// What is not PID 1 may be killed by a signal that comes before the wrapper's first system call, but that is no loss.
#[test]
fn term_at_a_random_moment_of_an_unprepared_start() {
    Init::wrapper().place(Place::Subreaper).sweep_with("race-term", 3_000, &["--unblocked"]);
}

/// The C library ends its own start with `set_tid_address`; the very next call blocks all 64 signals.
#[test]
fn the_first_system_call_blocks_every_signal() {
    let (probe, wrapper) = (programs().probe.as_str(), programs().wrapper.as_str());
    let done =
        Init::wrapper().without(&[probe, "trace", "6", "--", wrapper, "exec", "--", "true"]).finish().code(0);
    let [last, first] =
        [libc::SYS_set_tid_address, libc::SYS_rt_sigprocmask].map(|call| format!("call {call:x} "));
    let mut own = done.stdout.iter().skip_while(|line| !line.starts_with(&last)).skip(1);
    assert!(own.next().is_some_and(|line| line.starts_with(&first)), "{done}");
    assert_eq!(own.next(), Some(&format!("mask {:x}", u64::MAX)), "{done}");
}

#[test]
fn a_signal_reaches_an_app_that_is_stopped() {
    let mut running = Init::wrapper().app(&["catch"]);
    let app = running.ready("app").get("pid");
    running.signal_process(app, &["STOP"]);
    running.signal(&["TERM"]);
    running.signal_process(app, &["CONT"]);
    running.finish().code(0);
}
