//! `wait4` without the losses: nix answers EINVAL for a child that a real-time signal killed, after having
//! reaped it. `process::table` is the only caller.

use super::signal::SignalNo;
use super::{Pid, check};
use std::io;

/// What became of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It ended with this code.
    Exited(u8),
    /// This signal killed it.
    Killed(SignalNo),
    /// This signal stopped it; it lives.
    Stopped(SignalNo),
}

/// What one look found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waited {
    /// A child changed; when it ended it is reaped now.
    Child(Pid, Change),
    /// There are children, none of them changed.
    Quiet,
    /// There is no child at all.
    Childless,
}

/// Reaps one child that ended, if there is one; never blocks. With `stopped`, stops count as changes.
pub fn next_child(stopped: bool) -> io::Result<Waited> {
    let flags = libc::WNOHANG | libc::__WALL | if stopped { libc::WUNTRACED } else { 0 };
    let mut status = 0;
    // SAFETY: `status` lives through the call.
    match check(i64::from(unsafe { libc::waitpid(-1, &raw mut status, flags) })) {
        Ok(0) => Ok(Waited::Quiet),
        Ok(pid) => Ok(Waited::Child(pid as Pid, decode(status))),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Waited::Childless),
        Err(error) => Err(error),
    }
}

fn decode(status: i32) -> Change {
    if libc::WIFEXITED(status) {
        Change::Exited(libc::WEXITSTATUS(status) as u8)
    } else if libc::WIFSTOPPED(status) {
        Change::Stopped(SignalNo::new(libc::WSTOPSIG(status)).unwrap_or(SignalNo::STOP))
    } else {
        Change::Killed(SignalNo::new(libc::WTERMSIG(status)).unwrap_or(SignalNo::KILL))
    }
}
