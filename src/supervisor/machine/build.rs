//! When the environment of the app is built: before each start of it, and before a running app is stopped for one.
//!
//! Contract: a start that somebody asked for is refused, with everything left as it is, when its environment cannot be
//! built. While it is being built everything else goes on, and whatever leads elsewhere meanwhile ends the build.

use super::super::state::{Action, Actions, Answer, Goal, Note, Phase, Request};
use super::Machine;
use crate::process::exit::Exit;
use std::time::{Duration, Instant};

/// How long who asked for a start waits to hear whether it can be: less than a client's patience.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the files may take.
const LATE: Duration = Duration::from_secs(10);
/// The exit code when they took longer: a configuration error.
const REFUSED: u8 = 78;

/// A build under way.
#[derive(Clone, Debug)]
pub(super) struct Build {
    purpose: Purpose,
    /// When who asked is told that it takes longer; none when nobody waits.
    patience: Option<Instant>,
    /// When it is too late.
    end: Instant,
}

/// What it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// The start that comes next.
    Start,
    /// What was asked for.
    Ask(Request),
    /// People who work in a container that started in maintenance.
    Maintenance,
}

impl Machine {
    /// For the start that comes next.
    pub(super) fn build_to_start(&mut self, now: Instant, todo: &mut Actions) {
        self.build(Purpose::Start, None, now, todo);
    }

    /// For whoever works in maintenance before anything was started.
    pub(super) fn build_to_maintain(&mut self, now: Instant, todo: &mut Actions) {
        self.build(Purpose::Maintenance, None, now, todo);
    }

    /// For a request, which is answered when the result is there, or when it takes long.
    pub(super) fn build_on_request(&mut self, request: Request, now: Instant, todo: &mut Actions) {
        let patience = Some(now + PATIENCE);
        match &mut self.building {
            Some(Build { purpose: Purpose::Ask(_), patience: None, .. }) => {
                return todo.push(Action::Answer(Answer::Building));
            }
            Some(Build { purpose: Purpose::Start, .. }) => return todo.push(Action::Answer(Answer::Done)),
            _ => todo.push(Action::Hold),
        }
        match &mut self.building {
            Some(building) => {
                building.purpose = Purpose::Ask(request);
                building.patience = building.patience.or(patience);
            }
            None => self.build(Purpose::Ask(request), patience, now, todo),
        }
    }

    fn build(&mut self, purpose: Purpose, patience: Option<Instant>, now: Instant, todo: &mut Actions) {
        self.building = Some(Build { purpose, patience, end: now + LATE });
        todo.push(Action::Build);
    }

    /// When [`Self::build_tick`] has something to do.
    pub(super) fn build_deadline(&self) -> Option<Instant> {
        let building = self.building.as_ref()?;
        Some(building.patience.map_or(building.end, |patience| patience.min(building.end)))
    }

    /// Looks at the time.
    pub(super) fn build_tick(&mut self, now: Instant, todo: &mut Actions) {
        let Some(building) = &mut self.building else { return };
        if building.patience.is_some_and(|end| end <= now) {
            building.patience = None;
            todo.push(Action::AnswerHeld(Answer::Building));
        }
        if building.end <= now {
            todo.push(Action::BuildIsLate);
            self.built(Err(REFUSED), now, todo);
        }
    }

    /// The result is there: an error's exit code when there is none.
    pub(super) fn built(&mut self, result: Result<(), u8>, now: Instant, todo: &mut Actions) {
        let Some(building) = self.building.take() else { return };
        match (building.purpose, result) {
            (Purpose::Start, Ok(())) => self.init(0, now, todo),
            (Purpose::Start, Err(code)) => {
                todo.push(Action::Tell(Note::NotBuilt(code)));
                self.ended(Exit::Code(code), now, todo);
            }
            (Purpose::Maintenance, Ok(())) => todo.push(Action::Adopt),
            (Purpose::Maintenance, Err(_)) => todo.push(Action::Tell(Note::Incomplete)),
            (Purpose::Ask(request), Ok(())) => {
                let answer = self.granted(request, now, todo);
                todo.push(Action::AnswerHeld(answer));
            }
            (Purpose::Ask(request), Err(_)) => {
                todo.push(Action::Tell(Note::Refused(request)));
                todo.push(Action::AnswerHeld(Answer::Refused));
            }
        }
    }

    /// Does what was asked for, with the environment for it at hand.
    fn granted(&mut self, request: Request, now: Instant, todo: &mut Actions) -> Answer {
        let off = request == Request::MaintenanceOff;
        if self.phase == Phase::Maintenance && !off {
            // It was on the way there.
            return Answer::Maintained;
        }
        self.prepared = true;
        self.leaving |= off;
        if self.phase == Phase::Maintenance {
            todo.push(Action::Tell(Note::MaintenanceOver));
            self.begin(now, todo);
            return Answer::Done;
        }
        self.lead_to(Goal::Restart, now, todo)
    }

    /// Something else comes first, which leads to `goal`. Whether a start was waiting for the build.
    pub(super) fn cancel_build(&mut self, goal: Goal, todo: &mut Actions) -> bool {
        let Some(building) = self.building.take() else { return false };
        todo.push(Action::CancelBuild);
        if matches!(building.purpose, Purpose::Ask(_)) {
            let ending = goal == Goal::Exit;
            todo.push(Action::AnswerHeld(if ending { Answer::Ending } else { Answer::Maintained }));
        }
        building.purpose == Purpose::Start
    }
}
