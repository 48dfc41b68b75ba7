//! Child processes: how to start one, what became of it, who is there.
//!
//! Contract: `table` is the only place that waits for children; `command` the only one that starts them.
//! `tree` finds descendants without allocating, since signals go through it.

pub mod command;
pub mod diagnose;
pub mod environment;
pub mod exit;
pub mod table;
pub mod tree;

pub use crate::sys::Pid;
