//! The only unsafe code: thin, safe faces of the system calls that PID 1 needs and that nix has not, or not
//! in the form we need (real-time signals, raw masks, alloc-free reads).
//!
//! Contract: nothing here decides anything. Every function is one system call or a fixed short sequence,
//! returns `io::Result` or a plain value, and allocates nothing unless its documentation says so.
#![allow(unsafe_code, reason = "the one room where unsafe is allowed")]

pub mod capability;
pub mod clock;
pub mod cold;
pub mod entry;
pub mod fd;
pub mod fork;
pub mod glob;
pub mod mask;
pub mod memfd;
pub mod page;
pub mod proc;
pub mod signal;
pub mod tty;
pub mod wait;
pub mod yaml;

use std::io;

/// A process id as the kernel counts it in our PID namespace; always positive.
pub type Pid = i32;

/// The result of a raw call that answers −1 and sets errno.
fn check(result: i64) -> io::Result<i64> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
