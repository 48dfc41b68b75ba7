//! The configuration as the rest of the program sees it: typed, complete, immutable.
//!
//! Contract: one field for each key of `KEYS`, with the same name; `Default` is what a container without any
//! configuration gets. Nothing here reads a file or a variable. Small vectors stand for maps: they hold a
//! handful of entries and this lives in PID 1 for ever.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::types::{Engine, NonZeroDuration, Probe, Rewrite, Session, Target, Umask, VarName};
use crate::sys::signal::SignalNo;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// How the app is started.
    pub run: Run,
    /// How signals reach it.
    pub signals: Signals,
    /// How it is stopped.
    pub stop: Stop,
    /// What its exit code becomes.
    pub exit: Exit,
    /// Maintenance and its switches.
    pub maintenance: Maintenance,
    /// `wrapper test` and the probes.
    pub test: Test,
    /// The status endpoint.
    pub status: Status,
}

/// `run.*`: how the app is started; `None` means as the wrapper itself was started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// Arguments put before those given on the command line.
    pub args: Vec<String>,
    /// Variables added to the environment.
    pub env: Vec<(VarName, String)>,
    /// Variables whose value is read from the file that `NAME_FILE` names.
    pub file_env: Vec<VarName>,
    /// User name or uid.
    pub user: Option<String>,
    /// Group name or gid.
    pub group: Option<String>,
    /// Working directory.
    pub workdir: Option<PathBuf>,
    /// File mode creation mask.
    pub umask: Option<Umask>,
}

/// `signals.*`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Who receives a forwarded signal.
    pub target: Target,
    /// What the app leads.
    pub session: Session,
    /// Signals that become another one, or nothing.
    pub rewrite: Vec<(SignalNo, Rewrite)>,
}

impl Signals {
    /// What to forward when `signal` arrives; `None`: it is dropped.
    pub fn rewritten(&self, signal: SignalNo) -> Option<SignalNo> {
        match self.rewrite.iter().find(|(from, _)| *from == signal) {
            Some((_, Rewrite::To(to))) => Some(*to),
            Some((_, Rewrite::Drop)) => None,
            None => Some(signal),
        }
    }
}

/// `stop.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Signals that start the stop sequence.
    pub signals: Vec<SignalNo>,
    /// From the signal's arrival to the last KILL; `None`: never escalates.
    pub grace: Option<Duration>,
    /// Between failing readiness and telling the app.
    pub drain_delay: Duration,
    /// What the app left behind gets this long after TERM.
    pub leftovers: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            signals: vec![SignalNo::TERM, SignalNo::INT],
            grace: None,
            drain_delay: Duration::ZERO,
            leftovers: Duration::from_secs(3),
        }
    }
}

/// `exit.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit codes that become another one.
    pub map: Vec<(u8, u8)>,
    /// The file that gets a line about the end, when it exists.
    pub message_file: PathBuf,
}

impl Default for Exit {
    fn default() -> Self {
        Self { map: Vec::new(), message_file: PathBuf::from("/dev/termination-log") }
    }
}

impl Exit {
    /// The code that the wrapper exits with when the app's is `code`.
    pub fn mapped(&self, code: u8) -> u8 {
        self.map.iter().find(|(from, _)| *from == code).map_or(code, |(_, to)| *to)
    }
}

/// `maintenance.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// Files that switch maintenance on while they exist.
    pub flag_files: Vec<PathBuf>,
    /// The pod's annotations, from a downwardAPI volume.
    pub annotations_file: Option<PathBuf>,
    /// The annotation that switches maintenance on.
    pub annotation: String,
    /// Whether flags and annotation are watched.
    pub watch: bool,
    /// Whether an app that fails leads into maintenance.
    pub on_crash: bool,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self {
            flag_files: Vec::new(),
            annotations_file: None,
            annotation: "wrapper/maintenance".to_owned(),
            watch: true,
            on_crash: false,
        }
    }
}

/// `test.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The deadline of one test file.
    pub timeout: NonZeroDuration,
    /// Files that run at the same time.
    pub jobs: NonZeroU32,
    /// Who runs goss files.
    pub engine: Engine,
    /// What is configured for single suites; ask `suite()`, which knows the defaults.
    pub suites: Vec<Suite>,
}

impl Default for Test {
    fn default() -> Self {
        Self {
            timeout: NonZeroDuration::from_secs(30),
            jobs: NonZeroU32::MIN.saturating_add(3),
            engine: Engine::default(),
            suites: Vec::new(),
        }
    }
}

impl Test {
    /// The deadline and role of a suite, with the defaults: live, ready and startup have 4 s and their own
    /// role, every other suite `test.timeout` and none.
    pub fn suite(&self, name: &str) -> (NonZeroDuration, Probe) {
        let role = match name {
            "live" => Probe::Live,
            "ready" => Probe::Ready,
            "startup" => Probe::Startup,
            _ => Probe::None,
        };
        let timeout = if role == Probe::None { self.timeout } else { NonZeroDuration::from_secs(4) };
        let set = self.suites.iter().find(|suite| suite.name == name);
        (
            set.and_then(|suite| suite.timeout).unwrap_or(timeout),
            set.and_then(|suite| suite.probe).unwrap_or(role),
        )
    }
}

/// `test.suites.NAME.*`, as far as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// The directory under `tests`.
    pub name: String,
    /// The deadline of each of its files.
    pub timeout: Option<NonZeroDuration>,
    /// The probe it stands for.
    pub probe: Option<Probe>,
}

/// `status.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the status endpoint listens; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How often what it tells is refreshed.
    pub interval: NonZeroDuration,
}

impl Default for Status {
    fn default() -> Self {
        Self { listen: None, interval: NonZeroDuration::from_secs(10) }
    }
}
