//! The checks themselves: a minimal static launcher that starts each file of a folder, by name, and waits for it.
//!
//! Contract: nothing but `posix_spawn` and `waitpid` for each file: no pipes, no process groups, no clock. What a runner takes more than
//! this is its overhead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "this process has no other children to wait for")]
pub(crate) fn main(folder: &Path) -> io::Result<()> {
    let files: io::Result<Vec<PathBuf>> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = files?;
    files.sort();
    let mut failed = 0;
    for file in files {
        failed += usize::from(!Command::new(file).status()?.success());
    }
    if failed == 0 { Ok(()) } else { Err(io::Error::other(format!("{failed} checks failed"))) }
}
