//! The environment of the app: the wrapper's own, plus `run.env`, plus what `run.file_env` reads from files.
//!
//! Contract: nothing to change means `None`, inherit as it is; else every variable in its order, unchanged ones
//! borrowed. Of `X` and `X_FILE` only `X` reaches the app, so that an entrypoint with the same convention below
//! us does not find both. What is read from files is secret: no message shows it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
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

/// What became of an environment.
#[derive(Debug)]
pub struct ChildEnv<'e> {
    /// Those given are borrowed, in their order; none: the one given, unchanged.
    pub variables: Option<Variables<'e>>,
    /// Why some are not among them.
    pub errors: Vec<EnvError>,
}

/// Whether [`child_env`] would open a file.
pub fn reads_files<'e>(run: &Run, mut env: impl Iterator<Item = &'e CStr>) -> bool {
    let names: HashSet<&[u8]> = run.file_env.iter().map(|name| name.as_str().as_bytes()).collect();
    let reads = |name: &[u8], value: &[u8]| {
        !value.is_empty() && name.strip_suffix(b"_FILE").is_some_and(|name| names.contains(name))
    };
    !names.is_empty()
        && (run.env.iter().any(|(name, value)| reads(name.as_str().as_bytes(), value.as_bytes()))
            || env.any(|variable| split(variable).is_some_and(|(name, value)| reads(name, value))))
}

/// The environment of the app, of its hooks and of tests. What cannot be set is left out. Takes time in proportion to the
/// number of variables.
pub fn child_env<'e>(run: &Run, env: impl Iterator<Item = &'e CStr> + Clone) -> ChildEnv<'e> {
    if run.env.is_empty() && !reads_files(run, env.clone()) {
        return ChildEnv { variables: None, errors: Vec::new() };
    }
    let mut table = Table::new(env);
    let mut errors = Vec::new();
    for (name, value) in &run.env {
        let place = || format!("run.env.{}", name.as_str());
        let set = table.set(name.as_str(), value.as_bytes());
        errors.extend(set.is_none().then(|| EnvError::Nul { place: place() }));
    }
    for name in run.file_env.iter().map(super::VarName::as_str) {
        errors.extend(set_from_file(&mut table, name).err());
    }
    ChildEnv { variables: Some(table.variables.into_iter().flatten().collect()), errors }
}

fn set_from_file(table: &mut Table<'_>, name: &str) -> Result<(), EnvError> {
    let names_file = format!("{name}_FILE");
    let Some(file) = table.first_value(&names_file).map(<[u8]>::to_vec) else { return Ok(()) };
    if table.first_value(name).is_some() {
        return Err(EnvError::Both { name: name.to_owned() });
    }
    let path = Path::new(OsStr::from_bytes(&file));
    let failed = |source| EnvError::Read { name: name.to_owned(), path: path.to_owned(), source };
    let content = read(path, name).map_err(failed)?;
    let place = || format!("{names_file}: {}", path.display());
    table.set(name, &content).ok_or_else(|| EnvError::Nul { place: place() })?;
    table.remove(&names_file);
    Ok(())
}

/// Variables in their order, found by name.
struct Table<'e> {
    /// None: removed.
    variables: Vec<Option<Cow<'e, CStr>>>,
    /// Where the first of a name stands, and the last.
    places: HashMap<Cow<'e, [u8]>, (usize, usize)>,
    /// Where the next of the same name stands; itself for the last.
    next: Vec<usize>,
}

impl<'e> Table<'e> {
    fn new(env: impl Iterator<Item = &'e CStr>) -> Self {
        let mut table = Self { variables: Vec::new(), places: HashMap::new(), next: Vec::new() };
        for variable in env {
            table.push(split(variable).map(|(name, _)| Cow::Borrowed(name)), Cow::Borrowed(variable));
        }
        table
    }

    fn push(&mut self, name: Option<Cow<'e, [u8]>>, variable: Cow<'e, CStr>) {
        let at = self.variables.len();
        self.variables.push(Some(variable));
        self.next.push(at);
        let Some(name) = name else { return };
        let (_, last) = self.places.entry(name).or_insert((at, at));
        self.next[*last] = at;
        *last = at;
    }

