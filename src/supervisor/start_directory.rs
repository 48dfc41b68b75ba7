//! The directory that the wrapper was started in. PID 1 leaves it once the app has started, since its own working directory
//! would keep a volume busy; what it starts later begins there all the same.
//!
//! Contract: a directory that has no name any more, or cannot be left, is not left.

use std::env;
use std::path::{Path, PathBuf};

/// Where PID 1 works from then on.
const ROOT: &str = "/";

/// The directory, once it was left.
#[derive(Debug, Default)]
pub struct StartDirectory(Option<PathBuf>);

impl StartDirectory {
    /// Leaves it, if we are still there.
    pub fn leave(&mut self) {
        if self.0.is_none()
            && let Ok(directory) = env::current_dir()
            && directory != Path::new(ROOT)
            && env::set_current_dir(ROOT).is_ok()
        {
            self.0 = Some(directory);
        }
    }

    /// Its name; none when it was not left.
    pub fn left(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}
