//! The most memory that the processes of one program ever had: they are stopped at each start of another program and
//! right before their end.
//!
//! Contract: the program's own processes are the first one and what it forks; what executes another file is let go
//! and counts no more.

use crate::instance::{Instance, Place};
use crate::procfs;
use crate::subject::Call;
use crate::sys::{self, Pid};
use std::io;

/// Memory in kB.
#[derive(Default)]
pub(crate) struct Peak {
    /// All processes together, a page that they share counted once: the highest sum of Pss at any stop.
    pub(crate) together: f64,
    /// A page that they share counted for each of them: the sum of their own peaks, exactly, by the kernel's `VmHWM`.
    pub(crate) sum: f64,
    /// The highest of those.
    pub(crate) largest: f64,
}

/// Runs `call` to its end and measures it; with the raw status.
pub(crate) fn measure(call: &Call) -> io::Result<(Peak, i32)> {
    let mut first = Instance::prepare(call, Place::Traced, None)?;
    first.go()?;
    let (status, _) = first.finish()?;
    if !libc::WIFSTOPPED(status) {
        return Err(io::Error::other(format!("{:?} did not stop at its exec", call.argv)));
    }
    sys::trace_family(first.pid)?;
    sys::trace_on(first.pid, 0)?;
    let mut family = vec![first.pid];
    let mut peak = Peak::default();
    loop {
        let (pid, status) = sys::wait_any()?;
        if !libc::WIFSTOPPED(status) {
            family.retain(|&member| member != pid);
            if pid == first.pid {
                first.set_reaped();
                return Ok((peak, status));
            }
            continue;
        }
        // The signal that stopped it, and above it the event, if it is one.
        let (signal, event) = ((status >> 8) & 0xff, status >> 16);
        if event == libc::PTRACE_EVENT_EXEC {
            family.retain(|&member| member != pid);
        } else if !family.contains(&pid) {
            family.push(pid);
        }
        if event == libc::PTRACE_EVENT_EXEC || event == libc::PTRACE_EVENT_EXIT {
            peak.together = peak.together.max(together(&family));
        }
        // One that was killed meanwhile has nothing to be told.
        let _ = match event {
            libc::PTRACE_EVENT_EXEC => sys::trace_end(pid),
            libc::PTRACE_EVENT_EXIT => {
                let own = procfs::high_water(pid)?;
                peak.sum += own;
                peak.largest = peak.largest.max(own);
                sys::trace_on(pid, 0)
            }
            // A new tracee begins with a stop that is no signal.
            0 if signal != libc::SIGSTOP => sys::trace_on(pid, signal),
            _ => sys::trace_on(pid, 0),
        };
    }
}

/// One that has just ended has no memory any more.
fn together(family: &[Pid]) -> f64 {
    family.iter().filter_map(|&pid| procfs::memory(pid).ok()).map(|memory| memory.proportional).sum()
}
