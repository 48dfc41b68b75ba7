//! Bad input: one clear line that says what, where and what to do; the documented code; nothing half done.

use crate::support::{Init, Tree, User, matrix};

/// The wrapper refuses with this code; one line on stderr says all of this; nothing was started.
fn refused(init: Init, arguments: &[&str], code: i32, parts: &[&str]) {
    let done = init.raw(arguments).finish().code(code).says(parts);
    assert_eq!(done.stderr.len(), 1, "one line\n{done}");
    assert!(!done.stdout.iter().any(|line| !line.starts_with("outer")), "nothing may run\n{done}");
}

/// An image whose app and init script print something when they run.
fn image() -> Tree {
    Tree::new().script("init.d/10-a", "echo init").script("run", "echo app")
}

#[test]
fn a_broken_configuration_is_78_with_file_line_and_key() {
    let cases: &[(&str, &[&str])] = &[
        ("stop:\n  grace: [1s\n", &["wrapper.yaml:"]),
        ("stop:\n  grce: 1s\n", &["wrapper.yaml:2:", "stop.grce", "stop.grace"]),
        ("stop:\n  grace: [1s]\n", &["wrapper.yaml:2:", "stop.grace", "duration"]),
        ("stop:\n  grace: 25\n", &["wrapper.yaml:2:", "stop.grace", "25", "30s"]),
        (
            "signals:\n  rewrite: {SIGTREM: SIGINT}\n",
            &["wrapper.yaml:2:", "signals.rewrite", "SIGTREM", "SIGTERM"],
        ),
        ("signals:\n  target: children\n", &["wrapper.yaml:2:", "signals.target", "children", "group"]),
        ("exit: {map: {300: 0}}\n", &["wrapper.yaml:1:", "exit.map", "300"]),
        ("run: {umask: '999'}\n", &["wrapper.yaml:1:", "run.umask", "999"]),
        ("run:\n  args: []\nrun:\n  args: []\n", &["wrapper.yaml:3:", "run", "twice"]),
    ];
    for (yaml, parts) in cases {
        let tree = image().yaml(yaml);
        for arguments in [&["run"][..], &[], &["-x"], &["echo", "app"]] {
            refused(Init::wrapper().tree(&tree), arguments, 78, parts);
        }
    }
}

/// Under a mebibyte, and still more than could be read: refused before it is.
#[test]
fn a_configuration_over_its_budget_is_78_with_its_place() {
    let keys = (0..60_000).map(|n| format!("    K{n}: v\n")).collect::<Vec<_>>().concat();
    let cases = [
        ("[".repeat(20_000), "64 deep"),
        (format!("run:\n  env:\n{keys}"), "10000 keys"),
        (format!("run:\n  args: [&a {}{}]\n", "x".repeat(100_000), ", *a".repeat(1_000)), "1048576 bytes"),
        (format!("run:\n  args: [&a x{}]\n", ", *a".repeat(40_000)), "10000 keys"),
        ("run:\n  workdir: !!python/object:os.system /\n".to_owned(), "tag"),
        ("run:\n  args: !foo [a]\n".to_owned(), "tag"),
    ];
    for (yaml, part) in &cases {
        refused(Init::wrapper().tree(&image().yaml(yaml)), &["run"], 78, &["wrapper.yaml:", part]);
    }
    for (value, part) in [("[".repeat(20_000), "64 deep"), ("!foo [a]".to_owned(), "tag")] {
        let init = Init::wrapper().tree(&image()).env("WRAPPER_RUN_ARGS", &value);
        refused(init, &["run"], 78, &["WRAPPER_RUN_ARGS", part]);
    }
}

#[test]
fn a_broken_configuration_is_78_in_every_place() {
    matrix(|init| {
        let tree = image().yaml("stop: {grce: 1s}\n");
        refused(init.tree(&tree), &["run"], 78, &["stop.grce"]);
    });
}

#[test]
fn a_broken_variable_is_78_and_named() {
    let tree = image();
    let cases = [("WRAPPER_STOP_GRACE", "soon", "30s"), ("WRAPPER_STOP_SIGNALS", "[SIGTREM]", "SIGTERM")];
    for (name, value, hint) in cases {
        refused(Init::wrapper().tree(&tree).env(name, value), &["run"], 78, &[name, hint]);
    }
}

