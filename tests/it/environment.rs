//! Hostile surroundings: nothing to write to, no /proc, no devices, spoilt stdio, no memory, no processes left.

use crate::support::cgroup::Cgroup;
use crate::support::tools::{programs, tool};
use crate::support::{Init, Place, Running, Target, Tree, matrix, portable, proc};

portable! {
    every: [a_read_only_root, no_proc, no_devices, stdio_that_the_app_closes,
        stdio_that_the_app_makes_nonblocking, stderr_that_is_full,
        nothing_wakes_an_idle_init, no_processes_left, the_app_runs_out_of_memory],
    once: [nested_under_another_init],
}

/// Catches USR1 and TERM and ends.
fn works(init: Init) {
    let mut running = init.app(&["catch", "--code", "7"]);
    running.ready("app");
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    running.signal(&["TERM"]);
    running.finish().code(7);
}

fn a_read_only_root(init: Init) {
    works(init.launch(&["--read-only", "--no-new-privileges"]));
}

fn no_proc(init: Init) {
    works(init.launch(&["--empty-proc"]));
}

fn no_devices(init: Init) {
    works(init.launch(&["--bare-dev"]));
}

fn spoilt(mut running: Running) {
    running.ready("app");
    running.signal(&["USR1", "TERM"]);
    running.finish().code(7);
}

fn stdio_that_the_app_closes(init: Init) {
    spoilt(init.app(&["stdio", "closed"]));
}

fn stdio_that_the_app_makes_nonblocking(init: Init) {
    spoilt(init.app(&["stdio", "nonblocking"]));
}

/// Nobody reads the init's stderr, the app has filled it, and the wrapper has much to say.
fn stderr_that_is_full(init: Init) {
    let (_unread, full) = std::io::pipe().expect("pipe");
    let app = [programs().probe.as_str(), "stdio", "full"];
    spoilt(init.env("WRAPPER_LOG", "trace").start_with(&app, |command| {
        command.stderr(full);
    }));
}

/// Everything that an init could be woken by is an event; there is no time-out and no timer.
fn nothing_wakes_an_idle_init(init: Init) {
    let mut running = init.app(&["catch"]);
    running.ready("app");
    let init = running.init_pid();
    proc::until("a sleep without end", || proc::sleeps_for_ever(init));
    running.signal(&["TERM"]);
    running.finish().code(0);
}

/// The app fills its cgroup with processes; signals and zombies are dealt with all the same.
fn no_processes_left(init: Init) {
    let cgroup = Cgroup::with_pids(12);
    let mut running = init.launch(&["--cgroup", cgroup.path()]).app(&["forks", "1000"]);
    running.line("fork failed");
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    running.finish().code(0);
}

fn the_app_runs_out_of_memory(init: Init) {
    let cgroup = Cgroup::with_memory(48 << 20);
    let mut running = init.launch(&["--cgroup", cgroup.path()]).app(&["hog"]);
    running.ready("app");
    running.finish().code(137);
}

/// As under `docker run --init`, twice over.
fn nested_under_another_init(init: Init) {
    let kind = init.kind;
    for outer in ["tini", "catatonit"] {
        let (outer, probe) = (tool(outer), programs().probe.as_str());
        let mut argv = vec![outer.as_str(), "--"];
        let inner = Init::new(kind).argv();
        argv.extend(inner.iter().map(String::as_str));
        argv.extend([probe, "leftover", "--code", "9", "--on", "TERM"]);
        let mut running = init.clone().without(&argv);
        running.ready("app");
        running.signal(&["TERM"]);
        running.finish().code(9);
    }
}

// ---- what only the wrapper has ----

/// `docker run --ulimit fsize=2048`: neither the page nor anything else of the wrapper's may raise a signal for the app.
#[test]
fn a_file_size_limit() {
    for bytes in ["0", "2048"] {
        let init = Init::wrapper().launch(&["--limit", "1", bytes]);
        let mut running = init.app(&["stubborn"]);
        running.error("the state page");
        let app = running.ready("app").get("pid");
        running.signal(&["USR1"]);
        running.line("app got 10 ");
        running.signal_process(app, &["KILL"]);
        let done = running.finish().code(137);
        assert!(!done.has("app got 25 "), "{done}");
    }
    Init::wrapper().launch(&["--limit", "1", "2048"]).start(&["sleep", "0"]).finish().code(0);
}

/// One that somebody sends is the app's all the same.
#[test]
fn a_sigxfsz_that_somebody_sends_is_forwarded() {
    let mut running = Init::wrapper().app(&["stubborn"]);
    running.ready("app");
    // One after the other: two that wait together arrive in no fixed order.
    for (name, line) in [("XFSZ", "app got 25 "), ("XCPU", "app got 24 ")] {
        running.signal(&[name]);
        running.line(line);
    }
}

/// `unshare --pid --fork --mount` without a new /proc: nothing is lost, and nobody else is signalled.
#[test]
fn a_foreign_proc() {
    for target in [Target::Pid, Target::Group, Target::All] {
        works(Init::wrapper().target(target).launch(&["--foreign-proc"]));
        works(Init::wrapper().target(target).launch(&["--empty-proc"]));
    }
}

