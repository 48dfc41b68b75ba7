//! The front: has workers run the files, takes in what they tell, and keeps to its time whatever they do.
//!
//! Contract: `run` returns within 100 ms after its limit. It never starts a test itself. Whatever a worker leaves behind when it
//! is killed comes to the front, which is a subreaper too, and is killed. Every file gets at least one check: one that no
//! worker told about says why not. A worker is believed only about the file in its hand, and not even about that one when it
//! dies with it. Checks come back in the order of the files, whoever was first.

use super::check::Check;
use super::limit::Limit;
use super::plan::File;
use super::runner::Common;
use super::shared::{Shared, WORKERS};
use super::sweep;
use super::told::{Ending, Ledger, Lost};
use super::worker::{Job, Worker};
use crate::process::Pid;
use crate::process::command::Attributes;
use crate::process::diagnose;
use crate::process::exit::Exit;
use crate::process::table::{Event, Table};
use crate::sys::fd::{self, BATCH, Polled, SignalFd, Wait};
use crate::sys::mask::{self, SigSet};
use crate::sys::proc;
use crate::sys::signal::SignalNo;
use std::io;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

/// How long workers may take to say their last words, when a signal ends the command or a file's time is over.
const LAST_WORDS: Duration = Duration::from_millis(1100);
/// How long the kernel may take to hand over the dead.
const PATIENCE: Duration = Duration::from_millis(60);
/// How often we look at the clock of each file, and show progress.
const TICK: Duration = Duration::from_millis(200);
/// How often a sweep looks for what was forked behind its back.
const SWEEP: Duration = Duration::from_millis(5);

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many files run at the same time.
    pub jobs: usize,
    /// When everything must be over.
    pub limit: Option<Limit>,
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
    /// What ended the command, once something did, and when.
    interrupted: Option<(SignalNo, Instant)>,
    /// The workers that are not reaped yet.
    alive: Vec<Pid>,
    /// A worker ended badly: what it left behind is ours to end.
    bereaved: bool,
}

impl Pool {
    /// Closes our memory and descriptors to the tests, which run as the same user, and makes the pool.
    ///
    /// Errors: no descriptor or no memory.
    pub fn new() -> io::Result<Self> {
        proc::become_undumpable();
        Ok(Self {
            signals: SignalFd::new(SigSet::ALL)?,
            table: Table::new(false),
            shared: Shared::new()?,
            interrupted: None,
            alive: Vec::new(),
            bereaved: false,
        })
    }

    /// The signal that ended the command, if one did.
    pub fn interrupted(&self) -> Option<SignalNo> {
        self.interrupted.map(|(signal, _)| signal)
    }

    /// Waits for `time` or a signal that ends the command.
    pub fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while self.interrupted.is_none() && Instant::now() < end {
            self.wait(&[], end);
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
        self.shared.reset();
        let shared = self.shared;
        let job = |worker| Job {
            files,
            common,
            attributes: &settings.attributes,
            shared,
            worker,
            limit: settings.limit,
            fail_fast: settings.fail_fast,
        };
        let mut ledger = Ledger::new(files.len());
        let mut ending = Ending { fail_fast: settings.fail_fast, ..Ending::default() };
        let mut crew: Vec<Option<Worker>> = Vec::new();
        for number in 0..settings.jobs.min(files.len()).min(WORKERS) {
            crew.push(self.hire(&job(number), &mut ending));
        }
        let mut told_to_stop = false;
        let mut shown = Instant::now();
        while crew.iter().any(Option::is_some) {
            let end = self.end(settings.limit);
            if end.is_some_and(|end| end <= Instant::now()) {
                break;
            }
            let tick = Instant::now() + TICK;
            let ready = self.wait(&crew, end.map_or(tick, |end| end.min(tick)));
            if self.interrupted.is_some() && !std::mem::replace(&mut told_to_stop, true) {
                shared.stop();
                self.signal_workers(SignalNo::TERM);
            }
            for number in ready {
                if self.hear(number, &mut crew, &mut ledger, &mut ending) {
                    continue;
                }
                let more =
                    settings.limit.is_none_or(|limit| !limit.is_over()) && !shared.exhausted(files.len());
                crew[number] = (more && ending.refused.is_none())
                    .then(|| self.hire(&job(number), &mut ending))
                    .flatten();
            }
            if shown.elapsed() >= TICK {
                shown = Instant::now();
                self.end_hung(files, &crew, &mut ledger);
                show(&progress(files, &ledger, shared, crew.len()));
            }
        }
        for number in 0..crew.len() {
            if let Some((index, had)) = shared.in_hand(number)
                && let Some(file) = ledger.file(index)
            {
                file.had.get_or_insert(had);
            }
        }
        ending.unkilled = !self.clean_up(crew.iter().any(Option::is_some));
        ending.signal = self.interrupted();
        ending.over = settings.limit.filter(|limit| limit.for_workers() <= Instant::now());
        ledger.checks(files, &ending)
    }

    /// When to give the workers up.
    fn end(&self, limit: Option<Limit>) -> Option<Instant> {
        let cut = self.interrupted.map(|(_, at)| at + LAST_WORDS);
        [cut, limit.map(|limit| limit.at)].into_iter().flatten().min()
    }

