//! The supervisor's decisions: a pure function of what was and what happened.
//!
//! Contract: no system call, no clock of its own (time comes with the event), no allocation. Whatever the order of
//! events, at most one app and one script run, and after [`Action::Exit`] nothing is asked for any more.
//! With a grace period a stop always ends: at its end everything is killed, and `LAST_RESORT` later the
//! machine exits whether the kernel let the dead go or not.

mod build;

use super::policy::Policy;
use super::state::{Action, Actions, Answer, Crash, Event, Goal, Note, Phase, Request};
use crate::process::exit::Exit;
use crate::sys::signal::SignalNo;
use build::Build;
use std::time::{Duration, Instant};

/// How long after a KILL we wait for the kernel to hand over the dead.
const LAST_RESORT: Duration = Duration::from_secs(1);
/// How long finish.d may take when there is no grace period.
const FINISH: Duration = Duration::from_secs(5);
/// When a running init.d script is worth a line.
const INIT_SLOW: Duration = Duration::from_secs(60);

/// The state.
#[derive(Clone, Debug)]
pub struct Machine {
    policy: Policy,
    phase: Phase,
    goal: Goal,
    /// What made the app stop, once something did.
    stop_signal: Option<SignalNo>,
    /// Whether a signal did; a request (`wrapper stop` in a preStop hook) is none.
    signalled: bool,
    /// The failure that leads, or has led, into maintenance.
    crash: Option<Crash>,
    /// The end of the grace period.
    grace_end: Option<Instant>,
    /// The end of what the phase waits for: drain, leftovers, finish.d, the last resort.
    phase_end: Option<Instant>,
    app_runs: bool,
    app_started: bool,
    app_exit: Option<Exit>,
    script_runs: bool,
    /// KILL was sent to everything: nothing more is started, only the last resort is left to wait for.
    killed: bool,
    /// Maintenance is over, and the app not yet started again.
    leaving: bool,
    /// The environment of the app is being built.
    building: Option<Build>,
    /// It was built for the start that the stop under way leads to.
    prepared: bool,
}

