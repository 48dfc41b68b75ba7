//! `status`, `stop` and `restart`: what PID 1 tells, whom it obeys, and what happens when it cannot answer.

use crate::support::process::Finished;
use crate::support::tools::programs;
use crate::support::{Init, Place, Running, Tree, User, matrix};

fn wrapper(running: &Running, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

/// The value of a key of the one flat JSON object that `status --json` prints.
fn json(running: &Running, key: &str) -> String {
    let done = wrapper(running, &["status", "--json"]).code(0).quiet();
    assert_eq!(done.stdout.len(), 1, "one line\n{done}");
    let key = format!("\"{key}\":");
    let rest = done.stdout[0].split_once(&key).unwrap_or_else(|| panic!("no {key}\n{done}")).1;
    rest.split([',', '}']).next().unwrap_or_default().trim_matches('"').to_owned()
}

#[test]
fn status_tells_what_is() {
    matrix(|init| {
        let tree = Tree::new().yaml("stop: {drain_delay: 1h}\n").app("catch --code 3");
        let mut running = init.tree(&tree).raw(&["run"]);
        let app = running.ready("app").get("pid");
        running.signal(&["USR1", "USR1", "40"]);
        running.line("app got 40 ");
        assert_eq!(json(&running, "phase"), "running");
        assert_eq!(json(&running, "mode"), "run");
        assert_eq!(json(&running, "app_pid"), app.to_string());
        assert_eq!(json(&running, "restarts"), "0");
        let text = wrapper(&running, &["status"]).code(0).quiet().stdout.join("\n");
        assert!(text.contains("running") && text.contains(&format!("pid {app}")), "{text}");
        running.signal(&["TERM", "USR2"]);
        running.line("app got 12 ");
        assert_eq!(json(&running, "phase"), "draining");
        running.signal(&["TERM"]);
        running.finish().code(3);
    });
}

#[test]
fn status_counts_orphans() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    running.enter(&[&programs().probe, "orphans", "7", "--reaper", "1"]).code(0);
    assert_eq!(json(&running, "orphans_reaped"), "7");
    assert_eq!(json(&running, "mode"), "command");
    running.stop();
}

#[test]
fn stop_ends_the_container_in_order() {
    matrix(|init| {
        // The app takes its time: `stop` itself would die with the namespace.
        let tree = Tree::new().app("catch --last USR1 --code 3").script("finish.d/10-a", "echo finish");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        wrapper(&running, &["stop"]).code(0);
        running.line("app got 15 ");
        running.signal(&["USR1"]);
        running.line("finish");
        running.finish().code(3);
    });
}

#[test]
fn restart_stops_and_starts_the_app() {
    let tree = Tree::new().script("init.d/10-a", "echo init").app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.line("init");
    running.ready("app");
    wrapper(&running, &["restart"]).code(0);
    running.line("app got 15 ");
    running.line("init");
    running.ready("app");
    assert_eq!(json(&running, "restarts"), "1");
    running.signal(&["TERM"]);
    running.finish().code(3);
}

#[test]
fn restart_of_a_command_is_refused() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    wrapper(&running, &["restart"]).code(2).says(&["command of its own"]);
    running.stop();
}

#[test]
fn root_may_ask_an_init_of_another_user() {
    let tree = Tree::new().app("catch --last USR1 --code 3");
    let mut running = Init::wrapper().user(User::random()).tree(&tree).raw(&["run"]);
    running.ready("app");
    running.enter_as(User::Root, &[&programs().wrapper, "status"]).code(0);
    running.enter_as(User::Root, &[&programs().wrapper, "stop"]).code(0);
    running.line("app got 15 ");
    running.signal(&["USR1"]);
    running.finish().code(3);
}

#[test]
fn another_user_is_not_allowed() {
    for owner in [User::Root, User::random()] {
        let mut running = Init::wrapper().user(owner).app(&["catch"]);
        running.ready("app");
        let User::Uid(uid) = User::random() else { unreachable!() };
        let stranger = User::Uid(uid + 1);
        for command in [&["status"][..], &["stop"], &["restart"], &["maintenance", "on"]] {
            let mut argv = vec![programs().wrapper.as_str()];
            argv.extend(command);
            running.enter_as(stranger, &argv).code(77).printed(&[]);
        }
        running.signal(&["USR1"]);
        running.line("app got 10 ");
        running.stop();
    }
}

#[test]
fn without_a_wrapper_there_is_nobody_to_ask() {
    for command in
        [&["status"][..], &["stop"], &["restart"], &["maintenance", "on"], &["maintenance", "status"]]
    {
        let mut argv = vec![programs().wrapper.as_str()];
        argv.extend(command);
        let done = Init::wrapper().place(Place::Subreaper).without(&argv).finish().code(69);
        assert_eq!(done.stderr.len(), 1, "one line\n{done}");
    }
}

/// A PID 1 that is stopped does not answer; what it last published is shown all the same.
#[test]
fn a_hung_init_is_told_from_a_quiet_one() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    running.signal(&["STOP"]);
    let done = wrapper(&running, &["status"]).code(75).says(&["did not answer"]);
    assert!(done.stdout.iter().any(|line| line.contains("running")), "{done}");
    wrapper(&running, &["stop"]).code(75);
    // Neither "on" nor "off" is known of one that hangs.
    wrapper(&running, &["maintenance", "status"]).code(75).printed(&[]).says(&["did not answer"]);
    running.signal(&["CONT"]);
    // The stop whose client was told that it failed is not carried out later: the pipe is read in order, so the answer to
    // this status comes behind it.
    let done = wrapper(&running, &["status"]).code(0);
    assert!(done.stdout.iter().any(|line| line.contains("running")), "{done}");
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    running.stop();
}

/// In every phase, whatever it published last.
#[test]
fn a_hung_init_in_maintenance_passes_no_probe() {
    let tree = Tree::new().app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    running.error("maintenance:");
    wrapper(&running, &["test", "live"]).code(0);
    wrapper(&running, &["maintenance", "status"]).code(0);
    running.signal(&["STOP"]);
    wrapper(&running, &["test", "live"]).code(1);
    wrapper(&running, &["maintenance", "status"]).code(75).printed(&[]);
    running.stop();
}

#[test]
fn as_the_containers_own_command_it_says_where_to_ask() {
    let tree = Tree::new().app("catch");
    Init::wrapper().tree(&tree).raw(&["status"]).finish().code(69).printed(&[]).says(&["docker exec"]);
}
