//! The terminal: whoever runs in the container has it in the foreground, and we get it back.
//!
//! Contract: a terminal that was not ours is left alone (a start in the background does not steal it). Started from
//! a shell and not as PID 1, we stop when the app is stopped (^Z) and hand the terminal back when we go on.

use crate::process::Pid;
use crate::sys::signal::SignalNo;
use crate::sys::{mask, tty};

/// The terminal on stdin, if we were in its foreground.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    ours: bool,
    init: bool,
}

impl Terminal {
    /// Looks once, at the start; `init` when we are PID 1.
    pub fn inherited(init: bool) -> Self {
        Self { ours: tty::foreground() == Some(tty::own_group()), init }
    }

    /// Whether there is one to hand to a child.
    pub fn is_ours(self) -> bool {
        self.ours
    }

    /// Whether a stopped app means that we stop too, for the shell that started us.
    pub fn follows_stops(self) -> bool {
        self.ours && !self.init
    }

    /// Lets go of it for a child that starts a session of its own: a terminal controls one session at a time.
    pub fn give_up(self) {
        if self.ours {
            tty::give_up_controlling();
        }
    }

    /// Back from a child that ended.
    pub fn take_back(self) {
        if self.ours {
            // Ours again after a session that had it, which leaves it free; otherwise it fails and changes nothing.
            let _ = tty::take_controlling();
            // It fails when the terminal is gone (a hangup): then there is nothing to take back.
            let _ = tty::set_foreground(tty::own_group());
        }
    }

    /// The app `leader` was stopped: we stop too, and go on with it when the shell says so.
    pub fn follow_stop(self, leader: Pid) {
        self.take_back();
        // Not blockable, so it takes effect before kill returns; the shell's SIGCONT is the next thing we see.
        let _ = mask::kill(std::process::id() as Pid, SignalNo::STOP);
        if tty::foreground() == Some(tty::own_group()) {
            let _ = tty::set_foreground(leader);
        }
        let _ = mask::kill(-leader, SignalNo::CONT);
    }
}
