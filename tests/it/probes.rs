//! Probes: what startup, live, ready and suites with a role say in each phase of the container.

use crate::support::process::Process;
use crate::support::suite::{probe, probe_and_stay, signal_front};
use crate::support::{Init, Place, Running, Tree, User, matrix, proc};

/// A tree whose probes all fail when they run, and are there to show that they did not; with more scripts.
fn failing(tree: Tree) -> Tree {
    ["startup", "live", "ready", "custom", "smoke"].iter().fold(
        tree.yaml("test: {suites: {custom: {probe: ready}}}\nstop: {drain_delay: 1h}\n"),
        |tree, suite| tree.script(&format!("tests/{suite}/10-ran.sh"), "echo it ran; exit 1"),
    )
}

const RAN: &str = "10-ran.sh";

/// Each suite's exit code, and a word of its verdict.
#[track_caller]
fn expect(running: &Running, tree: &Tree, expected: [(&str, i32, &str); 5]) {
    for (suite, code, word) in expected {
        let done = probe(running, tree, &[suite]).code(code);
        assert!(done.stdout.join("\n").contains(word), "{suite} should say {word:?}\n{done}");
    }
}

const RUNNING: [(&str, i32, &str); 5] =
    [("startup", 1, RAN), ("live", 1, RAN), ("ready", 1, RAN), ("custom", 1, RAN), ("smoke", 1, RAN)];

#[test]
fn while_init_scripts_run() {
    matrix(|init| {
        let tree = failing(Tree::new()).script("init.d/10-wait", "echo init; sleep 1000").app("catch");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.line("init");
        expect(
            &running,
            &tree,
            [
                ("startup", 1, "init.d"),
                ("live", 0, "init.d"),
                ("ready", 1, "init.d"),
                ("custom", 1, "init.d"),
                ("smoke", 1, RAN),
            ],
        );
        running.stop();
    });
}

#[test]
fn a_retry_waits_for_the_app_too() {
    let tree = Tree::new().script("tests/ready/10-good.sh", "exit 0").app("catch");
    let go = tree.path("go");
    let tree = tree.script("init.d/10-wait", &format!("mkfifo {go}; echo init; read _ <{go}"));
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.line("init");
    let wait = |time| probe_and_stay(&running, &tree, &["ready", "--retry-timeout", time, "--sleep", "1ms"]);
    let end = wait("20ms").finish().code(1);
    assert!(end.stdout[0].contains("init.d runs"), "{end}");

    let cut = wait("1h");
    asks_again(&cut);
    signal_front(&running, "TERM");
    let cut = cut.finish().code(143);
    assert!(cut.stdout[0].contains("init.d runs"), "{cut}");

    let waiting = wait("1h");
    asks_again(&waiting);
    std::fs::write(&go, "\n").expect("the pipe that init.d reads");
    let done = waiting.finish().code(0);
    assert!(done.stdout[0].starts_with("ready: pass: 1 check"), "{done}");
    running.ready("app");
    running.stop();
}

/// Waits until a probe has paused more than once.
fn asks_again(probe: &Process) {
    let switches = || {
        let front = *proc::children(probe.pid()).first()?;
        let is_it = proc::status(front, "Name")? == "wrapper";
        proc::status(front, "voluntary_ctxt_switches")?.parse::<u64>().ok().filter(|_| is_it)
    };
    let mut first = None;
    proc::until("it asks again", || {
        let now = switches();
        first = first.or(now);
        now.zip(first).is_some_and(|(now, first)| now > first + 10)
    });
}

#[test]
fn while_the_app_runs_and_while_it_stops() {
    matrix(|init| {
        let tree = failing(Tree::new()).app("catch --code 3");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        expect(&running, &tree, RUNNING);
        running.signal(&["TERM"]);
        proc::until("it drains", || {
            running.enter(&[&crate::support::tools::programs().wrapper, "status"]).stdout[0]
                .contains("draining")
        });
        expect(
            &running,
            &tree,
            [
                ("startup", 1, RAN),
                ("live", 0, "stopping"),
                ("ready", 1, "stopping"),
                ("custom", 1, "stopping"),
                ("smoke", 1, RAN),
            ],
        );
        running.signal(&["TERM"]);
        running.finish().code(3);
    });
}

const MAINTAINED: [(&str, i32, &str); 5] = [
    ("startup", 0, "maintenance"),
    ("live", 0, "maintenance since"),
    ("ready", 1, "maintenance since"),
    ("custom", 1, "maintenance"),
    ("smoke", 1, RAN),
];

