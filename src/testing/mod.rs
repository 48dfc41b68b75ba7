//! `wrapper test`: finds test files, runs each in a tree of its own with a deadline, and reports what came of it.
//!
//! Contract: `plan` says what there is to run and by whom; `pool` has worker processes run it, each a subreaper that holds
//! none of our descriptors; a `Check` is one verdict, a `Run` all of them in name order; `report` writes a `Run`. Nothing a test
//! does (hang, fork away, print a gigabyte, be killed) keeps a run from ending in its time, and nothing outlives it.

pub mod ancestors;
pub mod check;
mod execute;
pub mod limit;
pub mod plan;
pub mod pool;
pub mod report;
pub mod role;
pub mod runner;
pub mod secrets;
pub mod shared;
mod shorten;
mod sweep;
mod tail;
mod told;
mod worker;
