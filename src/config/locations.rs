//! The standard locations: two trees of the same shape, merged by name.
//!
//! Contract: `/usr/lib/wrapper` holds what the base images ship, `/etc/wrapper` what derived images, mounts and
//! people add; a file in the second overrides the one of the same name, a link to /dev/null masks it. Only
//! existence is looked at: what is wrong with a file is told by whoever opens or runs it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::warning::Warning;
use super::{ConfigError, file};

/// Where to look, the lowest precedence first.
#[derive(Debug, Clone)]
pub struct Locations {
    trees: Trees,
}

#[derive(Debug, Clone)]
enum Trees {
    Standard,
    One(PathBuf),
    #[cfg(test)]
    Two([PathBuf; 2]),
}

/// What the base images ship, what everybody else adds.
const STANDARD: [&str; 2] = ["/usr/lib/wrapper", "/etc/wrapper"];

/// There is no run script in any place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no run script: looked at {}", list(looked_at))]
pub struct NotFound {
    /// Each place, the highest precedence first.
    pub looked_at: Vec<PathBuf>,
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Locations {
    /// The one tree that `WRAPPER_CONFIG_DIR` names, or the two standard ones.
    ///
    /// A relative name is made absolute here: the app's working directory may become another one.
    pub fn new(config_dir: Option<&OsStr>) -> Self {
        let trees =
            config_dir.filter(|dir| !dir.is_empty()).map_or(Trees::Standard, |dir| Trees::One(absolute(dir)));
        Self { trees }
    }

    /// Two trees in place of the standard ones, the lower first.
    #[cfg(test)]
    pub(super) fn two(low: &Path, high: &Path) -> Self {
        Self { trees: Trees::Two([low.into(), high.into()]) }
    }

    /// The trees, the highest precedence first.
    fn trees(&self) -> impl Iterator<Item = &Path> {
        let (standard, own): (&[&str], &[PathBuf]) = match &self.trees {
            Trees::Standard => (&STANDARD, &[]),
            Trees::One(tree) => (&[], std::slice::from_ref(tree)),
            #[cfg(test)]
            Trees::Two(trees) => (&[], trees),
        };
        standard.iter().map(Path::new).chain(own.iter().map(PathBuf::as_path)).rev()
    }

    /// The run script: what `WRAPPER_RUN` names, else `run` in the trees.
    pub fn run_script(&self, wrapper_run: Option<&OsStr>) -> Result<PathBuf, NotFound> {
        let Some(named) = wrapper_run.filter(|name| !name.is_empty()) else {
            return self
                .find("run")
                .ok_or_else(|| NotFound { looked_at: self.trees().map(|tree| tree.join("run")).collect() });
        };
        let path = absolute(named);
        if exists(&path) { Ok(path) } else { Err(NotFound { looked_at: vec![path] }) }
    }

    /// The stop script, when there is one.
    pub fn stop_script(&self) -> Option<PathBuf> {
        self.find("stop")
    }

    /// The files of `init.d` or `finish.d`, in the order in which they run.
    pub fn scripts(&self, directory: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let files = self.merged(Path::new(directory), &|_, is_dir| !is_dir)?;
        Ok(files.into_iter().map(|(_, path)| path).filter(|path| !is_mask(path)).collect())
    }

    /// The files of one test suite, in name order: all of them, what runs is for the runner to say.
    pub fn tests(&self, suite: &OsStr) -> Result<Vec<PathBuf>, ConfigError> {
        let files = self.merged(&Path::new("tests").join(suite), &|_, is_dir| !is_dir)?;
        Ok(files.into_iter().map(|(_, path)| path).filter(|path| !is_mask(path)).collect())
    }

    /// The files that stand beside the suites, where nothing runs them.
    pub fn beside_suites(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let files = self.merged(Path::new("tests"), &|_, is_dir| !is_dir)?;
        Ok(files.into_iter().map(|(_, path)| path).filter(|path| !is_mask(path)).collect())
    }

    /// The folders below a suite, where nothing looks for tests.
    pub fn folders_of(&self, suite: &OsStr) -> Result<Vec<PathBuf>, ConfigError> {
        let folders = self.merged(&Path::new("tests").join(suite), &|_, is_dir| is_dir)?;
        Ok(folders.into_iter().map(|(_, path)| path).collect())
    }

    /// The names of all test suites, in order.
    pub fn suites(&self) -> Result<Vec<OsString>, ConfigError> {
        Ok(self.merged(Path::new("tests"), &|_, is_dir| is_dir)?.into_iter().map(|(name, _)| name).collect())
    }

    /// Every configuration file with its text, lowest precedence first: `wrapper.yaml`, then the drop-ins.
    pub(super) fn configuration(
        &self,
        found: &mut dyn FnMut(Result<(PathBuf, String), ConfigError>),
        warnings: &mut Vec<Warning>,
    ) {
        for path in self.trees().map(|tree| tree.join("wrapper.yaml")) {
            match file::read(&path) {
                Ok(None) => continue,
                Ok(Some(text)) => found(Ok((path, text))),
                Err(error) => found(Err(error)),
            }
            break;
        }
        let drop_ins = match self.merged(Path::new("wrapper.d"), &|_, is_dir| !is_dir) {
            Ok(drop_ins) => drop_ins,
            Err(error) => return found(Err(error)),
        };
        for (name, path) in drop_ins {
            if !name.as_bytes().ends_with(b".yaml") {
                warnings.push(Warning::NotADropIn { path });
                continue;
            }
            match file::read(&path) {
                Ok(Some(text)) => found(Ok((path, text))),
                // Gone since the directory was read.
                Ok(None) => {}
                Err(error) => found(Err(error)),
            }
        }
    }

    /// A single file: that of the highest tree that has one, unless it is a mask.
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.trees().map(|tree| tree.join(name)).find(|path| exists(path)).filter(|path| !is_mask(path))
    }

    /// What the trees have in a directory: of two with the same name the higher, in byte order of the names.
    /// Leftovers of editors and packagers and hidden files (`..data` of a Kubernetes volume) are not seen.
    fn merged(
        &self,
        directory: &Path,
        keep: &dyn Fn(&OsStr, bool) -> bool,
    ) -> Result<Vec<(OsString, PathBuf)>, ConfigError> {
        let mut merged: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        for tree in self.trees() {
            let path = tree.join(directory);
            let failed = |source| ConfigError::Read { path: path.clone(), source };
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let (name, path) = (entry.file_name(), entry.path());
                // A link's own type does not tell; one that leads nowhere is no directory.
                let is_dir = || fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
                if is_leftover(&name) || merged.contains_key(&name) || !keep(&name, is_dir()) {
                    continue;
                }
                merged.insert(name, path);
            }
        }
        Ok(merged.into_iter().collect())
    }
}

fn absolute(path: &OsStr) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Whether something is there, be it a link to nowhere or in a directory that we may not search: it is not for
/// us to pass it by and run another one.
fn exists(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

/// A link to /dev/null, or /dev/null mounted there.
fn is_mask(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null"))
        || fs::metadata(path).is_ok_and(|metadata| file::is_null(&metadata))
}

/// What editors and packagers leave beside a file, and everything hidden.
fn is_leftover(name: &OsStr) -> bool {
    const ENDS: [&[u8]; 8] = [b"~", b".bak", b".orig", b".swp", b".rpmnew", b".rpmsave", b".tmp", b"#"];
    let name = name.as_bytes();
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    name.starts_with(b".") || ENDS.iter().any(|end| name.ends_with(end)) || has(b".dpkg-") || has(b".ucf-")
}
