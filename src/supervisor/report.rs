//! Why the app ended, in one line: for the log and for `/dev/termination-log`, which Kubernetes shows.
//!
//! A KILL has three authors. Ours we know; the OOM killer's is told by the cgroup's `oom_kill` count; what is left
//! came from outside.

use crate::process::exit::Exit;
use crate::sys::fd;
use crate::sys::signal::SignalNo;
use std::ffi::CString;
use std::fmt::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _};

/// Kubernetes reads at most this much, in bytes.
const TERMINATION_LOG_SIZE: usize = 4096;

/// Who sent a KILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Killer {
    /// The wrapper: the grace period was over.
    Wrapper,
    /// The kernel: out of memory.
    OutOfMemory,
    /// Somebody else.
    Outside,
}

/// The line about the end of `what` (`the app`, `init.d/50-schema`).
pub fn line(what: &str, exit: Exit, killer: Killer) -> String {
    let mut line = format!("{what} {exit}");
    if exit == Exit::Signal(SignalNo::KILL) {
        line.push_str(match killer {
            Killer::Wrapper => " by the wrapper: it did not stop within stop.grace",
            Killer::OutOfMemory => {
                ": out of memory (the cgroup's oom_kill count rose); raise the memory limit"
            }
            Killer::Outside => " from outside the wrapper",
        });
    }
    line
}

/// Writes `line` to the termination log if there is one. What cannot be written is lost.
pub fn to_termination_log(line: &str) {
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(log) = fd::open(c"/dev/termination-log", flags) else { return };
    let mut end = line.len().min(TERMINATION_LOG_SIZE - 1);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let _ = fd::write_nowait(log.as_raw_fd(), [&line.as_bytes()[..end], b"\n"].concat().as_slice());
}

/// How many processes of our cgroup the OOM killer has taken, by cgroup v2 or v1; none where neither tells.
pub fn oom_kills() -> Option<u64> {
    let mut own = [0; 2048];
    let own = read(c"/proc/self/cgroup", &mut own).unwrap_or("");
    let mut files = Vec::new();
    for line in own.lines() {
        // "0::/path" is v2, "9:memory:/path" v1.
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next(), fields.next()) {
            (Some(""), Some(path)) => files.push(format!("/sys/fs/cgroup{path}/memory.events")),
            (Some(names), Some(path)) if names.split(',').any(|name| name == "memory") => {
                files.push(format!("/sys/fs/cgroup/memory{path}/memory.oom_control"));
            }
            _ => {}
        }
    }
    // In a container the cgroup's own directory is mounted at the top, whatever /proc/self/cgroup says.
    files.push("/sys/fs/cgroup/memory.events".into());
    files.push("/sys/fs/cgroup/memory/memory.oom_control".into());
    files.into_iter().find_map(|file| {
        let mut buffer = [0; 512];
        read(&CString::new(file).ok()?, &mut buffer)?
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    })
}

fn read<'a>(path: &std::ffi::CStr, buffer: &'a mut [u8]) -> Option<&'a str> {
    let file = fd::open(path, libc::O_RDONLY).ok()?;
    let filled = fd::read_some(file.as_fd(), buffer);
    std::str::from_utf8(&buffer[..filled]).ok()
}

/// A duration as the configuration spells it: `500ms`, `25s`.
pub fn spell(duration: std::time::Duration) -> String {
    let mut text = String::new();
    let _ = if duration.subsec_millis() == 0 {
        write!(text, "{}s", duration.as_secs())
    } else {
        write!(text, "{}ms", duration.as_millis())
    };
    text
}
