//! A configuration while it is being put together, and who said what.
//!
//! Contract: a layer is applied onto what the layers below left. Only explicit settings are remembered, so a
//! container without configuration pays nothing for provenance.

use super::error::{ConfigError, Place};
use super::keys::{Key, nearest_key};
use super::model::{Config, Suite};
use super::secret::shown_source;
use super::slot::Slot;
use super::value::Expected;
use std::collections::BTreeMap;

/// The configuration so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) set: Settings,
}

/// Who made each explicit setting: of a key, or of one entry of a map (`K`; `live.timeout` in suites).
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<&'static str, BTreeMap<Option<Box<str>>, Source>>);

impl Settings {
    /// Who set it; none when nobody did.
    pub(super) fn source(&self, key: &str, entry: Option<&str>) -> Option<Source> {
        self.0.get(key)?.get(&entry.map(Into::into)).copied()
    }

    /// Whether the key, or an entry of it, was set; by `source`, when one is given.
    pub(super) fn is_set(&self, key: &str, source: Option<Source>) -> bool {
        let by = |found: &Source| source.is_none_or(|source| source == *found);
        self.0.get(key).is_some_and(|entries| entries.values().any(by))
    }
}

/// The layer that a setting is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The n-th file that was read.
    File(u16),
    Variable,
    CommandLine,
}

/// What is wrong with a setting; where is known to whoever reads the source.
#[derive(Debug)]
pub(super) enum Fault {
    UnknownKey {
        key: String,
        nearest: Option<String>,
        known: String,
    },
    Duplicate {
        key: String,
    },
    BadValue {
        key: String,
        found: String,
        expected: Expected,
    },
    /// A list or map in place of a scalar, or the other way round: the source text shows which.
    BadShape {
        key: String,
        expected: Expected,
    },
}

impl Fault {
    pub(super) fn unknown(key: String, known: String) -> Self {
        let nearest = nearest_key(&key).filter(|nearest| *nearest != key).map(str::to_owned);
        Self::UnknownKey { key, nearest, known }
    }

    pub(super) fn value(key: impl Into<String>, found: Option<&str>, expected: Expected) -> Self {
        Self::BadValue { key: key.into(), found: shown(found), expected }
    }

    /// The whole name of the key at fault.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::UnknownKey { key, .. }
            | Self::Duplicate { key }
            | Self::BadValue { key, .. }
            | Self::BadShape { key, .. } => key,
        }
    }

    /// A text that is no entry of a map.
    pub(super) fn shape(key: &str, found: &str, expected: Expected) -> Self {
        if key == SECRETS.trim_end_matches('.') {
            Self::BadShape { key: key.to_owned(), expected }
        } else {
            Self::value(key, Some(found), expected)
        }
    }

    /// The error; `snippet` is the source text at the place.
    pub(super) fn at(self, place: Place, snippet: &str) -> ConfigError {
        let (key, found, expected) = match self {
            Self::UnknownKey { key, nearest, known } => {
                return ConfigError::UnknownKey { place, key: line(&key), nearest, known };
            }
            Self::Duplicate { key } => return ConfigError::Duplicate { place, key: line(&key) },
            // A value of run.env may be a secret.
            Self::BadShape { key, expected } if key.starts_with(SECRETS) => {
                (key, "a list or a map".to_owned(), expected)
            }
            Self::BadShape { key, expected } if key == SECRETS.trim_end_matches('.') => {
                let shape = if snippet.starts_with('[') { "a list" } else { "a single value" };
                (key, shape.to_owned(), expected)
            }
            Self::BadValue { key, expected, .. } if key.starts_with(SECRETS) => {
                (key, "something else".to_owned(), expected)
            }
            Self::BadShape { key, expected } => (key, line(&shown_source(snippet)), expected),
            Self::BadValue { key, found, expected } => (key, found, expected),
        };
        let told = match &place {
            Place::Variable(name) => Key::find(&key).is_some_and(|key| key.variable() == *name),
            Place::Option(_) => true,
            Place::File { .. } => false,
        };
        ConfigError::BadValue { key: if told { String::new() } else { line(&key) }, place, found, expected }
    }
}

const SECRETS: &str = "run.env.";

