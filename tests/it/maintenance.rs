//! Maintenance: the container is kept without the app, whatever is broken.

use crate::support::tools::programs;
use crate::support::{Init, Place, Running, Tree, matrix, proc};

/// An app that must not run.
fn must_not_run() -> Tree {
    Tree::new().script("init.d/10-a", "echo init").script("run", "echo app")
}

/// Waits until maintenance is on.
fn entered(running: &mut Running) {
    running.error("maintenance:");
}

fn wrapper(running: &Running, arguments: &[&str]) -> crate::support::process::Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

#[test]
fn by_argument_and_by_variable() {
    matrix(|init| {
        let tree = must_not_run();
        let ways: [(&str, &[&str]); 4] = [
            ("", &["maintenance"]),
            ("maintenance", &["run", "x"]),
            ("maintenance", &[]),
            ("maintenance", &["-x"]),
        ];
        for (mode, arguments) in ways {
            let mut running = init.clone().tree(&tree).env("WRAPPER_MODE", mode).raw(arguments);
            entered(&mut running);
            running.signal(&["TERM"]);
            let done = running.finish().code(0);
            assert!(!done.has("app") && !done.has("init"), "the app was started\n{done}");
        }
    });
}

#[test]
fn the_variable_does_not_hold_for_a_command() {
    let init = Init::wrapper().env("WRAPPER_MODE", "maintenance");
    init.raw(&["sh", "-c", "exit 4"]).finish().code(4);
}

#[test]
fn another_mode_is_a_configuration_error() {
    let init = Init::wrapper().tree(&must_not_run()).env("WRAPPER_MODE", "maintainance");
    init.raw(&["run"]).finish().code(78).printed(&[]).says(&["WRAPPER_MODE", "maintainance", "maintenance"]);
}

#[test]
fn with_a_broken_configuration_too() {
    for yaml in
        ["stop: [", "stop: {grce: 1s}\n", "run: {user: nobody-has-this-name}\n", "run: {file_env: [X]}\n"]
    {
        let tree = must_not_run().yaml(yaml);
        let init = Init::wrapper().tree(&tree).env("X_FILE", "/no/such/file");
        let mut running = init.raw(&["maintenance"]);
        entered(&mut running);
        running.signal(&["TERM"]);
        running.finish().code(0);
    }
}

#[test]
fn without_a_run_script_too() {
    let tree = Tree::new();
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    entered(&mut running);
    running.signal(&["INT"]);
    running.finish().code(0);
}

#[test]
fn zombies_are_reaped() {
    let tree = must_not_run();
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    entered(&mut running);
    running.enter(&[&programs().probe, "orphans", "20", "--reaper", "1"]).code(0).printed(&["reaped 20"]);
    running.stop();
}

#[test]
fn idle_maintenance_sleeps_for_ever() {
    let tree = must_not_run();
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    entered(&mut running);
    let init = running.init_pid();
    proc::until("a sleep without end", || proc::sleeps_for_ever(init));
    running.stop();
}

#[test]
fn on_and_off_in_a_running_container() {
    matrix(|init| {
        if init.place == Place::Neither {
            return;
        }
        let tree = Tree::new().script("init.d/10-a", "echo init").app("catch --code 3");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        wrapper(&running, &["maintenance", "status"]).code(1);
        wrapper(&running, &["maintenance", "on"]).code(0);
        running.line("app got 15 ");
        entered(&mut running);
        wrapper(&running, &["maintenance", "status"]).code(0);
        wrapper(&running, &["maintenance", "off"]).code(0);
        running.line("init");
        running.ready("app");
        wrapper(&running, &["maintenance", "status"]).code(1);
        running.signal(&["TERM"]);
        running.finish().code(3);
    });
}

#[test]
fn a_restart_is_refused_in_maintenance_and_on_the_way_into_it() {
    let tree = Tree::new().app("catch --last USR1 --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    wrapper(&running, &["maintenance", "on"]).code(0);
    running.line("app got 15 ");
    // The app takes its time: this is the way into maintenance.
    wrapper(&running, &["restart"]).code(1).says(&["maintenance off"]);
    running.signal(&["USR1"]);
    entered(&mut running);
    wrapper(&running, &["restart"]).code(1).says(&["maintenance off"]);
    wrapper(&running, &["maintenance", "status"]).code(0);
    running.signal(&["TERM"]);
    running.finish().code(0);
}

#[test]
fn an_app_that_fails_leads_into_maintenance_when_configured() {
    let tree = Tree::new().yaml("maintenance: {on_crash: true}\n").script("run", "echo app; exit 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.line("app");
    running.error("maintenance after a failure: the app exited with code 3 (maintenance.on_crash)");
    // An incident, told apart from what somebody has asked for.
    let status = wrapper(&running, &["status"]).code(1).stdout.join("\n");
    assert!(status.contains("the app exited with code 3 (maintenance.on_crash)"), "{status}");
    let json = wrapper(&running, &["status", "--json"]).code(1).stdout.join("\n");
    assert!(json.contains("\"crash\":\"the app exited with code 3 (maintenance.on_crash)\""), "{json}");
    let ready = wrapper(&running, &["test", "ready"]).code(1).stdout.join("\n");
    assert!(ready.contains("the app exited with code 3"), "{ready}");
    wrapper(&running, &["test", "live"]).code(0);
    running.signal(&["TERM"]);
    running.finish().code(0);
    // One by hand is in order.
    let tree = Tree::new().yaml("maintenance: {on_crash: true}\n").app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    wrapper(&running, &["maintenance", "on"]).code(0);
    entered(&mut running);
    let json = wrapper(&running, &["status", "--json"]).code(0).stdout.join("\n");
    assert!(json.contains("\"crash\":null"), "{json}");
    running.signal(&["TERM"]);
    running.finish().code(0);
    // A code that is mapped to 0 is no failure.
    let tree =
        Tree::new().yaml("maintenance: {on_crash: true}\nexit: {map: {3: 0}}\n").script("run", "exit 3");
    Init::wrapper().tree(&tree).raw(&["run"]).finish().code(0);
    // One that ends well does not.
    let tree = Tree::new().yaml("maintenance: {on_crash: true}\n").script("run", "exit 0");
    Init::wrapper().tree(&tree).raw(&["run"]).finish().code(0);
}

/// What is broken is told at the start, and ends the container when somebody leaves maintenance all the same.
#[test]
fn leaving_it_with_a_broken_configuration_is_78() {
    let tree = must_not_run().yaml("stop: {grce: 1s}\n");
    let mut running = Init::wrapper().tree(&tree).raw(&["maintenance"]);
    running.error("stop.grce");
    entered(&mut running);
    // The client may die with the namespace before it can say how it went.
    wrapper(&running, &["maintenance", "off"]);
    running.finish().code(78).printed(&[]).says(&["cannot start the app", "stop.grce"]);
}
