//! Why a process ended, in one line: for the log and the termination message.
//!
//! A KILL is ours, the OOM killer's, or somebody else's. Ours we know. The kernel does not say whom the OOM killer took,
//! only how many it took in the whole cgroup: when that count did not rise, the KILL came from outside; when it did, one
//! of the others may have been meant, and the line says that it cannot be told.

use crate::process::exit::Exit;
use crate::sys::fd;
use crate::sys::signal::SignalNo;
use std::ffi::CString;
use std::fmt::Write as _;
use std::os::fd::AsFd as _;

/// What is known of who sent a KILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Killer {
    /// The wrapper: the grace period was over.
    Wrapper,
    /// Somebody else, and not the OOM killer.
    Outside,
    /// Somebody else or the OOM killer, which took so many processes of this cgroup meanwhile.
    Unclear(u64),
    /// Somebody else or the OOM killer: nobody counts what that takes.
    Uncounted,
}

impl Killer {
    /// Of a KILL that was not ours, by the counts of the OOM killer at the start of the process and at its end.
    pub fn by_counts(before: Option<u64>, after: Option<u64>) -> Self {
        match before.zip(after) {
            None => Self::Uncounted,
            Some((before, after)) if after > before => Self::Unclear(after - before),
            Some(_) => Self::Outside,
        }
    }
}

/// The line about the end of `what` (`the app`, `init.d/50-schema`).
pub fn line(what: &str, exit: Exit, killer: Killer) -> String {
    let mut line = format!("{what} {exit}");
    if exit == Exit::Signal(SignalNo::KILL) {
        let _ = match killer {
            Killer::Wrapper => write!(line, " by the wrapper: it did not end within stop.grace"),
            Killer::Outside => {
                write!(
                    line,
                    " from outside the wrapper, and not by the OOM killer, which killed nothing meanwhile"
                )
            }
            Killer::Unclear(count) => write!(
                line,
                ": out of memory, or from outside the wrapper: the OOM killer has killed {} in this cgroup since the \
                 start, and the kernel does not say which",
                processes(count)
            ),
            Killer::Uncounted => {
                write!(
                    line,
                    " from outside the wrapper or by the OOM killer, whose kills are not counted here"
                )
            }
        };
    } else if let Killer::Unclear(count) = killer {
        // A child that was taken has often ended the process with it.
        let _ =
            write!(line, "; the OOM killer has killed {} in this cgroup since the start", processes(count));
    }
    line
}

/// `1 process`, `2 processes`.
fn processes(count: u64) -> String {
    format!("{count} process{}", if count == 1 { "" } else { "es" })
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

#[cfg(test)]
mod tests {
    use super::*;

    const KILLED: Exit = Exit::Signal(SignalNo::KILL);

    #[test]
    fn a_kill_is_only_blamed_on_whom_it_can_only_come_from() {
        let line = |before, after| line("the app", KILLED, Killer::by_counts(before, after));
        let outside = line(Some(3), Some(3));
        assert!(outside.contains("from outside") && outside.contains("not by the OOM killer"), "{outside}");
        for unclear in
            [line(Some(0), Some(1)), line(Some(3), Some(5)), line(None, Some(1)), line(Some(1), None)]
        {
            assert!(unclear.contains("or"), "{unclear}");
            assert!(!unclear.contains("not by the OOM killer"), "{unclear}");
        }
        assert!(line(Some(0), Some(1)).contains("1 process in"));
        assert!(line(Some(3), Some(5)).contains("2 processes in"));
    }

    #[test]
    fn a_code_is_reported_with_what_the_oom_killer_took() {
        let line = |killer| line("the app", Exit::Code(1), killer);
        assert_eq!(line(Killer::Outside), "the app exited with code 1");
        assert_eq!(line(Killer::Uncounted), "the app exited with code 1");
        assert!(line(Killer::Unclear(1)).contains("the OOM killer has killed 1 process"));
    }
}
