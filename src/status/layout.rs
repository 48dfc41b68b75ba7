//! The words of the state page, and the record that goes through the command pipe.
//!
//! Writer and reader are one binary, except after an upgrade under a running container: the magic word holds a
//! version, and a reader of another version says so rather than to misread.

use crate::sys::page::{WORDS, Words};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// The name of the memfd, as `/proc/PID/fd` shows it.
pub const NAME: &str = "wrapper-state";
/// The version of this layout.
pub const VERSION: u8 = 2;
/// `wrapper` and the version of this layout.
pub const MAGIC: u64 = FAMILY | VERSION as u64;
const FAMILY: u64 = u64::from_be_bytes(*b"wrapper\0");

/// The magic.
pub const HEADER: usize = 0;
/// Odd while the writer is in the middle of an update.
pub const SEQUENCE: usize = 1;
/// The number of the descriptor of the command pipe in PID 1; 0: none.
pub const PIPE: usize = 2;
/// How the wrapper was started; see [`Mode`].
pub const MODE: usize = 3;
/// Words that one update writes together.
pub const STATE: Range<usize> = 4..16;
/// Counts answers; readers wait for it to change.
pub const ANSWERED: usize = 16;
/// The last answers: id and code each.
pub const ANSWERS: Range<usize> = 17..49;
/// Where the app and the script report between fork and exec.
pub const REPORTS: [usize; 2] = [50, 51];
/// Signals forwarded, by number.
pub const SIGNALS: Range<usize> = 64..129;

const _: () = assert!(SIGNALS.end <= WORDS);

/// How the wrapper was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The run script, with all that belongs to it.
    Run,
    /// A command, or `exec`.
    Command,
}

impl Mode {
    /// Its word.
    pub fn word(self) -> u64 {
        match self {
            Self::Run => 1,
            Self::Command => 2,
        }
    }

    /// From its word.
    pub fn from_word(word: u64) -> Self {
        if word == 1 { Self::Run } else { Self::Command }
    }
}

/// The version of the layout that a magic word stands for; none for what is no page of any wrapper.
pub fn version(magic: u64) -> Option<u8> {
    (magic & !0xff == FAMILY).then_some(magic as u8)
}

/// Writes `values` so that a reader sees all of them or none.
pub fn write_state(words: Words, values: [u64; STATE.end - STATE.start]) {
    let sequence = words[SEQUENCE].load(Ordering::Relaxed);
    words[SEQUENCE].store(sequence.wrapping_add(1), Ordering::Relaxed);
    fence(Ordering::Release);
    for (word, value) in words[STATE].iter().zip(values) {
        word.store(value, Ordering::Relaxed);
    }
    words[SEQUENCE].store(sequence.wrapping_add(2), Ordering::Release);
}

/// Reads what [`write_state`] wrote; none when the writer seems stuck in the middle of an update.
pub fn read_state(words: Words) -> Option<[u64; STATE.end - STATE.start]> {
    for _ in 0..10_000 {
        let before = words[SEQUENCE].load(Ordering::Acquire);
        let values = std::array::from_fn(|n| words[STATE.start + n].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && words[SEQUENCE].load(Ordering::Relaxed) == before {
            return Some(values);
        }
        std::hint::spin_loop();
    }
    None
}

/// One command: a mark, the verb, an id to answer by, and when its client stops waiting, in milliseconds since 1970: a
/// PID 1 that was frozen must not do later what its client was told had failed. Short enough to go through a pipe whole.
pub const RECORD: usize = 32;
const MARK: u64 = u64::from_be_bytes(*b"command\n");

/// As it goes through the pipe.
pub fn encode(id: u64, verb: u64, expires: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    for (bytes, value) in record.chunks_exact_mut(8).zip([MARK, verb, id, expires]) {
        bytes.copy_from_slice(&value.to_ne_bytes());
    }
    record
}

/// Id, verb and expiry; none for what no client of ours wrote.
pub fn decode(record: &[u8]) -> Option<(u64, u64, u64)> {
    let record: &[u8; RECORD] = record.try_into().ok()?;
    let word = |at: usize| record[at..at + 8].try_into().map_or(0, u64::from_ne_bytes);
    (word(0) == MARK).then(|| (word(16), word(8), word(24)))
}

/// Adds one to a counter word.
pub fn count(word: &AtomicU64) {
    word.fetch_add(1, Ordering::Relaxed);
}

/// The clock of expiries: milliseconds since 1970.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
