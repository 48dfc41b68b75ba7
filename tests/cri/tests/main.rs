//! Probes through a real CRI: what the kubelet does to a container, without a kubelet.
//!
//! Contract: starts a containerd of its own, runs each case in a pod of its own with the image of `examples/postgres`, as the
//! restricted Pod Security Standard wants it, and leaves nothing behind on the machine. Needs root, Debian's containerd and
//! runc, and a Docker engine that holds the image (`./test.sh cri` builds it). `POSTGRES_IMAGE` names another one.
#![expect(clippy::disallowed_methods, reason = "the tests' processes are not the wrapper's children")]

mod cases;
mod containerd;
mod images;
mod pod;
mod processes;
mod specification;

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use k8s_cri::v1::NamespaceMode;
use libtest_mimic::{Arguments, Trial};

/// No single step takes longer on a machine that works.
const DEADLINE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // All pods are on one network, and the server on its usual port.
    arguments.test_threads = Some(1);
    let containerd = (!arguments.list).then(|| Arc::new(containerd::Containerd::start()));
    let mut trials = Vec::new();
    for (place, pids) in [("own_pids", NamespaceMode::Container), ("shared_pids", NamespaceMode::Pod)] {
        for (name, case) in cases::ALL {
            let containerd = containerd.clone();
            trials.push(Trial::test(format!("{place}::{name}"), move || {
                let containerd = containerd.expect("a containerd to test with");
                case(&pod::Pod::start(&containerd, &format!("{place}-{name}"), pids, &cases::TESTS));
                Ok(())
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(containerd);
    conclusion.exit_code()
}

/// Runs a command to its end and returns what it printed; it has to succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
