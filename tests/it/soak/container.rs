//! The container that is soaked, and what must hold in it whenever nothing is going on.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::client::{Client, Kind};
use super::door::Door;
use crate::support::process::Stream;
use crate::support::tools::programs;
use crate::support::{Init, Running, Tree, proc};

/// How long the container may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the anonymous memory of PID 1 may grow by after the first rounds, in kB.
const GROWTH: u64 = 128;
/// As many rounds count as the first.
const FIRST_ROUNDS: u32 = 10;

/// What PID 1 never says here: that an init script ended badly is such a thing, since no signal of the app's reaches it.
const BUGS: [&str; 3] = ["panicked", "internal error", "init.d"];

/// What the app ends with after TERM.
pub(super) const APP_CODE: i32 = 3;

/// The lock makes a second app tell that it is one.
const RUN: &str = "exec 9>>\"$WRAPPER_CONFIG_DIR/lock\"
flock --nonblock 9 || { echo 'a second app'; exit 99; }
exec \"$PROBE\" catch --code 3";

pub(super) struct Container {
    pub(super) running: Running,
    pub(super) door: Door,
    pub(super) tree: Tree,
    pub(super) on_crash: bool,
    /// A stop was asked for; init.d may be ended by it.
    pub(super) stopping: bool,
    init: i32,
    /// The pid inside of the app that said last that it is ready.
    ready: Option<i64>,
    /// Signals that apps have got, by number.
    got: BTreeMap<u32, u32>,
    /// What PID 1 held in each phase: its descriptors.
    held: BTreeMap<String, Vec<String>>,
    rounds: u32,
    memory: u64,
}

/// A container at rest.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Rest {
    pub(super) phase: String,
    pub(super) app: Option<i64>,
    pub(super) restarts: i64,
}

impl Rest {
    pub(super) fn runs(&self) -> bool {
        self.phase == "running"
    }
}

impl Container {
    /// Starts one; in maintenance when this is not `runs`.
    pub(super) fn start(on_crash: bool, runs: bool) -> Self {
        let tree = Tree::new()
            .yaml(&format!(
                "stop: {{grace: 50s, leftovers: 10s, drain_delay: 20ms}}\nmaintenance: {{on_crash: {on_crash}}}\n\
                 test: {{suites: {{live: {{timeout: 50s}}, ready: {{timeout: 50s}}}}}}\n"
            ))
            .script("init.d/10-a", "sleep 0.02")
            .script("finish.d/10-a", "exit 0")
            .script("tests/live/10-a.sh", "kill -0 1")
            .script("tests/ready/10-a.sh", "sleep 0.01")
            .script("run", RUN);
        let mut running =
            Init::wrapper().tree(&tree).deadline(PATIENCE).raw(&[if runs { "run" } else { "maintenance" }]);
        // What shows that PID 1 is in its namespaces.
        let ready = runs.then(|| i64::from(running.ready("app").get("pid")));
        if !runs {
            running.error("maintenance:");
        }
        let init = running.init_pid();
        let door = Door::of(init);
        Self {
            running,
            door,
            tree,
            on_crash,
            stopping: false,
            init,
            ready,
            got: BTreeMap::new(),
            held: BTreeMap::new(),
            rounds: 0,
            memory: 0,
        }
    }

