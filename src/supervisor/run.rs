//! Carries out what the machine decides, and tells it what happens: the loop that PID 1 spends its life in.
//!
//! Contract: one thread, one poll. The signal path (signalfd → machine → kill → page) allocates nothing.

use super::board::{Board, Snapshot};
use super::children::{Children, Programs, Role, Script};
use super::environment::{Environments, Outcome, Source};
use super::machine::Machine;
use super::policy::Policy;
use super::report::{self, Killer};
use super::state::{Action, Event, Goal, Note, Phase, Request};
use super::terminal::Terminal;
use crate::process::exit::Exit;
use crate::process::table::{self, Table};
use crate::reactor::Reactor;
use crate::sys::fd::{BATCH, SignalInfo};
use crate::sys::signal::SignalNo;
use std::ffi::OsStr;
use std::io;
use std::time::{Instant, SystemTime};

/// How many requests one turn takes.
const REQUESTS: usize = 64;

/// A supervisor at work.
pub struct Supervisor<'a> {
    machine: Machine,
    policy: Policy,
    children: Children,
    table: Table,
    reactor: Reactor,
    board: &'a mut dyn Board,
    state: Snapshot,
    /// The script that runs or ran last.
    script: Option<Script>,
    /// The request in hand.
    request: Option<u64>,
    /// Requests that are answered later.
    held: Vec<u64>,
    /// Why the environment could not be built.
    not_built: String,
    /// The first quiet moment came.
    settled: bool,
    /// There was no child that could end, so no SIGCHLD will make us look for what is left.
    start_failed: bool,
    /// Something was started.
    started: bool,
    oom_kills: u64,
    /// The line about the app's end.
    epitaph: Option<String>,
    code: Option<u8>,
}

/// Runs everything until the end and returns the exit code. All signals are blocked.
///
/// Errors: no signalfd can be made (no descriptor, no memory); nothing was started then.
pub fn run(
    policy: Policy,
    programs: Programs,
    environment: Box<dyn Source>,
    terminal: Terminal,
    board: &mut dyn Board,
) -> io::Result<u8> {
    let mut supervisor = Supervisor::new(policy, programs, environment, terminal, board)?;
    supervisor.start();
    loop {
        if let Some(code) = supervisor.code() {
            // The process ends now, and the kernel closes and frees faster than we do.
            std::mem::forget(supervisor);
            return Ok(code);
        }
        supervisor.turn();
    }
}

impl<'a> Supervisor<'a> {
    /// Ready to start.
    pub fn new(
        policy: Policy,
        programs: Programs,
        environment: Box<dyn Source>,
        terminal: Terminal,
        board: &'a mut dyn Board,
    ) -> io::Result<Self> {
        let state = Snapshot {
            phase: Phase::Init(0),
            goal: Goal::Exit,
            leaving: false,
            stop_signal: None,
            app: None,
            phase_since: SystemTime::now(),
            app_since: None,
            starts: 0,
            last_exit: None,
            forwarded: 0,
            orphans: 0,
        };
        Ok(Self {
            machine: Machine::new(policy.clone()),
            policy,
            children: Children::new(programs, Environments::new(environment), terminal),
            table: Table::new(terminal.follows_stops()),
            reactor: Reactor::new(board.descriptor())?,
            board,
            state,
            script: None,
            request: None,
            held: Vec::new(),
            not_built: String::new(),
            settled: false,
            start_failed: false,
            started: false,
            oom_kills: 0,
            epitaph: None,
            code: None,
        })
    }

    /// Starts the first thing that there is to start.
    pub fn start(&mut self) {
        self.dispatch(Event::Start);
    }

    /// The exit code, once everything is over.
    pub fn code(&self) -> Option<u8> {
        self.code
    }

    /// Waits once and handles what came.
    pub fn turn(&mut self) {
        if std::mem::take(&mut self.start_failed) {
            return self.reap();
        }
        let deadline = self.machine.deadline();
        let mut ready = self.reactor.wait(deadline);
        if ready.nothing() && deadline.is_none_or(|at| at > Instant::now()) {
            if !std::mem::replace(&mut self.settled, true) {
                // It can wait until the start is over, for the sake of a quick one.
                self.tell_by_shell();
            }
            ready = self.reactor.rest(deadline);
        }
        if ready.signals {
            self.take_signals();
        }
        if ready.commands {
            self.take_requests();
        }
        // After the events, not in place of them: a storm of signals must not hold the deadlines up.
        if self.machine.deadline().is_some_and(|at| at <= Instant::now()) {
            self.dispatch(Event::Tick);
        }
    }