#[test]
fn an_unknown_variable_is_only_a_warning() {
    let tree = Tree::new().script("run", "echo app");
    let init = Init::wrapper().tree(&tree).env("WRAPPER_STOP_GRASE", "1s");
    init.raw(&["run"]).finish().code(0).printed(&["app"]).says(&["WRAPPER_STOP_GRASE", "WRAPPER_STOP_GRACE"]);
}

#[test]
fn an_unreadable_configuration_is_78() {
    let tree = image().file("wrapper.yaml", 0o000, "");
    refused(
        Init::wrapper().user(User::random()).tree(&tree),
        &["run"],
        78,
        &["wrapper.yaml", "cannot be read"],
    );
}

#[test]
fn an_unknown_user_or_group_is_78() {
    for key in ["user", "group"] {
        let tree = image().yaml(&format!("run: {{{key}: nobody-has-this-name}}\n"));
        refused(Init::wrapper().tree(&tree), &["run"], 78, &[&format!("run.{key}"), "nobody-has-this-name"]);
    }
}

/// The kernel takes -1 as "leave it as it is": the app would be root.
#[test]
fn an_id_that_cannot_be_one_is_78() {
    for key in ["user", "group"] {
        for id in ["4294967295", "4294967296"] {
            let tree = image().yaml(&format!("run: {{{key}: {id}}}\n"));
            refused(Init::wrapper().tree(&tree), &["run"], 78, &[&format!("run.{key}"), id]);
        }
    }
    let tree = image().yaml("run: {user: 'root:root'}\n");
    refused(Init::wrapper().tree(&tree), &["run"], 78, &["root:root", "run.group"]);
}

#[test]
fn file_env_errors_are_78() {
    let tree = image().yaml("run: {file_env: [TOKEN]}\n").file("secret", 0o644, "x\n");
    let missing = Init::wrapper().tree(&tree).env("TOKEN_FILE", "/no/such/secret");
    refused(missing, &["run"], 78, &["TOKEN_FILE", "/no/such/secret"]);
    let both = Init::wrapper().tree(&tree).env("TOKEN", "y").env("TOKEN_FILE", &tree.path("secret"));
    refused(both, &["run"], 78, &["TOKEN", "TOKEN_FILE"]);
}

#[test]
fn no_run_script_is_127_and_names_each_place() {
    let tree = Tree::new();
    refused(Init::wrapper().tree(&tree), &["run"], 127, &[&tree.path("run"), "WRAPPER_RUN"]);
    refused(Init::wrapper(), &[], 127, &["/etc/wrapper/run", "/usr/lib/wrapper/run"]);
    let named = Init::wrapper().tree(&tree).env("WRAPPER_RUN", "/no/such/run");
    refused(named, &["run"], 127, &["/no/such/run"]);
}

#[test]
fn a_run_script_that_cannot_run_is_126() {
    let cases: [(u32, &[u8], &str); 4] = [
        (0o644, b"#!/bin/sh\n", "chmod +x"),
        (0o755, b"#!/bin/sh\r\necho app\r\n", "CR LF"),
        (0o755, b"#!/no/such/shell\n", "/no/such/shell"),
        (0o755, b"", "empty"),
    ];
    for (mode, content, hint) in cases {
        let tree = Tree::new().file("run", mode, content);
        refused(Init::wrapper().tree(&tree), &["run"], 126, &[&tree.path("run"), hint]);
    }
}

#[test]
fn an_init_script_that_fails_stops_the_start_with_its_code() {
    matrix(|init| {
        let tree = Tree::new()
            .script("init.d/10-a", "exit 7")
            .script("init.d/20-b", "echo b")
            .script("run", "echo app");
        refused(init.tree(&tree), &["run"], 7, &["init.d/10-a", "7"]);
    });
}

#[test]
fn an_init_script_that_cannot_run_stops_the_start() {
    let tree = Tree::new().file("init.d/10-a", 0o644, "#!/bin/sh\n").script("run", "echo app");
    let done =
        Init::wrapper().tree(&tree).raw(&["run"]).finish().code(126).says(&["init.d/10-a", "chmod +x"]);
    assert!(!done.has("app"), "{done}");
}

#[test]
fn an_init_script_that_hangs_ends_with_the_grace_period() {
    let tree = Tree::new()
        .yaml("stop: {grace: 200ms}\n")
        .script("init.d/10-hangs", "exec \"$PROBE\" stubborn")
        .script("run", "echo app");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["TERM"]);
    let done = running.finish().code(137).says(&["grace"]);
    assert!(!done.stdout.iter().any(|line| line == "app"), "{done}");
}

