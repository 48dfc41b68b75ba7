//! How a process ended, and the code that shells and runtimes make of it.

use crate::sys::signal::SignalNo;
use std::fmt;

/// The end of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It returned this code.
    Code(u8),
    /// This signal killed it.
    Signal(SignalNo),
}

impl Exit {
    /// The code itself, or 128+n for signal n.
    pub const fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal.get() as u8,
        }
    }

    /// Whether it returned 0.
    pub const fn success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    /// `exited with code 3`, `was killed by SIGKILL`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was killed by {signal}"),
        }
    }
}
