//! The environment of the app: built anew for each start of it, kept for others while the app runs.
//!
//! Contract: PID 1 opens no file of the environment itself. When there are some, a helper child reads them and hands the
//! result back as a sealed memfd, since a dead network file system holds whoever reads from it; PID 1 waits for the helper
//! as for any child. What was built becomes the app's when it is started ([`Environments::adopt`]); until then, and after
//! a refusal, the one before stays. The text of it does not stay in PID 1's own memory.

use crate::process::Pid;
use crate::process::diagnose::{self, Diagnosis};
use crate::process::environment::{Environment, List};
use crate::status::kept;
use crate::sys::entry;
use crate::sys::fork::{self, Side};
use crate::sys::mask;
use crate::sys::signal::SignalNo;
use std::env;
use std::fmt;
use std::fs::File;
use std::path::Path;

/// Where the environment comes from.
pub trait Source: fmt::Debug {
    /// Whether files are opened for it, which can take for ever.
    fn reads_files(&self) -> bool;
    /// Puts it together.
    fn build(&self) -> Built;
}

/// What a source made.
#[derive(Debug)]
pub struct Built {
    /// The variables, those of ours borrowed in their order; none: ours as they are.
    pub list: Option<List>,
    /// Why some are missing, if some are.
    pub missing: Option<String>,
}

/// A list that was put together before; none is ours as it is.
#[derive(Debug)]
pub struct Fixed(pub Option<List>);

impl Source for Fixed {
    fn reads_files(&self) -> bool {
        false
    }

    fn build(&self) -> Built {
        Built { list: self.0.clone(), missing: None }
    }
}

/// The exit code for variables that cannot be set: a configuration error.
const REFUSED: u8 = 78;
/// The exit code for a process that cannot be started.
const NO_PROCESS: u8 = 126;
/// The helper's exit code when the memfd cannot hold the result.
const NO_ROOM: u8 = 1;

/// One that was built.
#[derive(Debug)]
struct Kept {
    /// For others; none on a kernel without memfd, or with a file size limit.
    shared: Option<File>,
    /// Where it cannot be shared.
    private: Option<List>,
    /// It is ours as it is.
    inherited: bool,
}

impl Kept {
    fn new(built: Built) -> Self {
        let missing = built.missing.unwrap_or_default();
        let bytes = kept::encode(entry::environment(), built.list.as_deref(), &missing);
        let shared = kept::create(kept::NAME).ok().filter(|file| kept::write(file, &bytes).is_ok());
        let inherited = built.list.is_none();
        Self { private: built.list.filter(|_| shared.is_none()), shared, inherited }
    }

    /// Others see it from now on, and no longer the one before.
    fn publish(self) -> Self {
        if let Some(file) = &self.shared {
            // Never refused: nothing is mapped. An environment that is not published is one that nobody believes.
            let _ = kept::publish(file);
        }
        self
    }

    fn load(&self) -> Environment {
        if self.inherited {
            return Environment::inherited();
        }
        if let Some(list) = &self.private {
            return Environment::exactly(list.clone());
        }
        let bytes = self.shared.as_ref().and_then(|file| kept::read(file).ok()).unwrap_or_default();
        kept::decode(&bytes)
            .map_or_else(Environment::inherited, |stored| Environment::exactly(kept::app_list(&stored)))
    }
}

/// The helper at work.
#[derive(Debug)]
struct Helper {
    pid: Pid,
    file: File,
}

/// What was built, and what is being built.
#[derive(Debug)]
pub struct Environments {
    source: Box<dyn Source>,
    current: Option<Kept>,
    next: Option<Kept>,
    helper: Option<Helper>,
    /// Helpers that were given up and not reaped yet: one that hangs in the kernel can outlast many.
    given_up: Vec<Pid>,
    /// For clients: why the last build failed.
    refusal: Option<File>,
}

/// What came of a build.
pub type Outcome = Result<(), Diagnosis>;

impl Environments {
    /// Nothing is built yet.
    pub fn new(source: Box<dyn Source>) -> Self {
        Self { source, current: None, next: None, helper: None, given_up: Vec::new(), refusal: None }
    }

    /// The running app's, or that of the app that is being started; ours as long as nothing was built.
    pub fn load(&self) -> Environment {
        self.current.as_ref().map_or_else(Environment::inherited, Kept::load)
    }

    /// The helper while it works.
    pub fn helper(&self) -> Option<Pid> {
        self.helper.as_ref().map(|helper| helper.pid)
    }