    fn take_signals(&mut self) {
        let mut batch = [None; BATCH];
        let count = self.reactor.take_signals(&mut batch);
        let mut reap = false;
        for info in batch.into_iter().take(count).flatten() {
            reap |= info.signal == SignalNo::CHLD;
            if is_for_the_app(info) {
                self.dispatch(Event::Signal(info.signal));
            }
        }
        if reap {
            self.reap();
        }
    }

    fn take_requests(&mut self) {
        // A crowd of clients must not hold up signals and deadlines: the rest waits for the next turn.
        for _ in 0..REQUESTS {
            let Some((id, request)) = self.board.next_request() else { break };
            self.request = Some(id);
            self.dispatch(Event::Asked(request));
        }
    }

    /// Reaps everything that ended, then tells the machine, so that it knows what is left when it decides.
    fn reap(&mut self) {
        let (mut app, mut script, mut builder) = (None, None, None);
        while let Some(event) = self.table.reap() {
            match event {
                table::Event::Stopped(pid, _) if self.children.app() == Some(pid) => {
                    self.children.terminal().follow_stop(pid);
                }
                table::Event::Stopped(..) => {}
                table::Event::Ended(pid, exit) => match self.children.ended(pid) {
                    Some(Role::App) => app = Some(exit),
                    Some(Role::Script) => script = Some(exit),
                    Some(Role::Builder) => builder = Some(exit),
                    Some(Role::Nobody) => {}
                    None => self.state.orphans += 1,
                },
            }
        }
        if let Some(exit) = app {
            self.app_ended(exit);
        }
        if let Some(exit) = script {
            self.script_ended(exit);
        }
        if let Some(exit) = builder {
            let code = if let Exit::Code(code) = exit { Some(code) } else { None };
            let outcome = self.children.environments().helped(code);
            let event = self.built(outcome);
            self.dispatch(event);
        }
        if self.table.childless() {
            self.dispatch(Event::Childless);
        } else {
            self.publish();
        }
    }

    // ---- the machine ----

