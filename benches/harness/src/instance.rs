//! One running init program, started as PID 1 or as a plain child.
//!
//! Contract: nothing of an instance outlives its value: dropping it kills the init and, as PID 1, all below it.

use crate::subject::Call;
use crate::sys::{self, Image, Pid, SharedStamp};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a helper may take to say that it runs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Instance {
    pub(crate) pid: Pid,
    stamp: SharedStamp,
    /// Keeps the mount namespace alive: taking it down is slow and no part of what is measured.
    _namespace: File,
    gate: UnixStream,
    reaped: bool,
}

/// How an init is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// As PID 1 of a new pid namespace with its own /proc.
    Pid1,
    /// As a child like any other.
    Child,
    /// As PID 1, under ptrace.
    Traced,
}

impl Instance {
    /// Prepares `call` up to the point where only the exec is missing. `keep` is inherited by the program.
    pub(crate) fn prepare(call: &Call, place: Place, keep: Option<&OwnedFd>) -> io::Result<Self> {
        let (ours, theirs) = sys::socket_pair()?;
        let stamp = SharedStamp::new()?;
        let image = Image {
            argv: &call.argv,
            envp: &call.envp,
            pid1: place != Place::Child,
            gate: theirs.as_raw_fd(),
            keep: keep.map(AsRawFd::as_raw_fd),
            traced: place == Place::Traced,
            stamp: &stamp,
        };
        let pid = sys::spawn(&image)?;
        drop(theirs);
        let mut gate = UnixStream::from(ours);
        gate.read_exact(&mut [0]).map_err(|_| {
            io::Error::other("a new pid namespace with its own /proc is refused here: run as root, privileged in a container")
        })?;
        let namespace = File::open(format!("/proc/{pid}/ns/mnt"))?;
        Ok(Self { pid, stamp, _namespace: namespace, gate, reaped: false })
    }

    /// Lets the prepared process exec.
    pub(crate) fn go(&mut self) -> io::Result<()> {
        self.gate.write_all(b"R")
    }

    /// Waits for the end and returns the raw status and the nanoseconds since the exec.
    pub(crate) fn finish(&mut self) -> io::Result<(i32, u64)> {
        self.finish_with_cpu().map(|(status, time, _)| (status, time))
    }

    /// The same, with the nanoseconds of processor time of it and of all that it reaped.
    pub(crate) fn finish_with_cpu(&mut self) -> io::Result<(i32, u64, u64)> {
        let (status, cpu) = sys::wait_with_cpu(self.pid)?;
        let end = sys::now_ns();
        if !libc::WIFSTOPPED(status) {
            self.reaped = true;
        }
        Ok((status, end.saturating_sub(self.stamp.get()), cpu))
    }

    /// Says that somebody else waited for its end.
    pub(crate) fn set_reaped(&mut self) {
        self.reaped = true;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.reaped {
            // Errors mean that it is gone already, which is what we want.
            let _ = sys::kill(self.pid, libc::SIGKILL);
            let _ = sys::wait(self.pid);
        }
    }
}

/// An instance whose child is one of our helpers, connected to us.
pub(crate) struct WithHelper {
    pub(crate) init: Instance,
    pub(crate) helper: UnixStream,
}

impl WithHelper {
    /// Starts the call that `make` builds from the helper's descriptor number, and waits until the helper says that
    /// it runs.
    pub(crate) fn start(make: impl FnOnce(&str) -> io::Result<Call>) -> io::Result<Self> {
        let (helper, theirs) = sys::socket_pair()?;
        let call = make(&theirs.as_raw_fd().to_string())?;
        let mut init = Instance::prepare(&call, Place::Pid1, Some(&theirs))?;
        drop(theirs);
        init.go()?;
        let mut helper = UnixStream::from(helper);
        helper.set_read_timeout(Some(PATIENCE))?;
        helper.read_exact(&mut [0]).map_err(|error| {
            io::Error::other(format!("the program under {:?} did not start: {error}", call.argv))
        })?;
        Ok(Self { init, helper })
    }
}
