//! What the front knows of each file, and what it says of those that no worker finished.

use super::check::{Check, Origin, Outcome};
use super::limit::Limit;
use super::plan::{File, Kind};
use super::worker::Message;
use crate::sys::signal::SignalNo;
use std::time::{Duration, SystemTime};

/// What messages may take together, in bytes; beyond it they are cut to their first line.
const MESSAGES: usize = 512 << 10;

/// The files that one worker had, by its own words.
#[derive(Clone, Copy, Default)]
pub(super) struct Hand {
    /// The file in its hand.
    now: Option<usize>,
    /// The last one that it had.
    last: Option<usize>,
}

/// What is known of one file.
#[derive(Default)]
pub(super) struct Told {
    pub(super) checks: Vec<Check>,
    /// A worker has or had it.
    begun: bool,
    pub(super) done: bool,
    /// Why its worker ended with it in hand.
    pub(super) lost: Option<Lost>,
    /// For how long it was in hand when the round ended, or its worker did.
    pub(super) had: Option<Duration>,
    /// Its worker's pipe held what no worker says.
    disturbed: bool,
}

/// What became of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lost {
    /// It was killed, or ended.
    Killed,
    /// It did not keep the file's time, and we killed it: it was stopped, say.
    Hung,
}

/// Why a round ended before all files were done.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// The signal that ended the command.
    pub(super) signal: Option<SignalNo>,
    /// The limit, when it is over.
    pub(super) over: Option<Limit>,
    /// Why no more workers could be had.
    pub(super) refused: Option<String>,
    /// A failure ended it, as was asked for.
    pub(super) fail_fast: bool,
    /// KILL was sent to what was left, and not all of it has ended yet.
    pub(super) unkilled: bool,
}

/// All files of a round.
pub(super) struct Ledger {
    files: Vec<Told>,
    budget: usize,
}

impl Ledger {
    pub(super) fn new(count: usize) -> Self {
        Self { files: (0..count).map(|_| Told::default()).collect(), budget: MESSAGES }
    }

