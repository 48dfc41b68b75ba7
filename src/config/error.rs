//! What can be wrong with a configuration, and where: the text that a person reads at three in the morning.
//!
//! Contract: every message is one line of the form `place: key: what was found, what is expected`, complete in
//! itself. Errors are decided by type; nobody needs to look at the text.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A configuration that cannot be used. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or directory is there and cannot be read.
    #[error("{}: cannot be read: {source}{}", path.display(), hint(source))]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A symbolic link leads nowhere.
    #[error("{}: a link to {}, which does not exist", path.display(), target.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// A directory, a device or a pipe stands in place of a file.
    #[error("{}: is {found}, expected a regular file", path.display())]
    NotAFile {
        /// Its name.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// Larger than any configuration.
    #[error("{}: larger than {limit} bytes: this is no configuration file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much is read at most.
        limit: u64,
    },
    /// Not YAML, or not of our form.
    #[error("{place}: not valid YAML: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the YAML parser said.
        message: String,
    },
    /// A tag, or more than any configuration needs.
    #[error("{place}: {message}")]
    Refused {
        /// Where.
        place: Place,
        /// What is refused.
        message: String,
    },
    /// More than one YAML document.
    #[error("{place}: several YAML documents, expected one (remove the `---` between them)")]
    SeveralDocuments {
        /// The file or variable.
        place: Place,
    },
    /// A key that does not exist.
    #[error("{place}: unknown key {key}{}", suggestion(nearest.as_deref(), known))]
    UnknownKey {
        /// Where.
        place: Place,
        /// The whole key, as `stop.grce`.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
        /// Without a near one: what could stand here.
        known: String,
    },
    /// A key or map entry that stands there twice.
    #[error("{place}: {key} is set twice in the same map")]
    Duplicate {
        /// Where the second one is.
        place: Place,
        /// The whole key.
        key: String,
    },
    /// The grace period would be over before the app heard of a stop.
    #[error(
        "{place}: stop.drain_delay ({delay}) is not below stop.grace ({grace}): the app would be killed without a stop \
         signal; make the grace longer or the delay shorter"
    )]
    DrainOutlastsGrace {
        /// Who set the delay.
        place: String,
        /// The delay.
        delay: String,
        /// The grace period.
        grace: String,
    },
    /// A value of the wrong type, or out of range.
    #[error("{place}: {}found {found}, expected {expected}", prefix(key))]
    BadValue {
        /// Where.
        place: Place,
        /// The whole key; empty when the place says it.
        key: String,
        /// What was found.
        found: String,
        /// What is expected, with an example.
        expected: &'static str,
    },
}

/// Where a setting was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file; the position is missing when the YAML parser has none.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, from 1.
        at: Option<(usize, usize)>,
    },
    /// In an environment variable.
    Variable(String),
    /// On the command line: the option as it is typed.
    Option(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, at: Some((line, column)) } => write!(f, "{}:{line}:{column}", path.display()),
            Self::File { path, at: None } => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Option(name) => f.write_str(name),
        }
    }
}

/// `stop.grace: `, or nothing.
fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}

fn suggestion(nearest: Option<&str>, known: &str) -> String {
    match nearest {
        Some(nearest) => format!(": did you mean {nearest}?"),
        None => format!(": expected {known}"),
    }
}

/// Who may read it is what people forget: the image was built as root and runs as somebody else.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ": make it readable for the user that the container runs as",
        _ => "",
    }
}
