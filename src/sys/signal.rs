//! Signal numbers, masks and dispositions as the kernel sees them: 1 to 64, all of them.
//!
//! musl hides 32 to 34 from `sigfillset` and `sigaction`, and nix has no real-time signals, so masks are a
//! `u64` and the calls are raw. Numbers are the kernel's; `SIGRTMIN` is 34 as in glibc, bash and `kill -l`.

use std::fmt;
use std::str::FromStr;

/// The first real-time signal in the spelling that people use (glibc's; musl's own is 35).
const RTMIN: i32 = 34;
/// The last signal of all.
const MAX: i32 = 64;

/// A signal number that the kernel knows, 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalNo(i32);

impl SignalNo {
    /// `SIGHUP`
    pub const HUP: Self = Self(libc::SIGHUP);
    /// `SIGINT`
    pub const INT: Self = Self(libc::SIGINT);
    /// `SIGQUIT`
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// `SIGKILL`
    pub const KILL: Self = Self(libc::SIGKILL);
    /// `SIGPIPE`
    pub const PIPE: Self = Self(libc::SIGPIPE);
    /// `SIGTERM`
    pub const TERM: Self = Self(libc::SIGTERM);
    /// `SIGCHLD`
    pub const CHLD: Self = Self(libc::SIGCHLD);
    /// `SIGCONT`
    pub const CONT: Self = Self(libc::SIGCONT);
    /// `SIGSTOP`
    pub const STOP: Self = Self(libc::SIGSTOP);
    /// `SIGTSTP`
    pub const TSTP: Self = Self(libc::SIGTSTP);
    /// `SIGTTIN`
    pub const TTIN: Self = Self(libc::SIGTTIN);
    /// `SIGTTOU`
    pub const TTOU: Self = Self(libc::SIGTTOU);
    /// `SIGXCPU`
    pub const XCPU: Self = Self(libc::SIGXCPU);
    /// `SIGXFSZ`
    pub const XFSZ: Self = Self(libc::SIGXFSZ);
    /// `SIGWINCH`
    pub const WINCH: Self = Self(libc::SIGWINCH);

    /// The signal with this number; none outside 1 to 64.
    pub const fn new(number: i32) -> Option<Self> {
        if number >= 1 && number <= MAX { Some(Self(number)) } else { None }
    }

    /// The kernel's number.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// All 64, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=MAX).map(Self)
    }

    /// Whether a process can block, catch or forward it: all but `SIGKILL` and `SIGSTOP`.
    pub const fn can_be_caught(self) -> bool {
        self.0 != libc::SIGKILL && self.0 != libc::SIGSTOP
    }
}

impl fmt::Display for SignalNo {
    /// `SIGTERM`, `SIGRTMIN+3`, `SIG32`: what `FromStr` reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None if self.0 == RTMIN => f.write_str("SIGRTMIN"),
            None if self.0 > RTMIN => write!(f, "SIGRTMIN+{}", self.0 - RTMIN),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

impl fmt::Debug for SignalNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a signal: use a name (SIGTERM, TERM, SIGRTMIN+3, SIGRTMAX-1) or a number from 1 to 64")]
pub struct BadSignal(pub String);

impl FromStr for SignalNo {
    type Err = BadSignal;

    /// Any case, with or without `SIG`; `RTMIN+n`, `RTMAX-n`; a number.
    fn from_str(text: &str) -> Result<Self, BadSignal> {
        let bad = || BadSignal(text.to_owned());
        let upper = text.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let offset = |rest: &str, sign: char| -> Option<i32> {
            match rest.strip_prefix(sign) {
                Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
                None if rest.is_empty() => Some(0),
                _ => None,
            }
        };
        let number = if let Some(rest) = name.strip_prefix("RTMIN") {
            offset(rest, '+').map(|n| RTMIN.saturating_add(n)).filter(|n| *n >= RTMIN)
        } else if let Some(rest) = name.strip_prefix("RTMAX") {
            offset(rest, '-').map(|n| MAX.saturating_sub(n)).filter(|n| *n >= RTMIN)
        } else if name.bytes().all(|b| b.is_ascii_digit()) {
            name.parse().ok()
        } else {
            (1..RTMIN)
                .find(|n| signal_hook::low_level::signal_name(*n).is_some_and(|known| &known[3..] == name))
        };
        number.and_then(Self::new).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_survives_its_own_name() {
        for signal in SignalNo::all() {
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
    }

    #[test]
    fn people_write_signals_in_many_ways() {
        for (text, number) in
            [("term", 15), ("SIGTERM", 15), ("15", 15), ("RTMIN+3", 37), ("SIGRTMAX-1", 63), ("SIGRTMAX", 64)]
        {
            assert_eq!(text.parse(), Ok(SignalNo(number)), "{text}");
        }
        for text in
            ["", "SIG", "0", "65", "TERMINATE", "RTMIN-1", "RTMIN+31", "RTMAX-31", "-15", "99999999999"]
        {
            assert!(text.parse::<SignalNo>().is_err(), "{text}");
        }
    }
}
