//! A command line that is taken word by word. Anything wrong ends the probe with the usage and 98.

use std::collections::VecDeque;
use std::ffi::OsString;

use crate::sys;

/// What is left of the command line.
pub(crate) struct Args {
    /// The probe's own path, to start itself again.
    pub(crate) program: OsString,
    words: VecDeque<OsString>,
}

/// Ends the probe: it was called in a wrong way.
pub(crate) fn usage(what: &str) -> ! {
    eprintln!("probe: {what}\n{}", crate::USAGE);
    sys::exit(98)
}

/// Ends the probe: a step failed that the test relies on.
pub(crate) fn failed(what: &str, why: impl std::fmt::Display) -> ! {
    eprintln!("probe: {what}: {why}");
    sys::exit(99)
}

impl Args {
    pub(crate) fn new(words: Vec<OsString>) -> Self {
        let mut words = VecDeque::from(words);
        Self { program: words.pop_front().unwrap_or_default(), words }
    }

    /// The next word, if it is text.
    pub(crate) fn word(&mut self) -> Option<String> {
        self.words.pop_front()?.into_string().ok()
    }

    /// The next word, which must be there.
    pub(crate) fn value(&mut self) -> String {
        self.word().unwrap_or_else(|| usage("a value is missing"))
    }

    /// The next word as a number.
    pub(crate) fn number<N: std::str::FromStr>(&mut self) -> N {
        let word = self.value();
        word.parse().unwrap_or_else(|_| usage(&format!("{word} is not a number")))
    }

    /// The next word as a signal number.
    pub(crate) fn signal(&mut self) -> i32 {
        let word = self.value();
        crate::signals::parse(&word).unwrap_or_else(|| usage(&format!("{word} is not a signal")))
    }

    /// The next option; none at `--` or at the end.
    pub(crate) fn option(&mut self) -> Option<String> {
        self.word().filter(|word| word != "--")
    }

    /// All words that are left.
    pub(crate) fn rest(self) -> Vec<OsString> {
        if self.words.is_empty() {
            usage("a command is missing after --");
        }
        self.words.into()
    }

    /// Whether a word is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}
