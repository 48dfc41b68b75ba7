//! What every measurement needs: the programs, their modes, and how much to measure.

use crate::instance::{Instance, Place, WithHelper};
use crate::subject::{CacheState, Mode, Subject};
use crate::sys::Processors;
use crate::table::Series;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

pub(crate) struct Bench {
    /// The programs, from copies of their files that were made in the same way.
    pub(crate) subjects: Vec<Subject>,
    /// The programs where they are installed.
    pub(crate) installed: Vec<Subject>,
    /// A directory of our own.
    pub(crate) work: PathBuf,
    /// This program, for the helpers under the inits.
    pub(crate) own: PathBuf,
    pub(crate) quick: bool,
    /// Where the harness was started. It runs on the last of them, with all that it starts: wake-ups across
    /// processors of a virtual machine are slow, and differ more than the programs do.
    pub(crate) processors: Processors,
}

/// One program in one mode.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) subject: Subject,
    pub(crate) mode: Mode,
}

impl Bench {
    pub(crate) fn new(installed: Vec<Subject>, work: PathBuf, quick: bool) -> io::Result<Self> {
        let subjects: io::Result<_> =
            installed.iter().map(|subject| subject.copied(&work, CacheState::Written64k)).collect();
        let processors = Processors::current()?;
        processors.last().apply()?;
        Ok(Self { subjects: subjects?, installed, work, own: std::env::current_exe()?, quick, processors })
    }

    pub(crate) fn rounds(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
    }
}

/// Every program in its usual mode, and the wrapper in the `further` ones.
pub(crate) fn entries(subjects: &[Subject], further: &[Mode]) -> Vec<Entry> {
    let usual = subjects.iter().map(|subject| (subject, Mode::Exec));
    let wrapper = || subjects.iter().filter(|subject| subject.is_wrapper());
    let more = further.iter().flat_map(|&mode| wrapper().map(move |subject| (subject, mode)));
    usual.chain(more).map(|(subject, mode)| Entry { subject: subject.clone(), mode }).collect()
}

/// The series of one row: the wrapper in `mode`, the others in their only one. None when nothing was measured in
/// that mode.
pub(crate) fn series(entries: &[Entry], samples: &[Vec<f64>], mode: Mode) -> Option<Vec<Series>> {
    let all = || entries.iter().zip(samples);
    if !all().any(|(entry, _)| entry.mode == mode) {
        return None;
    }
    Some(
        all()
            .filter(|(entry, _)| entry.mode == if entry.subject.is_wrapper() { mode } else { Mode::Exec })
            .map(|(entry, samples)| (entry.subject.name.clone(), samples.clone()))
            .collect(),
    )
}

/// How a row says in which mode the wrapper was.
pub(crate) fn suffix(mode: Mode) -> &'static str {
    match mode {
        Mode::Exec => "",
        Mode::Run => "; wrapper: run, with a wrapper.yaml",
        Mode::Maintenance => "; wrapper: maintenance",
    }
}

/// A started entry; in maintenance there is no helper below it.
pub(crate) enum Running {
    Helped(WithHelper),
    Alone(Instance),
}

impl Running {
    pub(crate) fn init(&self) -> &Instance {
        match self {
            Self::Helped(with) => &with.init,
            Self::Alone(init) => init,
        }
    }
}

impl Bench {
    /// Starts `entry` with our helper `words` as its app.
    pub(crate) fn helped(&self, entry: &Entry, helper: &str, count: Option<&str>) -> io::Result<WithHelper> {
        WithHelper::start(|fd| {
            let mut command: Vec<&OsStr> = vec![self.own.as_os_str()];
            command.extend(["helper", helper, fd].into_iter().chain(count).map(OsStr::new));
            entry.subject.call(entry.mode, &command, &self.work)
        })
    }

    /// Starts `entry` with an app that does nothing.
    pub(crate) fn idle(&self, entry: &Entry) -> io::Result<Running> {
        if entry.mode != Mode::Maintenance {
            return self.helped(entry, "pause", None).map(Running::Helped);
        }
        let call = entry.subject.call(entry.mode, &[self.own.as_os_str()], &self.work)?;
        let mut init = Instance::prepare(&call, Place::Pid1, None)?;
        init.go()?;
        Ok(Running::Alone(init))
    }
}
