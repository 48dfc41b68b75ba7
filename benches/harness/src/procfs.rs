//! Numbers about a process, read from outside through /proc.

use crate::sys::{self, Pid};
use std::fs;
use std::io;

/// Memory in kB, from `smaps_rollup` (`ru_maxrss` would survive the exec).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) proportional: f64,
    pub(crate) anonymous: f64,
}

pub(crate) fn memory(pid: Pid) -> io::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| number_after(&text, name).map(|kb| kb as f64);
    Ok(Memory { resident: field("Rss:")?, proportional: field("Pss:")?, anonymous: field("Anonymous:")? })
}

/// The most memory in kB that a process ever had since its exec or fork.
pub(crate) fn high_water(pid: Pid) -> io::Result<f64> {
    number_after(&fs::read_to_string(format!("/proc/{pid}/status"))?, "\nVmHWM:").map(|kb| kb as f64)
}

/// What a process has used up so far, all its threads together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) wakeups: u64,
    pub(crate) cpu_ns: u64,
}

pub(crate) fn usage(pid: Pid) -> io::Result<Usage> {
    let mut sum = Usage::default();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        let status = fs::read_to_string(thread.join("status"))?;
        sum.wakeups += number_after(&status, "\nvoluntary_ctxt_switches:")?;
        sum.wakeups += number_after(&status, "\nnonvoluntary_ctxt_switches:")?;
        sum.cpu_ns += number_after(&fs::read_to_string(thread.join("schedstat"))?, "")?;
    }
    Ok(sum)
}

/// Where the program file is mapped, from the first line of /proc/PID/maps.
pub(crate) fn base_address(pid: Pid) -> io::Result<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    Ok(maps.split('-').next().unwrap_or_default().to_owned())
}

fn number_after(text: &str, name: &str) -> io::Result<u64> {
    let start = text.find(name).map(|at| at + name.len());
    start
        .and_then(|start| text[start..].split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other(format!("no number after {name:?}")))
}

/// Waits until none of the processes has woken up for half a second; after three seconds it gives up on those that
/// never rest.
pub(crate) fn settle(pids: &[Pid]) -> io::Result<()> {
    let look = || pids.iter().map(|&pid| usage(pid)).collect::<io::Result<Vec<_>>>();
    let mut last = look()?;
    let mut quiet = 0;
    for _ in 0..30 {
        sys::idle_ms(100);
        let current = look()?;
        quiet = if current == last { quiet + 1 } else { 0 };
        if quiet == 5 {
            break;
        }
        last = current;
    }
    Ok(())
}
