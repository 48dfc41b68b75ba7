//! The command line: the first word decides, by hand, before any parser is built.
//!
//! Contract: there are no global options. Reserved words are ours; another option belongs to the run script; anything
//! else is a command that runs verbatim.

mod accounts;
mod board;
mod config;
mod console;
mod environment;
mod exec;
mod help;
mod identity;
mod init;
mod log;
mod memory;
mod privileges;
mod status;
mod steer;
mod test;

use crate::config::{ConfigError, NotFound};
use crate::exit::Failure;
use crate::status::ask::AskError;
use crate::status::find::FindError;
use crate::status::inherit::EnvironmentError;
use crate::status::trust::PipeError;
use crate::sys::entry::Started;
use crate::sys::signal::SignalNo;
use crate::{exit, sys};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// What ends a subcommand early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command line that makes no sense; the text says what to do.
    #[error("{0}")]
    Usage(String),
    /// The same, as a parser says it.
    #[error("{what}")]
    CommandLine {
        /// What is wrong, in one line.
        what: String,
        /// What would be right, over several lines; can be empty.
        below: String,
    },
    /// `WRAPPER_MODE` says what is no mode.
    #[error("WRAPPER_MODE={0}: expected maintenance, or nothing")]
    Mode(String),
    /// A second init in a container that has one.
    #[error(
        "{typed} is what PID 1 of this container does already; a second one is refused. Did you mean: {meant}"
    )]
    SecondInit {
        /// What was typed.
        typed: &'static str,
        /// What was probably meant.
        meant: &'static str,
    },
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// `run.env` or `run.file_env` cannot be applied; or PID 1 says so.
    #[error("{0}")]
    Environment(String),
    /// The environment of the running app cannot be had.
    #[error("{0}")]
    Inherited(#[from] EnvironmentError),
    /// `run.user` or `run.group` names nobody.
    #[error("{0}")]
    Identity(#[from] identity::IdentityError),
    /// There is nothing to run.
    #[error("{0}; put one at /etc/wrapper/run, name one in WRAPPER_RUN, or give a command")]
    NoRunScript(#[from] NotFound),
    /// No init to talk to.
    #[error("{0}")]
    Find(#[from] FindError),
    /// The init did not answer.
    #[error("{0}")]
    Ask(#[from] AskError),
    /// It answered that it cannot.
    #[error("{0}")]
    NotNow(&'static str),
    /// `restart` while maintenance is on.
    #[error("refused: in maintenance there is no app to restart; start it with: wrapper maintenance off")]
    Maintained,
    /// `run.user` can never work here.
    #[error("{0}")]
    Privileges(#[from] privileges::Missing),
    /// It may not signal the app.
    #[error(
        "nothing was done: PID 1 may not signal the app, which runs as another user; add the capability KILL \
         (docker run --cap-add KILL, in a pod securityContext.capabilities.add: [KILL])"
    )]
    Undeliverable,
    /// The supervisor cannot even start.
    #[error("cannot start: {0}{hint}", hint = seccomp_hint(.0))]
    Init(std::io::Error),
}

impl Error {
    /// Its kind, for the exit code.
    fn failure(&self) -> Failure {
        match self {
            Self::Usage(_) | Self::CommandLine { .. } | Self::SecondInit { .. } => Failure::Usage,
            Self::Find(FindError::Denied { .. }) | Self::Inherited(_) | Self::Undeliverable => {
                Failure::Denied
            }
            Self::Ask(AskError::Pipe(_, PipeError::Open(error)))
                if error.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Failure::Denied
            }
            Self::Find(_) => Failure::NoInit,
            Self::Ask(_) | Self::NotNow(_) => Failure::NoAnswer,
            Self::Config(_)
            | Self::Mode(_)
            | Self::Environment(_)
            | Self::Identity(_)
            | Self::Privileges(_) => Failure::Config,
            Self::Maintained => Failure::Refused,
            Self::NoRunScript(_) => Failure::NotFound,
            Self::Init(_) => Failure::Internal,
        }
    }
}

/// What to do about a system call that is forbidden.
fn seccomp_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "; a seccomp profile forbids this system call: allow it, or use the runtime's default profile"
        }
        _ => "",
    }
}

/// The whole program: returns the exit code.
pub fn main(started: &Started) -> i32 {
    exit::on_panic();
    sys::fd::fill_stdio();
    log::init();
    let result = dispatch(started);
    let code = result.unwrap_or_else(|error| {
        match &error {
            Error::CommandLine { below, .. } if !below.is_empty() => tracing::error!(below, "{error}"),
            _ => tracing::error!("{error}"),
        }
        if starts_an_app(started) {
            init::leave_message(&error, started.args.get(1).is_some_and(|word| *word == "exec"));
        }
        exit::code(error.failure())
    });
    i32::from(code)
}

/// Whether the first word makes this process an init with an app.
fn starts_an_app(started: &Started) -> bool {
    match started.args.get(1).map(|word| word.as_bytes()) {
        Some(
            b"status" | b"stop" | b"restart" | b"config" | b"--help" | b"help" | b"--version" | b"test"
            | b"serve",
        ) => false,
        Some(b"maintenance") => started.args.len() == 2,
        _ => true,
    }
}

fn dispatch(started: &Started) -> Result<u8, Error> {
    let args = started.args.get(1..).unwrap_or_default();
    let Some((first, rest)) = args.split_first() else { return init::run(started, &[]) };
    if is_client(first.as_bytes(), rest) {
        end_by_signals(started);
    }
    match first.as_bytes() {
        b"run" => init::run(started, rest),
        b"maintenance" => steer::maintenance(started, rest),
        b"exec" => exec::main(started, rest),
        b"status" => status::main(rest),
        b"stop" => steer::stop(rest),
        b"restart" => steer::restart(rest),
        b"config" => config::main(rest),
        b"--help" | b"help" => help::main(rest),
        b"--version" => Ok(help::version()),
        b"test" => test::main(started, rest),
        b"serve" => Err(Error::Usage(format!(
            "{} is a reserved word and not part of this version; a command of that name runs by: wrapper exec -- {0}",
            first.display()
        ))),
        option if option.starts_with(b"-") => init::run(started, args),
        _ => init::command(started, args),
    }
}

/// Whether these words only ask or print something. Inits and `test` keep all signals blocked and read them.
fn is_client(first: &[u8], rest: &[&OsStr]) -> bool {
    match first {
        b"maintenance" => !rest.is_empty(),
        b"status" | b"stop" | b"restart" | b"config" | b"--help" | b"help" | b"--version" => true,
        _ => false,
    }
}

/// From here on signals do what they do to any program; the one that tells of a reader that went away does nothing.
fn end_by_signals(started: &Started) {
    sys::mask::set_ignored(SignalNo::PIPE, true);
    sys::mask::set_mask(started.mask);
}

/// Whether a word asks for help.
fn wants_help(args: &[&OsStr]) -> bool {
    matches!(args.first().map(|word| word.as_bytes()), Some(b"--help" | b"-h"))
}
