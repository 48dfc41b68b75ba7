//! `wrapper`: PID 1 of every container that derives from our base images.
//!
//! Imports go one way: `words, sys ← process ← reactor ← supervisor, testing, status ← commands`; `config` is seen by
//! `commands` alone. `tests/it/layout.rs` checks the arrows.
#![deny(unsafe_code)]

pub mod commands;
pub mod config;
pub mod exit;
pub mod process;
pub mod reactor;
pub mod status;
pub mod supervisor;
pub mod sys;
pub mod testing;
pub mod words;
