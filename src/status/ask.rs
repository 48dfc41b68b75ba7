//! A client's side: asks PID 1 for something and waits for the answer, and reads the state.

use super::find::{self, Init};
use super::layout;
use super::trust::PipeError;
use crate::sys::fd;
use crate::sys::page;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long an answer may take: a PID 1 that is alive needs microseconds.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It did not come.
    #[error("PID {pid} did not answer within {}ms: it is stopped or hangs", patience.as_millis())]
    Silent {
        /// Whose.
        pid: i32,
        /// How long it had.
        patience: Duration,
    },
    /// There is no pipe that could be written to.
    #[error("the command pipe of PID {0}: {1}")]
    Pipe(i32, PipeError),
    /// What it publishes makes no sense.
    #[error("the state of PID {0} cannot be read")]
    State(i32),
}

/// Asks `verb` of `init` and returns the code of the answer.
pub fn ask(init: &Init, verb: u64) -> Result<u64, AskError> {
    ask_within(init, verb, PATIENCE)
}

/// The same for who has no more time than `patience`.
pub fn ask_within(init: &Init, verb: u64, patience: Duration) -> Result<u64, AskError> {
    let pipe = find::open_pipe(init).map_err(|error| AskError::Pipe(init.pid, error))?;
    let id = new_id();
    let deadline = Instant::now() + patience;
    let answered = &init.words[layout::ANSWERED];
    let mut seen = answered.load(Ordering::Acquire);
    if fd::write_nowait(
        pipe.as_raw_fd(),
        &layout::encode(id, verb, layout::now() + patience.as_millis() as u64),
    ) != layout::RECORD
    {
        // Full of commands that nobody takes.
        return Err(AskError::Silent { pid: init.pid, patience });
    }
    loop {
        if let Some(code) = answer_to(init, id) {
            return Ok(code);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(AskError::Silent { pid: init.pid, patience });
        }
        page::wait_for_change(answered, seen, left);
        seen = answered.load(Ordering::Acquire);
    }
}

fn answer_to(init: &Init, id: u64) -> Option<u64> {
    init.words[layout::ANSWERS]
        .chunks_exact(2)
        .find_map(|slot| (slot[0].load(Ordering::Acquire) == id).then(|| slot[1].load(Ordering::Relaxed)))
}

/// Never 0, and two clients do not share one: the pid and the clock.
fn new_id() -> u64 {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (u64::from(std::process::id()) << 32 | u64::from(clock.subsec_nanos())) ^ clock.as_secs() << 20 | 1
}

/// The state words of `init`; none when it is stuck in the middle of an update.
pub fn state(init: &Init) -> Option<[u64; layout::STATE.end - layout::STATE.start]> {
    layout::read_state(init.words)
}

/// How the wrapper was started.
pub fn mode(init: &Init) -> layout::Mode {
    layout::Mode::from_word(init.words[layout::MODE].load(Ordering::Relaxed))
}

/// How often each signal was forwarded, those that were.
pub fn signals(init: &Init) -> impl Iterator<Item = (i32, u64)> {
    let counts = &init.words[layout::SIGNALS];
    counts
        .iter()
        .enumerate()
        .map(|(n, count)| (n as i32, count.load(Ordering::Relaxed)))
        .filter(|(_, n)| *n > 0)
}
