//! PID 1's work: start the app, pass signals on, reap, stop in order, keep the container in maintenance.
//!
//! Contract: `machine` decides (a pure state machine over the words of `state`, by the rules of `policy`), `run`
//! carries out. Nothing that happens to the app, to stdio or to a signal makes it panic, hang or spin.

pub mod board;
pub mod children;
pub mod environment;
pub mod machine;
pub mod message;
pub mod policy;
pub mod report;
pub mod run;
pub mod start_directory;
pub mod state;
pub mod terminal;
