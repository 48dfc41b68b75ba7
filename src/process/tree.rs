//! Our descendants, found through `/proc` without allocating.
//!
//! A process belongs to the tree when its line of parents leads to us. What was exec'd into the container has
//! parent 0 and does not; neither does what descends from the excluded helper. A `/proc` of another PID namespace counts
//! as none: its numbers are those of other processes here.

use super::Pid;
use crate::sys::signal::SignalNo;
use crate::sys::{mask, proc};

/// How often a sweep looks again for what was forked meanwhile.
const PASSES: usize = 8;
/// Longer lines of parents than this are a process table that changes under us.
const DEPTH: usize = 256;

/// Sends `signal` to every descendant of ours but those of `except` and their descendants. Returns how many there were.
///
/// KILL is repeated until a pass finds nobody new alive, so that what forks cannot outrun it. When nobody is found (no
/// `/proc`, another namespace's, one that hides processes) the signal goes to `group`, and counts as one.
pub fn signal(signal: SignalNo, except: &[Pid], group: Option<Pid>) -> usize {
    let own = std::process::id() as Pid;
    let mut reached = 0;
    let passes = match (proc::is_ours(own), signal) {
        (false, _) => 0,
        (true, SignalNo::KILL) => PASSES,
        (true, _) => 1,
    };
    for _ in 0..passes {
        let mut found = 0;
        proc::each_process(|pid| {
            if descends(pid, own, except) && mask::kill(pid, signal).is_ok() {
                found += 1;
            }
        });
        reached = reached.max(found);
        if found == 0 {
            break;
        }
    }
    if reached > 0 {
        return reached;
    }
    group.map_or(0, |leader| usize::from(mask::kill(-leader, signal).is_ok()))
}

/// Whether `pid` is alive and its line of parents leads to `own` without passing one of `except`.
fn descends(pid: Pid, own: Pid, except: &[Pid]) -> bool {
    if pid == own || except.contains(&pid) {
        return false;
    }
    let Some((mut parent, state)) = proc::parent(pid) else { return false };
    if matches!(state, b'Z' | b'X') {
        return false;
    }
    for _ in 0..DEPTH {
        if parent == own {
            return true;
        }
        if parent <= 0 || except.contains(&parent) {
            return false;
        }
        match proc::parent(parent) {
            Some((next, _)) => parent = next,
            // It ended between the two looks, and its children are someone else's now: likely ours.
            None => return false,
        }
    }
    false
}
