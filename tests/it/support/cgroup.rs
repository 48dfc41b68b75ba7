//! A cgroup with a limit, of version 1 or 2, whatever the machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::process::DEADLINE;

/// The cgroup; it goes when dropped, which is after its processes.
pub(crate) struct Cgroup {
    directory: PathBuf,
}

impl Cgroup {
    /// At most this many processes.
    pub(crate) fn with_pids(limit: u32) -> Self {
        let cgroup = Self::new("pids");
        cgroup.set(&["pids.max"], &limit.to_string());
        cgroup
    }

    /// At most this much memory, and no swap.
    pub(crate) fn with_memory(bytes: u64) -> Self {
        let cgroup = Self::new("memory");
        cgroup.set(&["memory.max", "memory.limit_in_bytes"], &bytes.to_string());
        // Where swap is accounted for at all.
        for (file, value) in [("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", bytes)] {
            let _ = fs::write(cgroup.directory.join(file), value.to_string());
        }
        cgroup
    }

    fn new(controller: &str) -> Self {
        let top = Path::new("/sys/fs/cgroup");
        let old = top.join(controller);
        let parent = if old.is_dir() {
            old
        } else {
            let _ = fs::write(top.join("cgroup.subtree_control"), format!("+{controller}"));
            top.to_owned()
        };
        let name =
            format!("wrapper-it-{controller}-{}-{:?}", std::process::id(), std::thread::current().id());
        let directory = parent.join(name.replace(['(', ')'], ""));
        fs::create_dir(&directory).unwrap_or_else(|e| {
            panic!(
                "{}: {e}: these tests need a writable cgroup file system (in a container: --privileged)",
                directory.display()
            )
        });
        Self { directory }
    }

    /// Sets the one of these files that exists.
    fn set(&self, files: &[&str], value: &str) {
        let file = files.iter().map(|file| self.directory.join(file)).find(|file| file.exists());
        let file = file.unwrap_or_else(|| {
            panic!("no {files:?} in {}: the controller is missing", self.directory.display())
        });
        fs::write(&file, value).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// The directory, for `launch --cgroup`.
    pub(crate) fn path(&self) -> &str {
        self.directory.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The last dead process leaves a little later than its parent learns of it.
        let end = Instant::now() + DEADLINE;
        while fs::remove_dir(&self.directory).is_err() && Instant::now() < end {
            std::thread::yield_now();
        }
    }
}
