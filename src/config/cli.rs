//! Settings from the command line, as `exec`'s options give them.
//!
//! Contract: a `Layer` only remembers what was typed, in order; it is checked and applied by `resolve`, so that
//! a bad value gets the same message as in a file, with the option's name in front.

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
