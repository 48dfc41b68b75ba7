//! The form of a configuration document: sections, their keys, and what each key takes; from the table.

use serde::de::Deserializer;

use super::draft::{Draft, Fault};
use super::keys::{KEYS, Key, sections};
use super::slot::{SUITE_KEYS, Slot};
use super::types::{NonZeroDuration, Probe};
use super::value::Value as _;
use super::yaml::{Entries, Node, Reader};

/// The whole file: a map of sections.
#[derive(Clone, Copy)]
pub(super) struct Document;

impl Node for Document {
    fn read<'de, D: Deserializer<'de>>(self, reader: &mut Reader<'_>, yaml: D) -> Result<(), D::Error> {
        reader.map(&self, yaml)
    }
}

impl Entries for Document {
    fn key(&self) -> String {
        String::new()
    }

    fn absent(&self, _: &mut Draft) {}

    fn name(&self, _: &mut Draft, name: &str) -> Result<String, Fault> {
        if sections().any(|section| section == name) {
            return Ok(name.to_owned());
        }
        let known = match Key::find(name).map(Key::parts) {
            Some((section, field)) => format!("`{section}:` and below it `{field}:`"),
            None => sections().collect::<Vec<_>>().join(", "),
        };
        Err(Fault::unknown(name.to_owned(), known))
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        yaml: D,
    ) -> Result<(), D::Error> {
        reader.map(&Section(name), yaml)
    }
}

/// One section: a map of keys. Null is what is left when all its lines are commented out: nothing.
struct Section<'n>(&'n str);

impl Entries for Section<'_> {
    fn key(&self) -> String {
        self.0.to_owned()
    }

    fn absent(&self, _: &mut Draft) {}

    fn name(&self, _: &mut Draft, name: &str) -> Result<String, Fault> {
        let key = format!("{}.{name}", self.0);
        if Key::find(&key).is_some() {
            return Ok(name.to_owned());
        }
        let known = KEYS.iter().filter(|key| key.parts().0 == self.0).map(|key| key.name);
        Err(Fault::unknown(key, known.collect::<Vec<_>>().join(", ")))
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        yaml: D,
    ) -> Result<(), D::Error> {
        match Key::find(&format!("{}.{name}", self.0)) {
            Some(key) => KeyValue(key).read(reader, yaml),
            None => Ok(()),
        }
    }
}

/// The value of one key.
#[derive(Clone, Copy)]
pub(super) struct KeyValue(pub(super) &'static Key);

impl Node for KeyValue {
    fn read<'de, D: Deserializer<'de>>(self, reader: &mut Reader<'_>, yaml: D) -> Result<(), D::Error> {
        let key = self.0;
        match (key.slot)(&mut reader.draft.config) {
            Slot::Scalar(slot) => {
                let expected = slot.expected();
                reader.scalar(key.name, expected, yaml, |reader, text| {
                    reader.draft.scalar(key, text, reader.source)
                })
            }
            Slot::List(slot) => {
                let expected = slot.expected();
                reader.list(key, expected, yaml)
            }
            Slot::Map(slot) => {
                let expected = slot.expected_value();
                reader.map(&Pairs { key, expected }, yaml)
            }
            Slot::Suites(_) => reader.map(&Suites(key), yaml),
        }
    }
}

/// The entries of a map.
struct Pairs {
    key: &'static Key,
    expected: &'static str,
}

impl Entries for Pairs {
    fn key(&self) -> String {
        self.key.name.to_owned()
    }

    fn absent(&self, draft: &mut Draft) {
        draft.reset(self.key);
    }

    fn name(&self, draft: &mut Draft, name: &str) -> Result<String, Fault> {
        draft.entry_name(self.key, name)
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        yaml: D,
    ) -> Result<(), D::Error> {
        let key = format!("{}.{name}", self.key.name);
        reader.scalar(&key, self.expected, yaml, |reader, text| {
            reader.draft.entry(self.key, name, text, reader.source)
        })
    }
}

/// `test.suites`: a map from names to suites.
struct Suites(&'static Key);

impl Entries for Suites {
    fn key(&self) -> String {
        self.0.name.to_owned()
    }

    fn absent(&self, draft: &mut Draft) {
        draft.reset(self.0);
    }

    fn name(&self, _: &mut Draft, name: &str) -> Result<String, Fault> {
        const EXPECTED: &str = "the name of a directory under tests, such as live";
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(Fault::value(self.0.name, Some(name), EXPECTED));
        }
        Ok(name.to_owned())
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        yaml: D,
    ) -> Result<(), D::Error> {
        reader.map(&SuiteEntry { key: self.0, name }, yaml)
    }
}

/// One suite.
struct SuiteEntry<'n> {
    key: &'static Key,
    name: &'n str,
}

impl Entries for SuiteEntry<'_> {
    fn key(&self) -> String {
        format!("{}.{}", self.key.name, self.name)
    }

    fn absent(&self, draft: &mut Draft) {
        draft.drop_suite(self.key, self.name);
    }

    fn name(&self, _: &mut Draft, name: &str) -> Result<String, Fault> {
        if SUITE_KEYS.contains(&name) {
            return Ok(name.to_owned());
        }
        let key = format!("{}.{name}", self.key());
        Err(Fault::UnknownKey { key, nearest: None, known: SUITE_KEYS.join(" or ") })
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        part: &str,
        yaml: D,
    ) -> Result<(), D::Error> {
        let expected = if part == SUITE_KEYS[0] { NonZeroDuration::EXPECTED } else { Probe::EXPECTED };
        let key = format!("{}.{part}", self.key());
        reader.scalar(&key, expected, yaml, |reader, text| {
            reader.draft.suite(self.key, (self.name, part), text, reader.source)
        })
    }
}
