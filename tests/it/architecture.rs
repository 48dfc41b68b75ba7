//! The aarch64 build, run by QEMU: it starts an app, forwards signals and passes codes on, as a PID 1 too.

use std::path::PathBuf;
use std::process::Command;

use crate::support::tools::{programs, target_directory, tool};
use crate::support::{Init, Place};

const TRIPLE: &str = "aarch64-unknown-linux-musl";

/// Builds the wrapper for aarch64 as it ships, and returns where it is.
fn build() -> PathBuf {
    let target = target_directory();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--bin=wrapper", "--target", TRIPLE, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    let hint = format!("install the target with: rustup target add {TRIPLE}");
    assert!(built.expect("start cargo").success(), "cargo could not build the wrapper for aarch64; {hint}");
    target.join(TRIPLE).join("release/wrapper")
}

#[test]
fn aarch64_works_under_qemu() {
    let (qemu, wrapper) = (tool("qemu-aarch64-static"), build());
    let (wrapper, probe) = (wrapper.to_str().expect("UTF-8"), programs().probe.as_str());
    for place in [Place::Pid1, Place::Subreaper] {
        let start = |arguments: &[&str]| {
            let mut argv = vec![qemu.as_str(), wrapper];
            argv.extend(arguments);
            Init::wrapper().place(place).without(&argv)
        };
        let version = format!("wrapper {}", env!("CARGO_PKG_VERSION"));
        start(&["--version"]).finish().code(0).printed(&[&version]);
        start(&["exec", "--", probe, "exit", "42"]).finish().code(42);
        start(&["exec", "--", probe, "die", "TERM"]).finish().code(143);
        start(&["exec", "--", "no-such-command"]).finish().code(127);
        let mut running = start(&["exec", "--rewrite", "USR1=USR2", "--", probe, "catch", "--code", "7"]);
        running.ready("app");
        running.signal(&["USR1"]);
        running.line("app got 12 ");
        running.signal(&["TERM"]);
        running.finish().code(7);
        start(&["exec", "--", probe, "orphans", "20"]).finish().code(0).printed(&["reaped 20"]);
    }
}
