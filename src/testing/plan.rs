//! What there is to run: the files of a suite, each with who runs it, by its name and mode.
//!
//! Contract: a file that is not regular is never opened. Data beside tests is passed over whatever its mode (a Kubernetes
//! volume makes everything executable); what looks like a test and would not run is an error, not silence.

use crate::words::text::one_line;
use nix::unistd::{AccessFlags, access};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Who runs a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The goss engine, with its variables when there are some.
    Goss(Option<PathBuf>),
    /// `bats`.
    Bats,
    /// Itself, or the interpreter that its first line names, or `sh`.
    Shell,
    /// Nobody: why not.
    Wrong(String),
}

impl Kind {
    /// For `--list`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Goss(_) => "goss",
            Self::Bats => "bats",
            Self::Shell => "shell",
            Self::Wrong(_) => "error",
        }
    }
}

/// One test file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its suite.
    pub suite: String,
    /// Its name, fit to be shown.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Who runs it.
    pub kind: Kind,
    /// How long it may take.
    pub timeout: Duration,
}

/// The tests among the files of a suite, in their order, and remarks about what was passed over.
pub fn files(suite: &str, timeout: Duration, paths: &[PathBuf]) -> (Vec<File>, Vec<String>) {
    let mut tests = Vec::new();
    let mut remarks = Vec::new();
    for path in paths {
        let name = one_line(path.file_name().unwrap_or_default());
        match look(path, paths) {
            Found::Test(kind) => {
                tests.push(File { suite: suite.to_owned(), name, path: path.clone(), kind, timeout });
            }
            Found::Data => {}
            Found::Other(why) => remarks.push(format!("{suite}/{name} is not run: {why}")),
        }
    }
    (tests, remarks)
}

/// Whether a file would be a test where a suite runs it.
pub fn is_test(path: &Path) -> bool {
    matches!(look(path, &[]), Found::Test(_))
}

enum Found {
    Test(Kind),
    Data,
    Other(String),
}

fn look(path: &Path, all: &[PathBuf]) -> Found {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Found::Test(Kind::Wrong("a loop of links".into()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Found::Test(Kind::Wrong("a link that leads nowhere".into()));
        }
        Err(error) => return Found::Test(Kind::Wrong(format!("cannot be looked at: {error}"))),
    };
    if !metadata.is_file() {
        let kind = metadata.file_type();
        let what = match () {
            () if kind.is_fifo() => "a named pipe",
            () if kind.is_socket() => "a socket",
            () => "no regular file",
        };
        return Found::Other(what.into());
    }
    match by_name(path, &metadata, all) {
        // Only who may read a script can run it; bats and goss say the same of theirs.
        Found::Test(Kind::Goss(_) | Kind::Bats | Kind::Shell) if access(path, AccessFlags::R_OK).is_err() => {
            let (uid, mode) = (nix::unistd::getuid(), metadata.permissions().mode() & 0o7777);
            Found::Test(Kind::Wrong(format!("uid {uid} may not read it (mode {mode:04o})")))
        }
        Found::Test(Kind::Shell) if metadata.len() == 0 => Found::Test(Kind::Wrong(
            "it is empty, so it tests nothing; a link to /dev/null masks a file".into(),
        )),
        found => found,
    }
}

/// Who runs a regular file, by its name and mode.
fn by_name(path: &Path, metadata: &fs::Metadata, all: &[PathBuf]) -> Found {
    let name = path.file_name().unwrap_or_default().as_bytes();
    if let Some(stem) = goss_stem(name) {
        return Found::Test(Kind::Goss(variables(stem, all)));
    }
    let executable = metadata.permissions().mode() & 0o111 != 0;
    let extension = Path::new(OsStr::from_bytes(name)).extension().unwrap_or_default().as_bytes();
    match extension {
        b"bats" => Found::Test(Kind::Bats),
        b"sh" => Found::Test(Kind::Shell),
        // bats' helpers are called so, and are no tests; a script of its own is.
        b"bash" if !starts_like_a_script(path) => Found::Data,
        b"yaml" | b"yml" | b"json" if looks_like_goss(name) || !is_variables(name) && is_gossfile(path) => Found::Other("a goss file is called NAME.goss.yaml".into()),
        _ if DATA.contains(&extension.to_ascii_lowercase().as_slice()) => Found::Data,
        _ if executable => Found::Test(Kind::Shell),
        _ if starts_like_a_script(path) => Found::Test(Kind::Wrong(
            "a script (it starts with #!) that is not executable: chmod +x it, or call it NAME.sh".into(),
        )),
        _ => Found::Other(
            "neither executable nor named as a test (*.sh, *.bats, *.goss.yaml); give data an extension such as .txt".into(),
        ),
    }
}

