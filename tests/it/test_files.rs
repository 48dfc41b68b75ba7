//! What may stand in a suite's folder: nothing there hangs us, is run by mistake, or is passed over in silence.

use crate::support::suite::{outcomes, test, test_by, verdicts};
use crate::support::tools::tool;
use crate::support::{Init, Place, Tree, User};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[track_caller]
fn found(tree: &Tree, code: i32) -> Vec<(String, String)> {
    outcomes(&test(tree, &["image", "--format", "json"]).code(code))
}

fn passes(name: &str) -> (String, String) {
    (format!("image/{name}"), "pass".to_owned())
}

#[test]
fn a_script_without_its_mode_runs_by_its_first_line() {
    let tree = Tree::new()
        .file("tests/image/10-plain.sh", 0o644, "test \"${0##*/}\" = 10-plain.sh\n")
        .file("tests/image/20-bash.sh", 0o644, "#!/usr/bin/env bash\n[[ -n $BASH_VERSION ]]\n")
        .file("tests/image/30-flags.sh", 0o644, "#! /bin/sh -e\nfalse\nexit 0\n");
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let outcome: Vec<_> = verdicts(&done).into_iter().map(|check| check.outcome).collect();
    assert_eq!(outcome, ["pass", "pass", "fail"], "{done}");
}

#[test]
fn a_strange_interpreter_is_named() {
    for mode in [0o644, 0o755] {
        let tree = Tree::new().file("tests/image/10-odd.sh", mode, "#!/opt/no/such -x\nexit 0\n").file(
            "tests/image/20-dos.sh",
            mode,
            "#!/bin/sh\r\nexit 0\r\n",
        );
        let done = test(&tree, &["image", "--format", "json"]).code(78);
        let checks = verdicts(&done);
        assert!(checks[0].outcome == "error" && checks[0].message.contains("/opt/no/such"), "{done}");
        assert!(checks[1].outcome == "error" && checks[1].message.contains("CR LF"), "{done}");
    }
}

#[test]
fn data_is_passed_over_whatever_its_mode() {
    let tree = Tree::new()
        .file("tests/image/10-good.sh", 0o755, "#!/bin/sh\n")
        .file("tests/image/fixture.json", 0o755, "{}")
        .file("tests/image/20-app.vars.yaml", 0o755, "a: 1\n")
        .file("tests/image/helper.bash", 0o755, "false\n")
        .file("tests/image/plain.bash", 0o644, "false\n")
        .file("tests/image/data.yaml", 0o644, "server:\n  port: 80\n")
        .file("tests/image/file.yaml", 0o644, "file: a string\n")
        .file("tests/image/vars.yaml", 0o644, "user:\n  name: x\n")
        .file("tests/image/data.json", 0o644, "{\"file\": [1]}")
        .file("tests/image/.hidden.sh", 0o755, "exit 1\n")
        .file("tests/image/10-good.sh~", 0o755, "exit 1\n")
        .file("tests/image/folder/inside.json", 0o755, "{}");
    assert_eq!(found(&tree, 0), [passes("10-good.sh")]);
}

