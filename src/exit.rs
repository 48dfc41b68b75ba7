//! Exit codes: the only place that turns an outcome or an error into one.

use crate::commands::Error;
use crate::status::ask::AskError;
use crate::status::find::FindError;

/// A check failed; `maintenance status`: off.
pub const FAILED: u8 = 1;
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
/// Found, and cannot be executed.
pub const CANNOT_EXECUTE: u8 = 126;
/// Not found.
pub const NOT_FOUND: u8 = 127;

/// The exit code of an error.
pub fn code(error: &Error) -> u8 {
    match error {
        Error::Usage(_) | Error::SecondInit { .. } => USAGE,
        Error::Find(FindError::None(_) | FindError::NoProc | FindError::Version(_)) => NO_INIT,
        Error::Find(FindError::Denied { .. }) | Error::Ask(AskError::Pipe(..)) => DENIED,
        Error::Ask(AskError::Silent(_)) | Error::NotNow(_) => NO_ANSWER,
        Error::Config(_) | Error::Environment(_) | Error::Identity(_) => CONFIG,
        Error::NoRunScript(_) => NOT_FOUND,
        Error::Init(_) => INTERNAL,
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
