//! Starts processes inside a container as its runtime does: children of a process outside, so that the harness
//! holds the pid of each of them.

use std::fs::File;
use std::io;
use std::process::{Child, Command};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// The namespaces of a container. They stay open after its end; a start then fails.
pub(super) struct Door {
    processes: File,
    mounts: File,
}

impl Door {
    pub(super) fn of(init: i32) -> Self {
        let open =
            |name: &str| File::open(format!("/proc/{init}/ns/{name}")).expect("a namespace of the init");
        Self { processes: open("pid"), mounts: open("mnt") }
    }

    pub(super) fn start(&self, mut command: Command) -> io::Result<Child> {
        // A thread of its own: it cannot come back from these namespaces.
        let enter_and_start = || {
            unshare(CloneFlags::CLONE_FS)?;
            setns(&self.mounts, CloneFlags::CLONE_NEWNS)?;
            setns(&self.processes, CloneFlags::CLONE_NEWPID)?;
            command.spawn()
        };
        thread::scope(|scope| scope.spawn(enter_and_start).join().expect("the thread that starts a process"))
    }
}