    /// Where all of a name stand.
    fn all(&self, name: &str) -> impl Iterator<Item = usize> {
        let first = self.places.get(name.as_bytes()).map(|(first, _)| *first);
        std::iter::successors(first, |at| Some(self.next[*at]).filter(|next| next != at))
    }

    /// The first value of that name; an empty one counts as absent.
    fn first_value(&self, name: &str) -> Option<&[u8]> {
        self.all(name).find_map(|at| {
            let (_, value) = split(self.variables[at].as_deref()?)?;
            Some(value).filter(|value| !value.is_empty())
        })
    }

    /// Replaces a variable in its place, or adds it; `None` when there is a NUL in it.
    fn set(&mut self, name: &str, value: &[u8]) -> Option<()> {
        let variable = CString::new([name.as_bytes(), b"=", value].concat()).ok()?;
        let first = self.all(name).find(|at| self.variables[*at].is_some());
        self.remove(name);
        match first {
            Some(first) => self.variables[first] = Some(Cow::Owned(variable)),
            None => self.push(Some(Cow::Owned(name.as_bytes().to_vec())), Cow::Owned(variable)),
        }
        Some(())
    }

    fn remove(&mut self, name: &str) {
        let all: Vec<_> = self.all(name).collect();
        for at in all {
            self.variables[at] = None;
        }
    }
}

