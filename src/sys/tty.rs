//! The terminal on standard input and its foreground process group.

use super::{Pid, check};
use std::io;

const STDIN: i32 = 0;

/// The foreground process group of the terminal on stdin; none when stdin is no terminal, or not the one that
/// controls our session. 0 is a group outside our PID namespace.
pub fn foreground() -> Option<Pid> {
    // SAFETY: an integer goes in, an integer comes out.
    check(i64::from(unsafe { libc::tcgetpgrp(STDIN) })).ok().map(|pgrp| pgrp as Pid)
}

/// Our own process group; 0 when it was made outside our PID namespace.
pub fn own_group() -> Pid {
    // SAFETY: getpgrp cannot fail.
    unsafe { libc::getpgrp() }
}

/// Makes `group` the foreground of the terminal on stdin. SIGTTOU is blocked or ignored by every caller, so
/// it works from the background too.
pub fn set_foreground(group: Pid) -> io::Result<()> {
    // SAFETY: two integers.
    check(i64::from(unsafe { libc::tcsetpgrp(STDIN, group) })).map(drop)
}

/// Gives up the controlling terminal if we lead the session that has it, so that another session can take it. The
/// kernel sends the foreground group, ours, a SIGHUP and a SIGCONT whose sender is this process.
pub fn give_up_controlling() {
    // SAFETY: an integer goes in, an integer comes out.
    let session = unsafe { libc::getsid(0) };
    if session == std::process::id() as Pid {
        // SAFETY: TIOCNOTTY takes no argument. It fails when there is none to give up.
        unsafe { libc::ioctl(STDIN, libc::TIOCNOTTY) };
    }
}

/// Makes the terminal on stdin, if it is one, the controlling terminal of our (new) session.
pub fn take_controlling() -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes an integer: 0, do not steal it from another session.
    check(i64::from(unsafe { libc::ioctl(STDIN, libc::TIOCSCTTY, 0) })).map(drop)
}