    /// A new worker; fewer do it too, only slower.
    fn hire(&mut self, job: &Job<'_>, ending: &mut Ending) -> Option<Worker> {
        match Worker::start(job) {
            Ok(worker) => {
                self.alive.push(worker.pid);
                Some(worker)
            }
            Err(error) => {
                let errno = diagnose::errno_text(error.raw_os_error().unwrap_or(0));
                ending.refused = Some(format!("cannot start a process: {errno}"));
                None
            }
        }
    }

    /// Takes in what a worker says. False at its end.
    fn hear(
        &mut self,
        number: usize,
        crew: &mut [Option<Worker>],
        ledger: &mut Ledger,
        ending: &mut Ending,
    ) -> bool {
        let Some(worker) = &mut crew[number] else { return true };
        let lives = worker.read(&mut |hand, message| {
            if let Some(why) = ledger.hear(message, hand) {
                ending.refused = Some(format!("no test can be run: {why}"));
            }
        });
        if !lives
            && let Some((index, had)) = self.shared.in_hand(number)
            && let Some(file) = ledger.file(index)
        {
            file.lost.get_or_insert(Lost::Killed);
            file.had = Some(had);
            self.shared.done(number);
        }
        lives
    }

    /// Kills workers that did not keep a file's time: whoever is stopped cannot.
    fn end_hung(&mut self, files: &[File], crew: &[Option<Worker>], ledger: &mut Ledger) {
        for (number, worker) in crew.iter().enumerate() {
            let Some(worker) = worker else { continue };
            let Some((index, had)) = self.shared.in_hand(number) else { continue };
            if files.get(index).is_some_and(|file| had > file.timeout + 2 * LAST_WORDS) {
                if let Some(file) = ledger.file(index) {
                    file.lost = Some(Lost::Hung);
                }
                let _ = mask::kill(worker.pid, SignalNo::KILL);
            }
        }
    }

    fn signal_workers(&self, signal: SignalNo) {
        for worker in &self.alive {
            let _ = mask::kill(*worker, signal);
        }
    }

    /// Ends what is left of the workers and of what they left to us; at once when they were given `up`. False when not
    /// everything has ended.
    fn clean_up(&mut self, up: bool) -> bool {
        let end = Instant::now() + if up { PATIENCE } else { LAST_WORDS };
        if up {
            self.signal_workers(SignalNo::KILL);
            self.bereaved = true;
        }
        loop {
            self.reap();
            if self.alive.is_empty() && (!self.bereaved || self.table.childless()) {
                self.bereaved = false;
                return true;
            }
            if self.bereaved {
                sweep::kill(if up { &[] } else { &self.alive });
            }
            if Instant::now() >= end {
                self.signal_workers(SignalNo::KILL);
                return false;
            }
            self.wait(&[], end.min(Instant::now() + if self.bereaved { SWEEP } else { TICK }));
        }
    }

    /// Waits for signals, which it takes in, and for workers; returns the numbers of those that have something to say.
    fn wait(&mut self, crew: &[Option<Worker>], until: Instant) -> Vec<usize> {
        let mut polled = vec![Polled::new(self.signals.as_raw_fd(), Wait::Read)];
        polled.extend(
            crew.iter().map(|worker| Polled::new(worker.as_ref().map_or(-1, Worker::descriptor), Wait::Read)),
        );
        if fd::poll_any(&mut polled, Some(until.saturating_duration_since(Instant::now()))).is_err() {
            return Vec::new();
        }
        if polled[0].ready {
            let mut batch = [None; BATCH];
            self.signals.read(&mut batch);
            for info in batch.into_iter().flatten() {
                match info.signal {
                    SignalNo::CHLD => self.reap(),
                    SignalNo::TERM | SignalNo::INT | SignalNo::HUP | SignalNo::QUIT => {
                        self.interrupted.get_or_insert((info.signal, Instant::now()));
                    }
                    _ => {}
                }
            }
        }
        (0..crew.len()).filter(|number| polled[number + 1].ready).collect()
    }

    /// As PID 1 there are orphans besides the workers. What a worker that ended badly left behind is ours by now.
    fn reap(&mut self) {
        let mut badly = false;
        while let Some(event) = self.table.reap() {
            if let Event::Ended(pid, exit) = event
                && let Some(at) = self.alive.iter().position(|worker| *worker == pid)
            {
                self.alive.swap_remove(at);
                badly |= exit != Exit::Code(0);
            }
        }
        if badly {
            self.bereaved = true;
            sweep::kill(&self.alive);
        }
    }
}

fn progress<'f>(files: &'f [File], ledger: &Ledger, shared: Shared, workers: usize) -> Progress<'f> {
    Progress {
        done: ledger.iter().filter(|told| told.done).count(),
        all: files.len(),
        failed: ledger
            .iter()
            .filter(|told| told.checks.iter().any(|check| check.outcome.is_failure()))
            .count(),
        current: (0..workers).find_map(|worker| files.get(shared.in_hand(worker)?.0)),
    }
}
