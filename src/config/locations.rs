//! The standard locations: two trees of the same shape, merged by name.
//!
//! Contract: `/usr/lib/wrapper` holds what the base images ship, `/etc/wrapper` what derived images, mounts and
//! people add; a file in the second overrides the one of the same name, a link to /dev/null masks it. Only
//! existence is looked at: what is wrong with a file is told by whoever opens or runs it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::ConfigError;

/// Where to look, the lowest precedence first.
#[derive(Debug, Clone)]
pub struct Locations {
    trees: Vec<PathBuf>,
}

/// There is no such file in any place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no run script: looked at {}", list(looked_at))]
pub struct NotFound {
    /// Each place, the highest precedence first.
    pub looked_at: Vec<PathBuf>,
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Locations {
    /// The one tree that `WRAPPER_CONFIG_DIR` names, or the two standard ones.
    pub fn new(config_dir: Option<&OsStr>) -> Self {
        let _ = config_dir;
        Self { trees: vec!["/usr/lib/wrapper".into(), "/etc/wrapper".into()] }
    }

    /// The run script: what `WRAPPER_RUN` names, else `run` in the trees.
    pub fn run_script(&self, wrapper_run: Option<&OsStr>) -> Result<PathBuf, NotFound> {
        let _ = wrapper_run;
        Err(NotFound { looked_at: self.trees.clone() })
    }

    /// The stop script, when there is one.
    pub fn stop_script(&self) -> Option<PathBuf> {
        None
    }

    /// The files of `init.d` or `finish.d`, in the order in which they run.
    pub fn scripts(&self, directory: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let _ = directory;
        Ok(Vec::new())
    }

    /// The files of one test suite, in name order.
    pub fn tests(&self, suite: &str) -> Result<Vec<PathBuf>, ConfigError> {
        self.scripts(Path::new("tests").join(suite).to_str().unwrap_or_default())
    }

    /// The names of all test suites.
    pub fn suites(&self) -> Result<Vec<OsString>, ConfigError> {
        Ok(Vec::new())
    }
}
