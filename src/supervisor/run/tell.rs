//! What people are told: the log, and the termination message about the end.

use super::Supervisor;
use crate::process::exit::Exit;
use crate::supervisor::children::Script;
use crate::supervisor::report::{self, Killer};
use crate::supervisor::state::{Goal, Note, Request};
use crate::sys::signal::SignalNo;

/// How the app, or the start of it, ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was never started: why.
    NeverStarted(String),
    /// It ran.
    Ended {
        /// The line about it.
        line: String,
        /// How.
        exit: Exit,
        /// Whether a stop was under way.
        asked: bool,
        /// Whether the grace period was over afterwards, before all had ended.
        late: bool,
    },
}

impl Supervisor<'_> {
    pub(super) fn tell(&mut self, note: Note) {
        if matches!(note, Note::MaintenanceBegan(_)) {
            self.children.leave_start_directory();
            // From here on the end of the container is another matter than that of the app.
            self.end = None;
        }
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
                let line = report::line(&name, exit, self.killer());
                tracing::error!("{line}; the app is not started");
                self.end = Some(End::NeverStarted(line));
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
            Note::GraceOver => {
                tracing::warn!("stop.grace ({grace}) is over: KILL to everything");
                if let Some(End::Ended { late, .. }) = &mut self.end {
                    *late = true;
                }
            }
            Note::LeftoversKilled => self.tell_leftovers_killed(),
            Note::Unkillable => {
                tracing::error!("not everything had ended 1s after KILL; not waiting any longer");
            }
            Note::SignalDropped(signal) => {
                tracing::info!(%signal, "dropped: init.d runs, and there is no app yet");
            }
            Note::StopBegan(goal, signal) => {
                let towards = match goal {
                    Goal::Exit => "the end",
                    Goal::Maintain => "maintenance",
                    Goal::Restart => "a restart",
                };
                tracing::info!(%signal, "stopping, towards {towards}");
            }
            Note::MaintenanceBegan(None) => tracing::warn!(
                "maintenance: the container is kept without the app; `wrapper maintenance off` starts it, `wrapper stop` \
                 or TERM ends the container"
            ),
            Note::MaintenanceBegan(Some(crash)) => {
                let why = crash.told(self.state.last_exit);
                tracing::error!(
                    "maintenance after a failure: {why} (maintenance.on_crash); the container is kept without \
                     the app; `wrapper maintenance off` starts it, `wrapper stop` or TERM ends the container"
                );
            }
            Note::MaintenanceOver => tracing::warn!("maintenance is over, starting the app"),
        }
    }

    /// A main process that ends well and leaves processes behind has often put itself into the background.
    pub(super) fn tell_left_behind(&self) {
        let count = self.leftovers;
        let by_itself = self.machine.stop_signal().is_none();
        if count > 0 && by_itself && self.state.last_exit.is_some_and(Exit::success) {
            tracing::warn!(
                "the app ended and left {count} process(es) behind, which get TERM now; a server must stay in the \
                 foreground"
            );
        }
    }

    fn tell_leftovers_killed(&self) {
        let time = report::spell(self.policy.leftovers);
        if self.leftovers > 0 {
            tracing::warn!(
                "processes that the app left behind ignored TERM for stop.leftovers ({time}): KILL"
            );
        } else {
            tracing::warn!(
                "there are still processes {time} (stop.leftovers) after the app's end, and none of them could be sent \
                 TERM: they are in no known process group, or may not be signalled, and /proc is missing or another \
                 PID namespace's; KILL to what can be reached"
            );
        }
    }

    pub(super) fn tell_undelivered(&self, signal: SignalNo) {
        let app = self.children.app().unwrap_or_default();
        tracing::error!(
            "{signal} could not be delivered: the app (pid {app}) runs as another user, and PID 1 lacks the capability \
             KILL; add it (docker run --cap-add KILL, in a pod securityContext.capabilities.add: [KILL]), or start the \
             container as the app's user"
        );
    }

    /// What is known of who sent the KILL that has just ended something.
    fn killer(&self) -> Killer {
        if self.machine.killed() && self.kill_reached_app {
            return Killer::Wrapper;
        }
        Killer::by_counts(self.oom_kills, report::oom_kills())
    }

    /// The app has ended: the log, and what is known now for the termination message.
    pub(super) fn tell_end(&mut self, exit: Exit) {
        let killer = if exit.success() { Killer::Outside } else { self.killer() };
        let line = report::line("the app", exit, killer);
        let asked = self.machine.stop_signal();
        let as_asked = asked.is_some_and(|signal| exit.code() == Exit::Signal(signal).code());
        if exit == Exit::Signal(SignalNo::KILL) || (self.failed(exit) && !as_asked) {
            tracing::warn!("{line}");
        } else {
            tracing::info!("{line}");
        }
        self.end = Some(End::Ended { line, exit, asked: asked.is_some(), late: false });
    }

    /// Whether the end of a run script's app is a failure: for a command, whoever typed it sees its code.
    fn failed(&self, exit: Exit) -> bool {
        self.policy.can_maintain && self.policy.mapped(exit) != 0
    }

    /// The termination message: what the runtime cannot know about the end.
    pub(super) fn leave_message(&self) {
        let Some(message) = self.children.message() else { return };
        if let Some(line) = self.message() {
            message.append(&line);
        }
    }

    fn message(&self) -> Option<String> {
        let by = self.machine.stop_signal().map(|signal| {
            if self.machine.signalled() {
                format!("stopped by {signal}")
            } else {
                "stopped by wrapper stop".to_owned()
            }
        });
        match (&self.end, by) {
            (Some(End::NeverStarted(why)), _) => Some(format!("the app was never started: {why}")),
            (Some(End::Ended { line, exit, asked, late }), by) => {
                let grace = self.policy.grace.map(report::spell).unwrap_or_default();
                let late = late.then(|| format!("; stop.grace ({grace}) was over before all had ended"));
                match by.filter(|_| *asked) {
                    Some(by) => Some(format!("{by}: {line}{}", late.unwrap_or_default())),
                    // By itself: its code says it all, and its last words stand in the log.
                    None => (*exit == Exit::Signal(SignalNo::KILL)).then(|| line.clone()),
                }
            }
            (None, Some(by)) => Some(match self.machine.crash() {
                Some(crash) => {
                    format!("{by} in maintenance, after a failure: {}", crash.told(self.state.last_exit))
                }
                None => format!("{by}: the app did not run"),
            }),
            (None, None) => None,
        }
    }

    pub(super) fn tell_by_shell(&self) {
        for file in self.children.by_shell(self.script, self.board).into_iter().flatten() {
            tracing::warn!("{file}: no #! line, so /bin/sh runs it; add one");
        }
    }
}
