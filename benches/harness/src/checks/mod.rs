//! `wrapper test` beside bats, run-parts and a loop of sh, with the same checks.

pub(crate) mod launcher;
pub(crate) mod memory;
mod runner;
pub(crate) mod speed;
