//! The only unsafe code: thin, safe faces of the system calls that PID 1 needs and that nix has not, or not
//! in the form we need (real-time signals, raw masks, alloc-free reads).
//!
//! Contract: nothing here decides anything. Every function is one system call or a fixed short sequence,
//! returns `io::Result` or a plain value, and allocates nothing unless its documentation says so.
#![allow(unsafe_code, reason = "the one room where unsafe is allowed")]

pub mod signal;
