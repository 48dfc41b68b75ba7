//! YAML, as files and the variables of lists and maps hold it.
//!
//! Contract: every fault is raised inside the visitor of the very key or value that is wrong, because that is
//! where the YAML library attaches line and column. Scalars are taken as their raw text, so that `1.10`, `022`
//! and `yes` mean what was written. Nothing of a serde message is ever looked at: faults travel beside it. What
//! is a key and what it takes is told by `schema`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::budget;
use super::draft::{Draft, Fault, Source};
use super::error::{ConfigError, Place};
use super::keys::Key;

/// Makes a `Place` from line and column.
pub(super) type Placed<'a> = &'a dyn Fn(Option<(usize, usize)>) -> Place;

/// Something that can be read from a YAML node.
pub(super) trait Node: Sized {
    fn read<'de, D: Deserializer<'de>>(self, reader: &mut Reader<'_>, yaml: D) -> Result<(), D::Error>;
}

/// What can stand in a map.
pub(super) trait Entries {
    /// The key of the map itself, for messages.
    fn key(&self) -> String;

    /// Null stands in its place.
    fn absent(&self, draft: &mut Draft);

    /// Checks a name and answers its one spelling.
    fn name(&self, draft: &mut Draft, name: &str) -> Result<String, Fault>;

    fn value<'de, D: Deserializer<'de>>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        yaml: D,
    ) -> Result<(), D::Error>;
}

/// What every node needs while a document is read.
pub(super) struct Reader<'d> {
    pub(super) draft: &'d mut Draft,
    pub(super) source: Source,
    /// Keys whose faults are known.
    skipped: &'d [String],
    fault: RefCell<Option<Fault>>,
}

/// Applies a document and returns everything that is wrong with it. What is right counts.
///
/// The library stops at the first fault, so the text is read once more without the key at fault, until nothing new is found.
pub(super) fn apply(
    draft: &mut Draft,
    source: Source,
    text: &str,
    node: impl Node + Copy,
    place: Placed<'_>,
) -> Vec<ConfigError> {
    if let Err(error) = check(text, place) {
        return vec![error];
    }
    let (mut errors, mut skipped) = (Vec::new(), Vec::new());
    while let Some((key, error)) = read(draft, source, text, node, place, &skipped) {
        if key.as_ref().is_some_and(|key| skipped.contains(key)) {
            break;
        }
        errors.push(error);
        match key {
            Some(key) if errors.len() < MOST => skipped.push(key),
            // Behind a fault of syntax nothing can be read.
            _ => break,
        }
    }
    errors
}

/// More faults of one document than anybody reads at once.
const MOST: usize = 50;

/// What can be seen before anything is built from the text.
fn check(text: &str, place: Placed<'_>) -> Result<(), ConfigError> {
    if let Some(at) = unprintable(text) {
        let message = "a character that cannot be printed".to_owned();
        return Err(ConfigError::Syntax { place: place(Some(at)), message });
    }
    budget::check(text)
        .map_err(|refused| ConfigError::Refused { place: place(Some(refused.at)), message: refused.message })
}

/// Reads the document without the keys in `skipped`. Returns the error of the first fault, if there is one, and the key at
/// fault when it is not the syntax.
fn read(
    draft: &mut Draft,
    source: Source,
    text: &str,
    node: impl Node,
    place: Placed<'_>,
    skipped: &[String],
) -> Option<(Option<String>, ConfigError)> {
    let mut reader = Reader { draft, source, skipped, fault: RefCell::new(None) };
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let document = documents.next()?;
    if let Err(error) = node.read(&mut reader, document) {
        let at = error.location().map(|location| (location.line(), location.column()));
        return Some(match reader.fault.into_inner() {
            Some(fault) => {
                let key = fault.key().to_owned();
                (Some(key), fault.at(place(at), at.map_or("", |at| snippet(text, at))))
            }
            None => (None, ConfigError::Syntax { place: place(at), message: error.to_string() }),
        });
    }
    documents.next()?;
    Some((None, ConfigError::SeveralDocuments { place: place(second_document(text)) }))
}

/// Where a character stands that YAML does not allow; the library has no position for it.
fn unprintable(text: &str) -> Option<(usize, usize)> {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\r' | '\u{85}')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.contains(bad))?;
    Some((index + 1, line.chars().take_while(|c| !bad(*c)).count() + 1))
}

fn second_document(text: &str) -> Option<(usize, usize)> {
    let content = |line: &str| !line.trim().is_empty() && !line.starts_with(['#', '%']);
    let first = text.lines().position(content)?;
    let next = text.lines().skip(first + 1).position(|line| line.starts_with("---"))?;
    Some((first + next + 2, 1))
}

/// The rest of a line of the source.
fn snippet(text: &str, (line, column): (usize, usize)) -> &str {
    let line = text.lines().nth(line - 1).unwrap_or("");
    line.char_indices().nth(column - 1).map_or("", |(at, _)| line[at..].trim_end())
}

