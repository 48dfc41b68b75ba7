//! What workers and front share besides their pipes: words of one page.

use crate::sys::fork::Report;
use crate::sys::page::{self, Words};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most workers that there are words for.
pub const WORKERS: usize = 128;

const NEXT: usize = 0;
const STOP: usize = 1;
const CURRENT: usize = 8;
const STARTED: usize = CURRENT + WORKERS;
const REPORT: usize = STARTED + WORKERS;

const _: () = assert!(REPORT + WORKERS <= page::WORDS);

/// The page of one round: all files once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared {
    words: Words,
    /// What the clock counts from.
    base: Instant,
}

impl Shared {
    /// Errors: no memory.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { words: page::shared()?, base: Instant::now() })
    }

    /// Everything from the start. No worker may be left.
    pub(super) fn reset(&mut self) {
        self.base = Instant::now();
        for word in self.words {
            word.store(0, Ordering::Release);
        }
    }

    /// The index of the next file, which is then the worker's; none after [`Shared::stop`].
    pub(super) fn take(self, worker: usize, count: usize) -> Option<usize> {
        if self.words[STOP].load(Ordering::Acquire) != 0 {
            return None;
        }
        let index = self.words[NEXT].fetch_add(1, Ordering::AcqRel);
        if index as usize >= count {
            return None;
        }
        let now = self.base.elapsed().as_millis() as u64;
        self.words[STARTED + worker].store(now, Ordering::Release);
        self.current(worker).store(index + 1, Ordering::Release);
        Some(index as usize)
    }

    /// The worker has none in hand any more.
    pub(super) fn done(self, worker: usize) {
        self.current(worker).store(0, Ordering::Release);
    }

    /// Whether every file is somebody's, or no more are to be begun.
    pub(super) fn exhausted(self, count: usize) -> bool {
        self.words[STOP].load(Ordering::Acquire) != 0
            || self.words[NEXT].load(Ordering::Acquire) as usize >= count
    }

    /// No file is begun any more.
    pub(super) fn stop(self) {
        self.words[STOP].store(1, Ordering::Release);
    }

    /// The file that a worker has in hand, and how long it has had it.
    pub(super) fn in_hand(self, worker: usize) -> Option<(usize, Duration)> {
        let index = (self.current(worker).load(Ordering::Acquire) as usize).checked_sub(1)?;
        let started = Duration::from_millis(self.words[STARTED + worker].load(Ordering::Acquire));
        Some((index, self.base.elapsed().saturating_sub(started)))
    }

    /// Where a worker's child reports between fork and exec.
    pub(super) fn report(self, worker: usize) -> Report {
        Report::new(&self.words[REPORT + worker])
    }

    fn current(self, worker: usize) -> &'static AtomicU64 {
        &self.words[CURRENT + worker]
    }
}