/// Name and value; none without `=`.
fn split(variable: &CStr) -> Option<(&[u8], &[u8])> {
    let bytes = variable.to_bytes();
    let at = bytes.iter().position(|b| *b == b'=')?;
    Some((&bytes[..at], &bytes[at + 1..]))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VarName;

    fn run(env: &[(&str, &str)], file_env: &[&str]) -> Run {
        let name = |name: &&str| VarName::new(name).unwrap();
        Run {
            env: env.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect(),
            file_env: file_env.iter().map(name).collect(),
            ..Run::default()
        }
    }

    /// The resulting variables, or the message.
    fn child(run: &Run, env: &[&str]) -> Result<Option<Vec<String>>, String> {
        let env: Vec<CString> = env.iter().map(|variable| CString::new(*variable).unwrap()).collect();
        let child = child_env(run, env.iter().map(CString::as_c_str));
        if let Some(error) = child.errors.first() {
            return Err(error.to_string());
        }
        Ok(child.variables.map(|list| list.iter().map(|v| v.to_string_lossy().into_owned()).collect()))
    }

    fn secret(content: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, content).unwrap();
        let text = path.to_str().unwrap().to_owned();
        (dir, text)
    }

    #[test]
    fn nothing_to_change_is_inherit() {
        assert_eq!(child(&run(&[], &[]), &["A=1"]), Ok(None));
        assert_eq!(child(&run(&[], &["PW"]), &["PW=1", "PW_FILE=", "XPW_FILE=/x"]), Ok(None));
    }

    #[test]
    fn env_replaces_in_place_and_adds_at_the_end() {
        let got = child(&run(&[("B", "2"), ("N", "")], &[]), &["A=1", "B=1", "B=again", "junk", "C=1"]);
        let expected = ["A=1", "B=2", "junk", "C=1", "N="].map(str::to_owned);
        assert_eq!(got, Ok(Some(expected.to_vec())));
    }

    #[test]
    fn a_file_becomes_the_variable_without_trailing_newlines() {
        let (_dir, path) = secret("two\nlines \r\n\n");
        let file = format!("PW_FILE={path}");
        let got = child(&run(&[], &["PW"]), &["A=1", &file, "PW="]);
        assert_eq!(got, Ok(Some(vec!["A=1".to_owned(), "PW=two\nlines ".to_owned()])));
        // run.env can name the file too.
        let got = child(&run(&[("PW_FILE", &path)], &["PW"]), &[]);
        assert_eq!(got, Ok(Some(vec!["PW=two\nlines ".to_owned()])));
    }

    /// Every variable of that name is meant, wherever it stands; what was removed can be set again.
    #[test]
    fn variables_that_are_there_twice_are_replaced_by_one() {
        let (_dir, path) = secret("x");
        let file = format!("PW_FILE={path}");
        let env = ["PW=", "PW_FILE=", "A=1", "PW=", &file, "A=2", "PW_FILE=/no"];
        let got = child(&run(&[("A", "3"), ("B", "1")], &["PW"]), &env);
        assert_eq!(got, Ok(Some(["PW=x", "A=3", "B=1"].map(str::to_owned).to_vec())));
        let got = child(&run(&[("PW", "2")], &["PW"]), &["PW=", &file]);
        assert_eq!(got.unwrap_err(), "PW and PW_FILE are both set: set only one of them (run.file_env)");
    }

    /// 60 000 keys took minutes when each looked at all others; now they take a moment.
    #[test]
    fn many_variables_take_time_in_proportion() {
        let names: Vec<String> = (0..60_000).map(|n| format!("V{n}")).collect();
        let env: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let files: Vec<&str> = names.iter().map(String::as_str).collect();
        let given: Vec<String> = names.iter().map(|name| format!("{name}=0")).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let began = std::time::Instant::now();
        let got = child(&run(&env, &files), &given).unwrap().unwrap();
        assert!(got.len() == 60_000 && got.iter().all(|variable| variable.ends_with("=1")));
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
    }

    /// The rest of an environment is there for who works in a container whose app cannot be started.
    #[test]
    fn what_cannot_be_set_is_left_out_and_all_of_it_is_told() {
        let (_dir, path) = secret("x");
        let files = [format!("PW_FILE={path}"), "A_FILE=/no/a".into(), "B_FILE=/no/b".into()];
        let env: Vec<CString> =
            files.iter().map(|variable| CString::new(variable.as_str()).unwrap()).collect();
        let child = child_env(&run(&[("C", "1")], &["A", "B", "PW"]), env.iter().map(CString::as_c_str));
        let variables = child.variables.unwrap();
        let variables: Vec<_> = variables.iter().map(|text| text.to_str().unwrap()).collect();
        assert_eq!(variables, ["A_FILE=/no/a", "B_FILE=/no/b", "C=1", "PW=x"]);
        let errors: Vec<_> = child.errors.iter().map(ToString::to_string).collect();
        assert!(
            errors.len() == 2 && errors[0].contains("/no/a") && errors[1].contains("/no/b"),
            "{errors:?}"
        );
    }

    #[test]
    fn whether_files_are_opened_is_known_without_opening_one() {
        let reads = |run: &Run, env: &[&CStr]| reads_files(run, env.iter().copied());
        let pw = run(&[], &["PW"]);
        assert!(reads(&pw, &[c"A=1", c"PW_FILE=/x"]));
        assert!(reads(&run(&[("PW_FILE", "/x")], &["PW"]), &[]));
        for env in [&[c"PW_FILE="][..], &[c"XPW_FILE=/x", c"PW=1"], &[]] {
            assert!(!reads(&pw, env), "{env:?}");
        }
        assert!(!reads(&run(&[("OTHER_FILE", "/x"), ("PW_FILE", "")], &["PW"]), &[]));
        assert!(!reads(&run(&[("PW_FILE", "/x")], &[]), &[c"PW_FILE=/x"]));
    }

    #[test]
    fn what_is_wrong_is_told_by_variable_and_path() {
        let pw = run(&[], &["PW"]);
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("{}/{name}", dir.path().display());
        assert_eq!(
            child(&pw, &["PW=x", "PW_FILE=/run/secrets/pw"]).unwrap_err(),
            "PW and PW_FILE are both set: set only one of them (run.file_env)"
        );
        assert_eq!(
            child(&pw, &[&format!("PW_FILE={}", at("missing"))]).unwrap_err(),
            format!(
                "PW_FILE: {}: cannot be read: No such file or directory (os error 2) (run.file_env)",
                at("missing")
            )
        );
        assert_eq!(
            child(&pw, &[&format!("PW_FILE={}", at(""))]).unwrap_err(),
            format!("PW_FILE: {}: cannot be read: is a directory (run.file_env)", at(""))
        );
        let (_dir, path) = secret(b"se\0cret");
        assert_eq!(
            child(&pw, &[&format!("PW_FILE={path}")]).unwrap_err(),
            format!("PW_FILE: {path}: holds a NUL byte, which no variable can")
        );
        let (_dir, path) = secret(vec![b'x'; LIMIT - 3]);
        assert_eq!(
            child(&pw, &[&format!("PW_FILE={path}")]).unwrap_err(),
            format!(
                "PW_FILE: {path}: cannot be read: longer than 131068 bytes, more than a variable can hold (run.file_env)"
            )
        );
    }
}
