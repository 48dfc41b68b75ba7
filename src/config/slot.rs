//! The place of one key inside `Config`, whatever its type: what the table of keys is made of.
//!
//! Contract: three shapes, scalar, list and map, as trait objects, so that files, variables, options and the
//! renderer walk the same table and know nothing of the single types.

use super::model::Suite;
use super::value::{Expected, Rendered, Value};

/// A mutable view of one key's value.
pub(super) enum Slot<'a> {
    Scalar(&'a mut dyn Scalar),
    List(&'a mut dyn List),
    Map(&'a mut dyn Map),
    Suites(&'a mut Vec<Suite>),
}

pub(super) trait Scalar {
    fn expected(&self) -> Expected;
    fn set(&mut self, text: &str) -> Result<(), Expected>;
    /// Null when there is none.
    fn render(&self) -> Rendered;
}

pub(super) trait List {
    fn expected(&self) -> Expected;
    fn clear(&mut self);
    fn push(&mut self, text: &str) -> Result<(), Expected>;
    fn render(&self) -> Vec<Rendered>;
}

pub(super) trait Map {
    fn expected_value(&self) -> Expected;
    /// The one spelling of a name that may have several (`TERM` is `SIGTERM`).
    fn canonical(&self, name: &str) -> Result<String, Expected>;
    /// Adds or replaces one entry; without a text removes it.
    fn set(&mut self, name: &str, text: Option<&str>) -> Result<(), Expected>;
    fn render(&self) -> Vec<(Rendered, Rendered)>;
}

impl<T: Value> Scalar for T {
    fn expected(&self) -> Expected {
        T::EXPECTED
    }

    fn set(&mut self, text: &str) -> Result<(), Expected> {
        *self = T::parse(text)?;
        Ok(())
    }

    fn render(&self) -> Rendered {
        Value::render(self)
    }
}

impl<T: Value> Scalar for Option<T> {
    fn expected(&self) -> Expected {
        T::EXPECTED
    }

    fn set(&mut self, text: &str) -> Result<(), Expected> {
        *self = Some(T::parse(text)?);
        Ok(())
    }

    fn render(&self) -> Rendered {
        self.as_ref().map_or(Rendered::Bare("null".to_owned()), Value::render)
    }
}

impl<T: Value> List for Vec<T> {
    fn expected(&self) -> Expected {
        T::EXPECTED
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn push(&mut self, text: &str) -> Result<(), Expected> {
        Vec::push(self, T::parse(text)?);
        Ok(())
    }

    fn render(&self) -> Vec<Rendered> {
        self.iter().map(Value::render).collect()
    }
}

impl<K: Value + PartialEq, V: Value> Map for Vec<(K, V)> {
    fn expected_value(&self) -> Expected {
        V::EXPECTED
    }

    fn canonical(&self, name: &str) -> Result<String, Expected> {
        let (Rendered::Bare(name) | Rendered::Text(name)) = K::parse(name)?.render();
        Ok(name)
    }

    fn set(&mut self, name: &str, text: Option<&str>) -> Result<(), Expected> {
        let name = K::parse(name)?;
        let Some(text) = text else {
            self.retain(|(known, _)| *known != name);
            return Ok(());
        };
        let value = V::parse(text)?;
        match self.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.push((name, value)),
        }
        Ok(())
    }

    fn render(&self) -> Vec<(Rendered, Rendered)> {
        self.iter().map(|(name, value)| (name.render(), value.render())).collect()
    }
}

/// The keys of one suite.
pub(super) const SUITE_KEYS: [&str; 2] = ["timeout", "probe"];

impl Suite {
    /// The suite of this name, made when it is new.
    pub(super) fn entry<'a>(suites: &'a mut Vec<Self>, name: &str) -> &'a mut Self {
        let at = suites.iter().position(|suite| suite.name == name).unwrap_or_else(|| {
            suites.push(Self { name: name.to_owned(), timeout: None, probe: None });
            suites.len() - 1
        });
        &mut suites[at]
    }

    /// The place of `timeout` or `probe`.
    pub(super) fn slot(&mut self, key: &str) -> &mut dyn Scalar {
        if key == SUITE_KEYS[0] { &mut self.timeout } else { &mut self.probe }
    }

    /// `timeout` or `probe` is as if nobody had said anything.
    pub(super) fn reset(&mut self, key: &str) {
        if key == SUITE_KEYS[0] {
            self.timeout = None;
        } else {
            self.probe = None;
        }
    }
}
