//! What a supervisor is told to do: tables of fixed size, ready for use in the signal path.

use crate::process::exit::Exit;
use crate::sys::mask::SigSet;
use crate::sys::signal::SignalNo;
use std::time::Duration;

/// Whom a forwarded signal reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The app's process alone.
    Pid,
    /// Its process group.
    Group,
    /// Every process of the tree.
    All,
}

/// The rules of one run.
#[derive(Clone, Debug)]
pub struct Policy {
    /// These start the stop sequence; all others are only forwarded.
    pub stop_signals: SigSet,
    /// The one that stands for a stop that no signal asked for (`wrapper stop`, maintenance).
    pub stop_signal: SignalNo,
    /// From the stop signal's arrival to the last KILL; none never escalates.
    pub grace: Option<Duration>,
    /// How long readiness fails before the app hears of the stop.
    pub drain_delay: Duration,
    /// How long what the app left behind has between TERM and KILL.
    pub leftovers: Duration,
    /// What each signal becomes: its own number, another, or 0 for dropped. Index 0 is unused.
    pub rewrite: [u8; 65],
    /// What each exit code becomes.
    pub exit_map: [u8; 256],
    /// How many scripts run before the app.
    pub init_scripts: usize,
    /// Whether a script stops the app.
    pub stop_script: bool,
    /// How many scripts run after it.
    pub finish_scripts: usize,
    /// Start without the app.
    pub maintenance: bool,
    /// Whether a failed app leads into maintenance.
    pub maintenance_on_crash: bool,
    /// Whether there is an app to start in maintenance and on request (`run`, not `exec`).
    pub can_maintain: bool,
}

impl Policy {
    /// Nothing configured: forwards everything as it is, never escalates.
    pub fn plain() -> Self {
        Self {
            stop_signals: SigSet::EMPTY.with(SignalNo::TERM).with(SignalNo::INT),
            stop_signal: SignalNo::TERM,
            grace: None,
            drain_delay: Duration::ZERO,
            leftovers: Duration::from_secs(3),
            rewrite: std::array::from_fn(|n| n as u8),
            exit_map: std::array::from_fn(|n| n as u8),
            init_scripts: 0,
            stop_script: false,
            finish_scripts: 0,
            maintenance: false,
            maintenance_on_crash: false,
            can_maintain: false,
        }
    }

    /// What `signal` becomes on its way to the app; none drops it.
    pub fn rewritten(&self, signal: SignalNo) -> Option<SignalNo> {
        SignalNo::new(i32::from(self.rewrite[signal.get() as usize]))
    }

    /// The exit code for the outside.
    pub fn mapped(&self, exit: Exit) -> u8 {
        self.exit_map[usize::from(exit.code())]
    }
}
