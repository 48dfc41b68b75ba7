//! The words of the state page, and the record that goes through the command pipe.
//!
//! Writer and reader are one binary, except after an upgrade under a running container: the magic word holds a
//! version, and a reader of another version says so rather than to misread.

use crate::sys::clock;
use crate::sys::page::{self, Words};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

/// The name of the memfd, as `/proc/PID/fd` shows it.
pub const NAME: &str = "wrapper-state";
/// The version of this layout. The first two entries stand in the same place in every layout from 3 on, so that another
/// version can be named.
pub const VERSION: u8 = 3;
/// `wrapper` and the version of this layout.
pub const MAGIC: u64 = FAMILY | VERSION as u64;
const FAMILY: u64 = u64::from_be_bytes(*b"wrapper\0");

/// The magic.
pub const HEADER: usize = 0;
/// The wrapper's own version as text, filled up with NUL.
pub const RELEASE: Range<usize> = 1..5;
/// Odd while the writer is in the middle of an update.
pub const SEQUENCE: usize = 5;
/// The number of the descriptor of the command pipe in PID 1; 0: none.
pub const PIPE: usize = 6;
/// How the wrapper was started; see [`Mode`].
pub const MODE: usize = 7;
/// Words that one update writes together.
pub const STATE: Range<usize> = 8..20;
/// Where the app and the script report between fork and exec.
pub const REPORTS: [usize; 2] = [20, 21];
/// Counts answers; readers wait for it to change.
pub const ANSWERED: usize = 24;
/// Counts the commands that were taken from the pipe.
pub const TAKEN: usize = 25;
/// Where the next answer goes; see [`super::answers`].
pub const CURSOR: usize = 26;
/// How many blocks of answers are in use besides the first.
pub const USED: usize = 27;
/// Signals forwarded, by number.
pub const SIGNALS: Range<usize> = 64..129;
/// Of each block of answers: which one follows it, and when it was filled.
pub const BLOCKS: Range<usize> = 256..512;
/// Answers in a block, one word each: a page of the machine.
pub const BLOCK: usize = page::WORDS;
/// The answers.
pub const ANSWERS: Range<usize> = 512..512 + BLOCK * (BLOCKS.end - BLOCKS.start);
/// All words. Less than 2 MiB: nothing to make a huge page of.
pub const WORDS: usize = ANSWERS.end;

const _: () = assert!(BLOCKS.end <= ANSWERS.start && ANSWERS.start.is_multiple_of(page::WORDS));

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

/// The verb that asks nothing but an answer. Any other is an order, which must not be carried out twice.
pub const PING: u64 = 0;

/// One command: a mark, the verb, an id to answer by, and when its client stops waiting, in nanoseconds of
/// [`crate::sys::clock::now`]: a PID 1 that was frozen must not do later what its client was told had failed. Short
/// enough to go through a pipe whole.
pub const RECORD: usize = 32;
const MARK: u64 = u64::from_be_bytes(*b"command\n");

/// An id: random, so that nobody has the same, and never 0. It leaves room in a word for an answer's code.
pub fn new_id() -> u64 {
    (clock::random() >> 8).max(1)
}

/// As it goes through the pipe.
pub fn encode(id: u64, verb: u64, expires: Duration) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let words = [MARK, verb, id, expires.as_nanos() as u64];
    for (bytes, value) in record.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&value.to_ne_bytes());
    }
    record
}

/// Id, verb and expiry; none for what no client of ours wrote.
pub fn decode(record: &[u8]) -> Option<(u64, u64, Duration)> {
    let record: &[u8; RECORD] = record.try_into().ok()?;
    let word = |at: usize| record[at..at + 8].try_into().map_or(0, u64::from_ne_bytes);
    let ours = word(0) == MARK && (1..1 << 56).contains(&word(16));
    ours.then(|| (word(16), word(8), Duration::from_nanos(word(24))))
}

/// Adds one to a counter word.
pub fn count(word: &AtomicU64) {
    word.fetch_add(1, Ordering::Relaxed);
}

/// Writes the wrapper's own version.
pub fn write_release(words: Words) {
    let mut text = [0; 8 * (RELEASE.end - RELEASE.start)];
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    text[..version.len()].copy_from_slice(version);
    for (word, bytes) in words[RELEASE].iter().zip(text.as_chunks().0) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
}

/// The version in the bytes that [`write_release`] wrote; none when they are no version.
pub fn release(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    (!text.is_empty() && text.chars().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader beside a writer that never rests: each state is whole, or none.
    #[test]
    fn a_state_is_read_whole() {
        let words = page::shared().expect("a page");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    write_state(words, [n; STATE.end - STATE.start]);
                    // Time for a reader, now and then, or none would ever see a whole one.
                    for _ in 0..n % 400 {
                        std::hint::spin_loop();
                    }
                }
            });
            let (mut last, mut changes) = (0, 0);
            while changes < 300 {
                let Some(state) = read_state(words) else { continue };
                assert!(state.iter().all(|value| *value == state[0]), "half of an update: {state:?}");
                assert!(state[0] >= last, "an older state");
                changes += u32::from(state[0] != last);
                last = state[0];
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn a_writer_that_never_ends_is_no_state() {
        let words = page::shared().expect("a page");
        words[SEQUENCE].store(1, Ordering::Relaxed);
        assert_eq!(read_state(words), None);
    }

    #[test]
    fn a_command_reads_back_and_nothing_else_does() {
        let record = encode(7, 3, Duration::from_nanos(9));
        assert_eq!(decode(&record), Some((7, 3, Duration::from_nanos(9))));
        assert_eq!(decode(&record[..31]), None);
        assert_eq!(decode(&encode(0, 3, Duration::ZERO)), None, "0 is no id");
        assert_eq!(decode(&encode(1 << 56, 3, Duration::ZERO)), None, "it would run into a code");
        assert_eq!(decode(&[0; RECORD]), None);
    }

    #[test]
    fn a_version_of_somebody_else_is_text_or_nothing() {
        assert_eq!(release(b"1.2.3-rc.1\0\0"), Some("1.2.3-rc.1".into()));
        for bad in [&b"\0"[..], b"", b"1.2\x1b[2J", b"1.2\n3", b"\xff"] {
            assert_eq!(release(bad), None);
        }
        let words = page::shared().expect("a page");
        write_release(words);
        let bytes: Vec<u8> =
            words[RELEASE].iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        assert_eq!(release(&bytes).as_deref(), Some(env!("CARGO_PKG_VERSION")));
    }
}
