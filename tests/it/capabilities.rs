//! Root with some of its capabilities taken away: what needs which, row by row of the table in `docs/reference.md`.

use crate::support::tools::{programs, tool};
use crate::support::{Init, Running, Tree, User};

const KILL: &str = "5";
const SETGID: &str = "6";
const SETUID: &str = "7";

/// An app that runs as another user than PID 1, and prints its signals.
fn other_user() -> Tree {
    Tree::new().yaml("run: {user: 4321}\n").app("catch --code 3")
}

/// The wrapper as root with these capabilities alone.
fn only(capabilities: &[&str]) -> Init {
    let list = if capabilities.is_empty() { "none".to_owned() } else { capabilities.join(",") };
    Init::wrapper().launch(&["--only-capabilities", &list])
}

fn wrapper(running: &Running, arguments: &[&str]) -> crate::support::process::Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

#[test]
fn the_table_of_the_reference_stands() {
    let reference = include_str!("../../docs/reference.md");
    let table = reference.split("### Capabilities").nth(1).expect("a section of that name");
    let rows = table.split("\n## ").next().expect("its text").lines().filter(|line| line.starts_with("| "));
    assert_eq!(rows.count(), 1 + 6, "each row is a test here: add or remove it in both places");
}

/// Row 1.
#[test]
fn another_user_needs_setuid_and_setgid() {
    for (kept, missing) in
        [(&[SETUID][..], "capability SETGID"), (&[SETGID], "capability SETUID"), (&[], "SETUID and SETGID")]
    {
        let tree = other_user();
        let done = only(kept).tree(&tree).raw(&["run"]).finish().code(78);
        done.says(&["run.user", missing]).printed(&[]);
        let check = only(kept).tree(&tree).raw(&["config", "check"]).finish().code(78);
        assert!(check.stdout.join("\n").contains(missing), "{check}");
    }
    let tree = Tree::new().yaml("run: {user: 4321}\n").script("run", "echo $(id -u)");
    only(&[SETUID, SETGID, KILL]).tree(&tree).raw(&["run"]).finish().code(0).printed(&["4321"]).quiet();
}

/// Row 2: an error, and it does not count as forwarded; whoever the signal is for.
#[test]
fn a_signal_to_another_user_needs_kill() {
    for target in ["pid", "group", "all"] {
        let tree = other_user();
        let init = only(&[SETUID, SETGID]).tree(&tree).env("WRAPPER_SIGNALS_TARGET", target);
        let mut running = init.raw(&["run"]);
        running.error("capability KILL");
        let app = running.ready("app").get("pid");
        running.signal(&["HUP"]);
        running.error("SIGHUP could not be delivered");
        let text = wrapper(&running, &["status", "--json"]).code(0).stdout.join("\n");
        assert!(text.contains("\"signals_undelivered\":1"), "{target}: {text}");
        assert!(text.contains("\"signals_forwarded\":0"), "{target}: {text}");
        let text = wrapper(&running, &["status"]).code(0).stdout.join("\n");
        assert!(text.contains("could not be delivered"), "{target}: {text}");
        running.signal(&["TERM"]);
        running.error("SIGTERM could not be delivered");
        running.signal_process(app, &["TERM"]);
        let done = running.finish().code(3);
        assert!(!done.has("app got 1 "), "{target}: it got there\n{done}");
    }
    let tree = other_user();
    let mut running = only(&[SETUID, SETGID, KILL]).tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["HUP"]);
    running.line("app got 1 ");
    running.signal(&["TERM"]);
    running.finish().code(3);
}

/// Row 2, its end: what PID 1 may not kill ends with it.
#[test]
fn without_kill_the_end_of_the_grace_ends_the_app_all_the_same() {
    let tree = Tree::new().yaml("run: {user: 4321}\nstop: {grace: 200ms}\n").app("stubborn");
    let mut running = only(&[SETUID, SETGID]).tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    // The end of output, which it waits for, means that nobody is left.
    running.finish().code(137).says(&["not everything had ended 1s after KILL"]);
}

/// Row 3.
#[test]
fn cont_reaches_another_user_of_the_same_session() {
    let tree = other_user();
    let mut running = only(&[SETUID, SETGID]).tree(&tree).raw(&["run"]);
    let app = running.ready("app").get("pid");
    running.signal(&["CONT"]);
    running.line("app got 18 ");
    running.signal_process(app, &["TERM"]);
    running.finish().code(3);
}

/// Row 4.
#[test]
fn requests_to_stop_another_user_need_kill() {
    let tree = other_user();
    let mut running = only(&[SETUID, SETGID]).tree(&tree).raw(&["run"]);
    let app = running.ready("app").get("pid");
    for request in [&["stop"][..], &["restart"], &["maintenance", "on"]] {
        wrapper(&running, request).code(77).printed(&[]).says(&["nothing was done", "capability KILL"]);
    }
    let text = wrapper(&running, &["status", "--json"]).code(0).stdout.join("\n");
    assert!(text.contains("\"phase\":\"running\"") && text.contains("\"stop_signal\":null"), "{text}");
    running.signal_process(app, &["TERM"]);
    running.finish().code(3);
}

/// Row 4: a stop script may have means of its own.
#[test]
fn a_stop_script_is_tried_without_kill() {
    let tree = other_user().script("stop", "echo stop").yaml("run: {user: 4321}\n");
    let mut running = only(&[SETUID, SETGID]).tree(&tree).raw(&["run"]);
    let app = running.ready("app").get("pid");
    wrapper(&running, &["stop"]).code(0);
    running.line("stop");
    running.signal_process(app, &["TERM"]);
    running.finish().code(3);
}

/// Row 5: a client needs what PID 1 has, and no more.
#[test]
fn status_needs_none() {
    let tree = Tree::new().app("catch");
    let mut running = only(&[]).tree(&tree).raw(&["run"]);
    running.ready("app");
    let setpriv = tool("setpriv");
    for arguments in [&["status"][..], &["restart"], &["maintenance", "status"], &["config"]] {
        let mut argv = vec![setpriv.as_str(), "--bounding-set=-all", "--inh-caps=-all"];
        argv.push(&programs().wrapper);
        argv.extend(arguments);
        let code = i32::from(arguments == ["maintenance", "status"]);
        running.enter(&argv).code(code);
    }
    // It may die with the namespace before it can say how it went.
    running.enter(&[&setpriv, "--bounding-set=-all", "--inh-caps=-all", &programs().wrapper, "stop"]);
    running.finish().code(0);
}

/// Row 6, as root and as anybody.
#[test]
fn signals_to_ones_own_need_none() {
    for init in [only(&[]), Init::wrapper().user(User::random()).launch(&["--no-new-privileges"])] {
        let tree = Tree::new()
            .script("init.d/10-a", "exec \"$PROBE\" catch --last CONT")
            .script("stop", "exec \"$PROBE\" catch --last none")
            .yaml("stop: {grace: 1s}\n")
            .app("catch --last none");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        running.signal(&["CONT"]);
        running.line("app got 18 ");
        running.ready("app");
        running.signal(&["HUP"]);
        running.line("app got 1 ");
        running.signal(&["TERM"]);
        running.ready("app");
        running.finish().code(137).says(&["KILL to everything"]);
    }
}
