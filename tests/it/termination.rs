//! The end in one line: the termination message, who a KILL came from, and what the log says of an app that fails.

use crate::support::cgroup::Cgroup;
use crate::support::tools::tool;
use crate::support::{Init, Running, Tree};
use std::path::Path;

/// Runs something under a wrapper that has a `/dev/termination-log`, and returns what is in it then.
fn message(init: Init, tree: &Tree, arguments: &[&str], meanwhile: impl FnOnce(&mut Running)) -> String {
    let log = tree.path("log");
    std::fs::write(&log, "").expect("an empty log");
    message_in(&log, init, tree, arguments, meanwhile)
}

/// The same with this file there.
fn message_in(
    log: &str,
    init: Init,
    tree: &Tree,
    arguments: &[&str],
    meanwhile: impl FnOnce(&mut Running),
) -> String {
    let bind = format!("{log}=/dev/termination-log");
    let mut running = init.launch(&["--bare-dev", "--bind", &bind]).tree(tree).raw(arguments);
    meanwhile(&mut running);
    running.finish();
    std::fs::read_to_string(log).expect("the log")
}

#[track_caller]
fn one_line(text: &str, parts: &[&str]) {
    assert!(text.ends_with('\n') && text.lines().count() == 1, "one line: {text:?}");
    assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text:?}");
}

#[test]
fn an_app_that_ends_by_itself_has_the_last_word() {
    for script in ["exit 3", "exit 0", "kill -SEGV $$"] {
        let tree = Tree::new().script("run", script);
        assert_eq!(message(Init::wrapper(), &tree, &["run"], |_| {}), "", "{script}");
    }
    // A signal that comes later, while finish.d runs, did not end it.
    let tree =
        Tree::new().script("run", "exit 3").script("finish.d/10-a", "exec \"$PROBE\" catch --last USR1");
    let text = message(Init::wrapper(), &tree, &["run"], |running| {
        let script = running.ready("app").get("pid");
        running.signal(&["TERM"]);
        running.signal_process(script, &["USR1"]);
    });
    assert_eq!(text, "");
}

#[test]
fn the_line_is_appended_to_what_the_app_wrote() {
    for (own, kept) in [("own words\\n", "own words\n"), ("own words", "own words\n"), ("", "")] {
        let script = format!("printf '{own}' >/dev/termination-log; exec \"$PROBE\" catch --code 3");
        let tree = Tree::new().script("run", &script);
        let text = message(Init::wrapper(), &tree, &["run"], |running| {
            running.ready("app");
            running.signal(&["TERM"]);
        });
        let line = text.strip_prefix(kept).unwrap_or_else(|| panic!("{own:?}: {text:?}"));
        one_line(line, &["stopped by SIGTERM", "the app exited with code 3"]);
    }
}

#[test]
fn a_stop_is_told_with_its_signal() {
    let tree = Tree::new().app("catch --last INT --code 0");
    let text = message(Init::wrapper(), &tree, &["run"], |running| {
        running.ready("app");
        running.signal(&["INT"]);
    });
    one_line(&text, &["stopped by SIGINT", "exited with code 0"]);
    let text = message(Init::wrapper(), &Tree::new().app("catch"), &["run"], |running| {
        running.ready("app");
        // It may die with the namespace before it can say how it went.
        running.enter(&[&crate::support::tools::programs().wrapper, "stop"]);
    });
    one_line(&text, &["stopped by wrapper stop", "exited with code 0"]);
    let text = message(Init::wrapper(), &Tree::new(), &["maintenance"], |running| {
        running.error("maintenance");
        running.signal(&["TERM"]);
    });
    one_line(&text, &["stopped by SIGTERM", "did not run"]);
}

#[test]
fn whose_kill_it_was_and_that_the_grace_was_over() {
    let tree = Tree::new().yaml("stop: {grace: 100ms}\n").app("stubborn");
    let ours = message(Init::wrapper(), &tree, &["run"], |running| {
        running.ready("app");
        running.signal(&["TERM"]);
    });
    one_line(&ours, &["stopped by SIGTERM", "by the wrapper", "stop.grace"]);
    let tree = Tree::new()
        .yaml("stop: {grace: 300ms, leftovers: 1h}\n")
        .app("leftover --code 5 --stubborn --on TERM");
    let late = message(Init::wrapper(), &tree, &["run"], |running| {
        running.ready("app");
        running.signal(&["TERM"]);
    });
    one_line(&late, &["stopped by SIGTERM", "exited with code 5", "stop.grace (300ms) was over"]);
    let cgroup = Cgroup::with_memory(1 << 30);
    let init = Init::wrapper().launch(&["--cgroup", cgroup.path()]);
    let outside = message(init, &Tree::new().app("stubborn"), &["run"], |running| {
        let app = running.ready("app").get("pid");
        running.signal_process(app, &["KILL"]);
    });
    one_line(&outside, &["from outside", "not by the OOM killer"]);
}

