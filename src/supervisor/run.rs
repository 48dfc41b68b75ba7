//! Carries out what the machine decides, and tells it what happens: the loop that PID 1 spends its life in.
//!
//! Contract: one thread, one poll. The signal path (signalfd → machine → kill → page) allocates nothing.

use super::board::{Board, Snapshot};
use super::children::{Children, Programs, Role, Script};
use super::environment::{Environments, Outcome, Source};
use super::machine::Machine;
use super::policy::Policy;
use super::report;
use super::state::{Action, Answer, Event, Goal, Phase, Request};
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
    /// How many processes the OOM killer had taken when what runs was started; none where nobody counts them.
    oom_kills: Option<u64>,
    /// How many processes got TERM when the app had ended.
    leftovers: usize,
    /// Whether the last KILL to everything could reach the app.
    kill_reached_app: bool,
    /// How the app, or the start of it, ended.
    end: Option<End>,
    code: Option<u8>,
}

mod tell;
use tell::End;

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
            crash: None,
            stop_signal: None,
            app: None,
            phase_since: SystemTime::now(),
            app_since: None,
            starts: 0,
            last_exit: None,
            forwarded: 0,
            undelivered: 0,
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
            oom_kills: None,
            leftovers: 0,
            kill_reached_app: false,
            end: None,
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
            if self.is_out_of_reach(request) {
                self.board.answer(id, Answer::Denied);
                continue;
            }
            self.request = Some(id);
            self.dispatch(Event::Asked(request));
        }
    }

    /// Whether `request` asks to end an app that we may not signal. A stop script may have other means.
    fn is_out_of_reach(&self, request: Request) -> bool {
        let ends_it = match request {
            Request::Stop => true,
            Request::Restart | Request::MaintenanceOn => self.policy.can_maintain,
            Request::Ping | Request::MaintenanceOff => false,
        };
        ends_it && !self.policy.stop_script && self.children.app_is_out_of_reach()
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
            let outcome = self.children.environment_built(code);
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
                let outcome = self.children.build_environment()?;
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
            Action::Forward(signal) if self.children.forward(signal) => {
                self.state.forwarded += 1;
                self.board.count_signal(signal);
                tracing::debug!(%signal, "forwarded");
            }
            Action::Forward(signal) => {
                self.state.undelivered += 1;
                self.tell_undelivered(signal);
            }
            Action::SignalScript(signal) => self.children.signal_script(signal),
            Action::SignalTree(_) if self.table.childless() => {}
            Action::SignalTree(signal) => {
                self.leftovers = self.children.signal_tree(signal);
                self.tell_left_behind();
            }
            Action::KillAll => {
                self.kill_reached_app = !self.children.app_is_out_of_reach();
                self.children.kill_all();
            }
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
                self.leave_message();
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
        self.end = None;
        self.state.starts += 1;
        self.oom_kills = report::oom_kills();
        match self.children.start_app(self.board) {
            Ok(()) => {
                self.state.app_since = Some(SystemTime::now());
                None
            }
            Err(diagnosis) => {
                self.start_failed = true;
                Some(self.not_started(diagnosis.code, &diagnosis.reason))
            }
        }
    }

    fn not_started(&mut self, code: u8, reason: &str) -> Event {
        tracing::error!("cannot start the app: {reason}");
        self.end = Some(End::NeverStarted(reason.to_owned()));
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
        if matches!(script, Script::Init(_)) {
            self.oom_kills = report::oom_kills();
        }
        let started = self.children.start_script(script, self.board, &variables);
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
            self.tell_end(exit);
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

    fn publish(&mut self) {
        let phase = self.machine.phase();
        if phase != self.state.phase {
            self.state.phase = phase;
            self.state.phase_since = SystemTime::now();
        }
        self.state.goal = self.machine.goal();
        self.state.leaving = self.machine.leaving();
        self.state.crash = self.machine.crash();
        self.state.stop_signal = self.machine.stop_signal();
        self.state.app = self.children.app();
        self.board.publish(&self.state);
    }
}

/// Not what our own system calls raise, which the kernel sends in our name: SIGPIPE and SIGXFSZ by a write or a truncation,
/// SIGTTIN and SIGTTOU by the terminal, SIGHUP and SIGCONT by giving it up. A SIGCHLD of the kernel is about our children,
/// a SIGXCPU of the kernel about our own CPU time.
fn is_for_the_app(info: SignalInfo) -> bool {
    match info.signal {
        SignalNo::CHLD | SignalNo::XCPU => info.by_process,
        SignalNo::PIPE
        | SignalNo::XFSZ
        | SignalNo::TTIN
        | SignalNo::TTOU
        | SignalNo::HUP
        | SignalNo::CONT => info.sender != std::process::id() as i32,
        _ => true,
    }
}
