//! What `test` learns from PID 1: whether there is one, and in which phase it is.

use crate::commands::board;
use crate::process::Pid;
use crate::status::ask::{self, AskError};
use crate::status::find::{self, FindError, Init};
use crate::status::layout::Mode;
use crate::supervisor::board::Snapshot;
use crate::supervisor::state::{self, Goal, Request};
use crate::testing::check::{Check, Origin, Outcome};
use crate::testing::role::Phase;
use std::time::{Duration, SystemTime};

/// What a PID 1 that is alive needs on a busy machine, however little time the command itself has left.
const LEAST_PATIENCE: Duration = Duration::from_millis(80);

/// What is there.
pub(super) enum Seen {
    /// The wrapper that is this container's init.
    Init(Init),
    /// None, and why: `test` is the container's own command, or this is no container of ours.
    Nobody(String),
    /// One that we may not look into, or that is not believed: why.
    Hidden(String),
    /// There is no way to know, for anybody: why.
    Unknown(String),
}

/// Looks. It costs nothing that a probe would notice.
///
/// Errors: the init that `--pid` names cannot be asked.
pub(super) fn look(pid: Option<Pid>) -> Result<Seen, FindError> {
    if let Some(pid) = pid {
        return find::find_pid(pid).map(Seen::Init);
    }
    if std::process::id() == 1 {
        return Ok(Seen::Nobody("wrapper test is this container's own command".into()));
    }
    Ok(match find::find() {
        Ok(init) => Seen::Init(init),
        Err(error @ FindError::None(_)) => Seen::Nobody(error.to_string()),
        Err(error @ (FindError::NoProc | FindError::NoPage { .. })) => Seen::Unknown(error.to_string()),
        Err(error) => Seen::Hidden(error.to_string()),
    })
}

impl Seen {
    /// Whether this is a running container.
    pub(super) fn inside(&self) -> bool {
        !matches!(self, Self::Nobody(_))
    }

    /// The phase and a line that says so; none when there is nobody to say. An error when PID 1 hangs.
    pub(super) fn phase(&self, patience: Duration) -> Result<Option<(Phase, String)>, String> {
        let Self::Init(init) = self else { return Ok(None) };
        // In every phase: a PID 1 that hangs keeps the state that it published last.
        let busy = patience.clamp(LEAST_PATIENCE, ask::BUSY);
        ask::ask_within(init, board::verb(Request::Ping), busy.min(ask::PATIENCE), busy)
            .map_err(|error| error.to_string())?;
        match ask::state(init).and_then(board::decode) {
            Some(state) => Ok(Some(translate(&state))),
            None => Err(AskError::State(init.pid).to_string()),
        }
    }

    /// What people should know about the init that was asked: that there is none, or that it may not be the one meant.
    pub(super) fn remark(&self) -> Option<String> {
        match self {
            Self::Nobody(why) => Some(format!("there is no init to ask, so the tests decide: {why}")),
            Self::Init(init) if ask::mode(init) == Mode::Command => {
                let foreign = init.pid != 1 && find::first_is_foreign();
                let hint =
                    if foreign { "; PID 1 is another container's wrapper: --pid 1 asks it" } else { "" };
                Some(format!("asked PID {}, which runs a command and not the run script{hint}", init.pid))
            }
            Self::Init(init) if init.pid != 1 => Some(format!("asked PID {}", init.pid)),
            Self::Hidden(why) => Some(format!("the phase is unknown: {why}")),
            Self::Unknown(why) => Some(format!("the phase is unknown, so the tests decide: {why}")),
            Self::Init(_) => None,
        }
    }
}

fn translate(state: &Snapshot) -> (Phase, String) {
    let since = || format!("since {}", humantime::format_rfc3339_seconds(state.phase_since));
    match (state.phase, state.goal) {
        (state::Phase::Maintenance, _) => {
            let why = board::crash(state).map(|why| format!(": {why}")).unwrap_or_default();
            (Phase::Maintenance, format!("maintenance {}{why}", since()))
        }
        (state::Phase::Init(_), _) if state.leaving => {
            (Phase::Maintenance, format!("on the way out of maintenance {}", since()))
        }
        (state::Phase::Init(_), _) => {
            (Phase::Init, format!("init.d runs {}, the app is not started yet", since()))
        }
        (state::Phase::Running, _) => (Phase::Running, "the app runs".into()),
        (_, Goal::Maintain) => (Phase::Maintenance, format!("on the way into maintenance {}", since())),
        (_, Goal::Restart) if state.leaving => {
            (Phase::Maintenance, format!("on the way out of maintenance {}", since()))
        }
        (_, Goal::Restart) => (Phase::Stopping, format!("the app is being restarted, stopping {}", since())),
        (_, Goal::Exit) => (Phase::Stopping, format!("the container is stopping {}", since())),
    }
}

/// A verdict that no test made.
pub(super) fn check(suite: &str, outcome: Outcome, why: String) -> Check {
    Check {
        suite: suite.to_owned(),
        file: String::new(),
        title: String::new(),
        outcome,
        message: why,
        started: SystemTime::now(),
        duration: Duration::ZERO,
        origin: Origin::Phase,
    }
}
