//! Kills a whole tree of processes, however many there are and however fast they fork.
//!
//! Contract: one walk over `/proc` costs one look at each process. The kernel lists processes by their numbers, and a child has
//! a higher number than its parent, so that a walk meets a parent first and kills it before it can fork behind the walk's back.
//! Where the numbers began anew, or a parent ended during the walk, the next walk finds the child: callers repeat it until
//! nobody is left.

use crate::process::Pid;
use crate::sys::signal::SignalNo;
use crate::sys::{mask, proc};
use std::collections::BTreeSet;

/// Sends KILL to every descendant of ours but those of `except` and their descendants. Returns how many were alive; none when
/// there is no `/proc` to look at.
pub(super) fn kill(except: &[Pid]) -> Option<usize> {
    let own = std::process::id() as Pid;
    let mut tree = BTreeSet::from([own]);
    let mut killed = 0;
    let listed = proc::each_process(|pid| {
        if pid == own || except.contains(&pid) {
            return;
        }
        let Some((parent, state)) = proc::parent(pid) else { return };
        if !tree.contains(&parent) {
            return;
        }
        tree.insert(pid);
        // A zombie can be the first thread of a process whose other threads still run.
        let dead = matches!(state, b'Z' | b'X');
        killed += usize::from(mask::kill(pid, SignalNo::KILL).is_ok() && !dead);
    });
    listed.then_some(killed)
}