impl Reader<'_> {
    /// A scalar, or null, goes to `then`.
    pub(super) fn scalar<'de, D: Deserializer<'de>>(
        &mut self,
        key: &str,
        expected: &'static str,
        yaml: D,
        then: impl FnOnce(&mut Self, Option<&str>) -> Result<(), Fault>,
    ) -> Result<(), D::Error> {
        yaml.deserialize_option(Text { reader: self, key, expected, then })
    }

    /// A list goes to the draft; null brings the default back.
    pub(super) fn list<'de, D: Deserializer<'de>>(
        &mut self,
        key: &'static Key,
        expected: &'static str,
        yaml: D,
    ) -> Result<(), D::Error> {
        yaml.deserialize_option(List { reader: self, key, expected })
    }

    /// A map, entry by entry.
    pub(super) fn map<'de, D: Deserializer<'de>>(
        &mut self,
        entries: &impl Entries,
        yaml: D,
    ) -> Result<(), D::Error> {
        yaml.deserialize_option(Map { reader: self, entries })
    }

    /// Keeps the first fault, and makes the error that gets the position.
    fn raise<E: Error>(&self, fault: Fault) -> E {
        self.fault.borrow_mut().get_or_insert(fault);
        E::custom("")
    }

    /// serde calls `expecting` exactly when it found something that no method of the visitor takes.
    fn mismatch(&self, key: &str, expected: &'static str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.borrow_mut().get_or_insert_with(|| Fault::BadShape { key: key.to_owned(), expected });
        f.write_str(expected)
    }
}

struct Text<'r, 'd, 'k, F> {
    reader: &'r mut Reader<'d>,
    key: &'k str,
    expected: &'static str,
    then: F,
}

impl<'de, 'd, T, F: FnOnce(&mut Reader<'d>, Option<&str>) -> Result<T, Fault>> Visitor<'de>
    for Text<'_, 'd, '_, F>
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.mismatch(self.key, self.expected, f)
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        (self.then)(self.reader, None).map_err(|fault| self.reader.raise(fault))
    }

    fn visit_some<D: Deserializer<'de>>(self, yaml: D) -> Result<T, D::Error> {
        yaml.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.then)(self.reader, Some(text)).map_err(|fault| self.reader.raise(fault))
    }
}

struct List<'r, 'd> {
    reader: &'r mut Reader<'d>,
    key: &'static Key,
    expected: &'static str,
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.mismatch(self.key.name, "a list, such as [a, b]", f)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.reader.draft.reset(self.key);
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        yaml.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.reader.draft.list(self.key, self.reader.source);
        while elements.next_element_seed(Element(self.reader, self.key, self.expected))?.is_some() {}
        Ok(())
    }
}

struct Element<'r, 'd>(&'r mut Reader<'d>, &'static Key, &'static str);

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        let Self(reader, key, expected) = self;
        reader.scalar(key.name, expected, yaml, |reader, text| reader.draft.element(key, text))
    }
}

struct Map<'r, 'd, 'e, M> {
    reader: &'r mut Reader<'d>,
    entries: &'e M,
}

impl<'de, M: Entries> Visitor<'de> for Map<'_, '_, '_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.mismatch(&self.entries.key(), "a map, such as {name: value}", f)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.entries.absent(self.reader.draft);
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        yaml.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { reader, entries } = self;
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key_seed(Name { reader, entries, seen: &seen })? {
            map.next_value_seed(EntryValue { reader, entries, name: &name })?;
            seen.insert(name);
        }
        Ok(())
    }
}

struct Name<'r, 'd, 'e, M> {
    reader: &'r mut Reader<'d>,
    entries: &'e M,
    seen: &'e BTreeSet<String>,
}

impl<'de, M: Entries> DeserializeSeed<'de> for Name<'_, '_, '_, M> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, yaml: D) -> Result<String, D::Error> {
        let Self { reader, entries, seen } = self;
        let key = entries.key();
        let then = |reader: &mut Reader<'_>, name: Option<&str>| {
            let name = name.unwrap_or_default();
            let path = path(&key, name);
            if reader.skipped.contains(&path) {
                return Ok(name.to_owned());
            }
            let name = entries.name(reader.draft, name)?;
            if seen.contains(&name) { Err(Fault::Duplicate { key: path }) } else { Ok(name) }
        };
        // Not as an option: a name is its raw text, `null` and `~` too.
        yaml.deserialize_str(Text { reader, key: &key, expected: "a name", then })
    }
}

struct EntryValue<'r, 'd, 'e, M> {
    reader: &'r mut Reader<'d>,
    entries: &'e M,
    name: &'e str,
}

impl<'de, M: Entries> DeserializeSeed<'de> for EntryValue<'_, '_, '_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        if self.reader.skipped.contains(&path(&self.entries.key(), self.name)) {
            return IgnoredAny::deserialize(yaml).map(drop);
        }
        self.entries.value(self.reader, self.name, yaml)
    }
}

/// The whole name of an entry of the map that is called `key`; that of the document has no name.
fn path(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}
