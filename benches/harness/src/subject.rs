//! The init programs under test, how each is called, and fair copies of their files.
//!
//! Contract: a `Subject` is one column of the tables; its name never changes, only how it is called does.

use crate::sys;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// How the wrapper is called. The other programs have one way only and are measured in it each time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// `wrapper exec -- CMD`: the same job as the other programs do.
    Exec,
    /// `wrapper run`, with a run script and a wrapper.yaml.
    Run,
    /// `wrapper maintenance`, with the same.
    Maintenance,
}

#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

/// A command line and an environment.
pub(crate) struct Call {
    pub(crate) argv: Vec<CString>,
    pub(crate) envp: Vec<CString>,
}

/// Configuration with a bit of everything that is read at the start.
const WRAPPER_YAML: &str = "\
run:
  env: {BENCH: \"1\"}
  umask: \"022\"
signals:
  rewrite: {SIGHUP: SIGUSR2}
stop:
  grace: 25s
  drain_delay: 1s
exit:
  map: {143: 0}
";

impl Subject {
    pub(crate) fn is_wrapper(&self) -> bool {
        self.name == "wrapper"
    }

    /// How to run `command`, an absolute path and its arguments, under this init. `work` is the harness's directory.
    pub(crate) fn call(&self, mode: Mode, command: &[&OsStr], work: &Path) -> io::Result<Call> {
        let mut argv: Vec<OsString> = vec![self.file.clone().into()];
        let mut envp = vec![OsString::from("PATH=/usr/bin:/bin")];
        match (self.name.as_str(), mode) {
            ("wrapper", Mode::Exec) => argv.extend(["exec", "--"].map(OsString::from)),
            ("wrapper", Mode::Run | Mode::Maintenance) => {
                let mut config_dir = OsString::from("WRAPPER_CONFIG_DIR=");
                config_dir.push(standard_location(work, command[0])?);
                envp.push(config_dir);
                argv.push(if mode == Mode::Run { "run" } else { "maintenance" }.into());
            }
            ("dumb-init", _) => {}
            _ => argv.push("--".into()),
        }
        match (self.is_wrapper(), mode) {
            (true, Mode::Maintenance) => {}
            (true, Mode::Run) => argv.extend(command[1..].iter().map(OsString::from)),
            _ => argv.extend(command.iter().map(OsString::from)),
        }
        Ok(Call { argv: c_strings(&argv)?, envp: c_strings(&envp)? })
    }

    /// The same program from a copy of its file, brought into `state`.
    pub(crate) fn copied(&self, work: &Path, state: CacheState) -> io::Result<Self> {
        let file = work.join(format!("{}-{state:?}", self.name));
        if file.exists() {
            fs::remove_file(&file)?;
        }
        state.copy(&self.file, &file)?;
        Ok(Self { name: self.name.clone(), file })
    }
}

/// The command itself, without any init.
pub(crate) fn bare(command: &[&OsStr]) -> io::Result<Call> {
    let argv: Vec<OsString> = command.iter().map(OsString::from).collect();
    Ok(Call { argv: c_strings(&argv)?, envp: c_strings(&["PATH=/usr/bin:/bin".into()])? })
}

pub(crate) fn c_strings(strings: &[OsString]) -> io::Result<Vec<CString>> {
    strings.iter().map(|s| CString::new(s.as_bytes()).map_err(io::Error::from)).collect()
}

/// A directory with a wrapper.yaml and `program` as its run script.
fn standard_location(work: &Path, program: &OsStr) -> io::Result<PathBuf> {
    let stem = Path::new(program).file_name().unwrap_or(program).to_string_lossy();
    let dir = work.join(format!("etc-{stem}"));
    if !dir.exists() {
        fs::create_dir(&dir)?;
        fs::write(dir.join("wrapper.yaml"), WRAPPER_YAML)?;
        symlink(program, dir.join("run"))?;
    }
    Ok(dir)
}

/// How a file came into the page cache. The kernel maps whole large folios, so resident memory depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheState {
    Written4k,
    Written64k,
    WrittenWhole,
    Read4k,
    Read128k,
    ReadBackwards,
    NotRead,
}

impl CacheState {
    pub(crate) const ALL: [Self; 7] = [
        Self::Written4k,
        Self::Written64k,
        Self::WrittenWhole,
        Self::Read4k,
        Self::Read128k,
        Self::ReadBackwards,
        Self::NotRead,
    ];

    fn copy(self, from: &Path, to: &Path) -> io::Result<()> {
        let content = fs::read(from)?;
        let chunk = match self {
            Self::Written64k => 65536,
            Self::WrittenWhole => content.len(),
            _ => 4096,
        };
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o755).open(to)?;
        for part in content.chunks(chunk) {
            file.write_all(part)?;
        }
        file.sync_all()?;
        drop(file);
        let file = File::open(to)?;
        match self {
            Self::Written4k | Self::Written64k | Self::WrittenWhole => read(file, 65536),
            Self::Read4k => sys::drop_cache(&file).and_then(|()| read(file, 4096)),
            Self::Read128k => sys::drop_cache(&file).and_then(|()| read(file, 131_072)),
            Self::ReadBackwards => sys::drop_cache(&file).and_then(|()| read_backwards(file, content.len())),
            Self::NotRead => sys::drop_cache(&file),
        }
    }
}

fn read(mut file: File, chunk: usize) -> io::Result<()> {
    let mut buffer = vec![0; chunk];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn read_backwards(mut file: File, length: usize) -> io::Result<()> {
    for page in (0..length.div_ceil(4096)).rev() {
        file.seek(SeekFrom::Start(page as u64 * 4096))?;
        file.read_exact(&mut [0])?;
    }
    Ok(())
}
