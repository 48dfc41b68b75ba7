//! Lines on stdout: one write each, so that processes do not mix theirs, and errors do not matter.

/// Prints one line on stdout.
macro_rules! say {
    ($($arg:tt)*) => {{
        let mut line = format!($($arg)*);
        line.push('\n');
        let _ = $crate::sys::write(1, line.as_bytes());
    }};
}
pub(crate) use say;
