//! A worker: a copy of the process that runs test files one by one and sends their checks to the front.
//!
//! Contract: it is a subreaper in a session of its own before it starts anything, and holds no descriptor of ours but its end
//! of a pipe to the front, so that a test, whatever becomes of it, never keeps the runtime waiting for its pipes. When
//! the front ends, however it does, the worker kills what runs, reaps it, and ends too. It never returns.

use super::check::Check;
use super::execute::Executor;
use super::plan::File;
use super::runner::{self, Common};
use crate::process::command::Attributes;
use crate::sys::fork::{self, Report};
use crate::sys::page::Words;
use crate::sys::{fd, proc};
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What workers and front share besides the pipes, in words of one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared(Words);

impl Shared {
    /// The most workers that there are words for.
    pub(super) const WORKERS: usize = 128;
    const NEXT: usize = 0;
    const STOP: usize = 1;
    const CURRENT: usize = 8;
    const REPORT: usize = Self::CURRENT + Self::WORKERS;

    /// Errors: no memory.
    pub(super) fn new() -> io::Result<Self> {
        crate::sys::page::shared().map(Self)
    }

    /// The index of the next file, which is then somebody's; none after [`Shared::stop`].
    fn take(self, count: usize) -> Option<usize> {
        if self.0[Self::STOP].load(Ordering::Acquire) != 0 {
            return None;
        }
        let index = self.0[Self::NEXT].fetch_add(1, Ordering::AcqRel) as usize;
        (index < count).then_some(index)
    }

    /// Whether every file is somebody's.
    pub(super) fn exhausted(self, count: usize) -> bool {
        self.0[Self::STOP].load(Ordering::Acquire) != 0
            || self.0[Self::NEXT].load(Ordering::Acquire) as usize >= count
    }

    /// No file is begun any more.
    pub(super) fn stop(self) {
        self.0[Self::STOP].store(1, Ordering::Release);
    }

    /// Starts over.
    pub(super) fn reset(self) {
        self.0[Self::NEXT].store(0, Ordering::Release);
        self.0[Self::STOP].store(0, Ordering::Release);
    }

    fn current(self, worker: usize) -> &'static AtomicU64 {
        &self.0[Self::CURRENT + worker]
    }

    /// The file that a worker has in hand.
    pub(super) fn in_hand(self, worker: usize) -> Option<usize> {
        (self.current(worker).load(Ordering::Acquire) as usize).checked_sub(1)
    }

    fn report(self, worker: usize) -> Report {
        Report::new(&self.0[Self::REPORT + worker])
    }
}

/// What a worker tells the front, a line of JSON each.
#[derive(Serialize, Deserialize)]
pub(super) enum Message {
    /// One verdict about the file of this index.
    Check(usize, Box<Check>),
    /// That file is done.
    Done(usize),
}

/// What a worker is given.
pub(super) struct Job<'a> {
    pub(super) files: &'a [File],
    pub(super) common: &'a Common,
    pub(super) attributes: &'a Attributes,
    pub(super) shared: Shared,
    /// Its number.
    pub(super) worker: usize,
    /// When everything must be over.
    pub(super) limit: Option<Instant>,
    pub(super) fail_fast: bool,
}

/// The life of a worker, in the copy that a fork just made.
pub(super) fn main(job: &Job<'_>, front: &OwnedFd) -> ! {
    let code = match work(job, front) {
        Ok(()) => 0,
        Err(_) => 1,
    };
    fork::exit_copy(code)
}

fn work(job: &Job<'_>, front: &OwnedFd) -> io::Result<()> {
    fork::leave_session();
    proc::become_subreaper();
    fd::close_others(&mut [front.as_raw_fd()]);
    fd::detach_stdio()?;
    let shared = job.shared;
    let mut executor =
        Executor::new(shared.report(job.worker), front.as_raw_fd(), job.attributes.clone(), job.limit)?;
    let mut pipe = Pipe(front);
    while !executor.is_over() {
        let Some(index) = shared.take(job.files.len()) else { break };
        shared.current(job.worker).store(index as u64 + 1, Ordering::Release);
        let mut failed = false;
        runner::run(&job.files[index], job.common, &mut executor, &mut |check| {
            failed |= check.outcome.is_failure();
            // Nobody hears it any more: the executor sees that too, and ends what runs.
            let _ = pipe.send(&Message::Check(index, Box::new(check)));
        });
        if failed && job.fail_fast {
            shared.stop();
        }
        pipe.send(&Message::Done(index))?;
        shared.current(job.worker).store(0, Ordering::Release);
        if executor.is_stuck() {
            // It can no longer tell its next command's processes from those.
            break;
        }
    }
    Ok(())
}

/// Our end of the pipe to the front, which waits while the front is busy.
struct Pipe<'a>(&'a OwnedFd);

impl Pipe<'_> {
    fn send(&mut self, message: &Message) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.write_all(&line)
    }
}

impl io::Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