#[test]
fn in_maintenance() {
    matrix(|init| {
        let tree = failing(Tree::new()).app("catch");
        let mut running = init.tree(&tree).raw(&["maintenance"]);
        running.error("maintenance:");
        expect(&running, &tree, MAINTAINED);
        // The tests all the same.
        let done = probe(&running, &tree, &["live", "--force"]).code(1);
        assert!(done.stdout.join("\n").contains(RAN), "{done}");
        running.stop();
    });
}

#[test]
fn on_the_way_into_maintenance_and_out_of_it() {
    let tree =
        failing(Tree::new()).yaml("test: {suites: {custom: {probe: ready}}}\n").app("catch --last USR1");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let wrapper = &crate::support::tools::programs().wrapper;
    running.enter(&[wrapper, "maintenance", "on"]).code(0);
    running.line("app got 15 ");
    expect(
        &running,
        &tree,
        [
            ("startup", 0, "into maintenance"),
            ("live", 0, "into maintenance"),
            ("ready", 1, "into maintenance"),
            ("custom", 1, "into maintenance"),
            ("smoke", 1, RAN),
        ],
    );
    running.signal(&["USR1"]);
    running.error("maintenance:");
    running.stop();

    let tree = failing(Tree::new()).script("init.d/10-slow", "echo init; sleep 1000").app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    running.error("maintenance:");
    running.enter(&[wrapper, "maintenance", "off"]).code(0);
    running.line("init");
    expect(
        &running,
        &tree,
        [
            ("startup", 0, "out of maintenance"),
            ("live", 0, "out of maintenance"),
            ("ready", 1, "out of maintenance"),
            ("custom", 1, "out of maintenance"),
            ("smoke", 1, RAN),
        ],
    );
    running.stop();
}

#[test]
fn in_maintenance_with_a_broken_configuration() {
    let tree = Tree::new().yaml("stop: {grce: 1s}\n").app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    running.error("maintenance:");
    for (suite, code) in [("startup", 0), ("live", 0), ("ready", 1)] {
        probe(&running, &tree, &[suite]).code(code);
    }
    running.stop();
}

#[test]
fn an_empty_probe_passes_while_the_app_runs_and_says_so() {
    let tree = Tree::new().app("catch");
    let mut running = Init::wrapper().user(User::random()).tree(&tree).raw(&["run"]);
    running.ready("app");
    for suite in ["live", "ready", "startup"] {
        let done = probe(&running, &tree, &[suite]).code(0).quiet();
        assert!(done.stdout[0].contains("pass") && done.stdout[0].contains("the app runs"), "{done}");
    }
    // Without a word it is live, inside of a running container.
    let done = probe(&running, &tree, &[]).code(0);
    assert!(done.stdout[0].starts_with("live: pass"), "{done}");
    running.stop();
}

#[test]
fn a_hung_init_is_unhealthy() {
    let tree = Tree::new().app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["STOP"]);
    for suite in ["live", "ready", "startup"] {
        let done = probe(&running, &tree, &[suite]).code(1);
        assert!(done.stdout[0].contains("did not answer within 500ms"), "{done}");
    }
    // Asked once for all, and for no longer than there is time.
    let done = probe(&running, &tree, &["live", "ready", "startup", "--timeout", "100ms"]).code(1);
    let text = done.stdout.join("");
    assert!(text.contains("did not answer within ") && !text.contains("500ms"), "{done}");
    running.signal(&["CONT"]);
    probe(&running, &tree, &["live"]).code(0);
    running.stop();
}

#[test]
fn whoever_may_not_look_fails_and_says_so() {
    let tree = Tree::new().script("tests/live/10-good.sh", "exit 0").app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let program = &crate::support::tools::programs().wrapper;
    let config = format!("WRAPPER_CONFIG_DIR={}", tree.path(""));
    let done = running.enter_as(User::random(), &["env", &config, program, "test", "live"]).code(1);
    assert!(done.stdout[0].contains("no test ran: not allowed to look into PID 1"), "{done}");
    running.stop();
}

#[test]
fn a_command_in_place_of_the_run_script_counts_as_the_app() {
    let tree = Tree::new().script("tests/live/10-bad.sh", "exit 4");
    let mut running = Init::wrapper().place(Place::Pid1).app(&["catch"]);
    running.ready("app");
    probe(&running, &tree, &["live"]).code(1);
    running.stop();
}