#[test]
fn what_looks_like_a_test_and_would_not_run_is_told() {
    let tree = Tree::new().file("tests/image/10-forgot", 0o644, "#!/bin/sh\nexit 0\n").file(
        "tests/image/README",
        0o644,
        "words\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(78);
    assert!(verdicts(&done)[0].message.contains("chmod +x"), "{done}");
    assert!(done.stdout.join("").contains("image/README is not run"), "{done}");
}

#[test]
fn a_test_that_cannot_test_anything_is_an_error() {
    for (name, mode, text, why) in [
        ("10-helper.bash", 0o644, "#!/bin/bash\nfalse\n", "chmod +x"),
        ("10-empty.sh", 0o755, "", "it is empty"),
        ("10-empty", 0o755, "", "it is empty"),
    ] {
        let tree = Tree::new().file(&format!("tests/image/{name}"), mode, text);
        let done = test(&tree, &["image", "--format", "json"]).code(78);
        assert!(verdicts(&done)[0].message.contains(why), "{done}");
    }
    for name in ["10-a.sh", "10-a.bats", "10-a.goss.yaml", "10-a"] {
        let mode = if name == "10-a" { 0o711 } else { 0o600 };
        let tree = Tree::new().file(&format!("tests/image/{name}"), mode, "#!/bin/sh\nexit 0\n");
        let init = Init::wrapper().place(Place::Subreaper).user(User::random());
        let done = test_by(init, &tree, &["image", "--format", "json"]).code(78);
        assert!(verdicts(&done)[0].message.contains("may not read it"), "{done}");
    }
}

#[test]
fn a_test_in_a_wrong_place_is_told() {
    let cases = [
        ("tests/10-a.sh", "tests/10-a.sh is not run: a test belongs into the folder of its suite"),
        ("tests/goss.yaml", "tests/goss.yaml is not run"),
        (
            "tests/image/more/deep/10-a.bats",
            "image/more/10-a.bats is not run: a suite has no folders; move it to tests/image",
        ),
        ("tests/readiness/10-a.sh", "tests/readiness is no probe: call the suite ready"),
        ("tests/livenessProbe/10-a.sh", "tests/livenessProbe is no probe: call the suite live"),
        ("tests/startup-probe/10-a.sh", "tests/startup-probe is no probe: call the suite startup"),
    ];
    for (path, said) in cases {
        let tree =
            Tree::new().script("tests/image/10-good.sh", "exit 0").file(path, 0o755, "#!/bin/sh\nexit 1\n");
        let done = test(&tree, &["image"]).code(0);
        assert!(done.stdout.join("\n").contains(said), "{said}\n{done}");
        let done = test(&tree, &["image", "--require"]).code(1);
        assert!(done.stdout.join("\n").contains(said), "{said}\n{done}");
    }
    // Whoever says that it is none means it; data is none of these.
    let tree = Tree::new()
        .script("tests/image/10-good.sh", "exit 0")
        .script("tests/liveness/10-a.sh", "exit 1")
        .file("tests/README.md", 0o644, "words")
        .file("tests/image/data/..data/10-a.sh", 0o755, "exit 1")
        .yaml("test: {suites: {liveness: {probe: none}}}\n");
    let done = test(&tree, &["image", "--require"]).code(0);
    assert!(!done.stdout.join("\n").contains("note:"), "{done}");
}

#[test]
fn a_gossfile_of_another_name_is_told() {
    for (name, text) in [
        ("50-web.yaml", "# web\nport:\n  tcp:80:\n    listening: true\nfile: {/x: {exists: true}}\n"),
        ("50-web.yml", "{{ range .Vars.ports }}\nport:\n  tcp:80: {listening: true}\n{{ end }}\n"),
        ("50-web.json", "{\"file\": {\"/\": {\"exists\": true}}}"),
    ] {
        let tree = Tree::new().script("tests/image/10-good.sh", "exit 0").file(
            &format!("tests/image/{name}"),
            0o755,
            text,
        );
        let done = test(&tree, &["image"]).code(0);
        let said = format!("image/{name} is not run: a goss file is called NAME.goss.yaml");
        assert!(done.stdout.join("\n").contains(&said), "{done}");
    }
}

#[test]
fn what_is_nearly_named_as_a_test_is_told() {
    let tree = Tree::new().file("tests/image/10_goss.yaml", 0o644, "file: {/: {exists: true}}\n").file(
        "tests/image/20-check.bash",
        0o755,
        "#!/bin/bash\nexit 1\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    assert!(
        done.stdout.join("").contains("10_goss.yaml is not run: a goss file is called NAME.goss.yaml"),
        "{done}"
    );
    assert_eq!(verdicts(&done)[0].name, "image/20-check.bash");
}

#[test]
fn a_program_of_any_name_is_a_test() {
    let tree = Tree::new().file("tests/image/10-check", 0o755, "#!/bin/sh\nexit 0\n").file(
        "tests/image/20-check.py",
        0o755,
        "exit 7\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    assert_eq!(verdicts(&done)[0].outcome, "pass", "{done}");
    assert!(verdicts(&done)[1].message.contains("code 7"), "without #! it runs by sh\n{done}");
}

/// As Kubernetes mounts a `ConfigMap`: every name a link into `..data`, which is a link to a directory.
#[test]
fn a_config_map_mount() {
    let tree = Tree::new()
        .file("tests/image/..2026_11_24/10-check.sh", 0o644, "exit 0\n")
        .file("tests/image/..2026_11_24/vars.yaml", 0o644, "a: 1\n")
        .link("tests/image/..data", "..2026_11_24")
        .link("tests/image/10-check.sh", "..data/10-check.sh")
        .link("tests/image/vars.yaml", "..data/vars.yaml");
    assert_eq!(found(&tree, 0), [passes("10-check.sh")]);
}

#[test]
fn a_link_to_dev_null_masks() {
    let tree = Tree::new().link("tests/image/10-inherited.sh", "/dev/null").file(
        "tests/image/20-own.sh",
        0o755,
        "#!/bin/sh\n",
    );
    assert_eq!(found(&tree, 0), [passes("20-own.sh")]);
}

#[test]
fn links_that_lead_nowhere_are_errors() {
    let tree =
        Tree::new().link("tests/image/10-loop.sh", "10-loop.sh").link("tests/image/20-gone.sh", "/no/such");
    let done = test(&tree, &["image", "--format", "json"]).code(78);
    let checks = verdicts(&done);
    assert!(checks[0].message.contains("loop of links"), "{done}");
    assert!(checks[1].message.contains("leads nowhere"), "{done}");
}

#[test]
fn a_named_pipe_is_not_opened() {
    let tree = Tree::new().file("tests/image/10-good.sh", 0o755, "#!/bin/sh\n");
    for name in ["20-pipe.sh", "30-pipe.goss.yaml", "40-pipe"] {
        let path = tree.path(&format!("tests/image/{name}"));
        crate::support::running::run(&[tool("mkfifo"), path]).code(0);
    }
    let done = test(&tree, &["image", "--format", "json"]).code(0);
    assert_eq!(outcomes(&done), [passes("10-good.sh")]);
    assert!(done.stdout.join("").contains("20-pipe.sh is not run: a named pipe"), "{done}");
}

#[test]
fn a_folder_that_may_not_be_read() {
    let tree = Tree::new().file("tests/image/10-a.sh", 0o755, "#!/bin/sh\n").file(
        "tests/live/10-a.sh",
        0o000,
        "exit 0\n",
    );
    let folder = tree.path("tests/image");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("chmod");
    let init = || Init::wrapper().place(Place::Subreaper).user(User::random());
    test_by(init(), &tree, &["image"]).code(78).printed(&[]).says(&[&folder, "readable"]);
    let done = test_by(init(), &tree, &["live", "--format", "json"]);
    assert_ne!(done.status.code(), Some(0), "a file that may not be read is no pass\n{done}");
}

#[test]
fn names_of_any_kind() {
    let tree = Tree::new()
        .file("tests/image/10 with space.sh", 0o755, "#!/bin/sh\n")
        .file("tests/image/20-new\nline.sh", 0o755, "#!/bin/sh\n")
        .file("tests/image/30-quote'\"$.sh", 0o755, "#!/bin/sh\n")
        .file("tests/image/-rf.sh", 0o755, "#!/bin/sh\n")
        .file("tests/image/-x.bats", 0o644, "@test \"x\" { true; }\n");
    let names: Vec<String> = found(&tree, 0).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "image/-rf.sh",
            "image/-x.bats",
            "image/10 with space.sh",
            "image/20-new\\nline.sh",
            "image/30-quote'\"$.sh"
        ]
    );
}

