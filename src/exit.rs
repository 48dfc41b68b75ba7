//! Exit codes: the only place that turns an outcome or an error into one.

/// A check failed; `maintenance status`: off; refused in maintenance.
pub const FAILED: u8 = 1;
/// A check failed, in Nagios' own codes.
pub const NAGIOS_CRITICAL: u8 = 2;
/// It could not be looked, in Nagios' own codes.
pub const NAGIOS_UNKNOWN: u8 = 3;
/// The command line cannot be understood, or asks for what must not be done.
pub const USAGE: u8 = 2;
/// There is no wrapper that could be asked.
pub const NO_INIT: u8 = 69;
/// A bug, or a machine that has nothing left to give.
pub const INTERNAL: u8 = 70;
/// PID 1 did not answer in time.
pub const NO_ANSWER: u8 = 75;
/// PID 1 may not be asked by this user.
pub const DENIED: u8 = 77;
/// The configuration, or a test file, is wrong.
pub const CONFIG: u8 = 78;
/// Not found.
pub const NOT_FOUND: u8 = 127;

/// The kinds of errors that exit codes tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The command line makes no sense.
    Usage,
    /// Refused in the state that the container is in.
    Refused,
    /// No wrapper to ask.
    NoInit,
    /// It does not answer, or cannot do it now.
    NoAnswer,
    /// It may not be asked.
    Denied,
    /// The configuration is wrong.
    Config,
    /// There is nothing to run.
    NotFound,
    /// Not even a start is possible.
    Internal,
}

/// The exit code of an error.
pub const fn code(failure: Failure) -> u8 {
    match failure {
        Failure::Usage => USAGE,
        Failure::Refused => FAILED,
        Failure::NoInit => NO_INIT,
        Failure::NoAnswer => NO_ANSWER,
        Failure::Denied => DENIED,
        Failure::Config => CONFIG,
        Failure::NotFound => NOT_FOUND,
        Failure::Internal => INTERNAL,
    }
}

/// Makes a panic end the process with [`INTERNAL`] and a line that says it is a bug, instead of the signal that an
/// abort would be.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub fn on_panic() {
    std::panic::set_hook(Box::new(|info| {
        let line = format!("wrapper: internal error (a bug, please report it): {info}\n");
        crate::sys::fd::write_nowait(2, line.as_bytes());
        std::process::exit(i32::from(INTERNAL));
    }));
}
