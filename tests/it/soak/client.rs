//! The clients that the soak starts, and what each may answer.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::door::Door;
use crate::support::process::Process;
use crate::support::tools::programs;

/// How long a client may take: far longer than any of its own deadlines.
const DEADLINE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Status,
    Json,
    Live,
    Ready,
    Both,
    Config,
    Exec,
    MaintenanceStatus,
    Restart,
    On,
    Off,
    Stop,
}

/// Those that change nothing.
pub(super) const READERS: [Kind; 8] = [
    Kind::Status,
    Kind::Json,
    Kind::Live,
    Kind::Ready,
    Kind::Both,
    Kind::Config,
    Kind::Exec,
    Kind::MaintenanceStatus,
];
pub(super) const ORDERS: [Kind; 3] = [Kind::Restart, Kind::On, Kind::Off];

/// The phases by the names that `status --json` uses.
const PHASES: [&str; 8] =
    ["init", "running", "draining", "stopping", "leftovers", "finishing", "maintenance", "ended"];

impl Kind {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Status => &["status"],
            Self::Json => &["status", "--json"],
            Self::Live => &["test", "live"],
            Self::Ready => &["test", "ready"],
            Self::Both => &["test", "live", "ready"],
            Self::Config => &["config"],
            Self::Exec => &["exec", "--", "sh", "-c", "sleep 0.01 & exit 7"],
            Self::MaintenanceStatus => &["maintenance", "status"],
            Self::Restart => &["restart"],
            Self::On => &["maintenance", "on"],
            Self::Off => &["maintenance", "off"],
            Self::Stop => &["stop"],
        }
    }
}

/// A client that runs.
pub(super) struct Client {
    pub(super) kind: Kind,
    child: Child,
    out: File,
    err: File,
    killed: bool,
    stopped: bool,
    excused: bool,
}

/// A client that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) kind: Kind,
    pub(super) code: Option<i32>,
    signal: Option<i32>,
    out: String,
    err: String,
    killed: bool,
    excused: bool,
}

impl Client {
    /// Starts it in the container with the tree of this path.
    pub(super) fn start(kind: Kind, door: &Door, tree: &str) -> io::Result<Self> {
        let mut argv = vec![programs().wrapper.clone()];
        argv.extend(kind.words().iter().map(|word| (*word).to_owned()));
        let mut command = Process::command(&argv);
        // Files, not pipes: nobody has to read them while the client runs.
        let (out, err) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(err.try_clone()?);
        command.env("WRAPPER_CONFIG_DIR", tree).env("PROBE", &programs().probe);
        let child = door.start(command)?;
        Ok(Self { kind, child, out, err, killed: false, stopped: false, excused: false })
    }

    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.send(Signal::KILL);
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.send(Signal::STOP);
    }

    pub(super) fn go_on(&self) {
        if self.stopped {
            self.send(Signal::CONT);
        }
    }

    /// It may be told that PID 1 did not answer.
    pub(super) fn excuse(&mut self) {
        self.excused = true;
    }

    /// It is a child of ours that nobody has reaped yet, so the pid is still its own.
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signal a child");
    }

    /// Waits for its end; an error when it hangs.
    pub(super) fn finish(mut self) -> Result<Ended, String> {
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).expect("pidfd_open");
        if poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&DEADLINE)).expect("poll") == 0 {
            self.kill();
            return Err(format!("the client {:?} hung", self.kind));
        }
        let status = self.child.wait().expect("wait");
        Ok(Ended {
            kind: self.kind,
            code: status.code(),
            signal: status.signal(),
            out: text(&mut self.out),
            err: text(&mut self.err),
            killed: self.killed,
            excused: self.excused || self.stopped,
        })
    }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("read what a client printed");
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Ended {
    /// Whether it was told that what it asked for is done; none when it was killed.
    pub(super) fn done(&self) -> Option<bool> {
        match self.code {
            _ if self.killed => None,
            Some(0) => Some(true),
            Some(_) => Some(false),
            None => None,
        }
    }

    /// What is wrong with its answer. In a container that ends during the round a client dies with it or finds
    /// no init any more.
    pub(super) fn fault(&self, ending: bool) -> Option<String> {
        let fault = match (self.code, self.signal) {
            (None, Some(9)) if self.killed || ending => None,
            (None, signal) => Some(format!("killed by signal {signal:?}")),
            (Some(_), _) if ending => None,
            // A client that was stopped between reading the clock and asking is told that nothing was done.
            (Some(75), _) if self.excused => None,
            (Some(1), _) if self.excused && [Kind::Live, Kind::Ready, Kind::Both].contains(&self.kind) => {
                None
            }
            (Some(code), _) => self.wrong_answer(code),
        };
        fault.map(|fault| format!("{fault}: {self:?}"))
    }

    fn wrong_answer(&self, code: i32) -> Option<String> {
        let out = self.out.as_str();
        let probe = |suite: &str, fails: bool| {
            let passes = out.lines().any(|line| line.starts_with(&format!("{suite}: pass")));
            passes != fails
                && (!fails || out.lines().any(|line| line.starts_with(&format!("{suite}: fail: "))))
        };
        let right = match (self.kind, code) {
            (Kind::Status, 0) => out.contains("phase") && out.contains("forwarded"),
            (Kind::Json, 0) => return self.wrong_page(),
            // Maintenance after a failure is an incident.
            (Kind::Status, 1) => out.contains("maintenance") && out.contains("reason"),
            (Kind::Json, 1) if self.page()["crash"].is_string() => return self.wrong_page(),
            (Kind::Live, 0) => probe("live", false),
            (Kind::Ready, 0) => probe("ready", false),
            (Kind::Ready, 1) => probe("ready", true) && !out.contains("hang"),
            (Kind::Both, 0) => out.contains("pass") && !out.contains("fail"),
            (Kind::Both, 1) => out.contains("fail") && !out.contains("live: fail") && !out.contains("hang"),
            (Kind::Config, 0) => out.contains("grace"),
            (Kind::Exec, 7) => out.is_empty(),
            (Kind::MaintenanceStatus, 0) => out.contains("on"),
            (Kind::MaintenanceStatus, 1) => out.contains("off"),
            (Kind::Restart, 0) => out.contains("restarting"),
            (Kind::Restart, 1) => self.err.contains("maintenance off"),
            (Kind::On, 0) => out.contains("stop") || out.contains("on already"),
            (Kind::Off, 0) => out.contains("start") || out.contains("off already"),
            _ => false,
        };
        (!right).then(|| "not an answer that the design allows".to_owned())
    }

    /// What `status --json` printed.
    pub(super) fn page(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_default()
    }

    /// The page's parts agree with each other.
    fn wrong_page(&self) -> Option<String> {
        let page: serde_json::Value = match serde_json::from_str(&self.out) {
            Ok(page) => page,
            Err(error) => return Some(format!("no JSON ({error})")),
        };
        let phase = page["phase"].as_str().unwrap_or_default();
        let has_app = page["app_pid"].is_number();
        let right = match phase {
            "running" | "draining" => has_app,
            "init" | "finishing" | "maintenance" => !has_app,
            other => PHASES.contains(&other),
        };
        let right = right && page["answers"] == true && page["init_pid"] == 1;
        (!right).then(|| format!("the page contradicts itself in the phase {phase:?}"))
    }
}