    /// The exit code of PID 1 when it has ended. The process stays, for the harness to reap.
    pub(super) fn exit_code(&self) -> Option<i32> {
        let pid = Pid::from_raw(self.running.pid()).expect("a pid");
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).expect("waitid")?;
        Some(status.exit_status().unwrap_or(-1))
    }

    fn has_ended(&self) -> bool {
        self.exit_code().is_some()
    }

    /// Starts a client.
    pub(super) fn client(&self, kind: Kind) -> Result<Client, String> {
        let client = Client::start(kind, &self.door, &self.tree.path(""));
        client.map_err(|error| format!("cannot start a client ({kind:?}): {error}"))
    }

    /// Sends PID 1 one signal, by number; a PID 1 that has ended gets none.
    pub(super) fn signal(&self, number: i32) {
        let mut command = Command::new(&programs().probe);
        command.args(["kill", &self.init.to_string(), &number.to_string()]).stderr(Stdio::null());
        let sent = command.status().expect("start the probe").success();
        if !sent {
            proc::until("the end of a container whose PID 1 cannot be signalled", || self.has_ended());
        }
    }

    /// How often apps have said that they got this signal.
    pub(super) fn got(&self, signal: u32) -> u32 {
        self.got.get(&signal).copied().unwrap_or_default()
    }

    /// Waits until apps have got a signal this often in all.
    pub(super) fn until_got(&mut self, signal: u32, wanted: u32) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while self.got(signal) < wanted {
            if Instant::now() > end {
                return Err(format!(
                    "signal {signal} reached the app {} times, not {wanted}",
                    self.got(signal)
                ));
            }
            self.listen()?;
        }
        Ok(())
    }

    /// Reads what the apps and the init have printed.
    pub(super) fn listen(&mut self) -> Result<(), String> {
        for (stream, line) in self.running.drain() {
            let mut words = line.split([' ', '=']);
            match (stream, words.next(), words.next(), words.next(), words.next()) {
                (Stream::Out, Some("app"), Some("ready"), Some("pid"), Some(pid)) => {
                    self.ready = pid.parse().ok();
                }
                (Stream::Out, Some("app"), Some("got"), Some(signal), _) => {
                    *self.got.entry(signal.parse().unwrap_or(0)).or_default() += 1;
                }
                (Stream::Err, ..) if self.stopping || !BUGS.iter().any(|part| line.contains(part)) => {}
                _ => return Err(format!("{stream:?} says: {line}")),
            }
        }
        Ok(())
    }

    /// Waits until the container is at rest: the app runs and is ready, or maintenance holds. None when it has ended.
    pub(super) fn settle(&mut self) -> Result<Option<Rest>, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.listen()?;
            if self.has_ended() {
                return Ok(None);
            }
            let Some(rest) = self.ask()? else { continue };
            let ready = rest.app.is_some() && rest.app == self.ready;
            if rest.phase == "maintenance" || rest.phase == "running" && ready {
                return Ok(Some(rest));
            }
            if Instant::now() > end {
                return Err(format!("does not come to rest: {rest:?}, last ready: {:?}", self.ready));
            }
        }
    }

    /// What PID 1 says; none when it has ended.
    fn ask(&self) -> Result<Option<Rest>, String> {
        let ended = self.client(Kind::Json).and_then(Client::finish);
        // In a dying namespace nothing starts, and what runs is killed.
        if ended.as_ref().map_or(true, |ended| ended.code.is_none()) {
            proc::until("the end of the container", || self.has_ended());
        }
        if self.has_ended() {
            return Ok(None);
        }
        let ended = ended?;
        if let Some(fault) = ended.fault(false) {
            return Err(fault);
        }
        let page = ended.page();
        Ok(Some(Rest {
            phase: page["phase"].as_str().unwrap_or_default().to_owned(),
            app: page["app_pid"].as_i64(),
            restarts: page["restarts"].as_i64().unwrap_or_default(),
        }))
    }

    /// How many apps run: one at most, whatever is going on.
    pub(super) fn apps(&self) -> usize {
        let is_app =
            |process: &&Inside| process.name == "probe" && process.parent == 1 && process.state != 'Z';
        inside(self.init).iter().filter(is_app).count()
    }

    /// Fails unless everything is as it must be at rest.
    pub(super) fn check(&mut self, rest: &Rest) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        // A client's last children and a killed client's workers end a little later than the client.
        loop {
            let mut seen = inside(self.init);
            seen.retain(|process| process.pid != 1);
            let right = match rest.app {
                Some(app) => {
                    matches!(&seen[..], [one] if one.pid == app && one.name == "probe" && one.state != 'Z')
                }
                None => seen.is_empty(),
            };
            if right {
                break;
            }
            if Instant::now() > end {
                return Err(format!("{rest:?}, and these processes are there: {seen:?}"));
            }
        }
        self.rounds += 1;
        self.check_descriptors(rest)?;
        self.check_memory()
    }

    fn check_descriptors(&mut self, rest: &Rest) -> Result<(), String> {
        let folder = format!("/proc/{}/fd", self.init);
        let mut now = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?.flatten() {
            let target = fs::read_link(entry.path()).map_err(|error| format!("{folder}: {error}"))?;
            let number = entry.file_name().display().to_string();
            now.push(format!("{number:>3} {}", target.display()));
        }
        now.sort();
        let before = self.held.entry(rest.phase.clone()).or_insert_with(|| now.clone());
        // The numbers may differ: what a start opens and closes is not always in the same order.
        if before.len() == now.len() {
            return Ok(());
        }
        Err(format!("the descriptors of PID 1 changed\n  before: {before:#?}\n  now:    {now:#?}"))
    }

    fn check_memory(&mut self) -> Result<(), String> {
        let text = proc::status(self.init, "RssAnon").unwrap_or_default();
        let now: u64 = text.trim_end_matches(" kB").parse().map_err(|_| format!("RssAnon is {text:?}"))?;
        if self.rounds <= FIRST_ROUNDS {
            self.memory = self.memory.max(now);
        } else if now > self.memory + GROWTH {
            return Err(format!("PID 1 grew from {} kB to {now} kB in {} rounds", self.memory, self.rounds));
        }
        Ok(())
    }

    /// For a report: what is there.
    pub(super) fn portrait(&mut self) -> String {
        let processes = inside(self.init);
        let transcript = self.running.transcript();
        let lines: Vec<_> = transcript.lines().filter(|line| !line.contains("app got ")).collect();
        let last = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("processes: {processes:#?}\nlast lines:\n{last}")
    }
}

/// A process by its pid inside.
#[derive(Debug)]
struct Inside {
    pid: i64,
    parent: i64,
    name: String,
    state: char,
}

/// All processes of the init's PID namespace, as its own /proc lists them.
fn inside(init: i32) -> Vec<Inside> {
    let root = format!("/proc/{init}/root/proc");
    let Ok(entries) = fs::read_dir(&root) else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i64>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("{root}/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(") ")?;
        let mut fields = after.split(' ');
        Some(Inside {
            pid,
            name: before.split_once('(')?.1.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
        })
    })
    .collect()
}
