//! Runs one command in a tree of its own, with a deadline, and leaves nothing of it behind.
//!
//! Contract: only in a worker process, which is a subreaper and has no other children. When `run` returns, the command and all
//! that descends from it (a daemon with a session of its own too) has ended and is reaped, or the kernel could not end
//! it within `PATIENCE` and the answer says so. Its output goes to the caller piece by piece; nobody's pipes are its own.

use super::limit::{Limit, spell};
use super::sweep;
use crate::process::Pid;
use crate::process::command::{Attributes, Command};
use crate::process::diagnose::{self, Diagnosis};
use crate::process::exit::Exit;
use crate::process::table::{Event, Table};
use crate::sys::fd::{self, BATCH, Polled, SignalFd, Wait};
use crate::sys::fork::{Report, Step};
use crate::sys::mask::{self, SigSet};
use crate::sys::proc;
use crate::sys::signal::SignalNo;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// How long after KILL, and after the last of the dead, we wait for the kernel to hand over the next.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a sweep looks for what was forked behind its back.
const SWEEP: Duration = Duration::from_millis(10);
/// How long what a finished command left behind may take to end by itself.
const LEFT_GRACE: Duration = Duration::from_millis(100);

/// How a command came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By itself.
    Ended(Exit),
    /// It never became its program.
    NotStarted(Diagnosis),
    /// The time was up, and it was killed: which time, in words.
    TimedOut(String),
    /// Somebody ended the whole command, and it was killed.
    Cut,
    /// No process could be made for it.
    Refused(String),
}

/// The end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// How.
    pub(super) how: How,
    /// How many processes it left behind, which were killed.
    pub(super) left: usize,
    /// Whether its output was held open by a process that is none of its descendants.
    pub(super) held: bool,
    /// Whether KILL did not end everything.
    pub(super) stuck: bool,
    /// Whether what is left could not even be looked for: there is no `/proc`.
    pub(super) blind: bool,
}

/// Which output a piece is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stream {
    /// Standard output, and standard error when the two are one.
    Output,
    /// Standard error of its own.
    Error,
}

/// What executes commands, one at a time.
#[derive(Debug)]
pub(super) struct Executor {
    signals: SignalFd,
    table: Table,
    report: Report,
    /// Our end of the pipe to whoever wants the verdicts: when the other end closes there is nobody left.
    front: RawFd,
    attributes: Attributes,
    /// Whose TERM ends the whole command: any test could send us one.
    boss: Pid,
    /// When the whole command must be over.
    limit: Option<Limit>,
    cut: bool,
    stuck: bool,
    /// How many ended so far.
    reaped: u64,
    /// What every command reads.
    null: OwnedFd,
    buffer: Box<[u8]>,
}

impl Executor {
    /// Errors: no descriptor can be made, or there is no `/dev/null`.
    pub(super) fn new(
        report: Report,
        front: RawFd,
        attributes: Attributes,
        boss: Pid,
        limit: Option<Limit>,
    ) -> io::Result<Self> {
        Ok(Self {
            signals: SignalFd::new(SigSet::ALL)?,
            table: Table::new(false),
            report,
            front,
            attributes,
            boss,
            limit,
            cut: false,
            stuck: false,
            reaped: 0,
            null: fd::open(c"/dev/null", libc::O_RDONLY)?,
            buffer: vec![0; 65_536].into_boxed_slice(),
        })
    }

    /// Whether nothing more is to be started: somebody ended the whole command, or its time is over.
    pub(super) fn is_over(&mut self) -> bool {
        self.look(Some(Duration::ZERO), &mut []);
        self.cut || self.limit.is_some_and(|limit| limit.for_workers() <= Instant::now())
    }

    /// Whether an earlier command left something that KILL does not end: its processes and a next one's would be mixed up.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Runs `command` for at most `timeout`, its output to `sink`; with `apart`, standard error by itself.
    pub(super) fn run(
        &mut self,
        command: &Command,
        timeout: Duration,
        apart: bool,
        sink: &mut dyn FnMut(Stream, &[u8]),
    ) -> Ended {
        let own = Instant::now().checked_add(timeout);
        let whole = self.limit.map(Limit::for_workers);
        let deadline = [own, whole].into_iter().flatten().min();
        let (mut pipes, pid) = match self.start(command, apart) {
            Ok(started) => started,
            Err(error) => {
                let errno = diagnose::errno_text(error.raw_os_error().unwrap_or(0));
                let how = How::Refused(format!("cannot start a process: {errno}"));
                return Ended { how, left: 0, held: false, stuck: false, blind: false };
            }
        };
        let mut exit = None;
        // From the command's own end on: when what it left behind has had its time.
        let mut grace: Option<Instant> = None;
        let mut timed_out = false;
        loop {
            if let Some(status) = self.reap(pid) {
                exit = Some(status);
                grace = Some(Instant::now() + LEFT_GRACE);
            }
            if exit.is_some() && self.table.childless() && pipes.iter().all(Pipe::at_end) {
                break;
            }
            let end = [deadline, grace].into_iter().flatten().min();
            timed_out = exit.is_none() && deadline.is_some_and(|at| at <= Instant::now());
            if self.cut || end.is_some_and(|at| at <= Instant::now()) {
                break;
            }
            self.look(end.map(|at| at.saturating_duration_since(Instant::now())), &mut pipes);
            self.read(&mut pipes, sink);
        }
        let how = match exit {
            Some(exit) => self.failure(command).map_or(How::Ended(exit), How::NotStarted),
            None if timed_out => How::TimedOut(self.spent(timeout, deadline == whole)),
            None => How::Cut,
        };
        let (left, stuck) =
            if exit.is_some() && self.table.childless() { (0, false) } else { self.kill(pid, &mut exit) };
        // What is in a pipe still counts; a pipe that does not end is somebody else's by now.
        self.drain(&mut pipes, sink);
        self.stuck |= stuck;
        let held = !stuck && !pipes.iter().all(Pipe::at_end);
        let left = if matches!(how, How::Ended(_)) { left } else { 0 };
        let blind = stuck && !proc::each_process(|_| {});
        Ended { how, left, held, stuck, blind }
    }

