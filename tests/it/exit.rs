//! How the init ends: the app's code or signal, and what a command that cannot be started gives.

use std::fs;

use crate::support::tools::programs;
use crate::support::{Init, Tree, User, matrix, portable, proc};

portable! {
    every: [exit_codes_0_to_255, fatal_signals_are_128_plus_n, stopped_main_is_not_an_exit,
        missing_command_is_127, file_without_x_is_126, directory_is_126],
    once: [],
}

fn exit_codes_0_to_255(init: Init) {
    init.sweep("exits", 1);
}

fn fatal_signals_are_128_plus_n(init: Init) {
    init.sweep("signals", 1);
}

fn stopped_main_is_not_an_exit(init: Init) {
    let mut running = init.app(&["stop", "9"]);
    let app = running.ready("app").get("pid");
    let app = running.host_pid(app);
    proc::until("the app's stop", || proc::state(app) == Some('T'));
    running.signal(&["CONT"]);
    running.line("app goes on");
    running.finish().code(9);
}

fn missing_command_is_127(init: Init) {
    init.start(&["no-such-command"]).finish().code(127).says(&["no-such-command"]);
}

fn file_without_x_is_126(init: Init) {
    let tree = Tree::new().file("tool", 0o644, "#!/bin/sh\n");
    init.start(&[&tree.path("tool")]).finish().code(126).says(&["tool"]);
}

fn directory_is_126(init: Init) {
    init.start(&["/usr/lib"]).finish().code(126).says(&["/usr/lib"]);
}

// ---- what only the wrapper has ----

#[test]
fn exit_map_changes_codes_and_signals() {
    matrix(|init| {
        let mapped = init.flag("--exit-map").flag("143=0").flag("--exit-map").flag("3=44");
        mapped.clone().app(&["exit", "3"]).finish().code(44);
        mapped.clone().app(&["die", "TERM"]).finish().code(0);
        mapped.app(&["exit", "4"]).finish().code(4);
    });
}

/// A command that cannot be started: its code, and what the one line on stderr says.
fn cannot_start(tree: &Tree, name: &str, code: i32, parts: &[&str]) {
    let path = tree.path(name);
    for user in [User::Root, User::random()] {
        let done = Init::wrapper().user(user).start(&[&path]).finish().code(code).says(parts).says(&[name]);
        assert_eq!(done.stderr.len(), 1, "one line\n{done}");
        assert!(done.stdout.is_empty(), "{done}");
    }
}

#[test]
fn mode_644_is_126_and_says_chmod() {
    cannot_start(
        &Tree::new().file("tool", 0o644, "#!/bin/sh\n"),
        "tool",
        126,
        &["not executable", "chmod +x"],
    );
}

#[test]
fn a_directory_is_126_and_says_so() {
    cannot_start(&Tree::new().file("tool/x", 0o755, ""), "tool", 126, &["a directory"]);
}

#[test]
fn a_noexec_mount_is_126_and_says_so() {
    let tree = Tree::new().script("tool", "exit 0");
    let init = Init::wrapper().launch(&["--noexec", &tree.path("")]);
    init.start(&[&tree.path("tool")]).finish().code(126).says(&["noexec", "tool"]);
}

#[test]
fn crlf_is_126_and_says_so() {
    cannot_start(&Tree::new().file("tool", 0o755, "#!/bin/sh\r\nexit 0\r\n"), "tool", 126, &["CR LF"]);
}

/// `env` starts here, and fails to find `sh\r`: the code is the app's own, the reason is told all the same.
#[test]
fn crlf_behind_env_is_told_too() {
    let tree = Tree::new().file("tool", 0o755, "#!/usr/bin/env sh\r\nexit 0\r\n");
    Init::wrapper().start(&[&tree.path("tool")]).finish().code(127).says(&["CR LF", "tool"]);
}

#[test]
fn a_missing_interpreter_is_126_and_named() {
    cannot_start(&Tree::new().file("tool", 0o755, "#!/no/such/ruby -w\n"), "tool", 126, &["/no/such/ruby"]);
}

#[test]
fn no_shebang_runs_by_sh_with_a_warning() {
    let tree = Tree::new().file("tool", 0o755, "echo \"$0 $1\"\nexit 5\n");
    let tool = tree.path("tool");
    let done = Init::wrapper().start(&[&tool, "one"]).finish().code(5).says(&["no #! line", &tool]);
    done.printed(&[&format!("{tool} one")]);
}

#[test]
fn an_empty_file_is_126_and_says_so() {
    cannot_start(&Tree::new().file("tool", 0o755, ""), "tool", 126, &["empty"]);
}

#[test]
fn a_file_in_place_of_a_directory_is_127_and_says_which() {
    cannot_start(&Tree::new().file("dir", 0o755, ""), "dir/tool", 127, &["dir is not a directory"]);
}

#[test]
fn a_loop_of_links_is_126_and_says_so() {
    cannot_start(&Tree::new().link("a", "b").link("b", "a"), "a", 126, &["loop"]);
}

#[test]
fn a_dangling_link_is_127_and_says_where_it_leads() {
    cannot_start(&Tree::new().link("tool", "/no/such/tool"), "tool", 127, &["/no/such/tool"]);
}

/// The kernel takes a quarter of the stack limit: enough for what the wrapper gets, too little with what it adds.
#[test]
fn too_much_environment_is_126_and_says_so() {
    let long = "x".repeat(100_000);
    let tree = Tree::new().yaml(&format!("run: {{env: {{C: {long}}}}}\n"));
    let init =
        Init::wrapper().launch(&["--limit", "3", "1048576"]).env("A", &long).env("B", &long).tree(&tree);
    init.raw(&["true"]).finish().code(126).says(&["true", "arguments and environment"]);
}

#[test]
fn another_architecture_is_126_and_named() {
    // Itanium: what else is foreign may run by way of binfmt_misc and QEMU.
    let mut elf = fs::read(&programs().probe).expect("read the probe");
    elf[18..20].copy_from_slice(&50u16.to_le_bytes());
    let tree = Tree::new().file("tool", 0o755, elf);
    cannot_start(&tree, "tool", 126, &["machine type 50", "x86_64"]);
}

#[test]
fn a_missing_loader_is_126_and_named() {
    let mut elf = fs::read("/bin/true").expect("read a dynamic program");
    let loader = b"/lib64/ld-linux-x86-64.so.2";
    let at = elf.windows(loader.len()).position(|part| part == loader).expect("a dynamic program");
    elf[at..at + 5].copy_from_slice(b"/lost");
    cannot_start(&Tree::new().file("tool", 0o755, elf), "tool", 126, &["/lost4/ld-linux"]);
}

#[test]
fn a_damaged_program_is_126() {
    cannot_start(&Tree::new().file("tool", 0o755, [0x7f, b'E', b'L', b'F', 0, 1, 2]), "tool", 126, &["tool"]);
}
