//! Our descendants, found through `/proc` without allocating.
//!
//! A process belongs to the tree when its line of parents leads to us. What was exec'd into the container has
//! parent 0 and does not; neither does what descends from the excluded helper.

use super::Pid;
use crate::sys::signal::SignalNo;
use crate::sys::{mask, proc};

/// How often a sweep looks again for what was forked meanwhile.
const PASSES: usize = 8;
/// Longer lines of parents than this are a process table that changes under us.
const DEPTH: usize = 256;

/// Sends `signal` to every descendant of ours but those of `except` and their descendants. Returns how many there were.
///
/// KILL is repeated until a pass finds nobody new alive, so that what forks cannot outrun it. Without `/proc` only
/// `group` is reached.
pub fn signal(signal: SignalNo, except: &[Pid], group: Option<Pid>) -> usize {
    let own = std::process::id() as Pid;
    let mut reached = 0;
    for _ in 0..if signal == SignalNo::KILL { PASSES } else { 1 } {
        let mut found = 0;
        let listed = proc::each_process(|pid| {
            if descends(pid, own, except) && mask::kill(pid, signal).is_ok() {
                found += 1;
            }
        });
        if !listed {
            return group.map_or(0, |leader| usize::from(mask::kill(-leader, signal).is_ok()));
        }
        reached = reached.max(found);
        if found == 0 {
            break;
        }
    }
    reached
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
