//! The front: has workers run the files, takes in what they tell, and keeps to its time whatever they do.
//!
//! Contract: `run` returns within `LATE` after its limit. It never starts a test itself. Every file gets at least one check:
//! one that no worker told about says why not. Checks come back in the order of the files, whoever was first.

use super::check::{Check, Origin, Outcome};
use super::plan::File;
use super::runner::Common;
use super::worker::{self, Job, Message, Shared};
use crate::process::Pid;
use crate::process::command::Attributes;
use crate::process::diagnose;
use crate::process::table::{Event, Table};
use crate::sys::fd::{self, BATCH, Polled, SignalFd};
use crate::sys::fork::{self, Side};
use crate::sys::mask::{self, SigSet};
use crate::sys::signal::SignalNo;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

/// How long after the limit a worker's last words may take: it has to reap what it killed.
const LATE: Duration = Duration::from_millis(60);
/// How long workers may take when a signal ends the command.
const CUT: Duration = Duration::from_millis(1100);
/// What messages may take together; beyond it they are cut to their first line.
const MESSAGES: usize = 512 << 10;
/// How often progress is shown.
const PROGRESS: Duration = Duration::from_millis(200);

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many files run at the same time.
    pub jobs: usize,
    /// When everything must be over.
    pub limit: Option<Instant>,
    /// Whether a failure ends the run.
    pub fail_fast: bool,
    /// What every child of a worker has in common.
    pub attributes: Attributes,
}

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Files done.
    pub done: usize,
    /// Files in all.
    pub all: usize,
    /// Files that failed.
    pub failed: usize,
    /// One that runs.
    pub current: Option<&'a File>,
}

