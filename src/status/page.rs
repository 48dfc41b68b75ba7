//! PID 1's side: publishes the state and takes commands.

use super::layout::{self, Mode};
use crate::sys::fork::Report;
use crate::sys::page::{self, Words};
use crate::sys::{fd, signal::SignalNo};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::Ordering;

/// The page and the pipe. Where the page cannot be made (no descriptor or memory, a file size limit, a sandbox) it is
/// private and there is no pipe: the container runs, and nobody can see its state.
#[derive(Debug)]
pub struct Page {
    words: Words,
    /// Held open for others to find; the pipe's write end too, so that it never ends.
    _shared: Option<OwnedFd>,
    pipe: Option<(OwnedFd, OwnedFd)>,
}

impl Page {
    /// Makes both, as far as that is possible; the second is why it is not.
    pub fn create(mode: Mode) -> (Self, Option<io::Error>) {
        let (shared, words, mut missing) =
            match CString::new(layout::NAME).map_err(io::Error::from).and_then(|name| page::create(&name)) {
                Ok((fd, words)) => (Some(fd), words, None),
                Err(error) => (None, page::private(), Some(error)),
            };
        let pipe = shared.as_ref().and_then(|_| fd::pipe().map_err(|error| missing = Some(error)).ok());
        if let Some((_, write)) = &pipe {
            words[layout::PIPE].store(write.as_raw_fd() as u64, Ordering::Relaxed);
        }
        words[layout::MODE].store(mode.word(), Ordering::Relaxed);
        words[layout::HEADER].store(layout::MAGIC, Ordering::Release);
        (Self { words, _shared: shared, pipe }, missing)
    }

    /// The page's words, for what is not the page's own.
    pub fn write(&self, values: [u64; layout::STATE.end - layout::STATE.start]) {
        layout::write_state(self.words, values);
    }

    /// Counts a forwarded signal.
    pub fn count_signal(&self, signal: SignalNo) {
        layout::count(&self.words[layout::SIGNALS.start + signal.get() as usize]);
    }

    /// Readable when a command waits.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.pipe.as_ref().map(|(read, _)| read.as_raw_fd())
    }

    /// The next command: id and verb; one whose client waits no more is passed over. What is not one is thrown away with all that waits behind it.
    pub fn next_command(&self) -> Option<(u64, u64)> {
        let (read, _) = self.pipe.as_ref()?;
        loop {
            let mut record = [0; layout::RECORD];
            let got = fd::read_some(read.as_fd(), &mut record);
            match layout::decode(&record[..got]) {
                Some((id, verb, expires)) if expires > layout::now() => return Some((id, verb)),
                Some(_) => {}
                None if got == 0 => return None,
                None => {
                    let mut waste = [0; 512];
                    while fd::read_some(read.as_fd(), &mut waste) == waste.len() {}
                    return None;
                }
            }
        }
    }

    /// Answers the command `id` with `code`, and wakes who waits.
    pub fn answer(&self, id: u64, code: u64) {
        let answered = &self.words[layout::ANSWERED];
        let slots = layout::ANSWERS.len() / 2;
        let at = layout::ANSWERS.start + 2 * (answered.load(Ordering::Relaxed) as usize % slots);
        self.words[at].store(0, Ordering::Relaxed);
        self.words[at + 1].store(code, Ordering::Relaxed);
        self.words[at].store(id, Ordering::Release);
        layout::count(answered);
        page::wake(answered);
    }

    /// Where the app (0) or the script (1) reports between fork and exec.
    pub fn report(&self, which: usize) -> Report {
        Report::new(&self.words[layout::REPORTS[which]])
    }
}
