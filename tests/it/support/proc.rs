//! What `/proc` of the host says about processes, and waiting for it to say something.

use std::fs;
use std::time::Instant;

use super::process::DEADLINE;

/// The children of a process, in the order in which they were born.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let mut found: Vec<(u64, i32)> = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(fields) = stat(child)
            && fields[1] == pid.to_string()
        {
            found.push((fields[19].parse().expect("a start time"), child));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, pid)| pid).collect()
}

/// The fields of `/proc/PID/stat` after the name: state, ppid, ...
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// `R`, `S`, `T`, `Z`...; none when there is no such process.
pub(crate) fn state(pid: i32) -> Option<char> {
    stat(pid)?[0].chars().next()
}

/// The value of a line of `/proc/PID/status`.
pub(crate) fn status(pid: i32, key: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .map(|value| value.trim_start_matches(':').trim().to_owned())
}

/// The pid by which a process is known inside its own namespace; none when it is gone.
pub(crate) fn inner_pid(pid: i32) -> Option<i32> {
    status(pid, "NSpid")?.split_whitespace().last()?.parse().ok()
}

/// Looks again and again until it is so, where the kernel has no event for it; fails after the deadline.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "hung: {what} did not happen");
        std::thread::yield_now();
    }
}

/// Whether a process is in a system call that only an event ends, and has no timer that could be one.
pub(crate) fn sleeps_for_ever(pid: i32) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/syscall")) else { return false };
    let words: Vec<_> = text.split_whitespace().collect();
    let argument = |n: usize| {
        words
            .get(n + 1)
            .and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok())
            .unwrap_or(1)
    };
    let for_ever = match words.first().and_then(|word| word.parse::<i64>().ok()) {
        Some(libc::SYS_poll) => argument(2) as u32 == u32::MAX,
        Some(libc::SYS_epoll_wait | libc::SYS_epoll_pwait) => argument(3) as u32 == u32::MAX,
        Some(libc::SYS_ppoll | libc::SYS_rt_sigtimedwait) => argument(2) == 0,
        Some(libc::SYS_pause | libc::SYS_rt_sigsuspend | libc::SYS_wait4 | libc::SYS_read) => true,
        _ => false,
    };
    let no_timers = fs::read_to_string(format!("/proc/{pid}/timers")).is_ok_and(|text| text.is_empty());
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let armed = descriptors
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .any(|text| text.lines().any(|line| line.starts_with("it_value:") && !line.ends_with("(0, 0)")));
    for_ever && no_timers && !armed
}
