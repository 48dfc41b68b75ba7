//! A command to start: which file, with what arguments, environment and attributes.

use super::Pid;
use super::environment::Environment;
use crate::sys::fork::{self, Child, Identity, Report};
use crate::sys::mask::SigSet;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where commands are looked for when there is no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What all children of one supervisor have in common.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// The signal mask to give back.
    pub mask: SigSet,
    /// Whether we were started with SIGCHLD ignored, which is given back too.
    pub ignore_chld: bool,
    /// Whether to start a session and not only a process group.
    pub session: bool,
    /// Whether the terminal on stdin is ours to hand to the child.
    pub foreground: bool,
    /// The file mode creation mask; none keeps ours.
    pub umask: Option<u32>,
    /// Standard input, output and error, each above 2; none keeps ours.
    pub stdio: Option<[RawFd; 3]>,
    /// Where the child begins, before it becomes another user; none begins in our working directory.
    pub start: Option<PathBuf>,
    /// Whether the kernel kills the child when we end before it.
    pub dies_with_us: bool,
    /// Whether we may stand still until the child has become its program; quicker, and not for an init.
    pub borrows_us: bool,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The name as typed: looked up in `PATH` when it has no slash.
    pub program: OsString,
    /// What follows the name.
    pub args: Vec<OsString>,
    /// The environment.
    pub env: Environment,
    /// Where to start; none keeps the directory in which the child begins. A relative one counts from there.
    pub directory: Option<PathBuf>,
    /// Whom to become; none keeps our identity.
    pub identity: Option<Identity>,
}

impl Command {
    /// `program` with our own environment, directory and identity.
    pub fn new(program: impl Into<OsString>, args: Vec<OsString>) -> Self {
        Self { program: program.into(), args, env: Environment::inherited(), directory: None, identity: None }
    }

    /// Every file that the name can mean, in order.
    pub fn candidates(&self) -> Vec<PathBuf> {
        if self.program.as_bytes().contains(&b'/') || self.program.is_empty() {
            return vec![PathBuf::from(&self.program)];
        }
        let path = self.env.get("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        path.as_bytes()
            .split(|b| *b == b':')
            .map(|dir| Path::new(directory(dir)).join(&self.program))
            .collect()
    }

    /// The same as seen from our working directory, for a child that begins in `start` (of [`Attributes`]).
    pub fn candidates_from(&self, start: Option<&Path>) -> Vec<PathBuf> {
        let base = start.unwrap_or(Path::new("")).join(self.directory.as_deref().unwrap_or(Path::new("")));
        self.candidates().into_iter().map(|file| base.join(file)).collect()
    }

    /// Starts it. Errors: `fork`'s. What fails after the fork is told by `report`.
    pub fn spawn(&self, attributes: &Attributes, report: &Report) -> io::Result<Pid> {
        let (env, listen_pid) = self.env.prepare();
        let mut args = Vec::with_capacity(self.args.len() + 1);
        args.push(c_string(self.program.clone())?);
        for arg in &self.args {
            args.push(c_string(arg.clone())?);
        }
        let files = self.candidates().into_iter().map(|file| c_string(file.into_os_string()));
        let child = Child {
            files: files.collect::<io::Result<_>>()?,
            args,
            env,
            listen_pid,
            start: attributes.start.clone().map(|d| c_string(d.into_os_string())).transpose()?,
            directory: self.directory.clone().map(|d| c_string(d.into_os_string())).transpose()?,
            umask: attributes.umask,
            identity: self.identity.clone(),
            session: attributes.session,
            foreground: attributes.foreground,
            mask: attributes.mask,
            ignore_chld: attributes.ignore_chld,
            stdio: attributes.stdio,
            dies_with_us: attributes.dies_with_us,
            borrows_us: attributes.borrows_us,
        };
        fork::spawn(&child, report)
    }
}

/// An empty entry of `PATH` is the working directory.
fn directory(entry: &[u8]) -> &OsStr {
    OsStr::from_bytes(if entry.is_empty() { b"." } else { entry })
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