#[test]
fn binary_output_and_invalid_text_are_escaped() {
    let tree = Tree::new().script("tests/image/10-raw.sh", "printf 'a\\033[31m\\000\\377b\\n'; exit 1").file(
        "tests/image/20-raw.bats",
        0o644,
        "@test \"odd \u{1b}[1m\" { printf '\\377\\n'; false; }\n",
    );
    for format in ["probe", "documentation", "rspecish", "tap", "json", "junit", "nagios"] {
        let done = test(&tree, &["image", "--format", format]);
        let text = done.stdout.join("\n");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{format}\n{done}");
        assert!(!text.contains('\u{fffd}'), "{format}\n{done}");
    }
    let done = test(&tree, &["image", "--format", "json"]);
    assert!(verdicts(&done)[0].message.contains("a\\x1b[31m\\x00\\xffb"), "{done}");
}

#[test]
fn a_flood_of_output_is_cut_and_says_so() {
    let tree = Tree::new().yaml("test: {timeout: 10m}\n").script(
        "tests/image/10-flood.sh",
        "head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo end; exit 1",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let message = verdicts(&done)[0].message.clone();
    assert!(
        message.contains("the end of 1.0 GB of output") && message.trim_end().ends_with("end"),
        "{message}"
    );
    assert!(message.len() < 4096, "{}", message.len());
}

#[test]
fn ten_thousand_files() {
    let tree = Tree::new().file("tests/image/00000.txt", 0o644, "");
    let folder = tree.path("tests/image");
    for n in 0..10_000 {
        fs::write(format!("{folder}/{n:05}.sh"), if n == 7777 { "exit 1\n" } else { "exit 0\n" })
            .expect("write");
    }
    let done = test(&tree, &["image", "--format", "nagios", "--jobs", "8"]).code(2);
    assert!(done.stdout[0].contains("Count: 10000, Failed: 1, Skipped: 0"), "{done}");
}
