//! The answers that PID 1 keeps in the page, by the ids of the requests: written by PID 1, looked up by clients.
//!
//! Contract: at least the last 4096 and those of the last 60 s are kept, as far as the page has room (131072), so a
//! client that wakes late finds its own, however many others asked. A request has one word from the moment when it is
//! taken from the pipe: id and code in one, so that no reader sees half of it.
//!
//! The words are blocks of one page each, in a ring. A full block is followed by the oldest one, which is overwritten;
//! by a new one, put in between, as long as the oldest is too young for that. So a container that is asked now and then
//! never uses more than nine blocks.

use super::layout::{self, ANSWERS, BLOCK, BLOCKS};
use crate::sys::page::{self, Words};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long an answer is kept at least.
const KEPT: Duration = Duration::from_secs(60);
/// Blocks that hold the last 4096 answers: the one that is being filled does not count.
const LEAST: u64 = 1 + (4096 / BLOCK) as u64;

/// The code of a request that was taken and has no answer yet.
const RECEIVED: u8 = 0;
/// The code of one that was taken too late: its client waits no more, and it is not carried out.
const EXPIRED: u8 = 1;
/// What is added to a code of the supervisor's.
const FIRST: u8 = 2;

/// What is known of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was taken, and is being carried out.
    Received,
    /// It was taken too late and not carried out.
    Expired,
    /// This is its answer.
    Answered(u8),
}

impl Fate {
    fn code(self) -> u8 {
        match self {
            Self::Received => RECEIVED,
            Self::Expired => EXPIRED,
            Self::Answered(code) => FIRST.saturating_add(code),
        }
    }

    fn of(code: u8) -> Self {
        match code {
            RECEIVED => Self::Received,
            EXPIRED => Self::Expired,
            code => Self::Answered(code - FIRST),
        }
    }
}

/// A word of the answers: a block and a place in it.
type Place = u64;

fn word(place: Place) -> usize {
    ANSWERS.start + place as usize % (ANSWERS.end - ANSWERS.start)
}

/// The block behind `block`, and when `block` was filled, in seconds.
fn link(words: Words, block: u64) -> (u64, u64) {
    let link = words[BLOCKS.start + block as usize % BLOCKS.len()].load(Ordering::Acquire);
    (link & 0xffff, link >> 16)
}

/// Notes down a request that was just taken, and returns where.
pub fn receive(words: Words, id: u64, now: Duration) -> Place {
    let place = words[layout::CURSOR].load(Ordering::Relaxed);
    words[word(place)].store(id << 8 | u64::from(RECEIVED), Ordering::Release);
    let next = if (place + 1).is_multiple_of(BLOCK as u64) {
        BLOCK as u64 * following(words, place / BLOCK as u64, now.as_secs())
    } else {
        place + 1
    };
    layout::count(&words[layout::TAKEN]);
    words[layout::CURSOR].store(next, Ordering::SeqCst);
    place
}

/// The block to fill behind a full one.
fn following(words: Words, full: u64, now: u64) -> u64 {
    let used = words[layout::USED].load(Ordering::Relaxed) + 1;
    let (oldest, _) = link(words, full);
    let young = used < LEAST || now.saturating_sub(link(words, oldest).1) <= KEPT.as_secs();
    let next = if young && used < BLOCKS.len() as u64 {
        words[BLOCKS.start + used as usize].store(oldest, Ordering::Release);
        words[layout::USED].store(used, Ordering::Release);
        used
    } else {
        oldest
    };
    words[BLOCKS.start + full as usize].store(now << 16 | next, Ordering::Release);
    // Nobody here reads a full block again, except for an order's id.
    let start = word(full * BLOCK as u64);
    page::set_aside(&words[start..start + BLOCK]);
    next
}

/// Writes what became of the request at `place`, and wakes its client.
pub fn tell(words: Words, place: Place, id: u64, fate: Fate) {
    words[word(place)].store(id << 8 | u64::from(fate.code()), Ordering::Release);
    layout::count(&words[layout::ANSWERED]);
    page::wake(&words[layout::ANSWERED], page::bit_of(id));
}

/// Where a request was noted down that was taken before, among all that are kept.
pub fn place_of(words: Words, id: u64) -> Option<Place> {
    let used = words[layout::USED].load(Ordering::Relaxed) as usize + 1;
    let mut kept = words[ANSWERS].iter().take(used * BLOCK);
    kept.position(|word| word.load(Ordering::Relaxed) >> 8 == id).map(|place| place as Place)
}

/// What is known of it.
pub fn earlier(words: Words, id: u64) -> Option<Fate> {
    place_of(words, id).map(|place| Fate::of(words[word(place)].load(Ordering::Relaxed) as u8))
}

/// A client's look-out for the answer to one request. It looks at each word once.
#[derive(Debug)]
pub struct Lookout {
    words: Words,
    id: u64,
    next: Place,
    found: Option<Place>,
    /// How many commands had been taken when the request was written.
    before: u64,
}

impl Lookout {
    /// For a request that has not been written yet.
    pub fn new(words: Words, id: u64) -> Self {
        Self { words, id, next: cursor(words), found: None, before: u64::MAX }
    }

    /// The request has been written.
    pub fn written(&mut self) {
        self.before = self.words[layout::TAKEN].load(Ordering::SeqCst);
    }

