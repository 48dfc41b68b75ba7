//! The termination message: a line in a file that the runtime shows to people, `/dev/termination-log` in Kubernetes.
//!
//! Contract: the line is appended to what the app wrote there, escaped, and at most `LONGEST` bytes long. The file is
//! never made. It can be anything (a FIFO without a reader, a file on a dead network file system): a copy of this process
//! opens and writes it, and is not waited for longer than `PATIENCE`.

use crate::status::find;
use crate::sys::fd;
use crate::sys::fork::{self, Side};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where Kubernetes looks by default.
pub const DEFAULT: &str = "/dev/termination-log";
/// The line's length in bytes; Kubernetes shows the last 4096 of the file.
const LONGEST: usize = 1024;
/// How long the copy has.
const PATIENCE: Duration = Duration::from_millis(500);

/// The file.
#[derive(Clone, Debug)]
pub struct Message(PathBuf);

impl Message {
    /// The file of this name; a relative one counts from today's working directory.
    pub fn new(path: PathBuf) -> Self {
        Self(std::path::absolute(&path).unwrap_or(path))
    }

    /// Appends a line about the end of the container. What cannot be written is lost. In a container that has another
    /// wrapper as its init nothing is written: its end is not ours to tell.
    pub fn append(&self, line: &str) {
        // Most containers have no such file. To look for this one costs nothing: /dev is in memory.
        let missing = self.0 == Path::new(DEFAULT) && self.0.symlink_metadata().is_err();
        if missing || find::is_init_here() {
            return;
        }
        let Ok((read, write)) = fd::pipe() else { return };
        match fork::fork() {
            Ok(Side::Child) => {
                drop(read);
                append(&self.0, &fit(line));
                fork::exit_copy(0);
            }
            Ok(Side::Parent(_)) => {
                drop::<OwnedFd>(write);
                // Its end closes the pipe.
                let _ = fd::poll_readable([read.as_raw_fd()], Some(PATIENCE));
            }
            // No process more: then at least a file in memory gets it.
            Err(_) if self.0 == Path::new(DEFAULT) => append(&self.0, &fit(line)),
            Err(_) => {}
        }
    }
}

fn append(path: &Path, line: &str) {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(log) = OpenOptions::new().append(true).custom_flags(flags).open(path) else { return };
    let start = if ends_within_a_line(path, &log) { "\n" } else { "" };
    let _ = fd::write_some(log.as_raw_fd(), format!("{start}{line}\n").as_bytes());
}

/// Whether the app's own message has no end of line.
fn ends_within_a_line(path: &Path, log: &File) -> bool {
    let is_filled = log.metadata().is_ok_and(|data| data.is_file() && data.len() > 0);
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut byte = [0];
        file.read_exact(&mut byte).ok()?;
        Some(byte[0])
    };
    is_filled && last().is_some_and(|byte| byte != b'\n')
}

/// One line of printable characters, of a bounded length.
fn fit(line: &str) -> String {
    let mut text = String::new();
    for c in line.chars() {
        let escaped = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}');
        let part = if escaped { c.escape_default().to_string() } else { c.to_string() };
        if text.len() + part.len() > LONGEST - "…".len() {
            text.push('…');
            break;
        }
        text.push_str(&part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_of_a_bounded_length() {
        assert_eq!(fit("a\nERROR\u{1b}[31m ü"), "a\\nERROR\\u{1b}[31m ü");
        for long in ["x".repeat(5000), "ü".repeat(5000), "\n".repeat(5000)] {
            let text = fit(&long);
            assert!(text.len() <= LONGEST && text.ends_with('…') && !text.contains('\n'), "{}", text.len());
        }
    }
}
