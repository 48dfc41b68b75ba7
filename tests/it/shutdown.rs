//! The end: what the app leaves behind is asked to go, and waited for.

use std::time::Duration;

use crate::support::process::Finished;
use crate::support::tools::programs;
use crate::support::{Init, Place, Tree, matrix, portable};

portable! {
    every: [leftovers_get_term_and_the_time_to_finish, a_daemon_is_ended_in_order],
    once: [],
}

fn leftovers_get_term_and_the_time_to_finish(init: Init) {
    let adopts = init.place != Place::Neither;
    let done = init.app(&["leftover", "--code", "5"]).finish().code(5);
    ended("leftover", adopts, &done);
}

fn a_daemon_is_ended_in_order(init: Init) {
    let adopts = init.place != Place::Neither;
    let done = init.app(&["daemonise"]).finish().code(0);
    ended("daemon", adopts, &done);
}

/// What is left was asked to end and has done so. Who is neither PID 1 nor a subreaper never gets to know it: the
/// code is all there is to check.
fn ended(name: &str, adopts: bool, done: &Finished) {
    if adopts {
        assert!(done.has(&format!("{name} got 15 ")), "the {name} was not asked to end\n{done}");
        assert!(!done.has("outer left"), "somebody is left\n{done}");
    }
}

// ---- what only the wrapper has ----

#[test]
fn an_app_that_ignores_term_is_killed_at_the_deadline() {
    matrix(|init| {
        let mut running = init.flag("--grace").flag("200ms").app(&["stubborn"]);
        running.ready("app");
        running.signal(&["TERM"]);
        running.line("app got 15 ");
        running.finish().code(137).says(&["grace", "200ms", "KILL"]);
    });
}

#[test]
fn without_a_grace_period_nothing_escalates() {
    let mut running = Init::wrapper().app(&["stubborn"]);
    let app = running.ready("app").get("pid");
    for _ in 0..3 {
        running.signal(&["TERM"]);
        running.line("app got 15 ");
    }
    running.signal_process(app, &["KILL"]);
    running.finish().code(137).says(&["from outside"]);
}

#[test]
fn leftovers_that_ignore_term_are_killed() {
    matrix(|init| {
        for session in [&[][..], &["--own-session"]] {
            let options = [&["leftover", "--code", "5", "--stubborn"], session].concat();
            let done = init.clone().flag("--leftovers").flag("100ms").app(&options).finish().code(5);
            ended("leftover", init.place != Place::Neither, &done);
        }
    });
}

/// Without /proc nobody can be looked up, but the app's process group is known, and outlives the app.
#[test]
fn leftovers_without_proc_get_term_by_their_group() {
    let init = Init::wrapper().flag("--leftovers").flag("1h").launch(&["--empty-proc"]);
    let done = init.app(&["leftover", "--code", "5"]).finish().code(5);
    ended("leftover", true, &done);
}

/// The same with a `/proc` of the namespace around: its pids are those of other processes here. What cannot be found, in a
/// session of its own, was not told, and the message does not say that it was.
#[test]
fn leftovers_with_a_foreign_proc_are_not_said_to_have_ignored_a_signal() {
    let init = Init::wrapper().flag("--leftovers").launch(&["--foreign-proc"]);
    let done = init.clone().flag("1h").app(&["leftover", "--code", "5"]).finish().code(5);
    ended("leftover", true, &done);
    let done = init.flag("10ms").app(&["leftover", "--code", "5", "--own-session"]).finish().code(5);
    assert!(!done.stderr.join("\n").contains("ignored TERM"), "{done}");
    done.says(&["none of them could be sent TERM", "/proc"]);
}