/// What stands beside tests and is none, whatever its mode.
const DATA: [&[u8]; 28] = [
    b"yaml",
    b"yml",
    b"json",
    b"toml",
    b"ini",
    b"conf",
    b"cfg",
    b"cnf",
    b"env",
    b"properties",
    b"xml",
    b"html",
    b"csv",
    b"tsv",
    b"txt",
    b"md",
    b"rst",
    b"log",
    b"sql",
    b"tmpl",
    b"pem",
    b"crt",
    b"cer",
    b"key",
    b"pub",
    b"p12",
    b"jks",
    b"gz",
];

/// What the name of a goss file begins with: `10-app.goss.yaml` gives `10-app`, `goss.yaml` nothing.
fn goss_stem(name: &[u8]) -> Option<&[u8]> {
    let stem = [&b".yaml"[..], b".yml", b".json"].iter().find_map(|end| name.strip_suffix(*end))?;
    if stem == b"goss" { Some(b"") } else { stem.strip_suffix(b".goss").filter(|stem| !stem.is_empty()) }
}

/// `10_goss.yaml`, `goss-web.yml`: meant for goss, and its variables are not.
fn looks_like_goss(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.windows(4).any(|part| part == b"goss") && !lower.windows(5).any(|part| part == b".vars")
}

/// `vars.yaml`, `10-app.vars.yaml`.
fn is_variables(name: &[u8]) -> bool {
    name.starts_with(b"vars.") || name.windows(6).any(|part| part == b".vars.")
}

/// What a gossfile has at its top.
const RESOURCES: [&str; 16] = [
    "addr",
    "command",
    "dns",
    "file",
    "gossfile",
    "group",
    "http",
    "interface",
    "kernel-param",
    "matching",
    "mount",
    "package",
    "port",
    "process",
    "service",
    "user",
];

/// Whether a file of YAML or JSON reads like a gossfile: a map whose keys are resources of goss, each with a map below it.
fn is_gossfile(path: &Path) -> bool {
    const MOST: u64 = 64 << 10;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut text = String::new();
    if file.and_then(|file| file.take(MOST).read_to_string(&mut text)).is_err() {
        return false;
    }
    if let Ok(json) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text) {
        return !json.is_empty() && json.iter().all(|(key, value)| is_resource(key) && value.is_object());
    }
    // What begins a line is a key at the top; comments and templates are not.
    let top = text.lines().filter(|line| !line.starts_with([' ', '\t', '#']) && !line.trim().is_empty());
    let mut top = top.filter(|line| !line.starts_with("{{") && !line.starts_with("---")).peekable();
    top.peek().is_some()
        && top.all(|line| {
            let (key, value) = line.split_once(':').unwrap_or_default();
            let value = value.split('#').next().unwrap_or_default().trim();
            is_resource(key) && (value.is_empty() || value.starts_with('{'))
        })
}

fn is_resource(key: &str) -> bool {
    RESOURCES.contains(&key.trim_matches(['"', '\'']))
}

/// `NAME.vars.yaml`, else `vars.yaml`.
fn variables(stem: &[u8], all: &[PathBuf]) -> Option<PathBuf> {
    let named = |wanted: &[u8]| {
        all.iter().find(|path| path.file_name().is_some_and(|name| name.as_bytes() == wanted)).cloned()
    };
    let own = [stem, b".vars.yaml"].concat();
    named(&own).filter(|_| !stem.is_empty()).or_else(|| named(b"vars.yaml"))
}

fn starts_like_a_script(path: &Path) -> bool {
    first_line(path).is_ok_and(|line| line.starts_with(b"#!"))
}

/// The first line of a file, up to the kernel's own limit for a `#!` line.
pub(super) fn first_line(path: &Path) -> io::Result<Vec<u8>> {
    // It was regular when we looked; should it be a pipe by now, it does not hang us.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let mut start = Vec::new();
    file.take(256).read_to_end(&mut start)?;
    let end = start.iter().position(|b| *b == b'\n').unwrap_or(start.len());
    start.truncate(end);
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_own_variables_win() {
        let all = ["/t/10-app.vars.yaml", "/t/vars.yaml"].map(PathBuf::from);
        for paths in [all.clone(), [all[1].clone(), all[0].clone()]] {
            assert_eq!(variables(b"10-app", &paths), Some("/t/10-app.vars.yaml".into()));
            assert_eq!(variables(b"20-web", &paths), Some("/t/vars.yaml".into()));
            assert_eq!(variables(b"", &paths), Some("/t/vars.yaml".into()), "of goss.yaml");
        }
        assert_eq!(variables(b"20-web", &all[..1]), None);
    }
}
