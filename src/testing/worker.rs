//! A worker: a copy of the process that runs test files one by one and sends their checks to the front.
//!
//! Contract: it is a subreaper in a session of its own before it starts anything, and holds no descriptor of ours but its end
//! of a pipe to the front, so that a test, whatever becomes of it, never keeps the runtime waiting for its pipes. When
//! the front ends, however it does, the worker kills what runs, reaps it, and ends too. It never returns. When the worker
//! itself is killed, the front does that in its place. Like the front it is undumpable, so that no test of the same user reaches
//! its pipe or its memory through `/proc`.

use super::ancestors;
use super::check::Check;
use super::execute::Executor;
use super::limit::Limit;
use super::plan::File;
use super::runner::{self, Common};
use super::shared::Shared;
use super::told::Hand;
use crate::process::Pid;
use crate::process::command::Attributes;
use crate::sys::fork::{self, Side};
use crate::sys::{fd, proc};
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

/// What a worker tells the front, a line of JSON each.
#[derive(Serialize, Deserialize)]
pub(super) enum Message {
    /// It has the file of this index in its hand from now on.
    Begin(usize),
    /// One verdict about the file of this index.
    Check(usize, Box<Check>),
    /// That file is done, and no longer in its hand.
    Done(usize),
    /// It could not even begin.
    Broken(String),
}

/// What a worker is given.
pub(super) struct Job<'a> {
    pub(super) files: &'a [File],
    pub(super) common: &'a Common,
    pub(super) attributes: &'a Attributes,
    pub(super) shared: Shared,
    /// Its number.
    pub(super) worker: usize,
    pub(super) limit: Option<Limit>,
    pub(super) fail_fast: bool,
}

/// A worker as the front sees it.
pub(super) struct Worker {
    pub(super) pid: Pid,
    pipe: OwnedFd,
    line: Vec<u8>,
    /// What it said of the files in its hand.
    pub(super) hand: Hand,
}

/// More than any message takes: what is longer is none.
const LONGEST_LINE: usize = 64 << 20;

impl Worker {
    /// Starts one. Errors: no process or no descriptor can be made.
    pub(super) fn start(job: &Job<'_>) -> io::Result<Self> {
        let (pipe, to_us) = fd::pipe_from_child()?;
        let front = std::process::id() as Pid;
        match fork::fork()? {
            Side::Parent(pid) => Ok(Self { pid, pipe, line: Vec::new(), hand: Hand::default() }),
            Side::Child => {
                let mut to_front = Pipe(&to_us);
                let ended = work(job, front, &mut to_front);
                if let Err(error) = &ended {
                    let _ = to_front.send(&Message::Broken(error.to_string()));
                }
                fork::exit_copy(u8::from(ended.is_err()))
            }
        }
    }

    /// The descriptor to wait for.
    pub(super) fn descriptor(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }

    /// Takes in what it said, a line at a time; a line that is no message is none. False at its end.
    pub(super) fn read(&mut self, hear: &mut dyn FnMut(&mut Hand, Option<Message>)) -> bool {
        let mut buffer = [0; 16_384];
        let Some(count) = fd::read_or_end(self.pipe.as_fd(), &mut buffer) else { return true };
        if count == 0 {
            return false;
        }
        self.line.extend_from_slice(&buffer[..count]);
        let mut start = 0;
        while let Some(length) = self.line[start..].iter().position(|b| *b == b'\n') {
            hear(&mut self.hand, serde_json::from_slice(&self.line[start..start + length]).ok());
            start += length + 1;
        }
        self.line.drain(..start);
        if self.line.len() > LONGEST_LINE {
            self.line.clear();
            hear(&mut self.hand, None);
        }
        true
    }
}

/// The life of a worker, in the copy that a fork just made.
fn work(job: &Job<'_>, front: Pid, pipe: &mut Pipe<'_>) -> io::Result<()> {
    fork::leave_session();
    proc::become_subreaper();
    let to_front = pipe.0.as_raw_fd();
    fd::close_others(&mut [to_front]);
    fd::detach_stdio()?;
    let report = job.shared.report(job.worker);
    let mut executor = Executor::new(report, to_front, job.attributes.clone(), front, job.limit)?;
    while !executor.is_over() {
        let Some(index) = job.shared.take(job.worker, job.files.len()) else { break };
        let file = &job.files[index];
        proc::take_name(&ancestors::worker_name(&file.suite));
        pipe.send(&Message::Begin(index))?;
        let mut failed = false;
        runner::run(file, job.common, &mut executor, &mut |check| {
            failed |= check.outcome.is_failure();
            // Nobody hears it any more: the executor sees that too, and ends what runs.
            let _ = pipe.send(&Message::Check(index, Box::new(check)));
        });
        if failed && job.fail_fast {
            job.shared.stop();
        }
        pipe.send(&Message::Done(index))?;
        job.shared.done(job.worker);
        if executor.is_stuck() {
            // It can no longer tell its next command's processes from those.
            break;
        }
    }
    Ok(())
}

/// A worker's end of the pipe, which waits while the front is busy.
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
