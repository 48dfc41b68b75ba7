//! The words of the state machine: what happens to it, what it wants done, what it can be asked.

use crate::process::exit::Exit;
use crate::sys::signal::SignalNo;
use std::fmt;

/// Where in its life the container is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The init.d script of this index runs.
    Init(usize),
    /// The app runs.
    Running,
    /// A stop was asked for; readiness fails, the app does not know yet.
    Draining,
    /// The stop script runs, or the app has been told.
    Stopping,
    /// The app ended; what it left behind is being ended.
    Leftovers,
    /// What did not end in time was killed, and is being reaped.
    LeftoversKilled,
    /// The finish.d script of this index runs.
    Finish(usize),
    /// The container is kept without the app.
    Maintenance,
    /// Nothing more will happen.
    Ended,
}

impl Phase {
    /// Whether the app, or something in its place, is being stopped or was.
    pub fn is_stopping(self) -> bool {
        !matches!(self, Self::Init(_) | Self::Running | Self::Maintenance)
    }
}

/// What a stop leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// The end of the container.
    Exit,
    /// Maintenance.
    Maintain,
    /// A new start of the app.
    Restart,
}

/// Which failure led into maintenance (`maintenance.on_crash`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// The app's.
    App,
    /// That of an init.d script, before the app was started.
    Init,
}

impl Crash {
    /// What it was, with its exit: `the app exited with code 3`.
    pub fn told(self, exit: Option<Exit>) -> String {
        match (self, exit) {
            (Self::App, Some(exit)) => format!("the app {exit}"),
            (Self::App, None) => "the app failed".to_owned(),
            (Self::Init, Some(exit)) => format!("the start of the app failed with code {}", exit.code()),
            (Self::Init, None) => "the start of the app failed".to_owned(),
        }
    }
}

/// What the supervisor was asked through the command pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Are you there?
    Ping,
    /// Stop the container.
    Stop,
    /// Stop the app and start it again.
    Restart,
    /// Enter maintenance.
    MaintenanceOn,
    /// Leave it.
    MaintenanceOff,
}

/// What came of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is being done.
    Done,
    /// It is so already.
    Already,
    /// Not in this phase: the container is ending.
    Ending,
    /// Not in this mode: there is no run script to start again.
    Unsupported,
    /// Not in maintenance.
    Maintained,
    /// The environment of the app could not be built: nothing was done.
    Refused,
    /// The environment is still being built; what was asked for is done when it is.
    Building,
    /// The app may not be signalled: it runs as another user, and the capability KILL is missing.
    Denied,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The supervisor starts.
    Start,
    /// The environment of the app was built, or not: the exit code for that.
    Built(Result<(), u8>),
    /// This signal arrived, rewritten by nothing yet.
    Signal(SignalNo),
    /// The app ended, or could not be started.
    AppEnded(Exit),
    /// The script that was running (init.d, stop or finish.d) ended, or could not be started.
    ScriptEnded(Exit),
    /// There is no child left at all.
    Childless,
    /// A deadline may be over.
    Tick,
    /// Somebody asked.
    Asked(Request),
}

/// What is to be done, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Build the environment of the app.
    Build,
    /// Build it no more, since it takes too long.
    BuildIsLate,
    /// Build it no more, since nobody needs it.
    CancelBuild,
    /// The start that the environment was built for does not come: forget it.
    Discard,
    /// What was built is the app's from now on.
    Adopt,
    /// Start the init.d script of this index.
    RunInit(usize),
    /// Start the app.
    StartApp,
    /// Send this to the app, by the target rule.
    Forward(SignalNo),
    /// Send this to the group of the script that runs.
    SignalScript(SignalNo),
    /// Start the stop script.
    RunStop,
    /// Start the finish.d script of this index.
    RunFinish(usize),
    /// Send this to the tree of descendants, our own scripts left out.
    SignalTree(SignalNo),
    /// Send KILL to all descendants, our own scripts too.
    KillAll,
    /// Tell people something.
    Tell(Note),
    /// Answer the request in hand.
    Answer(Answer),
    /// Keep the request in hand for a later answer.
    Hold,
    /// Answer all requests that were kept.
    AnswerHeld(Answer),
    /// End with this exit code.
    Exit(u8),
}

/// Something that people should know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// The environment cannot be built; the app is not started.
    NotBuilt(u8),
    /// For that reason, what was asked for is not done.
    Refused(Request),
    /// Maintenance goes on without some variables.
    Incomplete,
    /// The init.d script of this index failed; the app is not started.
    InitFailed(usize, Exit),
    /// It has been running for a minute.
    InitSlow(usize),
    /// The stop script failed; the signal is forwarded instead.
    StopFailed(Exit),
    /// The finish.d script of this index failed.
    FinishFailed(usize, Exit),
    /// The time for finish.d was over.
    FinishCut(usize),
    /// The grace period is over: KILL.
    GraceOver,
    /// What the app left behind did not end in time: KILL.
    LeftoversKilled,
    /// Even KILL did not end everything.
    Unkillable,
    /// This signal is for an app, and there is none yet: it was dropped.
    SignalDropped(SignalNo),
    /// A stop began.
    StopBegan(Goal, SignalNo),
    /// Maintenance holds from now on; after a failure, if that led there.
    MaintenanceBegan(Option<Crash>),
    /// Maintenance ends, the app is started.
    MaintenanceOver,
}

/// Up to eight actions, without allocating.
#[derive(Clone, Copy, Default)]
pub struct Actions {
    list: [Option<Action>; 8],
    count: usize,
}

impl Actions {
    /// Adds one. No event leads to more than eight.
    pub fn push(&mut self, action: Action) {
        debug_assert!(self.count < self.list.len(), "no room for {action:?} behind {self:?}");
        if let Some(slot) = self.list.get_mut(self.count) {
            *slot = Some(action);
            self.count += 1;
        }
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Action> {
        self.list.into_iter().take(self.count).flatten()
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
