//! The one place where PID 1 waits: signals, commands and a deadline in one poll.
//!
//! Contract: no timer ticks. With no deadline the wait has no end, and after `SETTLE` without an event the
//! pages of code and constants that only the busy wrapper needs are given back to the kernel, once.

use crate::sys::cold;
use crate::sys::fd::{BATCH, SignalFd, SignalInfo, poll_readable};
use crate::sys::mask::SigSet;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::{Duration, Instant};

/// How long nothing must happen before we settle down for a long wait.
const SETTLE: Duration = Duration::from_millis(100);

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ready {
    /// There are signals to read.
    pub signals: bool,
    /// The extra descriptor is readable.
    pub commands: bool,
}

impl Ready {
    /// Whether nothing is.
    pub fn nothing(self) -> bool {
        self == Self::default()
    }
}

impl From<io::Result<[bool; 2]>> for Ready {
    /// With all signals blocked only a debugger interrupts a poll; whatever failed, reading signals cannot block.
    fn from(polled: io::Result<[bool; 2]>) -> Self {
        let [signals, commands] = polled.unwrap_or([true, false]);
        Self { signals, commands }
    }
}

/// The poll loop's descriptors.
#[derive(Debug)]
pub struct Reactor {
    signals: SignalFd,
    commands: Option<RawFd>,
}

impl Reactor {
    /// For every signal, all of them being blocked, and for `commands`, a descriptor that stays open.
    pub fn new(commands: Option<RawFd>) -> io::Result<Self> {
        Ok(Self { signals: SignalFd::new(SigSet::ALL)?, commands })
    }

    /// Waits until something is ready, `deadline`, or `SETTLE` without either: a quiet moment, which is nothing ready
    /// before the deadline. Then [`Reactor::rest`].
    pub fn wait(&self, deadline: Option<Instant>) -> Ready {
        let settle = left(deadline).map_or(SETTLE, |left| left.min(SETTLE));
        Ready::from(poll_readable(self.descriptors(), Some(settle)))
    }

    /// Waits until something is ready or `deadline`, however long, with the cold pages given back.
    pub fn rest(&self, deadline: Option<Instant>) -> Ready {
        Ready::from(cold::rest(self.descriptors(), left(deadline)))
    }

    /// A negative descriptor is passed over by the kernel.
    fn descriptors(&self) -> [RawFd; 2] {
        [self.signals.as_raw_fd(), self.commands.unwrap_or(-1)]
    }

    /// Takes pending signals; returns how many.
    pub fn take_signals(&self, into: &mut [Option<SignalInfo>; BATCH]) -> usize {
        self.signals.read(into)
    }
}

fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|at| at.saturating_duration_since(Instant::now()))
}
