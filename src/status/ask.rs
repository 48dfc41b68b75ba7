//! A client's side: asks PID 1 for something and waits for the answer, and reads the state.

use super::answers::{Fate, Lookout};
use super::find::{self, Init};
use super::layout;
use super::trust::PipeError;
use crate::sys::fd::{self, Polled, Wait};
use crate::sys::{clock, page, proc};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// How long an answer may take: a PID 1 that is alive needs microseconds.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// How long it may take on a machine that gives PID 1 no time to run, or no time to us: one that hangs is told from one
/// that waits for its turn by its state in `/proc`, and by what it has done since.
pub const BUSY: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It did not come, and nothing was done: PID 1 never carries a request out that it takes after this.
    #[error("PID {pid} did not answer within {}ms: it is stopped or hangs", patience.as_millis())]
    Silent {
        /// Whose.
        pid: i32,
        /// How long it had.
        patience: Duration,
    },
    /// It was taken, so it was or will be carried out.
    #[error("PID {0} received the request, and its result is no longer known, or not yet")]
    Received(i32),
    /// Nobody is there any more.
    #[error("PID {0} has ended")]
    Ended(i32),
    /// There is no pipe that could be written to.
    #[error("the command pipe of PID {0}: {1}")]
    Pipe(i32, PipeError),
    /// What it publishes makes no sense.
    #[error("the state of PID {0} cannot be read")]
    State(i32),
}

/// Asks `verb` of `init` and returns the code of the answer.
pub fn ask(init: &Init, verb: u64) -> Result<u64, AskError> {
    ask_within(init, verb, PATIENCE, BUSY)
}

/// The same for who has no more time than `patience`, and `busy` for a PID 1 that waits for its turn to run.
pub fn ask_within(init: &Init, verb: u64, patience: Duration, busy: Duration) -> Result<u64, AskError> {
    let pipe = find::open_pipe(init).map_err(|error| AskError::Pipe(init.pid, error))?;
    let mut life = Life { init, taken: 0, end: clock::now() + busy };
    let mut time = patience;
    loop {
        match ask_once(&mut life, &pipe, verb, time)? {
            Some(Fate::Answered(code)) => return Ok(u64::from(code)),
            Some(Fate::Received) => return Err(AskError::Received(init.pid)),
            // It was not carried out, and never will be: once more, by a PID 1 that lives and is behind. With more time,
            // or a crowd of clients that ask again would hold it up for ever.
            Some(Fate::Expired) if clock::now() < life.end => {
                time = (2 * time).min(life.end.saturating_sub(clock::now()));
            }
            _ => return Err(AskError::Silent { pid: init.pid, patience }),
        }
    }
}

/// None: it was not taken, and PID 1 gives no sign of life.
fn ask_once(
    life: &mut Life<'_>,
    pipe: &OwnedFd,
    verb: u64,
    time: Duration,
) -> Result<Option<Fate>, AskError> {
    let init = life.init;
    let id = layout::new_id();
    let mut lookout = Lookout::new(init.words, id);
    life.shown();
    let until = clock::now() + time;
    if !send(pipe, &layout::encode(id, verb, until), until).map_err(|_| AskError::Ended(init.pid))? {
        return Ok(life.shown().then_some(Fate::Expired));
    }
    lookout.written();
    let answered = &init.words[layout::ANSWERED];
    let mut next = until;
    loop {
        let seen = answered.load(Ordering::Acquire);
        // Before the look, so that the last look comes after the deadline.
        let late = clock::now() >= next;
        fence(Ordering::SeqCst);
        match lookout.look() {
            Some(fate @ (Fate::Answered(_) | Fate::Expired)) => return Ok(Some(fate)),
            None if lookout.outrun() => return Ok(Some(Fate::Received)),
            known if late => {
                if !life.shown() {
                    return Ok(known);
                }
                next = clock::now() + PATIENCE;
            }
            _ => {}
        }
        page::wait_for_change(answered, seen, page::bit_of(id), next);
    }
}

/// The signs of life of a PID 1 that does not answer.
struct Life<'a> {
    init: &'a Init,
    /// What it had taken when this was asked last.
    taken: u64,
    /// How long they count.
    end: Duration,
}

impl Life<'_> {
    /// Whether PID 1 took requests since, or is about to run.
    fn shown(&mut self) -> bool {
        let taken = self.init.words[layout::TAKEN].load(Ordering::Acquire);
        let works = std::mem::replace(&mut self.taken, taken) != taken;
        // D: between the fork and the exec of a start, when the child waits for its turn.
        let waits_for_its_turn =
            || proc::parent(self.init.pid).is_some_and(|(_, state)| matches!(state, b'R' | b'D'));
        clock::now() < self.end && (works || waits_for_its_turn())
    }
}

/// Writes a record. A pipe full of other clients' commands is waited for; false when it is still full at the end.
fn send(pipe: &OwnedFd, record: &[u8], until: Duration) -> io::Result<bool> {
    while fd::write_some(pipe.as_raw_fd(), record)?.is_none() {
        let left = until.saturating_sub(clock::now());
        if left.is_zero() {
            return Ok(false);
        }
        fd::poll_any(&mut [Polled::new(pipe.as_raw_fd(), Wait::Write)], Some(left))?;
    }
    Ok(true)
}

/// The version of the wrapper that `init` is; none when it says none.
pub fn release(init: &Init) -> Option<String> {
    let words = init.words[layout::RELEASE].iter();
    layout::release(&words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect::<Vec<_>>())
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