    fn dispatch(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let actions = self.machine.on(event, Instant::now());
            for action in actions.iter() {
                // Only the last action of a list starts something, so there is never a second event to keep.
                next = self.carry_out(action).or(next);
            }
        }
        self.publish();
    }

    /// Returns what came of it, when that is known at once.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Build => {
                let outcome = self.children.environments().build()?;
                return Some(self.built(outcome));
            }
            Action::BuildIsLate => {
                let environments = self.children.environments();
                environments.give_up();
                let outcome = environments.refused(
                    "the files of run.file_env were not read within 10s: is their file system there?".into(),
                );
                self.built(outcome);
            }
            Action::CancelBuild => self.children.environments().give_up(),
            Action::Discard => self.children.environments().discard(),
            Action::Adopt => self.children.environments().adopt(),
            Action::StartApp => return self.start_app(),
            Action::RunInit(index) => return self.start_script(Script::Init(index)),
            Action::RunStop => return self.start_script(Script::Stop),
            Action::RunFinish(index) => return self.start_script(Script::Finish(index)),
            Action::Forward(signal) => {
                self.state.forwarded += 1;
                self.board.count_signal(signal);
                self.children.forward(signal);
                tracing::debug!(%signal, "forwarded");
            }
            Action::SignalScript(signal) => self.children.signal_script(signal),
            Action::SignalTree(_) if self.table.childless() => {}
            Action::SignalTree(signal) => self.left_behind(self.children.signal_tree(signal)),
            Action::KillAll => self.children.kill_all(),
            Action::Tell(note) => self.tell(note),
            Action::Answer(answer) => {
                if let Some(id) = self.request.take() {
                    self.board.answer(id, answer);
                }
            }
            Action::Hold => self.held.extend(self.request.take()),
            Action::AnswerHeld(answer) => {
                for id in self.held.drain(..) {
                    self.board.answer(id, answer);
                }
            }
            Action::Exit(code) => {
                if let Some(line) = self.epitaph.take() {
                    report::to_termination_log(&line);
                }
                self.code = Some(code);
            }
        }
        None
    }

    /// What the machine hears of a build.
    fn built(&mut self, outcome: Outcome) -> Event {
        Event::Built(outcome.map_err(|diagnosis| {
            self.not_built = diagnosis.reason;
            diagnosis.code
        }))
    }

    fn start_app(&mut self) -> Option<Event> {
        self.epitaph = None;
        self.state.starts += 1;
        match self.children.start_app(self.board) {
            Ok(()) => {
                self.state.app_since = Some(SystemTime::now());
                self.count_oom_kills();
                None
            }
            Err(diagnosis) => {
                self.start_failed = true;
                Some(self.not_started(diagnosis.code, &diagnosis.reason))
            }
        }
    }

    /// What the OOM killer took up to now was not what has just been started. After the fork, when the child has its own
    /// way to go; any later, and a child that fills the memory at once would be part of it. A container's cgroup is
    /// new when its PID 1 starts, so at its first start the count is 0 without looking.
    fn count_oom_kills(&mut self) {
        if std::mem::replace(&mut self.started, true) || std::process::id() != 1 {
            self.oom_kills = report::oom_kills().unwrap_or(0);
        }
    }

    fn not_started(&mut self, code: u8, reason: &str) -> Event {
        tracing::error!("cannot start the app: {reason}");
        self.epitaph = Some(format!("the app could not be started: {reason}"));
        self.state.last_exit = Some(Exit::Code(code));
        Event::AppEnded(Exit::Code(code))
    }

    fn start_script(&mut self, script: Script) -> Option<Event> {
        self.script = Some(script);
        let mut variables: Vec<(&str, String)> = Vec::new();
        match script {
            Script::Init(_) => {}
            Script::Stop => {
                variables.extend(self.children.app().map(|pid| ("WRAPPER_APP_PID", pid.to_string())));
                variables.extend(self.machine.stop_signal().map(|s| ("WRAPPER_STOP_SIGNAL", s.to_string())));
            }
            Script::Finish(_) => {
                variables.extend(self.state.last_exit.map(|e| ("WRAPPER_APP_EXIT", e.code().to_string())));
            }
        }
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, OsStr::new(value))).collect();
        let started = self.children.start_script(script, self.board, &variables);
        if matches!(script, Script::Init(_)) {
            self.count_oom_kills();
        }
        let diagnosis = started.err()?;
        self.start_failed = true;
        tracing::error!("cannot run {}", diagnosis.reason);
        Some(Event::ScriptEnded(Exit::Code(diagnosis.code)))
    }

    fn app_ended(&mut self, exit: Exit) {
        self.children.terminal().take_back();
        self.tell_by_shell();
        let event = if let Some(diagnosis) = self.children.failure(Role::App, None, self.board) {
            self.not_started(diagnosis.code, &diagnosis.reason)
        } else {
            if let Some(hint) = self.children.crlf_hint(exit) {
                tracing::error!("{hint}");
            }
            let line = report::line("the app", exit, self.killer(exit));
            if exit == Exit::Signal(SignalNo::KILL) {
                tracing::warn!("{line}");
            } else {
                tracing::info!("{line}");
            }
            self.epitaph = Some(line);
            self.state.last_exit = Some(exit);
            Event::AppEnded(exit)
        };
        self.dispatch(event);
    }

    fn script_ended(&mut self, exit: Exit) {
        // The stop script ran beside the app, which has the terminal and keeps it.
        if self.script != Some(Script::Stop) {
            self.children.terminal().take_back();
        }
        self.tell_by_shell();
        let failure = self.children.failure(Role::Script, self.script, self.board);
        if let Some(diagnosis) = &failure {
            tracing::error!("cannot run {}", diagnosis.reason);
        }
        self.dispatch(Event::ScriptEnded(failure.map_or(exit, |diagnosis| Exit::Code(diagnosis.code))));
    }

    fn killer(&self, exit: Exit) -> Killer {
        if exit != Exit::Signal(SignalNo::KILL) || self.machine.killed() {
            return Killer::Wrapper;
        }
        let rose = report::oom_kills().is_some_and(|now| now > self.oom_kills);
        if rose { Killer::OutOfMemory } else { Killer::Outside }
    }

    fn publish(&mut self) {
        let phase = self.machine.phase();
        if phase != self.state.phase {
            self.state.phase = phase;
            self.state.phase_since = SystemTime::now();
        }
        self.state.goal = self.machine.goal();
        self.state.leaving = self.machine.leaving();
        self.state.stop_signal = self.machine.stop_signal();
        self.state.app = self.children.app();
        self.board.publish(&self.state);
    }

    // ---- what people are told ----

    fn tell(&mut self, note: Note) {
        let grace = self.policy.grace.map(report::spell).unwrap_or_default();
        match note {
            Note::NotBuilt(code) => {
                self.start_failed = true;
                let reason = std::mem::take(&mut self.not_built);
                self.not_started(code, &reason);
            }
            Note::Refused(request) => {
                let (what, stays) = match request {
                    Request::MaintenanceOff => ("the end of maintenance", "maintenance holds"),
                    _ => ("the restart", "the app goes on"),
                };
                tracing::error!("{what} is refused, {stays}: {}", self.not_built);
            }
            Note::Incomplete => tracing::warn!("the app could not be started: {}", self.not_built),
            Note::InitFailed(index, exit) => {
                let name = self.children.name(Script::Init(index));
                let line = report::line(&name, exit, self.killer(exit));
                tracing::error!("{line}; the app is not started");
                self.epitaph = Some(format!("{line}; the app was not started"));
                self.state.last_exit = Some(exit);
            }
            Note::InitSlow(index) => tracing::warn!(
                "{} has been running for a minute; the app starts when it ends",
                self.children.name(Script::Init(index))
            ),
            Note::StopFailed(exit) => {
                tracing::warn!("the stop script {exit}; the stop signal is forwarded instead");
            }
            Note::FinishFailed(index, exit) => {
                tracing::warn!("{} {exit}", self.children.name(Script::Finish(index)));
            }
            Note::FinishCut(index) => {
                tracing::warn!(
                    "{} was still running after 5s: KILL",
                    self.children.name(Script::Finish(index))
                );
            }
            Note::GraceOver => tracing::warn!("stop.grace ({grace}) is over: KILL to everything"),
            Note::LeftoversKilled => tracing::warn!(
                "processes that the app left behind ignored TERM for stop.leftovers ({}): KILL",
                report::spell(self.policy.leftovers)
            ),
            Note::Unkillable => {
                tracing::error!("KILL did not end everything within 1s; not waiting any longer");
            }
            Note::StopBegan(goal, signal) => {
                let towards = match goal {
                    Goal::Exit => "the end",
                    Goal::Maintain => "maintenance",
                    Goal::Restart => "a restart",
                };
                tracing::info!(%signal, "stopping, towards {towards}");
            }
            Note::MaintenanceBegan => tracing::warn!(
                "maintenance: the container is kept without the app; `wrapper maintenance off` starts it, `wrapper stop` \
                 or TERM ends the container"
            ),
            Note::MaintenanceOver => tracing::warn!("maintenance is over, starting the app"),
        }
    }

    /// A main process that ends well and leaves processes behind has often put itself into the background.
    fn left_behind(&self, reached: usize) {
        let by_itself = self.machine.stop_signal().is_none();
        if reached > 0
            && by_itself
            && self.policy.can_maintain
            && self.state.last_exit.is_some_and(Exit::success)
        {
            tracing::warn!(
                "the app ended and left {reached} process(es) behind, which get TERM now; a server must stay in the \
                 foreground"
            );
        }
    }

    fn tell_by_shell(&self) {
        for file in self.children.by_shell(self.script, self.board).into_iter().flatten() {
            tracing::warn!("{file}: no #! line, so /bin/sh runs it; add one");
        }
    }
}

/// A SIGCHLD of the kernel is about our children, a SIGPIPE from ourselves about a log line that nobody reads, a
/// SIGHUP and a SIGCONT from ourselves about the terminal that we gave up.
fn is_for_the_app(info: SignalInfo) -> bool {
    match info.signal {
        SignalNo::CHLD => info.by_process,
        SignalNo::PIPE | SignalNo::HUP | SignalNo::CONT => info.sender != std::process::id() as i32,
        _ => true,
    }
}