impl Machine {
    /// Before [`Event::Start`].
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            phase: Phase::Init(0),
            goal: Goal::Exit,
            stop_signal: None,
            signalled: false,
            crash: None,
            grace_end: None,
            phase_end: None,
            app_runs: false,
            app_started: false,
            app_exit: None,
            script_runs: false,
            killed: false,
            leaving: false,
            building: None,
            prepared: false,
        }
    }

    /// Where we are.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the end of the app, when it is under way or done, leads to.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// The stop signal that arrived, or stands for a request, if a stop is under way.
    pub fn stop_signal(&self) -> Option<SignalNo> {
        self.stop_signal
    }

    /// Whether a stop signal arrived, and not only a request.
    pub fn signalled(&self) -> bool {
        self.signalled
    }

    /// The failure that led, or leads, into maintenance.
    pub fn crash(&self) -> Option<Crash> {
        self.crash
    }

    /// Whether this is the way out of maintenance: it is over, and the app has not been started yet.
    pub fn leaving(&self) -> bool {
        self.leaving
    }

    /// Whether KILL was sent to everything.
    pub fn killed(&self) -> bool {
        self.killed
    }

    /// When to send [`Event::Tick`] next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.grace_end, self.phase_end, self.build_deadline()].into_iter().flatten().min()
    }

    /// Takes in what happened at `now` and returns what is to be done.
    pub fn on(&mut self, event: Event, now: Instant) -> Actions {
        let mut todo = Actions::default();
        if self.phase != Phase::Ended {
            match event {
                Event::Start if self.policy.maintenance => {
                    self.maintain(&mut todo);
                    self.build_to_maintain(now, &mut todo);
                }
                Event::Start => self.begin(now, &mut todo),
                Event::Built(result) => self.built(result, now, &mut todo),
                Event::Signal(signal) => self.signal(signal, now, &mut todo),
                Event::AppEnded(exit) => self.app_ended(exit, now, &mut todo),
                Event::ScriptEnded(exit) => self.script_ended(exit, now, &mut todo),
                Event::Childless => self.childless(now, &mut todo),
                Event::Tick => self.tick(now, &mut todo),
                Event::Asked(request) => self.asked(request, now, &mut todo),
            }
        }
        todo
    }

    // ---- starting ----

    /// From the first init.d script on, with nothing left of an earlier start.
    fn begin(&mut self, now: Instant, todo: &mut Actions) {
        self.reset();
        self.crash = None;
        self.phase = Phase::Init(0);
        if std::mem::take(&mut self.prepared) {
            self.init(0, now, todo);
        } else {
            self.build_to_start(now, todo);
        }
    }

    /// As if nothing had been started or stopped yet.
    fn reset(&mut self) {
        self.goal = Goal::Exit;
        self.stop_signal = None;
        self.signalled = false;
        self.grace_end = None;
        self.phase_end = None;
        self.app_runs = false;
        self.app_started = false;
        self.app_exit = None;
        self.script_runs = false;
        self.killed = false;
    }

    fn init(&mut self, index: usize, now: Instant, todo: &mut Actions) {
        if index == 0 {
            todo.push(Action::Adopt);
        }
        if index < self.policy.init_scripts {
            self.phase = Phase::Init(index);
            self.phase_end = Some(now + INIT_SLOW);
            self.script_runs = true;
            todo.push(Action::RunInit(index));
        } else {
            self.phase = Phase::Running;
            self.phase_end = None;
            self.leaving = false;
            self.app_runs = true;
            self.app_started = true;
            todo.push(Action::StartApp);
        }
    }

    fn maintain(&mut self, todo: &mut Actions) {
        self.reset();
        self.leaving = false;
        if std::mem::take(&mut self.prepared) {
            todo.push(Action::Discard);
        }
        self.phase = Phase::Maintenance;
        todo.push(Action::Tell(Note::MaintenanceBegan(self.crash)));
    }

    // ---- signals and requests ----

    fn signal(&mut self, signal: SignalNo, now: Instant, todo: &mut Actions) {
        if self.policy.stop_signals.has(signal) {
            let again = std::mem::replace(&mut self.signalled, true);
            return self.stop(Goal::Exit, signal, again, now, todo);
        }
        match self.phase {
            // The terminal's and a debugger's: they say nothing about what the app is to do.
            Phase::Init(_) if matches!(signal, SignalNo::CONT | SignalNo::TSTP | SignalNo::WINCH) => {
                self.signal_script(signal, todo);
            }
            Phase::Init(_) => todo.push(Action::Tell(Note::SignalDropped(signal))),
            _ => self.forward(signal, todo),
        }
    }

    fn asked(&mut self, request: Request, now: Instant, todo: &mut Actions) {
        let under_way = self.stop_signal.is_some() || self.app_exit.is_some();
        let ending = under_way && self.goal == Goal::Exit;
        let maintained = self.phase == Phase::Maintenance;
        let leading_there = under_way && self.goal == Goal::Maintain;
        let answer = match request {
            Request::Ping => Answer::Done,
            Request::Stop if ending => Answer::Already,
            Request::Stop => self.lead_to(Goal::Exit, now, todo),
            _ if !self.policy.can_maintain => Answer::Unsupported,
            _ if ending => Answer::Ending,
            Request::Restart if maintained || leading_there => Answer::Maintained,
            Request::Restart if under_way && self.goal == Goal::Restart => Answer::Done,
            Request::Restart => return self.build_on_request(request, now, todo),
            Request::MaintenanceOn if maintained || leading_there => {
                self.cancel_build(Goal::Maintain, todo);
                Answer::Already
            }
            Request::MaintenanceOn => self.lead_to(Goal::Maintain, now, todo),
            Request::MaintenanceOff if maintained || leading_there => {
                return self.build_on_request(request, now, todo);
            }
            Request::MaintenanceOff => Answer::Already,
        };
        todo.push(Action::Answer(answer));
    }

    /// Begins a stop on request, or turns the one that is under way to another goal.
    fn lead_to(&mut self, goal: Goal, now: Instant, todo: &mut Actions) -> Answer {
        if self.stop_signal.is_some() || self.app_exit.is_some() {
            self.cancel_build(goal, todo);
            self.goal = goal;
        } else {
            self.stop(goal, self.policy.stop_signal, false, now, todo);
        }
        Answer::Done
    }

    // ---- stopping ----

    /// A stop signal arrived, or a request that is as good as one; `again` when it is not the first signal.
    fn stop(&mut self, goal: Goal, signal: SignalNo, again: bool, now: Instant, todo: &mut Actions) {
        let starting = self.cancel_build(goal, todo);
        if self.phase == Phase::Maintenance {
            self.stop_signal = Some(signal);
            return self.exit(0, todo);
        }
        let first = self.stop_signal.replace(signal).is_none();
        if first || self.goal != goal {
            self.goal = goal;
            self.grace_end = self.grace_end.or_else(|| self.policy.grace.map(|grace| now + grace));
            todo.push(Action::Tell(Note::StopBegan(goal, signal)));
        }
        if self.killed {
            // Nobody is left to be told, and the last resort must keep its time.
            return;
        }
        match self.phase {
            // Nothing was started yet.
            Phase::Init(_) if starting => self.ended(Exit::Signal(signal), now, todo),
            Phase::Init(_) => self.signal_script(signal, todo),
            Phase::Running if !self.policy.drain_delay.is_zero() => {
                self.phase = Phase::Draining;
                self.phase_end = Some(now + self.policy.drain_delay);
            }
            Phase::Draining if !again => {}
            Phase::Running | Phase::Draining => self.stop_app(signal, todo),
            _ => self.forward(signal, todo),
        }
    }

    /// The app is told: by the stop script, or by the signal.
    fn stop_app(&mut self, signal: SignalNo, todo: &mut Actions) {
        self.phase = Phase::Stopping;
        self.phase_end = None;
        if self.policy.stop_script {
            self.script_runs = true;
            todo.push(Action::RunStop);
        } else {
            self.forward(signal, todo);
        }
    }

    fn forward(&mut self, signal: SignalNo, todo: &mut Actions) {
        if let Some(signal) = self.policy.rewritten(signal).filter(|_| self.app_runs) {
            todo.push(Action::Forward(signal));
        }
    }

    fn signal_script(&mut self, signal: SignalNo, todo: &mut Actions) {
        if self.script_runs {
            todo.push(Action::SignalScript(signal));
        }
    }

    // ---- endings ----

    fn app_ended(&mut self, exit: Exit, now: Instant, todo: &mut Actions) {
        if self.app_runs {
            self.app_runs = false;
            self.ended(exit, now, todo);
        }
    }

    /// The app ended, or an init.d script failed in its place.
    fn ended(&mut self, exit: Exit, now: Instant, todo: &mut Actions) {
        self.app_exit = Some(exit);
        if self.stop_signal.is_none() {
            // By itself: the grace period bounds what follows just as after a stop signal.
            self.grace_end = self.policy.grace.map(|grace| now + grace);
            let crashed = self.policy.mapped(exit) != 0;
            if crashed && self.policy.maintenance_on_crash && self.policy.can_maintain {
                self.goal = Goal::Maintain;
                self.crash = Some(if self.app_started { Crash::App } else { Crash::Init });
            }
            self.cancel_build(self.goal, todo);
        }
        self.phase = Phase::Leftovers;
        if self.killed {
            self.phase_end = Some(now + LAST_RESORT);
        } else {
            self.phase_end = Some(now + self.policy.leftovers);
            todo.push(Action::SignalTree(SignalNo::TERM));
        }
    }

    fn script_ended(&mut self, exit: Exit, now: Instant, todo: &mut Actions) {
        if !self.script_runs {
            return;
        }
        self.script_runs = false;
        match (self.phase, self.stop_signal) {
            (Phase::Init(index), None) if exit.success() => self.init(index + 1, now, todo),
            (Phase::Init(index), None) => {
                todo.push(Action::Tell(Note::InitFailed(index, exit)));
                self.ended(exit, now, todo);
            }
            // The app never starts; a script that took the signal well leaves its place to the signal.
            (Phase::Init(_), Some(signal)) if exit.success() => self.ended(Exit::Signal(signal), now, todo),
            (Phase::Init(_), Some(_)) => self.ended(exit, now, todo),
            (Phase::Stopping, Some(signal)) if !exit.success() && !self.killed => {
                todo.push(Action::Tell(Note::StopFailed(exit)));
                self.forward(signal, todo);
            }
            (Phase::Finish(index), _) => {
                if !exit.success() && !self.killed {
                    todo.push(Action::Tell(Note::FinishFailed(index, exit)));
                }
                self.finish(index + 1, now, todo);
            }
            _ => {}
        }
    }

    fn childless(&mut self, now: Instant, todo: &mut Actions) {
        if matches!(self.phase, Phase::Leftovers | Phase::LeftoversKilled) {
            self.script_runs = false;
            self.phase_end = self.grace_end.is_none().then(|| now + FINISH);
            self.finish(0, now, todo);
        }
    }

    /// The finish.d script of this index, or the end of it all when there is none or no time.
    fn finish(&mut self, index: usize, now: Instant, todo: &mut Actions) {
        if index < self.policy.finish_scripts && self.app_started && !self.killed {
            self.phase = Phase::Finish(index);
            self.script_runs = true;
            return todo.push(Action::RunFinish(index));
        }
        match self.goal {
            Goal::Exit => self.exit(self.app_exit.map_or(0, |exit| self.policy.mapped(exit)), todo),
            Goal::Maintain => self.maintain(todo),
            Goal::Restart => self.begin(now, todo),
        }
    }

    fn exit(&mut self, code: u8, todo: &mut Actions) {
        self.cancel_build(Goal::Exit, todo);
        self.phase = Phase::Ended;
        self.phase_end = None;
        self.grace_end = None;
        todo.push(Action::Exit(code));
    }

    // ---- time ----

    fn tick(&mut self, now: Instant, todo: &mut Actions) {
        self.build_tick(now, todo);
        let over = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        if over(self.grace_end) {
            return self.kill(Note::GraceOver, now, todo);
        }
        if !over(self.phase_end) {
            return;
        }
        self.phase_end = None;
        match self.phase {
            _ if self.killed || self.phase == Phase::LeftoversKilled => {
                // Stuck in the kernel.
                todo.push(Action::Tell(Note::Unkillable));
                if self.goal == Goal::Maintain && !self.app_runs {
                    // Maintenance holds the volumes all the same, and starts nothing that could meet the leftover there.
                    return self.maintain(todo);
                }
                // Our own end is all that is left; the app counts as killed.
                let exit = self.app_exit.unwrap_or(Exit::Signal(SignalNo::KILL));
                self.exit(self.policy.mapped(exit), todo);
            }
            Phase::Init(index) => todo.push(Action::Tell(Note::InitSlow(index))),
            Phase::Draining => self.stop_app(self.stop_signal.unwrap_or(self.policy.stop_signal), todo),
            Phase::Leftovers => {
                // Only they are late: finish.d still has its time.
                todo.push(Action::Tell(Note::LeftoversKilled));
                todo.push(Action::KillAll);
                self.phase_end = Some(now + LAST_RESORT);
                self.phase = Phase::LeftoversKilled;
            }
            Phase::Finish(index) => self.kill(Note::FinishCut(index), now, todo),
            _ => {}
        }
    }

    /// No more time for anything: KILL to everything, and the last resort after it.
    fn kill(&mut self, note: Note, now: Instant, todo: &mut Actions) {
        self.killed = true;
        self.grace_end = None;
        self.phase_end = Some(now + LAST_RESORT);
        todo.push(Action::Tell(note));
        todo.push(Action::KillAll);
    }
}

#[cfg(test)]
mod tests;
