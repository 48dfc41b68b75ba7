//! What stands before everything else: the kernel drops a signal that reaches PID 1 before it is blocked, so
//! the very first system call blocks them all, ahead of any code that could take time.

use super::mask::{self, SigSet};
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

/// How the process was started, and what its children are to be given back.
#[derive(Debug)]
pub struct Started {
    /// The arguments, the program's own name first; they live as long as the process.
    pub args: Vec<&'static OsStr>,
    /// The signal mask that we were started with.
    pub mask: SigSet,
}

/// Runs `main` with the arguments of a C `main`, all signals blocked.
///
/// # Safety
/// `argv` is what the C runtime handed to `main`: `argc` valid strings that are never freed.
pub unsafe fn start(argc: c_int, argv: *const *const c_char, main: fn(&Started) -> i32) -> c_int {
    let mask = mask::set_mask(SigSet::ALL);
    let count = usize::try_from(argc).unwrap_or(0);
    let args = (0..count)
        .map(|index| {
            // SAFETY: the caller promises that argv has `argc` entries.
            let entry = unsafe { argv.add(index) };
            // SAFETY: as above; it is one of them.
            let argument = unsafe { *entry };
            // SAFETY: each of them is a C string that is never freed.
            let text = unsafe { CStr::from_ptr(argument) };
            OsStr::from_bytes(text.to_bytes())
        })
        .collect();
    main(&Started { args, mask })
}

/// Our environment as the kernel gave it, `NAME=VALUE` each, borrowed for good. Nothing in this program changes it.
pub fn environment() -> Environ {
    // SAFETY: environ is the C runtime's own list; it is only read.
    Environ(unsafe { environ })
}

/// A walk over the environment.
#[derive(Clone, Debug)]
pub struct Environ(*const *const c_char);

impl Iterator for Environ {
    type Item = &'static CStr;

    fn next(&mut self) -> Option<&'static CStr> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the list ends with null, and the walk never goes past it.
        let entry = unsafe { *self.0 };
        if entry.is_null() {
            return None;
        }
        // SAFETY: not yet at the end.
        self.0 = unsafe { self.0.add(1) };
        // SAFETY: every entry is a C string that is never freed.
        Some(unsafe { CStr::from_ptr(entry) })
    }
}

unsafe extern "C" {
    /// The C runtime's null-terminated list of `NAME=VALUE`.
    pub(super) static environ: *const *const c_char;
}