#[test]
fn leftovers_are_inside_the_grace_period() {
    let init = Init::wrapper().flag("--leftovers").flag("1h").flag("--grace").flag("200ms");
    let mut running = init.app(&["leftover", "--code", "5", "--stubborn", "--on", "TERM"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("leftover got 15 ");
    running.finish().code(5);
}

/// Only TERM and INT stop; QUIT and the others are forwarded and start no clock.
#[test]
fn quit_is_only_forwarded() {
    let mut running = Init::wrapper().flag("--grace").flag("1ms").app(&["stubborn"]);
    let app = running.ready("app").get("pid");
    running.signal(&["QUIT", "HUP", "USR1", "USR2"]);
    running.line("app got 12 ");
    running.signal_process(app, &["KILL"]);
    let done = running.finish().code(137).says(&["from outside"]);
    assert!(done.has("app got 3 "), "{done}");
}

#[test]
fn other_stop_signals() {
    let init = Init::wrapper()
        .flag("--stop-signals")
        .flag("QUIT")
        .flag("--stop-signals")
        .flag("RTMIN+3")
        .flag("--grace")
        .flag("100ms");
    let mut running = init.app(&["stubborn"]);
    running.ready("app");
    running.signal(&["TERM", "INT"]);
    running.line("app got 15 ");
    running.signal(&["37"]);
    running.line("app got 37 ");
    running.finish().code(137).says(&["grace"]);
}

#[test]
fn a_second_term_skips_the_drain_delay() {
    matrix(|init| {
        let tree = Tree::new().yaml("stop: {drain_delay: 1h}\n").app("catch --code 4");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        running.signal(&["TERM"]);
        running.signal(&["USR1"]);
        running.line("app got 10 ");
        running.signal(&["TERM"]);
        let line = running.next_line();
        assert!(line.starts_with("app got 15 "), "{line}");
        running.finish().code(4);
    });
}

/// A preStop hook that says `wrapper stop` begins the drain; the runtime's own signal, which follows, is the first one.
#[test]
fn a_request_to_stop_leaves_the_drain_delay_alone() {
    let tree = Tree::new().yaml("stop: {drain_delay: 1h}\n").app("catch --code 4");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.enter(&[&programs().wrapper, "stop"]).code(0);
    running.signal(&["TERM"]);
    running.signal(&["USR1"]);
    let line = running.next_line();
    assert!(line.starts_with("app got 10 "), "{line}");
    running.signal(&["TERM"]);
    let line = running.next_line();
    assert!(line.starts_with("app got 15 "), "{line}");
    running.finish().code(4);
}

/// However often the signal comes again, the KILL comes when the first one's grace is over: were it counted anew, the
/// signals here, one for each that the app has seen, would put it off for ever.
#[test]
fn later_stop_signals_do_not_start_the_grace_anew() {
    let mut running = Init::wrapper().flag("--grace").flag("2s").app(&["stubborn"]);
    running.ready("app");
    let init = running.init_pid();
    let mut count = 0;
    while crate::support::proc::state(init).is_some_and(|state| state != 'Z') {
        running.try_signal(&["TERM"]);
        count += 1;
        assert!(count < 100_000, "the grace never ends");
    }
    running.finish().code(137).says(&["grace"]);
}

/// Children of our own scripts belong to the script: what is forwarded to the whole tree is not for them.
#[test]
fn what_the_stop_script_starts_is_not_signalled_as_the_app_is() {
    let tree = Tree::new()
        .yaml("signals: {target: all}\n")
        .script("stop", "\"$PROBE\" catch --last USR2 </dev/null & wait; kill -USR2 $WRAPPER_APP_PID")
        .app("catch --last USR2 --code 6");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    let helper = running.ready("app").get("pid");
    running.signal(&["USR1", "TERM"]);
    running.line("app got 10 ");
    running.line("app got 15 ");
    running.signal_process(helper, &["USR2"]);
    let done = running.finish().code(6);
    let count = |line: &str| done.stdout.iter().filter(|seen| seen.starts_with(line)).count();
    assert_eq!((count("app got 10 "), count("app got 15 "), count("app got 12 ")), (1, 1, 2), "{done}");
}

#[test]
fn after_the_drain_delay_the_app_is_told() {
    let tree = Tree::new().yaml("stop: {drain_delay: 100ms}\n").app("catch --code 4");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["INT"]);
    running.line("app got 2 ");
    running.signal(&["TERM"]);
    running.finish().code(4);
}

#[test]
fn the_stop_script_runs_in_place_of_the_signal() {
    matrix(|init| {
        let script = "echo \"stop $WRAPPER_APP_PID $WRAPPER_STOP_SIGNAL\"; kill -USR1 $WRAPPER_APP_PID";
        let tree = Tree::new().script("stop", script).app("catch --last USR1 --code 6");
        let mut running = init.tree(&tree).raw(&["run"]);
        let app = running.ready("app").get("pid");
        running.signal(&["TERM"]);
        assert_eq!(running.next_line(), format!("stop {app} SIGTERM"));
        let done = running.finish().code(6);
        assert!(!done.has("app got 15 "), "{done}");
    });
}

#[test]
fn a_stop_script_that_fails_leaves_it_to_the_signal() {
    let tree = Tree::new().script("stop", "exit 3").app("catch --code 6");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    running.finish().code(6).says(&["stop script", "3"]);
}

#[test]
fn a_stop_script_that_cannot_run_leaves_it_to_the_signal() {
    let tree = Tree::new().file("stop", 0o644, "#!/bin/sh\n").app("catch --code 6");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    running.finish().code(6).says(&["stop", "not executable"]);
}

#[test]
fn a_stop_script_that_hangs_is_killed_with_the_rest() {
    let tree =
        Tree::new().yaml("stop: {grace: 300ms}\n").script("stop", "exec \"$PROBE\" stubborn").app("stubborn");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.ready("app");
    running.finish().code(137).says(&["grace"]);
}

#[test]
fn finish_scripts_run_in_order_after_the_app() {
    matrix(|init| {
        let tree = Tree::new()
            .script("finish.d/20-b", "echo b $WRAPPER_APP_EXIT; exit 1")
            .script("finish.d/30-c", "echo c")
            .script("finish.d/10-a", "echo a")
            .script("run", "echo app; exit 9");
        let done = init.tree(&tree).raw(&["run"]).finish().code(9).says(&["finish.d/20-b", "1"]);
        let lines: Vec<_> = done.stdout.iter().filter(|line| !line.starts_with("outer")).collect();
        assert_eq!(lines, ["app", "a", "b 9", "c"], "{done}");
    });
}

#[test]
fn the_whole_stop_is_inside_the_grace_period() {
    matrix(|init| {
        let tree = Tree::new()
            .yaml("stop: {grace: 1s, drain_delay: 100ms, leftovers: 1h}\n")
            .script("stop", "exec \"$PROBE\" stubborn")
            .script("finish.d/10-hangs", "exec \"$PROBE\" stubborn")
            .app("stubborn");
        let mut running = init.tree(&tree).deadline(Duration::from_secs(10)).raw(&["run"]);
        running.ready("app");
        running.signal(&["TERM"]);
        let done = running.finish().code(137);
        assert!(!done.has("outer left"), "somebody is left\n{done}");
    });
}

#[test]
fn a_finish_script_that_hangs_is_cut() {
    let tree = Tree::new()
        .yaml("stop: {grace: 500ms}\n")
        .script("finish.d/10-hangs", "exec \"$PROBE\" stubborn")
        .script("run", "exit 5");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.finish().code(5).says(&["grace"]);
}

/// Without a grace period they have five seconds.
#[test]
fn a_finish_script_that_hangs_is_cut_without_a_grace_period_too() {
    let tree = Tree::new().script("finish.d/10-hangs", "exec \"$PROBE\" stubborn").script("run", "exit 5");
    Init::wrapper().tree(&tree).raw(&["run"]).finish().code(5).says(&["finish.d/10-hangs", "5s"]);
}