    pub(super) fn file(&mut self, index: usize) -> Option<&mut Told> {
        self.files.get_mut(index)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Told> {
        self.files.iter()
    }

    /// Takes in a message of the worker with this `hand`. Returns why it could not begin, when it says so. What a worker says of
    /// a file that is not in its hand comes from somewhere else: it says nothing of that file, and the one in the hand fails.
    pub(super) fn hear(&mut self, message: Option<Message>, hand: &mut Hand) -> Option<String> {
        match message {
            Some(Message::Begin(index)) if hand.now.is_none() && index < self.files.len() => {
                *hand = Hand { now: Some(index), last: Some(index) };
                // Two workers never have the same file: one of them did not say that itself.
                let file = &mut self.files[index];
                file.disturbed |= std::mem::replace(&mut file.begun, true);
                None
            }
            Some(Message::Check(index, mut check)) if hand.now == Some(index) => {
                if check.message.len() > self.budget {
                    check.message.truncate(check.reason().len());
                }
                self.budget = self.budget.saturating_sub(check.message.len());
                if let Some(file) = self.files.get_mut(index) {
                    // Most files make one; a vector's own first growth is for four.
                    if file.checks.is_empty() {
                        file.checks.reserve_exact(1);
                    }
                    file.checks.push(*check);
                }
                None
            }
            Some(Message::Done(index)) if hand.now == Some(index) => {
                hand.now = None;
                if let Some(file) = self.files.get_mut(index) {
                    file.done = true;
                }
                None
            }
            Some(Message::Broken(why)) => Some(why),
            _ => {
                if let Some(file) = hand.last.and_then(|index| self.files.get_mut(index)) {
                    file.disturbed = true;
                }
                None
            }
        }
    }

    /// Every check, in the order of the files, and one for each file that has none of its own.
    pub(super) fn checks(self, files: &[File], ending: &Ending) -> Vec<Check> {
        let mut checks = Vec::with_capacity(self.files.iter().map(|told| told.checks.len().max(1)).sum());
        for (file, told) in files.iter().zip(self.files) {
            let verdict = told.missing(file, ending);
            let had = told.had.unwrap_or_default();
            checks.extend(told.checks);
            checks.extend(verdict.map(|(outcome, message)| Check {
                suite: file.suite.clone(),
                file: file.name.clone(),
                title: String::new(),
                outcome,
                message,
                started: SystemTime::now().checked_sub(had).unwrap_or(SystemTime::UNIX_EPOCH),
                duration: had,
                origin: Origin::File,
            }));
        }
        checks
    }
}

impl Told {
    /// What is to be said of the file beside its checks; none when they say it all.
    fn missing(&self, file: &File, ending: &Ending) -> Option<(Outcome, String)> {
        // A shell file has one check; the time was over between telling it and saying so.
        let told = self.done || file.kind == Kind::Shell && !self.checks.is_empty();
        // Of a worker that died with the file in its hand nothing is believed: somebody else may have said it.
        let complete = told && self.lost.is_none();
        let unkilled = if ending.unkilled { ", and KILL has not ended it yet" } else { "" };
        Some(match (self.lost, ending) {
            _ if self.disturbed => (
                Outcome::Fail,
                "what its worker told was disturbed: does the test write to others' pipes?".into(),
            ),
            _ if complete && !self.checks.is_empty() => return None,
            _ if complete => (Outcome::Fail, "its worker told nothing about it".into()),
            (Some(Lost::Killed), _) => (
                Outcome::Fail,
                "its worker was killed: out of memory, or by a test that kills more than its own processes"
                    .into(),
            ),
            (Some(Lost::Hung), _) => (
                Outcome::Timeout,
                "timed out: its worker did not keep the time, was it stopped by the test?".into(),
            ),
            (None, Ending { signal: Some(signal), .. }) => match self.had {
                Some(_) => (Outcome::Timeout, format!("cut short by {signal}{unkilled}")),
                None => (Outcome::Skip, format!("not run: cut short by {signal}")),
            },
            (None, Ending { over: Some(limit), .. }) => match self.had {
                Some(_) => (Outcome::Timeout, format!("timed out after {limit}{unkilled}")),
                None => (Outcome::Timeout, format!("not run: timed out after {limit} before its turn")),
            },
            (None, Ending { refused: Some(why), .. }) => (Outcome::Fail, format!("not run: {why}")),
            (None, Ending { fail_fast: true, .. }) => {
                (Outcome::Skip, "not run: an earlier test failed (--fail-fast)".into())
            }
            _ => (Outcome::Fail, "not run: no worker was left for it".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(index: usize, outcome: Outcome, message: &str) -> Message {
        let check = Check {
            suite: "image".into(),
            file: format!("{index}.sh"),
            title: String::new(),
            outcome,
            message: message.into(),
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            origin: Origin::File,
        };
        Message::Check(index, Box::new(check))
    }

    #[test]
    fn messages_together_have_a_budget() {
        let mut ledger = Ledger::new(1);
        let mut hand = Hand::default();
        ledger.hear(Some(Message::Begin(0)), &mut hand);
        let message = format!("the reason\n{}", "x".repeat(MESSAGES / 4));
        for _ in 0..100 {
            ledger.hear(Some(check(0, Outcome::Fail, &message)), &mut hand);
        }
        let lengths: Vec<usize> = ledger.files[0].checks.iter().map(|check| check.message.len()).collect();
        assert_eq!(lengths.len(), 100);
        assert!(lengths.iter().sum::<usize>() <= MESSAGES + 100 * "the reason".len());
        assert_eq!(lengths[0], message.len(), "the first are whole");
        assert_eq!(ledger.files[0].checks[99].message, "the reason");
    }

    #[test]
    fn only_the_file_in_the_hand_is_spoken_of() {
        let mut ledger = Ledger::new(3);
        let (mut one, mut two) = (Hand::default(), Hand::default());
        ledger.hear(Some(Message::Begin(0)), &mut one);
        ledger.hear(Some(Message::Begin(1)), &mut two);
        ledger.hear(Some(check(1, Outcome::Pass, "")), &mut one);
        ledger.hear(Some(Message::Done(1)), &mut one);
        assert!(ledger.files[1].checks.is_empty() && !ledger.files[1].done && !ledger.files[1].disturbed);
        assert!(ledger.files[0].disturbed, "it came through this file's worker");
        ledger.hear(Some(Message::Done(0)), &mut one);
        ledger.hear(Some(Message::Begin(1)), &mut one);
        assert!(ledger.files[1].disturbed, "two workers cannot have the same file");
        ledger.hear(Some(Message::Begin(7)), &mut one);
        ledger.hear(None, &mut two);
        assert!(!ledger.files[2].disturbed);
    }
}