    /// The time that was up. The same words when both times were the same, whichever was a moment earlier.
    fn spent(&self, timeout: Duration, whole: bool) -> String {
        match self.limit {
            Some(limit) if whole && limit.time != timeout => limit.to_string(),
            _ => spell(timeout),
        }
    }

    fn start(&self, command: &Command, apart: bool) -> io::Result<(Vec<Pipe>, Pid)> {
        let (output, to_output) = fd::pipe_from_child()?;
        let mut pipes = vec![Pipe { fd: Some(output), stream: Stream::Output, ready: false }];
        let to_error = if apart {
            let (error, to_error) = fd::pipe_from_child()?;
            pipes.push(Pipe { fd: Some(error), stream: Stream::Error, ready: false });
            Some(to_error)
        } else {
            None
        };
        let error = to_error.as_ref().unwrap_or(&to_output).as_raw_fd();
        let attributes = Attributes {
            stdio: Some([self.null.as_raw_fd(), to_output.as_raw_fd(), error]),
            ..self.attributes.clone()
        };
        let pid = command.spawn(&attributes, &self.report)?;
        Ok((pipes, pid))
    }

    /// Waits until something happens or `timeout` is over, and notes which pipes can be read.
    fn look(&mut self, timeout: Option<Duration>, pipes: &mut [Pipe]) {
        let mut polled = [Polled::new(-1, Wait::Read); 4];
        polled[0].fd = self.signals.as_raw_fd();
        polled[1] = Polled::new(self.front, Wait::End);
        for (slot, pipe) in polled[2..].iter_mut().zip(&*pipes) {
            slot.fd = pipe.fd.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        }
        if fd::poll_any(&mut polled, timeout).is_err() {
            return;
        }
        for (pipe, slot) in pipes.iter_mut().zip(&polled[2..]) {
            pipe.ready = slot.ready;
        }
        self.cut |= polled[1].ready;
        if polled[0].ready {
            let mut batch = [None; BATCH];
            self.signals.read(&mut batch);
            let boss = self.boss;
            self.cut |=
                batch.iter().flatten().any(|info| info.signal == SignalNo::TERM && info.sender == boss);
        }
    }

    /// One piece from each pipe that has one: a command that never stops printing does not keep us from the clock.
    fn read(&mut self, pipes: &mut [Pipe], sink: &mut dyn FnMut(Stream, &[u8])) {
        for pipe in pipes {
            let Some(fd) = pipe.fd.as_ref().filter(|_| pipe.ready) else { continue };
            pipe.ready = false;
            match fd::read_or_end(fd.as_fd(), &mut self.buffer) {
                Some(0) => pipe.fd = None,
                Some(count) => sink(pipe.stream, &self.buffer[..count]),
                None => {}
            }
        }
    }

    fn drain(&mut self, pipes: &mut [Pipe], sink: &mut dyn FnMut(Stream, &[u8])) {
        for pipe in pipes {
            // As much as the largest pipe holds.
            for _ in 0..16 {
                pipe.ready = true;
                self.read(std::slice::from_mut(pipe), sink);
                if pipe.at_end() {
                    break;
                }
            }
        }
    }

    /// Reaps all that ended; the command's own end, if it was among them.
    fn reap(&mut self, pid: Pid) -> Option<Exit> {
        let mut own = None;
        while let Some(event) = self.table.reap() {
            if let Event::Ended(ended, exit) = event {
                self.reaped += 1;
                own = if ended == pid { Some(exit) } else { own };
            }
        }
        own
    }

    /// KILL to the whole tree until nobody is left. Returns how many there were, and whether it had to be given up.
    fn kill(&mut self, pid: Pid, exit: &mut Option<Exit>) -> (usize, bool) {
        let mut end = Instant::now() + PATIENCE;
        let mut most = 0;
        loop {
            let reaped = self.reaped;
            // The group first: it is reached without /proc as well. Once its leader is reaped the number may be another's.
            if exit.is_none() {
                let _ = mask::kill(-pid, SignalNo::KILL);
            }
            most = most.max(sweep::kill(&[]).unwrap_or(1));
            *exit = self.reap(pid).or(*exit);
            if self.reaped > reaped {
                end = Instant::now() + PATIENCE;
            }
            if self.table.childless() {
                return (most, false);
            }
            if Instant::now() >= end {
                return (most, true);
            }
            self.look(Some(SWEEP), &mut []);
        }
    }

    /// Why the command never became its program, if so.
    fn failure(&self, command: &Command) -> Option<Diagnosis> {
        let (step, errno) = self.report.failure()?;
        Some(match step {
            Step::Exec => diagnose::explain(&command.program, &command.candidates_from(None), errno),
            _ => Diagnosis { code: 126, reason: diagnose::errno_text(errno) },
        })
    }
}

/// Our end of one of the command's outputs.
#[derive(Debug)]
struct Pipe {
    fd: Option<OwnedFd>,
    stream: Stream,
    ready: bool,
}

impl Pipe {
    fn at_end(&self) -> bool {
        self.fd.is_none()
    }
}
