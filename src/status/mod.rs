//! What PID 1 is doing, for others: a state page in shared memory, and a pipe for commands to PID 1.
//!
//! Contract: no file system, no network. The page is a sealed memfd that PID 1 alone writes; who may open PID 1's
//! descriptors (the kernel decides: same uid and gid and at least its capabilities, or `SYS_PTRACE`) may read it and
//! write commands. PID 1 answers in the page, so an answer also tells that it is alive.

pub mod answers;
pub mod ask;
pub mod find;
pub mod inherit;
pub mod kept;
pub mod layout;
pub mod page;
pub mod trust;
