//! The types of single values, where the standard library has none that rules out what makes no sense.

use std::time::Duration;

use crate::sys::signal::SignalNo;

/// The name of an environment variable: not empty, no `=`, no NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VarName(String);

impl VarName {
    /// None when it cannot be the name of a variable.
    pub fn new(name: &str) -> Option<Self> {
        (!name.is_empty() && !name.contains(['=', '\0'])).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file mode creation mask, 0 to 0o777.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Umask(u32);

impl Umask {
    /// None above 0o777.
    pub const fn new(bits: u32) -> Option<Self> {
        if bits <= 0o777 { Some(Self(bits)) } else { None }
    }

    /// The bits, as `umask(2)` takes them.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// A duration that is not zero: a deadline or an interval that makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NonZeroDuration(Duration);

impl NonZeroDuration {
    /// None for zero.
    pub const fn new(duration: Duration) -> Option<Self> {
        if duration.is_zero() { None } else { Some(Self(duration)) }
    }

    /// For defaults: at least a second.
    pub(super) const fn from_secs(seconds: u64) -> Self {
        assert!(seconds > 0);
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// What a rewritten signal becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// Nothing: it is dropped.
    Drop,
    /// Another signal.
    To(SignalNo),
}

/// Who receives a forwarded signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// The app's first process.
    Pid,
    /// Its process group.
    #[default]
    Group,
    /// Every process of the tree.
    All,
}

/// What the app leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Session {
    /// A process group in the wrapper's session.
    #[default]
    Pgrp,
    /// A session of its own.
    Setsid,
}

/// Who runs goss files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The built-in one when it supports all that a file uses, else the installed `goss`.
    #[default]
    Auto,
    /// The built-in one.
    Builtin,
    /// The installed `goss`.
    Goss,
}

/// The probe that a suite stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The startup probe.
    Startup,
    /// The liveness probe.
    Live,
    /// The readiness probe.
    Ready,
    /// No probe.
    None,
}
