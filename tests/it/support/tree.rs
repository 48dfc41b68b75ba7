//! A tree of standard locations in a temporary directory, for `WRAPPER_CONFIG_DIR`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// The tree; it goes when dropped. Scripts have the probe's path in `$PROBE`.
pub(crate) struct Tree {
    directory: TempDir,
}

impl Tree {
    /// An empty tree that every uid can read.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("wrapper-tree").tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        Self { directory }
    }

    /// The path of the tree, or of something in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// A file with this mode.
    pub(crate) fn file(self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let path = self.place(name);
        let _alone = no_start_at_the_same_time();
        fs::write(&path, content).expect("write a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
        self
    }

    /// A link.
    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        symlink(target, self.place(name)).expect("a link");
        self
    }

    /// The configuration file.
    pub(crate) fn yaml(self, content: &str) -> Self {
        self.file("wrapper.yaml", 0o644, content)
    }

    /// A shell script: `run`, `stop`, `init.d/10-name`...
    pub(crate) fn script(self, name: &str, body: &str) -> Self {
        self.file(name, 0o755, format!("#!/bin/sh\n{body}\n"))
    }

    /// The run script as the probe with these arguments.
    pub(crate) fn app(self, arguments: &str) -> Self {
        self.script("run", &format!("exec \"$PROBE\" {arguments}"))
    }

    fn place(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a directory");
        path
    }
}

/// Held while a file is written and while a process is started. A process that another thread starts has the file open for
/// writing until its own exec, and the kernel runs no program that somebody has open for writing (ETXTBSY).
pub(crate) fn no_start_at_the_same_time() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