#[test]
fn why_nothing_was_started() {
    let cases: [(Tree, &[&str]); 6] = [
        (Tree::new().yaml("stop: {grce: 1s}\n").script("run", ""), &["stop.grce", "wrapper.yaml:1:"]),
        (Tree::new(), &["no run script"]),
        (Tree::new().yaml("run: {file_env: [X]}\n").script("run", ""), &["X_FILE", "/no/such/secret"]),
        (Tree::new().yaml("run: {user: nobody-has-this}\n").script("run", ""), &["nobody-has-this"]),
        (Tree::new().file("run", 0o644, "#!/bin/sh\n"), &["not executable"]),
        (Tree::new().script("init.d/50-schema", "exit 4").script("run", ""), &["init.d/50-schema", "code 4"]),
    ];
    for (tree, parts) in cases {
        let init = Init::wrapper().env("X_FILE", "/no/such/secret");
        let text = message(init, &tree, &["run"], |_| {});
        one_line(&text, &[&["never started"], parts].concat());
    }
    let text = message(Init::wrapper(), &Tree::new(), &["no-such-command"], |_| {});
    one_line(&text, &["never started", "no-such-command"]);
    let tree = Tree::new().script("init.d/10-slow", "exec \"$PROBE\" catch").script("run", "");
    let text = message(Init::wrapper(), &tree, &["run"], |running| {
        running.ready("app");
        running.signal(&["TERM"]);
    });
    one_line(&text, &["stopped by SIGTERM", "did not run"]);
}

#[test]
fn another_file_and_its_variable_under_a_broken_configuration() {
    let tree = Tree::new().app("catch");
    let file = tree.path("message");
    std::fs::write(&file, "").expect("an empty file");
    let tree = tree.yaml(&format!("exit: {{message_file: {file}}}\n"));
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.finish().code(0);
    one_line(&std::fs::read_to_string(&file).expect("the message"), &["stopped by SIGTERM"]);
    std::fs::write(&file, "").expect("an empty file");
    let broken = Tree::new().yaml("stop: [").script("run", "");
    let init = Init::wrapper().tree(&broken).env("WRAPPER_EXIT_MESSAGE_FILE", &file);
    init.raw(&["run"]).finish().code(78);
    one_line(&std::fs::read_to_string(&file).expect("the message"), &["never started"]);
    // It is never made.
    std::fs::remove_file(&file).expect("remove it");
    let init = Init::wrapper().tree(&broken).env("WRAPPER_EXIT_MESSAGE_FILE", &file);
    init.raw(&["run"]).finish().code(78);
    assert!(!Path::new(&file).exists(), "it was made");
}

/// What is in the way hangs nobody: a FIFO without a reader, a full one, a directory.
#[test]
fn whatever_the_file_is_the_end_comes() {
    let tree = Tree::new().script("run", "kill -KILL $$");
    let fifo = tree.path("fifo");
    let made = std::process::Command::new(tool("mkfifo")).arg(&fifo).status().expect("start mkfifo");
    assert!(made.success());
    for place in [fifo, tree.path(""), "/dev/full".to_owned(), "/no/such/file".to_owned()] {
        let init = Init::wrapper().tree(&tree).env("WRAPPER_EXIT_MESSAGE_FILE", &place);
        init.raw(&["run"]).finish().code(137);
    }
}

/// What is typed into a running container says nothing about its end.
#[test]
fn a_command_inside_the_container_leaves_no_message() {
    let text = message(
        Init::wrapper(),
        &Tree::new().script("run", "exec \"$PROBE\" catch --last USR1"),
        &["run"],
        |running| {
            running.ready("app");
            running.enter(&[&crate::support::tools::programs().wrapper, "no-such-command"]).code(127);
            running
                .enter(&[&crate::support::tools::programs().wrapper, "sh", "-c", "kill -KILL $$"])
                .code(137);
            running.signal(&["USR1"]);
        },
    );
    assert_eq!(text, "");
}