/// What was found, as a person would point at it.
fn shown(found: Option<&str>) -> String {
    found.map_or("null".to_owned(), |text| format!("\"{}\"", cut(&shown_source(text)).escape_debug()))
}

/// Text from a source on one line, whatever it holds.
fn line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    cut(text).chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Draft {
    /// Sets a scalar; null brings the default back.
    pub(super) fn scalar(
        &mut self,
        key: &'static Key,
        text: Option<&str>,
        source: Source,
    ) -> Result<(), Fault> {
        let Some(text) = text else {
            self.reset(key);
            return Ok(());
        };
        if let Slot::Scalar(slot) = (key.slot)(&mut self.config) {
            slot.set(text).map_err(|expected| Fault::value(key.name, Some(text), expected))?;
        }
        self.record(key, None, source);
        Ok(())
    }

    /// Starts a list that replaces the one from below.
    pub(super) fn list(&mut self, key: &'static Key, source: Source) {
        if let Slot::List(slot) = (key.slot)(&mut self.config) {
            slot.clear();
        }
        self.record(key, None, source);
    }

    /// Adds an element to the list that was started.
    pub(super) fn element(&mut self, key: &'static Key, text: Option<&str>) -> Result<(), Fault> {
        let Slot::List(slot) = (key.slot)(&mut self.config) else { return Ok(()) };
        let result = match text {
            Some(text) => slot.push(text),
            None => Err(slot.expected()),
        };
        result.map_err(|expected| Fault::value(key.name, text, expected))
    }

    /// The one spelling of the name of a map's entry.
    pub(super) fn entry_name(&mut self, key: &'static Key, name: &str) -> Result<String, Fault> {
        let Slot::Map(slot) = (key.slot)(&mut self.config) else { return Ok(name.to_owned()) };
        slot.canonical(name).map_err(|expected| Fault::value(key.name, Some(name), expected))
    }

    /// Adds or replaces an entry of a map; null removes it.
    pub(super) fn entry(
        &mut self,
        key: &'static Key,
        name: &str,
        text: Option<&str>,
        source: Source,
    ) -> Result<(), Fault> {
        if let Slot::Map(slot) = (key.slot)(&mut self.config) {
            slot.set(name, text)
                .map_err(|expected| Fault::value(format!("{}.{name}", key.name), text, expected))?;
        }
        self.forget(key, Some(name));
        if text.is_some() {
            self.record(key, Some(name), source);
        }
        Ok(())
    }

    /// Sets `timeout` or `probe` of a suite; null brings the default back.
    pub(super) fn suite(
        &mut self,
        key: &'static Key,
        (name, part): (&str, &str),
        text: Option<&str>,
        source: Source,
    ) -> Result<(), Fault> {
        let suites = &mut self.config.test.suites;
        let entry = format!("{name}.{part}");
        let Some(text) = text else {
            suites.iter_mut().filter(|suite| suite.name == name).for_each(|suite| suite.reset(part));
            self.forget(key, Some(&entry));
            return Ok(());
        };
        let suite = Suite::entry(suites, name);
        suite
            .slot(part)
            .set(text)
            .map_err(|expected| Fault::value(format!("{}.{entry}", key.name), Some(text), expected))?;
        self.record(key, Some(&entry), source);
        Ok(())
    }

    /// Forgets what was said about a suite.
    pub(super) fn drop_suite(&mut self, key: &'static Key, name: &str) {
        self.config.test.suites.retain(|suite| suite.name != name);
        let of_suite = |entry: &str| entry.rsplit_once('.').is_some_and(|(suite, _)| suite == name);
        if let Some(entries) = self.set.0.get_mut(key.name) {
            entries.retain(|entry, _| !entry.as_deref().is_some_and(of_suite));
        }
    }

    /// Brings the default back.
    pub(super) fn reset(&mut self, key: &'static Key) {
        (key.reset)(&mut self.config);
        self.set.0.remove(key.name);
    }

    fn record(&mut self, key: &'static Key, entry: Option<&str>, source: Source) {
        self.set.0.entry(key.name).or_default().insert(entry.map(Into::into), source);
    }

    fn forget(&mut self, key: &'static Key, entry: Option<&str>) {
        if let Some(entries) = self.set.0.get_mut(key.name) {
            entries.remove(&entry.map(Into::into));
        }
    }
}
