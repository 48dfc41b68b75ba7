//! Shell patterns, by the C library's own `fnmatch`.

use std::ffi::CStr;

/// Whether `name` is what the shell pattern `pattern` (`*`, `?`, `[a-z]`) stands for, from its first character to its last.
pub fn matches(pattern: &CStr, name: &CStr) -> bool {
    // SAFETY: two C strings.
    unsafe { libc::fnmatch(pattern.as_ptr(), name.as_ptr(), 0) == 0 }
}
