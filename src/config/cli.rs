//! Settings from the command line, as `exec`'s options give them.
//!
//! Contract: a `Layer` only remembers what was typed, in order; it is checked and applied by `resolve`, so that
//! a bad value gets the same message as in a file, with the option's name in front.

use super::draft::{Draft, Fault, Source};
use super::error::{ConfigError, Place};
use super::keys::Key;
use super::slot::{SUITE_KEYS, Slot};

/// What was typed on the command line.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    pub(super) given: Vec<Given>,
}

/// One option with its value.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) key: &'static str,
    pub(super) option: &'static str,
    pub(super) text: String,
}

impl Layer {
    /// From pairs of key and text, for options that are called like their key.
    pub fn cli(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { given: pairs.into_iter().map(|(key, text)| Given { key, option: key, text }).collect() }
    }

    /// Adds one use of `option` (as typed, `--grace`) for `key` (`stop.grace`).
    ///
    /// Text sets a scalar. It is one more element of a list, whose first use replaces what other layers say. It
    /// is one `NAME=VALUE` entry of a map.
    pub fn add(&mut self, key: &'static str, option: &'static str, text: impl Into<String>) -> &mut Self {
        self.given.push(Given { key, option, text: text.into() });
        self
    }
}

/// Applies what was typed; every option that is wrong gets its error.
pub(super) fn apply(draft: &mut Draft, layer: &Layer) -> Vec<ConfigError> {
    let mut lists = Vec::new();
    let mut errors = Vec::new();
    for Given { key: name, option, text } in &layer.given {
        let place = || Place::Option((*option).to_owned());
        let result = match Key::find(name) {
            Some(key) => set(draft, key, text, &mut lists),
            None => Err(Fault::unknown((*name).to_owned(), "a key of the configuration".to_owned())),
        };
        errors.extend(result.err().map(|fault| fault.at(place(), "")));
    }
    errors
}

fn set(draft: &mut Draft, key: &'static Key, text: &str, lists: &mut Vec<&'static str>) -> Result<(), Fault> {
    match (key.slot)(&mut draft.config) {
        Slot::Scalar(_) => draft.scalar(key, Some(text), Source::CommandLine),
        Slot::List(_) => {
            if !lists.contains(&key.name) {
                lists.push(key.name);
                draft.list(key, Source::CommandLine);
            }
            draft.element(key, Some(text))
        }
        Slot::Map(_) => {
            let (name, value) =
                text.split_once('=').ok_or_else(|| Fault::shape(key.name, text, "NAME=VALUE"))?;
            let name = draft.entry_name(key, name)?;
            draft.entry(key, &name, Some(value), Source::CommandLine)
        }
        Slot::Suites(_) => {
            let expected = "SUITE.timeout=DURATION or SUITE.probe=PROBE";
            let wrong = || Fault::value(key.name, Some(text), expected);
            let (name, value) = text.split_once('=').ok_or_else(wrong)?;
            let (suite, part) =
                name.rsplit_once('.').filter(|(_, part)| SUITE_KEYS.contains(part)).ok_or_else(wrong)?;
            draft.suite(key, (suite, part), Some(value), Source::CommandLine)
        }
    }
}