#[test]
fn usage_errors_are_2() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["exec"], &["COMMAND"]),
        (&["exec", "--no-such-option", "true"], &["--no-such-option"]),
        (&["exec", "--grace"], &["--grace"]),
        (&["maintenance", "onn"], &["onn", "on"]),
        (&["status", "--xml"], &["--xml"]),
        (&["help", "me"], &["me"]),
    ];
    for (arguments, parts) in cases {
        let done = Init::wrapper().place(crate::support::Place::Subreaper).raw(arguments).finish().code(2);
        let text = done.stderr.join("\n");
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}\n{done}");
    }
}

/// No text from outside makes a line of its own, nor anything that a terminal obeys.
#[test]
fn what_is_quoted_stays_on_its_line() {
    const FAKE: &str = "a\nERROR fake\u{1b}[2J\u{202e}";
    let lines = |done: &crate::support::process::Finished| {
        let all = done.stderr.iter().chain(&done.stdout);
        let bad = |line: &&String| line.contains(['\u{1b}', '\u{202e}']) || line.starts_with("ERROR");
        assert_eq!(all.clone().find(bad), None, "{done}");
        assert!(all.clone().any(|line| line.contains("\\nERROR fake\\")), "{done}");
    };
    let outside = || Init::wrapper().place(crate::support::Place::Subreaper);
    for name in ["WRAPPER_MODE", "WRAPPER_LOG", "WRAPPER_LOG_FORMAT", "WRAPPER_STOP_GRACE"] {
        lines(&Init::wrapper().tree(&image()).env(name, FAKE).raw(&["run"]).finish());
    }
    for arguments in [
        &["help", FAKE][..],
        &["status", FAKE],
        &["exec", &format!("--{FAKE}"), "true"],
        &["exec", "--grace", FAKE, "true"],
        &["exec", "--", FAKE],
        &["maintenance", FAKE],
        &["test", "--format", FAKE],
        &["test", FAKE],
        &["config", "check", FAKE],
        &[FAKE],
    ] {
        lines(&outside().raw(arguments).finish());
    }
    // The name of a file, in an error, in a warning, and beside a value.
    let odd = format!("wrapper.d/{FAKE}");
    lines(&outside().tree(&image().file(&odd, 0o644, "")).raw(&["config", "check"]).finish());
    let good = image().file(&format!("{odd}.yaml"), 0o644, "stop: {grace: 1s}\n");
    lines(&outside().tree(&good).raw(&["config"]).finish());
    let bad = image().file(&format!("{odd}.yaml"), 0o644, "stop: {grce: 1s}\n");
    lines(&outside().tree(&bad).raw(&["config", "check"]).finish());
    lines(&Init::wrapper().tree(&image().script(&format!("init.d/{FAKE}"), "exit 3")).raw(&["run"]).finish());
}

/// What a parser says over several lines stays readable.
#[test]
fn usage_stands_below_its_error() {
    let outside = || Init::wrapper().place(crate::support::Place::Subreaper);
    let done = outside().raw(&["status", "--jsn"]).finish().code(2);
    assert!(done.stderr[0].ends_with("wrapper status: unexpected argument '--jsn' found"), "{done}");
    assert!(done.stderr.iter().any(|line| line.starts_with("Usage: ")), "{done}");
}

#[test]
fn bad_values_of_options_are_78_and_name_the_option() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--grace", "soon"], &["--grace", "soon", "30s"]),
        (&["--rewrite", "TREM=INT"], &["--rewrite", "TREM"]),
        (&["--target", "children"], &["--target", "children", "group"]),
        (&["--exit-map", "x"], &["--exit-map"]),
        (&["--user", "nobody-has-this-name"], &["nobody-has-this-name"]),
        (&["--user", "4294967295"], &["4294967295", "--user", "4294967294"]),
        (&["--user", "4294967296"], &["4294967296", "--user"]),
        (&["--group", "4294967295"], &["4294967295", "--group"]),
        (&["--user", "root:root"], &["root:root", "--group"]),
    ];
    for (options, parts) in cases {
        let mut arguments = vec!["exec"];
        arguments.extend(*options);
        arguments.extend(["--", "echo", "app"]);
        refused(Init::wrapper(), &arguments, 78, parts);
    }
}

#[test]
fn a_missing_working_directory_is_126() {
    let done =
        Init::wrapper().raw(&["exec", "--workdir", "/no/such/place", "echo", "app"]).finish().code(126);
    done.says(&["/no/such/place"]).printed(&[]);
}
