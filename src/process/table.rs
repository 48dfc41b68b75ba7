//! The process table: the only place that waits. Everything that ends is reaped here, whoever started it.

use super::Pid;
use super::exit::Exit;
use crate::sys::signal::SignalNo;
use crate::sys::wait::{self, Change, Waited};

/// A change that the table found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A child ended and is reaped.
    Ended(Pid, Exit),
    /// A child was stopped by this signal and lives (only when stops are watched).
    Stopped(Pid, SignalNo),
}

/// Reaps children and knows whether any is left.
#[derive(Debug, Default)]
pub struct Table {
    watch_stops: bool,
    childless: bool,
}

impl Table {
    /// With `watch_stops`, stopped children are told too.
    pub fn new(watch_stops: bool) -> Self {
        Self { watch_stops, childless: false }
    }

    /// The next change; none when nothing more changed. Never blocks.
    pub fn reap(&mut self) -> Option<Event> {
        loop {
            self.childless = false;
            match wait::next_child(self.watch_stops) {
                Ok(Waited::Child(pid, Change::Exited(code))) => {
                    return Some(Event::Ended(pid, Exit::Code(code)));
                }
                Ok(Waited::Child(pid, Change::Killed(signal))) => {
                    return Some(Event::Ended(pid, Exit::Signal(signal)));
                }
                Ok(Waited::Child(pid, Change::Stopped(signal))) => return Some(Event::Stopped(pid, signal)),
                Ok(Waited::Childless) => {
                    self.childless = true;
                    return None;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(Waited::Quiet) | Err(_) => return None,
            }
        }
    }

    /// Whether the last look found that there is no child at all, alive or dead.
    pub fn childless(&self) -> bool {
        self.childless
    }
}
