//! Which suites run around us: a test that runs its own suite would run itself again without end.
//!
//! Contract: a worker carries the suite of the file in its hand as its process name. Every process of a test has its worker
//! among its ancestors, whatever it does: the worker adopts orphans, and no process can change the name of another. A variable
//! of the environment would be gone with `env -i`.

use crate::process::Pid;
use crate::sys::proc::{self, Name};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What a worker's name begins with.
const PREFIX: &[u8] = b"test:";
/// Ancestors that end while we look make us begin again, at most so often.
const LOOKS: usize = 16;
/// More ancestors than any machine has processes.
const DEPTH: usize = 1 << 22;

/// The process name of a worker that has a file of this suite in its hand: `test:live`. A name that is too long is told apart
/// by digits at its end.
pub(super) fn worker_name(suite: &str) -> Name {
    let mut name = [0; 16];
    let room = name.len() - 1 - PREFIX.len();
    let text = if suite.len() <= room {
        suite.to_owned()
    } else {
        let mut hasher = DefaultHasher::new();
        suite.hash(&mut hasher);
        format!("{:010x}", hasher.finish() & 0xff_ffff_ffff)
    };
    let whole = PREFIX.iter().copied().chain(text.bytes());
    name.iter_mut().take(15).zip(whole).for_each(|(to, from)| *to = from);
    name
}

/// The worker among our ancestors that has a file of this suite in its hand.
pub fn runs(suite: &str) -> Option<Pid> {
    let wanted = worker_name(suite);
    (0..LOOKS).find_map(|_| look(wanted).ok()).flatten()
}

/// An ancestor ended while we looked.
struct Ended;

/// One walk upwards.
fn look(wanted: Name) -> Result<Option<Pid>, Ended> {
    let mut pid = std::process::id() as Pid;
    for _ in 0..DEPTH {
        let (name, parent) = proc::name_and_parent(pid).ok_or(Ended)?;
        if name == wanted {
            return Ok(Some(pid));
        }
        if parent <= 0 {
            return Ok(None);
        }
        pid = parent;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_suite() {
        assert_eq!(&worker_name("live")[..10], b"test:live\0");
        assert_eq!(&worker_name("tenletters"), b"test:tenletters\0");
        let long = ["a-long-suite-one", "a-long-suite-two"].map(worker_name);
        assert!(long[0] != long[1] && long.iter().all(|name| name.starts_with(PREFIX) && name[15] == 0));
    }

    #[test]
    fn nothing_runs_around_this_test() {
        assert_eq!(runs("live"), None);
    }
}
