//! What the supervisor shows to others and hears from them. The state page implements it; a container in which none
//! can be made runs all the same, with nobody to look.

use super::state::{Answer, Crash, Goal, Phase, Request};
use crate::process::Pid;
use crate::process::exit::Exit;
use crate::sys::fork::Report;
use crate::sys::signal::SignalNo;
use std::os::fd::RawFd;
use std::time::SystemTime;

/// The state at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// Where the container is in its life.
    pub phase: Phase,
    /// What the stop that is under way leads to.
    pub goal: Goal,
    /// Whether this is the way out of maintenance.
    pub leaving: bool,
    /// The failure that led, or leads, into maintenance; its exit is `last_exit`.
    pub crash: Option<Crash>,
    /// The stop signal that arrived, if one did.
    pub stop_signal: Option<SignalNo>,
    /// The app while it runs.
    pub app: Option<Pid>,
    /// When the phase began.
    pub phase_since: SystemTime,
    /// When the app started last.
    pub app_since: Option<SystemTime>,
    /// How often the app was started.
    pub starts: u64,
    /// How it ended last.
    pub last_exit: Option<Exit>,
    /// Signals forwarded.
    pub forwarded: u64,
    /// Signals that could not be delivered to the app (`EPERM`).
    pub undelivered: u64,
    /// Orphans reaped.
    pub orphans: u64,
}

/// The supervisor's side of the state page and the command pipe.
pub trait Board {
    /// Shows the state. Called after every change; allocates nothing.
    fn publish(&mut self, state: &Snapshot);
    /// Counts one forwarded signal.
    fn count_signal(&mut self, signal: SignalNo);
    /// The descriptor that is readable when there are requests.
    fn descriptor(&self) -> Option<RawFd>;
    /// The next request and the id to answer it by.
    fn next_request(&mut self) -> Option<(u64, Request)>;
    /// Answers a request.
    fn answer(&mut self, id: u64, answer: Answer);
    /// Where the app reports between fork and exec.
    fn app_report(&self) -> Report;
    /// Where a script does.
    fn script_report(&self) -> Report;
}