/// What to show it with.
pub type Show<'s> = &'s mut dyn FnMut(&Progress<'_>);

/// The pool.
#[derive(Debug)]
pub struct Pool {
    signals: SignalFd,
    table: Table,
    shared: Shared,
    /// What ends the command, once something does.
    interrupted: Option<SignalNo>,
    /// The workers that are not reaped yet.
    alive: Vec<Pid>,
}

struct Worker {
    pid: Pid,
    pipe: OwnedFd,
    line: Vec<u8>,
}

/// What is known of one file.
#[derive(Default)]
struct Told {
    checks: Vec<Check>,
    done: bool,
    /// Its worker ended with it in hand.
    lost: bool,
}

impl Pool {
    /// Errors: no descriptor or no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            signals: SignalFd::new(SigSet::ALL)?,
            table: Table::new(false),
            shared: Shared::new()?,
            interrupted: None,
            alive: Vec::new(),
        })
    }

    /// The signal that ended the command, if one did.
    pub fn interrupted(&self) -> Option<SignalNo> {
        self.interrupted
    }

    /// Waits for `time` or a signal that ends the command.
    pub fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while self.interrupted.is_none() && Instant::now() < end {
            self.wait(&[], Some(end));
        }
    }

    /// Runs all `files` and returns their checks, in their order.
    pub fn run(
        &mut self,
        files: &[File],
        common: &Common,
        settings: &Settings,
        show: Show<'_>,
    ) -> Vec<Check> {
        let shared = self.shared;
        shared.reset();
        let started = SystemTime::now();
        let mut told: Vec<Told> = files.iter().map(|_| Told::default()).collect();
        let mut budget = MESSAGES;
        let mut workers: Vec<Option<Worker>> = Vec::new();
        let mut refused = None;
        let mut alive = Vec::new();
        let jobs = settings.jobs.min(files.len()).min(Shared::WORKERS);
        let job = |worker| Job {
            files,
            common,
            attributes: &settings.attributes,
            shared,
            worker,
            limit: settings.limit,
            fail_fast: settings.fail_fast,
        };
        for number in 0..jobs {
            match start(&job(number)) {
                Ok(worker) => {
                    alive.push(worker.pid);
                    workers.push(Some(worker));
                }
                // Fewer do it too, only slower.
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        self.alive = alive;
        let mut shown = Instant::now();
        while workers.iter().any(Option::is_some) {
            let end = match self.interrupted {
                Some(_) => Some(shown + CUT),
                None => settings.limit.map(|limit| limit + LATE),
            };
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            let before = self.interrupted;
            let tick = Instant::now() + PROGRESS;
            let ready = self.wait(&workers, Some(end.map_or(tick, |end| end.min(tick))));
            if before.is_none() && self.interrupted.is_some() {
                // From here on `shown` is the moment of the signal.
                shown = Instant::now();
                self.shared.stop();
                for worker in workers.iter().flatten() {
                    let _ = mask::kill(worker.pid, SignalNo::TERM);
                }
            }
            for number in ready {
                let Some(worker) = &mut workers[number] else { continue };
                if worker.read(&mut told, &mut budget) {
                    continue;
                }
                workers[number] = None;
                if let Some(index) = self.shared.in_hand(number)
                    && let Some(file) = told.get_mut(index)
                {
                    file.lost = !file.done;
                }
                let over = settings.limit.is_some_and(|limit| limit <= Instant::now());
                if !over && !self.shared.exhausted(files.len()) {
                    // It gave up, or was killed; there is work left.
                    workers[number] = start(&job(number)).ok();
                    self.alive.extend(workers[number].as_ref().map(|worker| worker.pid));
                }
            }
            if self.interrupted.is_none() && shown.elapsed() >= PROGRESS {
                shown = Instant::now();
                show(&progress(files, &told, self.shared, workers.len()));
            }
        }
        // Their pipes end a moment before they do; whoever looks for leftovers next must not find them.
        let end = Instant::now() + LATE;
        self.reap();
        while !self.alive.is_empty() && Instant::now() < end && workers.iter().all(Option::is_none) {
            self.wait(&[], Some(end));
        }
        let begun: Vec<usize> = (0..jobs).filter_map(|worker| self.shared.in_hand(worker)).collect();
        let mut checks = Vec::with_capacity(told.iter().map(|told| told.checks.len().max(1)).sum());
        for (index, (file, told)) in files.iter().zip(told).enumerate() {
            let untold = (!told.done)
                .then(|| self.untold(told.lost, begun.contains(&index), settings, common, refused.as_ref()));
            checks.extend(told.checks);
            checks.extend(untold.map(|(outcome, message)| Check {
                suite: file.suite.clone(),
                file: file.name.clone(),
                title: String::new(),
                outcome,
                message,
                started,
                duration: Duration::ZERO,
                origin: Origin::File,
            }));
        }
        checks
    }

    /// What there is to say of a file that no worker finished.
    fn untold(
        &self,
        lost: bool,
        begun: bool,
        settings: &Settings,
        common: &Common,
        refused: Option<&io::Error>,
    ) -> (Outcome, String) {
        let over = settings.limit.is_some_and(|limit| limit <= Instant::now());
        let limit = common.limit.as_deref().unwrap_or_default();
        match () {
            () if lost => (
                Outcome::Fail,
                "the process that ran it was killed: out of memory, or by a test that kills more than its own".into(),
            ),
            () if self.interrupted.is_some() && begun => (Outcome::Timeout, "cut short by a signal".into()),
            () if self.interrupted.is_some() => (Outcome::Skip, "not run: cut short by a signal".into()),
            () if over && begun => (Outcome::Timeout, format!("timed out after {limit}")),
            () if over => (Outcome::Timeout, format!("not run: timed out after {limit} before its turn")),
            () if refused.is_some() => {
                let errno = refused.and_then(io::Error::raw_os_error).unwrap_or(0);
                (Outcome::Fail, format!("cannot start a process: {}", diagnose::errno_text(errno)))
            }
            () => (Outcome::Skip, "not run: an earlier test failed (--fail-fast)".into()),
        }
    }

    /// Waits for signals, which it takes in, and for workers; returns the numbers of those that have something to say.
    fn wait(&mut self, workers: &[Option<Worker>], until: Option<Instant>) -> Vec<usize> {
        let mut polled = vec![Polled { fd: self.signals.as_raw_fd(), read: true, ready: false }];
        polled.extend(workers.iter().map(|worker| Polled {
            fd: worker.as_ref().map_or(-1, |worker| worker.pipe.as_raw_fd()),
            read: true,
            ready: false,
        }));
        let left = until.map(|at| at.saturating_duration_since(Instant::now()));
        if fd::poll_any(&mut polled, left).is_err() {
            return Vec::new();
        }
        if polled[0].ready {
            let mut batch = [None; BATCH];
            self.signals.read(&mut batch);
            for info in batch.into_iter().flatten() {
                match info.signal {
                    SignalNo::CHLD => self.reap(),
                    SignalNo::TERM | SignalNo::INT | SignalNo::HUP | SignalNo::QUIT => {
                        self.interrupted.get_or_insert(info.signal);
                    }
                    _ => {}
                }
            }
        }
        (0..workers.len()).filter(|number| polled[number + 1].ready).collect()
    }

    /// As PID 1 there are orphans besides the workers.
    fn reap(&mut self) {
        while let Some(event) = self.table.reap() {
            if let Event::Ended(pid, _) = event {
                self.alive.retain(|worker| *worker != pid);
            }
        }
    }
}

impl Worker {
    /// Takes in what it said; false at its end.
    fn read(&mut self, told: &mut [Told], budget: &mut usize) -> bool {
        let mut buffer = [0; 16_384];
        let Some(count) = fd::read_or_end(self.pipe.as_fd(), &mut buffer) else { return true };
        if count == 0 {
            return false;
        }
        self.line.extend_from_slice(&buffer[..count]);
        let mut start = 0;
        while let Some(length) = self.line[start..].iter().position(|b| *b == b'\n') {
            let line = &self.line[start..start + length];
            start += length + 1;
            match serde_json::from_slice(line) {
                Ok(Message::Check(index, mut check)) => {
                    if check.message.len() > *budget {
                        check.message.truncate(check.reason().len());
                    }
                    *budget = budget.saturating_sub(check.message.len());
                    if let Some(file) = told.get_mut(index) {
                        if file.checks.is_empty() {
                            // Most files make one check, and a vector's first growth is for four.
                            file.checks.reserve_exact(1);
                        }
                        file.checks.push(*check);
                    }
                }
                Ok(Message::Done(index)) => {
                    if let Some(file) = told.get_mut(index) {
                        file.done = true;
                    }
                }
                Err(error) => tracing::debug!(%error, "a worker said what is no message"),
            }
        }
        self.line.drain(..start);
        true
    }
}

fn start(job: &Job<'_>) -> io::Result<Worker> {
    let (pipe, to_us) = fd::pipe_from_child()?;
    match fork::fork()? {
        Side::Parent(pid) => Ok(Worker { pid, pipe, line: Vec::new() }),
        Side::Child => worker::main(job, &to_us),
    }
}

fn progress<'f>(files: &'f [File], told: &[Told], shared: Shared, workers: usize) -> Progress<'f> {
    Progress {
        done: told.iter().filter(|told| told.done).count(),
        all: files.len(),
        failed: told.iter().filter(|told| told.checks.iter().any(|check| check.outcome.is_failure())).count(),
        current: (0..workers).find_map(|worker| files.get(shared.in_hand(worker)?)),
    }
}