#[test]
fn a_line_is_bounded_and_escaped() {
    let tree = Tree::new().yaml("run: {user: \"a\\nERROR b\"}\n").script("run", "");
    let text = message(Init::wrapper(), &tree, &["run"], |_| {});
    one_line(&text, &["never started"]);
    let long = "x".repeat(9000);
    let tree = Tree::new().yaml(&format!("run: {{user: {long}}}\n")).script("run", "");
    let text = message(Init::wrapper(), &tree, &["run"], |_| {});
    one_line(&text, &["never started", "…"]);
    assert!(text.len() <= 1025, "{}", text.len());
}

// ---- the OOM killer ----

/// The app's own end by the OOM killer, and an end by somebody else after a child's: the kernel does not tell them apart,
/// so the line names both.
#[test]
fn a_kill_after_the_oom_killer_was_there_is_not_blamed_on_either() {
    let cgroup = Cgroup::with_memory(48 << 20);
    let init = Init::wrapper().launch(&["--cgroup", cgroup.path()]);
    let own = message(init.clone(), &Tree::new().app("hog"), &["run"], |_| {});
    one_line(&own, &["out of memory, or from outside", "the OOM killer has killed 1 process"]);
    let tree = Tree::new().script("run", "\"$PROBE\" hog; exec \"$PROBE\" stubborn");
    let outside = message(init.clone(), &tree, &["run"], |running| {
        running.line("app ready");
        let app = running.ready("app").get("pid");
        running.signal_process(app, &["KILL"]);
    });
    one_line(&outside, &["out of memory, or from outside", "the OOM killer has killed 1 process"]);
    // What it took before this start is not this start's.
    let later = message(init, &Tree::new().app("stubborn"), &["run"], |running| {
        let app = running.ready("app").get("pid");
        running.signal_process(app, &["KILL"]);
    });
    one_line(&later, &["from outside the wrapper, and not by the OOM killer"]);
}

/// A child's end by the OOM killer that ends the app: the log of its code says so.
#[test]
fn a_child_that_the_oom_killer_took_is_told_with_the_code() {
    let cgroup = Cgroup::with_memory(48 << 20);
    let tree = Tree::new().script("run", "\"$PROBE\" hog; exit 1");
    let done =
        Init::wrapper().launch(&["--cgroup", cgroup.path()]).tree(&tree).raw(&["run"]).finish().code(1);
    done.says(&["the app exited with code 1", "the OOM killer has killed 1 process"]);
}

// ---- the log ----

#[test]
fn an_app_that_fails_is_a_warning() {
    let run = |script: &str, yaml: &str| {
        let tree = Tree::new().script("run", script).yaml(yaml);
        Init::wrapper().tree(&tree).raw(&["run"]).finish()
    };
    run("exit 3", "").code(3).says(&["warning", "the app exited with code 3"]);
    run("kill -SEGV $$", "").code(139).says(&["warning", "SIGSEGV"]);
    run("exit 0", "").code(0).quiet();
    run("exit 3", "exit: {map: {3: 0}}\n").code(0).quiet();
    // Whoever typed a command sees its code.
    Init::wrapper().tree(&Tree::new()).raw(&["sh", "-c", "exit 3"]).finish().code(3).quiet();
}

#[test]
fn an_app_that_ends_as_asked_is_no_warning() {
    for app in ["catch --code 0", "catch --code 143", "catch --default TERM"] {
        let tree = Tree::new().app(app);
        let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
        running.ready("app");
        running.signal(&["TERM"]);
        running.finish().quiet();
    }
    let tree = Tree::new().app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.finish().code(3).says(&["warning", "the app exited with code 3"]);
}

/// A server that puts itself into the background ends the container with 0: as the run script and as a command.
#[test]
fn a_daemon_is_warned_about() {
    let tree = Tree::new().app("daemonise");
    let probe = crate::support::tools::programs().probe.as_str();
    for arguments in [&["run"][..], &[probe, "daemonise"], &["exec", "--", probe, "daemonise"]] {
        let done = Init::wrapper().tree(&tree).raw(arguments).finish().code(0);
        done.says(&["left 1 process(es) behind", "foreground"]);
    }
}