    /// Begins to build; the outcome when it is there at once. The names of files that are not absolute count from `start`,
    /// the directory that the wrapper was started in, when it was left.
    pub fn build(&mut self, start: Option<&Path>) -> Option<Outcome> {
        self.give_up();
        self.next = None;
        let file = self.source.reads_files().then(|| kept::create(kept::NAME).ok()).flatten();
        let Some(file) = file else { return Some(self.build_here(start)) };
        let parent = std::process::id() as Pid;
        match fork::fork() {
            Ok(Side::Child) => fork::exit_copy(help(&*self.source, &file, parent, start)),
            Ok(Side::Parent(pid)) => {
                self.helper = Some(Helper { pid, file });
                None
            }
            Err(error) => {
                let why = diagnose::errno_text(error.raw_os_error().unwrap_or(0));
                let reason =
                    format!("the files of run.file_env: cannot start a process that reads them: {why}");
                let refused = self.refused(reason);
                Some(refused.map_err(|diagnosis| Diagnosis { code: NO_PROCESS, ..diagnosis }))
            }
        }
    }

    /// The helper is no longer waited for: its result would come too late.
    pub fn give_up(&mut self) {
        if let Some(helper) = self.helper.take() {
            let _ = mask::kill(helper.pid, SignalNo::KILL);
            self.given_up.push(helper.pid);
        }
    }

    /// Takes note that a child ended, and tells whether it was a helper that was given up.
    pub fn forget(&mut self, pid: Pid) -> bool {
        let before = self.given_up.len();
        self.given_up.retain(|helper| *helper != pid);
        self.given_up.len() < before
    }

    /// Forgets what was built for a start that does not come.
    pub fn discard(&mut self) {
        self.next = None;
    }

    /// Takes the result of the helper, which was reaped; `code` when it ended by itself. `start` is that of the build.
    pub fn helped(&mut self, code: Option<u8>, start: Option<&Path>) -> Outcome {
        let Some(helper) = self.helper.take() else { return Ok(()) };
        if code == Some(NO_ROOM) {
            return self.build_here(start);
        }
        let bytes = kept::read(&helper.file).unwrap_or_default();
        let stored = kept::decode(&bytes).filter(|_| code == Some(0));
        let Some(stored) = stored else {
            return self.refused("the process that reads the files of run.file_env was killed".into());
        };
        let built = Kept { shared: Some(helper.file), private: None, inherited: false };
        self.built(built, stored.missing.to_owned())
    }

    /// What was built is the app's from now on.
    pub fn adopt(&mut self) {
        if let Some(next) = self.next.take() {
            self.current = Some(next.publish());
        }
    }

    /// Tells clients why a build failed.
    pub fn refused(&mut self, reason: String) -> Outcome {
        self.refusal = kept::store(kept::REFUSAL, reason.as_bytes()).ok();
        Err(Diagnosis { code: REFUSED, reason })
    }

    fn build_here(&mut self, start: Option<&Path>) -> Outcome {
        let away = start.filter(|start| self.source.reads_files() && env::set_current_dir(start).is_ok());
        let mut built = self.source.build();
        if away.is_some() {
            // It worked before, and nothing is lost when it does not: a volume stays busy.
            let _ = env::set_current_dir("/");
        }
        let missing = built.missing.clone().unwrap_or_default();
        built.missing = Some(missing.clone());
        self.built(Kept::new(built), missing)
    }

    fn built(&mut self, built: Kept, missing: String) -> Outcome {
        if missing.is_empty() {
            self.next = Some(built);
            return Ok(());
        }
        // Better than nothing for who works in a container whose app cannot be started.
        if self.current.is_none() {
            self.current = Some(built.publish());
        }
        self.refused(missing)
    }
}

/// The helper's work, in a copy of PID 1. Returns its exit code.
fn help(source: &dyn Source, file: &File, parent: Pid, start: Option<&Path>) -> u8 {
    fork::as_helper(parent);
    if let Some(start) = start {
        // Where it cannot be entered, a name below it cannot be read, which is told.
        let _ = env::set_current_dir(start);
    }
    let built = source.build();
    let bytes = kept::encode(
        entry::environment(),
        built.list.as_deref(),
        built.missing.as_deref().unwrap_or_default(),
    );
    if kept::write(file, &bytes).is_ok() { 0 } else { NO_ROOM }
}
