//! The `wrapper` binary: calls the library, returns its exit code.
//!
//! The C entry, because the runtime in front of Rust's own `main` changes SIGPIPE and takes time in which PID 1 would
//! lose signals. Tests of the library link the standard `main`.
#![no_main]

use std::ffi::{c_char, c_int};

/// Called by the C runtime.
///
/// # Safety
/// `argc` and `argv` are what the C standard says of them.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the C runtime calls us")]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are the arguments that the C runtime passes to main.
    unsafe { wrapper::sys::entry::start(argc, argv, wrapper::commands::main) }
}
