//! `wrapper`: PID 1 of every container that derives from our base images.
//!
//! Imports go one way: `sys ← process ← reactor ← supervisor, testing, status ← commands`; `config` is seen by
//! `commands` alone. `tests/it/layout.rs` checks the arrows.
#![deny(unsafe_code)]

pub mod config;
pub mod sys;
