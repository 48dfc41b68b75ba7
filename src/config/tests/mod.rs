//! The configuration as people meet it: files in a directory, variables, options; messages to the letter.

mod files;
mod layers;
mod messages;
mod properties;
mod reference;
mod trees;

use std::ffi::{CStr, CString};
use std::fs;
use std::path::Path;

use super::{ConfigError, Layer, Loaded, Locations, load};

/// A configuration directory, an environment and a command line.
pub(super) struct Setup {
    pub(super) dir: tempfile::TempDir,
    env: Vec<CString>,
    cli: Option<Layer>,
}

impl Setup {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), env: Vec::new(), cli: None }
    }

    /// With this `wrapper.yaml`.
    pub(super) fn yaml(text: &str) -> Self {
        Self::new().file("wrapper.yaml", text)
    }

    pub(super) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(super) fn link(self, name: &str, target: impl AsRef<Path>) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    pub(super) fn env(mut self, variable: &str) -> Self {
        self.env.push(CString::new(variable).unwrap());
        self
    }

    pub(super) fn cli(mut self, key: &'static str, option: &'static str, text: &str) -> Self {
        self.cli.get_or_insert_default().add(key, option, text);
        self
    }

    pub(super) fn locations(&self) -> Locations {
        Locations::new(Some(self.dir.path().as_os_str()))
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &CStr> + Clone {
        self.env.iter().map(CString::as_c_str)
    }

    pub(super) fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.locations(), self.variables(), self.cli.as_ref())
    }

    /// The configuration, which must be right.
    pub(super) fn config(&self) -> super::Config {
        self.load().unwrap_or_else(|error| panic!("{error}")).config
    }

    /// The message, without the directory's name.
    pub(super) fn error(&self) -> String {
        self.shorten(&self.load().map(|loaded| loaded.config).unwrap_err().to_string())
    }

    /// Everything that is wrong.
    pub(super) fn all_errors(&self) -> Vec<ConfigError> {
        super::load_tolerant(&self.locations(), self.variables(), self.cli.as_ref()).1
    }

    pub(super) fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}
