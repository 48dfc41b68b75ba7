//! The environment of the app: the wrapper's own, plus `run.env`, plus what `run.file_env` reads from files.
//!
//! Contract: nothing to change means `None`, inherit as it is; else every variable in its order, unchanged ones
//! borrowed. Of `X` and `X_FILE` only `X` reaches the app, so that an entrypoint with the same convention below
//! us does not find both. What is read from files is secret: no message shows it.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Run;

/// Variables of the app that cannot be set. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// Both the variable and its file are given.
    #[error("{name} and {name}_FILE are both set: set only one of them (run.file_env)")]
    Both {
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{name}_FILE: {}: cannot be read: {source} (run.file_env)", path.display())]
    Read {
        /// The variable.
        name: String,
        /// The file that `NAME_FILE` names.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The value holds what no variable can.
    #[error("{place}: holds a NUL byte, which no variable can")]
    Nul {
        /// The key, or variable and file.
        place: String,
    },
}

/// The kernel takes no longer `NAME=VALUE`, its NUL included.
const LIMIT: usize = 128 * 1024;

type Variables<'e> = Vec<Cow<'e, CStr>>;

/// The environment of the app, of its hooks and of tests; `None`: the one given, unchanged.
pub fn child_env<'e>(
    run: &Run,
    env: impl Iterator<Item = &'e CStr> + Clone,
) -> Result<Option<Variables<'e>>, EnvError> {
    let of_file =
        |variable: &CStr| run.file_env.iter().any(|name| value_of_file(variable, name.as_str()).is_some());
    if run.env.is_empty() && !env.clone().any(of_file) {
        return Ok(None);
    }
    let mut variables: Variables<'e> = env.map(Cow::Borrowed).collect();
    for (name, value) in &run.env {
        let place = || format!("run.env.{}", name.as_str());
        set(&mut variables, name.as_str(), value.as_bytes())
            .ok_or_else(|| EnvError::Nul { place: place() })?;
    }
    for name in run.file_env.iter().map(super::VarName::as_str) {
        let file = variables.iter().find_map(|variable| value_of_file(variable, name)).map(<[u8]>::to_vec);
        let Some(file) = file else { continue };
        if variables.iter().any(|variable| value_of(variable, name).is_some_and(|value| !value.is_empty())) {
            return Err(EnvError::Both { name: name.to_owned() });
        }
        let path = Path::new(OsStr::from_bytes(&file));
        let failed = |source| EnvError::Read { name: name.to_owned(), path: path.to_owned(), source };
        let content = read(path, name).map_err(failed)?;
        let place = || format!("{name}_FILE: {}", path.display());
        set(&mut variables, name, &content).ok_or_else(|| EnvError::Nul { place: place() })?;
        variables.retain(|variable| value_of_file(variable, name).is_none());
    }
    Ok(Some(variables))
}

/// The value, when this is the variable of that name.
fn value_of<'v>(variable: &'v CStr, name: &str) -> Option<&'v [u8]> {
    variable.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// The value of `NAME_FILE`; an empty one counts as absent.
fn value_of_file<'v>(variable: &'v CStr, name: &str) -> Option<&'v [u8]> {
    let rest = variable.to_bytes().strip_prefix(name.as_bytes())?;
    rest.strip_prefix(b"_FILE=").filter(|value| !value.is_empty())
}

/// Replaces a variable in its place, or adds it; `None` when there is a NUL in it.
fn set(variables: &mut Variables<'_>, name: &str, value: &[u8]) -> Option<()> {
    let variable = CString::new([name.as_bytes(), b"=", value].concat()).ok()?;
    let first = variables.iter().position(|variable| value_of(variable, name).is_some());
    variables.retain({
        let mut index = 0;
        move |variable| {
            index += 1;
            Some(index - 1) == first || value_of(variable, name).is_none()
        }
    });
    match first {
        Some(first) => variables[first] = Cow::Owned(variable),
        None => variables.push(Cow::Owned(variable)),
    }
    Some(())
}

/// The content of a regular file without its trailing newlines. A pipe without a writer must not hang us.
fn read(path: &Path, name: &str) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let limit = LIMIT.saturating_sub(name.len() + 2);
    let mut content = Vec::new();
    file.take(LIMIT as u64 + 1).read_to_end(&mut content)?;
    while content.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        content.pop();
    }
    if content.len() > limit {
        return Err(io::Error::other(format!("longer than {limit} bytes, more than a variable can hold")));
    }
    Ok(content)
}
