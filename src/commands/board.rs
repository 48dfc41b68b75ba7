//! Joins the supervisor and the state page: the words of the one, translated into those of the other, and back.

use crate::process::Pid;
use crate::process::exit::Exit;
use crate::status::layout::Mode;
use crate::status::page::Page;
use crate::supervisor::board::{Board, Snapshot};
use crate::supervisor::state::{Answer, Crash, Goal, Phase, Request};
use crate::sys::fork::Report;
use crate::sys::signal::SignalNo;
use std::os::fd::RawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The page as the supervisor sees it.
pub(super) struct PageBoard(Page);

impl PageBoard {
    /// A fresh page. The container starts without one too, and says so.
    pub(super) fn create(mode: Mode) -> Self {
        let (page, missing) = Page::create(mode);
        if let Some(error) = missing {
            tracing::warn!(
                "the state page or its command pipe cannot be made: {error}; status, stop, restart, maintenance and probes \
                 cannot ask this init"
            );
        }
        Self(page)
    }
}

impl Board for PageBoard {
    fn publish(&mut self, state: &Snapshot) {
        self.0.write(encode(state));
    }

    fn count_signal(&mut self, signal: SignalNo) {
        self.0.count_signal(signal);
    }

    fn descriptor(&self) -> Option<RawFd> {
        self.0.descriptor()
    }

    fn next_request(&mut self) -> Option<(u64, Request)> {
        loop {
            let (id, verb) = self.0.next_command()?;
            match REQUESTS.get(verb as usize) {
                Some(request) => return Some((id, *request)),
                // A newer client's: it is told so, by an answer that no request of ours has.
                None => self.0.answer(id, u64::MAX),
            }
        }
    }

    fn answer(&mut self, id: u64, answer: Answer) {
        self.0.answer(id, index_of(&ANSWERS, &answer));
    }

    fn app_report(&self) -> Report {
        self.0.report(0)
    }

    fn script_report(&self) -> Report {
        self.0.report(1)
    }
}

/// Requests by their number in the pipe.
const REQUESTS: [Request; 5] =
    [Request::Ping, Request::Stop, Request::Restart, Request::MaintenanceOn, Request::MaintenanceOff];
/// Answers by their number in the page.
const ANSWERS: [Answer; 8] = [
    Answer::Done,
    Answer::Already,
    Answer::Ending,
    Answer::Unsupported,
    Answer::Maintained,
    Answer::Refused,
    Answer::Building,
    Answer::Denied,
];
/// Goals by their number in the page.
const GOALS: [Goal; 3] = [Goal::Exit, Goal::Maintain, Goal::Restart];
/// Crashes by their number in the page.
const CRASHES: [Option<Crash>; 3] = [None, Some(Crash::App), Some(Crash::Init)];
/// Phases by their number in the page; the index of a script stands above it.
const PHASES: [Phase; 9] = [
    Phase::Init(0),
    Phase::Running,
    Phase::Draining,
    Phase::Stopping,
    Phase::Leftovers,
    Phase::LeftoversKilled,
    Phase::Finish(0),
    Phase::Maintenance,
    Phase::Ended,
];

fn index_of<T: PartialEq>(table: &[T], value: &T) -> u64 {
    table.iter().position(|entry| entry == value).unwrap_or(table.len()) as u64
}

/// The number of a request.
pub(super) fn verb(request: Request) -> u64 {
    index_of(&REQUESTS, &request)
}

/// An answer by its number; none for one that a newer wrapper gave.
pub(super) fn answer(code: u64) -> Option<Answer> {
    ANSWERS.get(code as usize).copied()
}

/// Why maintenance holds, when a failure led into it: `the app exited with code 3 (maintenance.on_crash)`.
pub(super) fn crash(state: &Snapshot) -> Option<String> {
    let crash = state.crash?;
    Some(format!("{} (maintenance.on_crash)", crash.told(state.last_exit)))
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn encode(state: &Snapshot) -> [u64; 12] {
    let (phase, index) = match state.phase {
        Phase::Init(index) => (Phase::Init(0), index),
        Phase::Finish(index) => (Phase::Finish(0), index),
        other => (other, 0),
    };
    [
        (index as u64) << 8 | index_of(&PHASES, &phase),
        index_of(&GOALS, &state.goal),
        state.stop_signal.map_or(0, |signal| signal.get() as u64),
        state.app.map_or(0, |pid| pid as u64),
        millis(state.phase_since),
        state.app_since.map_or(0, millis),
        state.starts,
        match state.last_exit {
            None => 0,
            Some(Exit::Code(code)) => 1 << 8 | u64::from(code),
            Some(Exit::Signal(signal)) => 2 << 8 | signal.get() as u64,
        },
        state.forwarded,
        state.orphans,
        u64::from(state.leaving) | index_of(&CRASHES, &state.crash) << 8,
        state.undelivered,
    ]
}

/// The other side of [`Board::publish`]; a phase that we do not know, from a newer wrapper, is none.
pub(super) fn decode(words: [u64; 12]) -> Option<Snapshot> {
    let index = (words[0] >> 8) as usize;
    let phase = match *PHASES.get(words[0] as usize & 0xff)? {
        Phase::Init(_) => Phase::Init(index),
        Phase::Finish(_) => Phase::Finish(index),
        other => other,
    };
    Some(Snapshot {
        phase,
        goal: *GOALS.get(words[1] as usize)?,
        leaving: words[10] & 1 != 0,
        crash: *CRASHES.get((words[10] >> 8) as usize)?,
        stop_signal: SignalNo::new(words[2] as i32),
        app: (words[3] != 0).then_some(words[3] as Pid),
        phase_since: time(words[4]),
        app_since: (words[5] != 0).then(|| time(words[5])),
        starts: words[6],
        last_exit: match words[7] >> 8 {
            1 => Some(Exit::Code(words[7] as u8)),
            2 => SignalNo::new(i32::from(words[7] as u8)).map(Exit::Signal),
            _ => None,
        },
        forwarded: words[8],
        undelivered: words[11],
        orphans: words[9],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_reads_back() {
        for phase in PHASES.into_iter().chain([Phase::Init(7), Phase::Finish(3)]) {
            let state = Snapshot {
                phase,
                goal: Goal::Maintain,
                leaving: true,
                crash: Some(Crash::Init),
                stop_signal: Some(SignalNo::TERM),
                app: Some(42),
                phase_since: time(1_700_000_000_123),
                app_since: Some(time(1_700_000_000_001)),
                starts: 2,
                last_exit: Some(Exit::Signal(SignalNo::KILL)),
                forwarded: 5,
                undelivered: 6,
                orphans: 10_000,
            };
            let read = decode(encode(&state)).map(|s| format!("{s:?}"));
            assert_eq!(read, Some(format!("{state:?}")));
        }
        assert!(decode([0xff; 12]).is_none(), "an unknown phase is not guessed at");
    }
}