#[test]
fn a_forbidden_signalfd_is_named() {
    let init = Init::wrapper().launch(&["--deny-signalfd"]);
    init.start(&["true"]).finish().code(70).says(&["signalfd4", "seccomp"]);
}

#[test]
fn it_has_one_thread() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    assert_eq!(proc::status(running.init_pid(), "Threads").as_deref(), Some("1"));
    running.stop();
}

/// What the wrapper writes there fails, and its own SIGPIPE is none of the app's business.
#[test]
fn stderr_that_nobody_reads() {
    matrix(|init| {
        let (reader, writer) = std::io::pipe().expect("pipe");
        drop(reader);
        let app = [programs().probe.as_str(), "catch", "--code", "7"];
        let mut running = init.env("WRAPPER_LOG", "trace").start_with(&app, |command| {
            command.stderr(writer);
        });
        running.ready("app");
        running.signal(&["USR1"]);
        running.line("app got 10 ");
        running.signal(&["PIPE"]);
        running.line("app got 13 ");
        running.signal(&["TERM"]);
        let done = running.finish().code(7);
        let pipes = done.stdout.iter().filter(|line| line.starts_with("app got 13 ")).count();
        assert_eq!(pipes, 1, "{done}");
    });
}

#[test]
fn no_descriptors_left() {
    // 0, 1 and 2 are all that may be open.
    let running = Init::wrapper().launch(&["--limit", "7", "3"]).app(&["exit", "0"]);
    let done = running.finish().code(70).says(&["cannot start: signalfd4: No file descriptors"]);
    // The other one is about the state page, which comes before everything else.
    assert!(done.stderr.len() == 2 && done.stderr[0].contains("state page"), "{done}");
}

#[test]
fn the_first_fork_fails() {
    let cgroup = Cgroup::with_pids(1);
    let running = Init::wrapper().launch(&["--cgroup", cgroup.path()]).app(&["exit", "0"]);
    let done = running.finish().code(126).says(&["pids.max"]);
    assert_eq!(done.stderr.len(), 1, "nobody is waited for\n{done}");
}

#[test]
fn the_fork_of_an_init_script_fails() {
    let cgroup = Cgroup::with_pids(1);
    let tree =
        Tree::new().script("init.d/10-a", "echo init").script("finish.d/10-a", "echo finish").app("exit 0");
    let done =
        Init::wrapper().launch(&["--cgroup", cgroup.path()]).tree(&tree).raw(&["run"]).finish().code(126);
    done.printed(&[]).says(&["init.d/10-a", "pids.max"]);
}

#[test]
fn a_stop_script_that_cannot_be_forked_leaves_it_to_the_signal() {
    let cgroup = Cgroup::with_pids(2);
    let tree = Tree::new().script("stop", "echo stop").app("catch --code 6");
    let mut running = Init::wrapper().launch(&["--cgroup", cgroup.path()]).tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    running.finish().code(6).says(&["pids.max"]);
}

/// Who was exec'd into the container is somebody's shell: never signalled, not even with the widest target.
#[test]
fn what_was_execed_in_is_never_signalled() {
    let init = Init::wrapper().target(Target::All).flag("--leftovers").flag("50ms");
    let mut running = init.app(&["leftover", "--stubborn", "--own-session", "--on", "TERM"]);
    running.ready("app");
    let mut entered = running.enter_and_stay(&[&programs().probe, "stubborn"]);
    entered.line("app ready");
    running.signal(&["USR1", "USR2"]);
    running.line("leftover got 12 ");
    running.signal(&["TERM"]);
    running.finish().code(0);
    // The kernel ends it with the namespace.
    let done = entered.finish();
    assert_eq!(done.stdout.len(), 1, "it was signalled\n{done}");
}

/// In a pod with a shared PID namespace, the processes of other containers are not ours.
#[test]
fn neighbours_in_a_shared_pid_namespace_are_never_signalled() {
    let init = Init::wrapper().target(Target::All).flag("--leftovers").flag("50ms");
    let init = init.place(Place::Subreaper).outer(&["--sibling"]);
    let mut running = init.app(&["leftover", "--stubborn", "--own-session", "--on", "TERM"]);
    running.ready("sibling");
    running.ready("app");
    running.signal(&["USR1", "TERM"]);
    let done = running.finish().code(0);
    assert!(!done.has("sibling got"), "{done}");
    assert!(done.has("outer sibling lives"), "{done}");
    assert!(!done.has("outer left"), "{done}");
}

#[test]
fn not_being_pid_1_is_told_once_at_info() {
    for (place, words) in [(Place::Subreaper, "subreaper"), (Place::Neither, "orphans")] {
        let done =
            Init::wrapper().place(place).env("WRAPPER_LOG", "info").app(&["exit", "0"]).finish().code(0);
        let told = done.stderr.iter().filter(|line| line.contains("not PID 1")).collect::<Vec<_>>();
        assert!(told.len() == 1 && told[0].contains(words), "{done}");
        Init::wrapper().place(place).app(&["exit", "0"]).finish().code(0).quiet();
    }
}
