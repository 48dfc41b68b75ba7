//! What asks the running init for something: `stop`, `restart`, `maintenance on|off|status`.

use super::console::print;
use super::{Error, board, init, wants_help};
use crate::exit;
use crate::status::ask::{self, AskError};
use crate::status::{find, inherit};
use crate::supervisor::state::{Answer, Phase, Request};
use crate::sys::entry::Started;
use std::ffi::OsStr;

pub(super) const STOP_HELP: &str = "\
Stop the container in order, as a stop signal would

Usage: wrapper stop

PID 1 goes through its stop sequence: drain delay, stop script or signal, grace period, finish.d.
It returns as soon as PID 1 has begun.
";

pub(super) const RESTART_HELP: &str = "\
Stop the app in order and start it again, with init.d before it; the container stays

Usage: wrapper restart

It returns as soon as PID 1 has begun. In maintenance, and on the way into it, it is refused (exit 1).
The files of run.file_env are read first; when they cannot be read it is refused (exit 78), and the app goes on.
";

pub(super) const MAINTENANCE_HELP: &str = "\
Keep the container and its volumes without the app

Usage: wrapper maintenance          as the container's command: start without the app
       wrapper maintenance on       stop the app of the running container, keep the container
       wrapper maintenance off      start the app, unless the files of run.file_env cannot be read (exit 78)
       wrapper maintenance status   exit 0 when maintenance is on, 1 when off, 75 when PID 1 does not answer
";

/// `stop`
pub(super) fn stop(args: &[&OsStr]) -> Result<u8, Error> {
    if wants_help(args) {
        print(STOP_HELP);
        return Ok(0);
    }
    no_arguments("stop", args)?;
    match request(Request::Stop)? {
        Answer::Already => print("stopping already\n"),
        Answer::Denied => return Err(Error::Undeliverable),
        _ => print("stopping\n"),
    }
    Ok(0)
}

/// `restart`
pub(super) fn restart(args: &[&OsStr]) -> Result<u8, Error> {
    if wants_help(args) {
        print(RESTART_HELP);
        return Ok(0);
    }
    no_arguments("restart", args)?;
    match request(Request::Restart)? {
        Answer::Ending => Err(Error::NotNow("the container is stopping")),
        Answer::Denied => Err(Error::Undeliverable),
        Answer::Unsupported => Err(Error::Usage(NO_RUN_SCRIPT.into())),
        Answer::Maintained => Err(Error::Maintained),
        Answer::Refused => Err(refused("the app goes on and is not restarted")),
        Answer::Building => Err(Error::NotNow(SLOW)),
        Answer::Done | Answer::Already => {
            print("restarting\n");
            Ok(0)
        }
    }
}

const SLOW: &str =
    "the files of run.file_env are still being read; it is done as soon as they are, or refused in the log";

/// Why PID 1 does not start the app; `stays` says what it does instead.
fn refused(stays: &str) -> Error {
    let reason = find::find().ok().and_then(|init| inherit::refusal(&init));
    let reason = reason.unwrap_or_else(|| "the log of the container says why".into());
    Error::Environment(format!("{stays}: {reason}"))
}

const NO_RUN_SCRIPT: &str = "this container was started with a command of its own, not with the run script: there is \
                             nothing that could be started again";

/// `maintenance`, alone or with a word.
pub(super) fn maintenance(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    match args.first().map(|word| word.to_str().unwrap_or_default()) {
        None => init::maintenance(started),
        Some("--help" | "-h") => {
            print(MAINTENANCE_HELP);
            Ok(0)
        }
        Some("on") => switch(
            Request::MaintenanceOn,
            args,
            "maintenance is on: the app is being stopped\n",
            "on already\n",
        ),
        Some("off") => switch(Request::MaintenanceOff, args, "the app is being started\n", "off already\n"),
        Some("status") => maintenance_status(args),
        Some(other) => {
            Err(Error::Usage(format!("maintenance {other}: expected on, off or status, or nothing")))
        }
    }
}

fn switch(wish: Request, args: &[&OsStr], done: &str, already: &str) -> Result<u8, Error> {
    no_arguments("maintenance on|off", &args[1..])?;
    match request(wish)? {
        Answer::Done => print(done),
        Answer::Already => print(already),
        Answer::Ending => return Err(Error::NotNow("the container is stopping")),
        Answer::Maintained => return Err(Error::NotNow("maintenance was asked for again meanwhile")),
        Answer::Refused => return Err(refused("maintenance holds")),
        Answer::Building => return Err(Error::NotNow(SLOW)),
        Answer::Denied => return Err(Error::Undeliverable),
        Answer::Unsupported => return Err(Error::Usage(NO_RUN_SCRIPT.into())),
    }
    Ok(0)
}

fn maintenance_status(args: &[&OsStr]) -> Result<u8, Error> {
    no_arguments("maintenance status", &args[1..])?;
    let init = find::find()?;
    ask::ask(&init, board::verb(Request::Ping))?;
    let state = ask::state(&init).and_then(board::decode).ok_or(AskError::State(init.pid))?;
    let on = state.phase == Phase::Maintenance;
    print(if on { "maintenance is on\n" } else { "maintenance is off\n" });
    Ok(if on { 0 } else { exit::FAILED })
}

fn request(request: Request) -> Result<Answer, Error> {
    let init = find::find()?;
    let code = ask::ask(&init, board::verb(request))?;
    board::answer(code)
        .ok_or(Error::NotNow("PID 1 is another version of the wrapper and does not know this request"))
}

fn no_arguments(name: &str, args: &[&OsStr]) -> Result<(), Error> {
    match args.first() {
        None => Ok(()),
        Some(extra) => {
            Err(Error::Usage(format!("{name} takes no arguments, found {:?}", extra.display().to_string())))
        }
    }
}