    /// Whether so many requests were taken since that this one must have been among them, and was overwritten: the pipe
    /// is read in order and holds fewer.
    pub fn outrun(&self) -> bool {
        self.words[layout::TAKEN].load(Ordering::SeqCst).saturating_sub(self.before) >= 4096
    }

    /// What is known of it now.
    pub fn look(&mut self) -> Option<Fate> {
        let end = cursor(self.words);
        // No more steps than there are words, whatever the links say.
        for _ in ANSWERS {
            if self.found.is_some() || self.next == end {
                break;
            }
            if self.words[word(self.next)].load(Ordering::Acquire) >> 8 == self.id {
                self.found = Some(self.next);
            }
            self.next = if (self.next + 1).is_multiple_of(BLOCK as u64) {
                BLOCK as u64 * link(self.words, self.next / BLOCK as u64).0
            } else {
                self.next + 1
            };
        }
        let found = self.words[word(self.found?)].load(Ordering::Acquire);
        // Overwritten since: it was received, and that is all that is left of it.
        if found >> 8 == self.id { Some(Fate::of(found as u8)) } else { Some(Fate::Received) }
    }
}

fn cursor(words: Words) -> Place {
    words[layout::CURSOR].load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use layout::WORDS;

    fn fresh() -> Words {
        page::create(c"wrapper-test", WORDS).expect("a page").1
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    fn answer(words: Words, id: u64, now: Duration) {
        let place = receive(words, id, now);
        tell(words, place, id, Fate::Answered((id % 7) as u8));
    }

    fn answered(id: u64) -> Fate {
        Fate::Answered((id % 7) as u8)
    }

    #[test]
    fn a_request_is_followed_from_the_pipe_to_its_answer() {
        let words = fresh();
        let mut lookout = Lookout::new(words, 5);
        assert_eq!(lookout.look(), None);
        let place = receive(words, 5, at(0));
        assert_eq!(lookout.look(), Some(Fate::Received));
        tell(words, place, 5, Fate::Expired);
        assert_eq!(lookout.look(), Some(Fate::Expired));
        tell(words, place, 5, Fate::Answered(3));
        assert_eq!(lookout.look(), Some(Fate::Answered(3)));
    }

    /// The last 4096 are kept however old they are, and so are all of the last minute, however many.
    #[test]
    fn a_client_that_wakes_late_finds_its_answer() {
        for (count, apart) in [(4096, 100), (20_000, 0)] {
            let words = fresh();
            for id in 1..=700 {
                answer(words, id, at(0));
            }
            let some = || (1..=count).step_by(count as usize / 32);
            let lookouts: Vec<_> = some().map(|n| Lookout::new(words, 1000 + n)).collect();
            for n in 1..=count {
                answer(words, 1000 + n, at(n * apart));
            }
            for (n, mut lookout) in some().zip(lookouts) {
                assert_eq!(lookout.look(), Some(answered(1000 + n)), "{n} of {count}");
                assert_eq!(earlier(words, 1000 + n), Some(answered(1000 + n)), "{n} of {count}");
            }
        }
    }

    #[test]
    fn the_memory_of_a_quiet_container_is_bounded() {
        let words = fresh();
        for id in 1..12_000 {
            answer(words, id, at(10 * id));
        }
        assert_eq!(words[layout::USED].load(Ordering::Relaxed) + 1, LEAST);
        // After a burst it stays at what the burst took.
        for id in 1..8000 {
            answer(words, id, at(2_000_000));
        }
        let used = words[layout::USED].load(Ordering::Relaxed);
        for id in 1..20_000 {
            answer(words, id, at(2_000_100 + 10 * id));
        }
        assert_eq!(words[layout::USED].load(Ordering::Relaxed), used);
    }

    /// More than there is room for: who is overwritten knows that it was received.
    #[test]
    fn a_client_that_wakes_too_late_knows_that_it_was_received() {
        let words = fresh();
        let mut lookouts = [Lookout::new(words, 1), Lookout::new(words, 1)];
        lookouts.iter_mut().for_each(Lookout::written);
        answer(words, 1, at(0));
        assert_eq!(lookouts[1].look(), Some(answered(1)));
        assert!(!lookouts[0].outrun());
        for id in 2..140_000 {
            answer(words, id, at(0));
        }
        let [mut late, mut seen] = lookouts;
        assert_eq!(late.look(), None);
        assert!(late.outrun());
        assert_eq!(seen.look(), Some(Fate::Received));
        assert_eq!(earlier(words, 1), None);
    }

    /// Clients in other threads, while answers are written: each gets its own.
    #[test]
    fn clients_that_wait_get_their_own_answers() {
        use std::sync::mpsc::channel;
        let words = fresh();
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            for client in 1..=8_u64 {
                let sender = sender.clone();
                scope.spawn(move || {
                    for n in 0..200 {
                        let id = client << 16 | n;
                        let mut lookout = Lookout::new(words, id);
                        sender.send(id).expect("a writer");
                        loop {
                            let seen = words[layout::ANSWERED].load(Ordering::Acquire);
                            if let Some(fate @ Fate::Answered(_)) = lookout.look() {
                                assert_eq!(fate, answered(id));
                                break;
                            }
                            let until = crate::sys::clock::now() + Duration::from_secs(20);
                            page::wait_for_change(&words[layout::ANSWERED], seen, page::bit_of(id), until);
                            assert!(crate::sys::clock::now() < until, "hung: no wake");
                        }
                    }
                });
            }
            drop(sender);
            for id in receiver {
                answer(words, id, at(0));
            }
        });
    }
}
