//! Counts the system calls of one process, not those of its children, under ptrace.

use crate::instance::{Instance, Place};
use crate::subject::Call;
use crate::sys;
use std::io;

/// The system calls of `call` as PID 1 from after its exec to its exit, that one included.
pub(crate) fn system_calls(call: &Call) -> io::Result<u32> {
    /// `PTRACE_O_TRACESYSGOOD` marks stops at system calls with this bit.
    const SYSCALL_STOP: i32 = libc::SIGTRAP | 0x80;
    let mut init = Instance::prepare(call, Place::Traced, None)?;
    init.go()?;
    let (status, _) = init.finish()?;
    if !libc::WIFSTOPPED(status) {
        return Err(io::Error::other(format!("{:?} did not stop at its exec", call.argv)));
    }
    sys::trace_options(init.pid)?;
    let (mut stops, mut signal) = (0_u32, 0);
    loop {
        sys::trace_to_syscall(init.pid, signal)?;
        let (status, _) = init.finish()?;
        if !libc::WIFSTOPPED(status) {
            // The exit stops at its entry only.
            return Ok(stops.div_ceil(2));
        }
        signal = 0;
        match libc::WSTOPSIG(status) {
            SYSCALL_STOP => stops += 1,
            other => signal = other,
        }
    }
}
