//! All layers on top of each other: defaults, files, environment, command line.
//!
//! Contract: later layers win; maps merge by entry, lists and scalars replace; null in a file brings the default
//! back.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Settings, Source};
use super::keys::WITHOUT_EFFECT;
use super::warning::Warning;
use super::{Config, ConfigError, Layer, Locations, cli, env, file};

/// A configuration, where it came from, and what is odd about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What deserves a word and is no error.
    pub warnings: Vec<Warning>,
    /// The files that were read, in the order in which they were applied.
    pub files: Vec<PathBuf>,
    set: Settings,
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

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "from {}", path.display()),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::CommandLine => f.write_str("from the command line"),
        }
    }
}

impl From<Config> for Loaded {
    /// A configuration that nobody wrote down.
    fn from(config: Config) -> Self {
        Self { config, ..Self::default() }
    }
}

impl Loaded {
    /// Where a key, or one entry of a map, was set: `origin("run.env", Some("LANG"))`.
    pub fn origin(&self, key: &str, entry: Option<&str>) -> Origin {
        match self.set.source(key, entry) {
            None => Origin::Default,
            Some(Source::File(index)) => Origin::File(self.files[usize::from(index)].clone()),
            Some(Source::Variable) => Origin::Variable(
                super::keys::Key::find(key).map_or_else(String::new, super::keys::Key::variable),
            ),
            Some(Source::CommandLine) => Origin::CommandLine,
        }
    }

    /// Who set a key, for a message about values that are right by themselves.
    fn place(&self, key: &str) -> String {
        match self.origin(key, None) {
            Origin::File(path) => path.display().to_string(),
            Origin::Variable(name) => name,
            Origin::CommandLine => "the command line".to_owned(),
            Origin::Default => "the default".to_owned(),
        }
    }

    fn warn_of_keys_without_effect(&mut self) {
        let set = |key: &&str| self.set.is_set(key, None);
        let warnings: Vec<Warning> = WITHOUT_EFFECT
            .into_iter()
            .filter(set)
            .map(|key| Warning::WithoutEffect { place: self.place(key), key })
            .collect();
        self.warnings.extend(warnings);
    }

    /// What can never work, although each value by itself can.
    fn contradiction(&self) -> Option<ConfigError> {
        let stop = &self.config.stop;
        let grace = stop.grace.filter(|grace| !stop.drain_delay.is_zero() && stop.drain_delay >= *grace)?;
        let spell = |time: std::time::Duration| humantime::format_duration(time).to_string();
        Some(ConfigError::DrainOutlastsGrace {
            place: self.place("stop.drain_delay"),
            delay: spell(stop.drain_delay),
            grace: spell(grace),
        })
    }
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

/// Reads every layer and goes on after errors: for `config check`, which lists them all, and for maintenance,
/// which starts with a broken configuration too. Of a broken file the settings that are right count.
pub fn load_tolerant<'e>(
    locations: &Locations,
    env: impl Iterator<Item = &'e CStr>,
    cli: Option<&Layer>,
) -> (Loaded, Vec<ConfigError>) {
    let (mut draft, mut files, mut warnings, mut errors) =
        (Draft::default(), Vec::new(), Vec::new(), Vec::new());
    locations.configuration(
        &mut |found| match found {
            Ok((path, text)) => {
                let source = Source::File(files.len() as u16);
                errors.extend(file::apply(&mut draft, &path, &text, source));
                files.push(path);
            }
            Err(error) => errors.push(error),
        },
        &mut warnings,
    );
    env::apply(&mut draft, env, &mut warnings, &mut errors);
    if let Some(layer) = cli {
        errors.extend(cli::apply(&mut draft, layer));
    }
    let mut loaded = Loaded { config: draft.config, warnings, files, set: draft.set };
    loaded.warn_of_keys_without_effect();
    errors.extend(loaded.contradiction());
    (loaded, errors)
}

/// The command line and nothing else: for `exec`.
pub fn load_cli(layer: &Layer) -> Result<Config, ConfigError> {
    let mut draft = Draft::default();
    cli::apply(&mut draft, layer).into_iter().next().map_or(Ok(draft.config), Err)
}

/// Checks files one by one, wherever they stand: for `config check FILE...`. Returns what is odd, too.
pub fn check_files(paths: &[PathBuf]) -> (Vec<Warning>, Vec<ConfigError>) {
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        let mut draft = Draft::default();
        errors.extend(check_file(&mut draft, path));
        let files = vec![path.clone()];
        let mut loaded = Loaded { config: draft.config, warnings: Vec::new(), files, set: draft.set };
        loaded.warn_of_keys_without_effect();
        errors.extend(loaded.contradiction());
        warnings.append(&mut loaded.warnings);
    }
    (warnings, errors)
}

fn check_file(draft: &mut Draft, path: &Path) -> Vec<ConfigError> {
    let missing = || std::io::Error::from_raw_os_error(libc::ENOENT);
    match file::read(path) {
        Ok(Some(text)) => file::apply(draft, path, &text, Source::File(0)),
        Ok(None) => vec![ConfigError::Read { path: path.to_owned(), source: missing() }],
        Err(error) => vec![error],
    }
}
