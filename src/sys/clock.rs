//! The clock that never jumps, the same for all processes, and numbers that nobody can guess.

use std::time::Duration;

/// The time since the machine started. It stands still while the machine sleeps, and nobody can set it.
pub fn now() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for one timespec. The clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A random number; the clock and the pid in its place where the kernel has none to give yet.
pub fn random() -> u64 {
    let mut bytes = [0; size_of::<u64>()];
    // Not by the C library's function of this name: Rust's own library declares it weak, and in a static binary with
    // link-time optimisation it is then left out, so that a call ends at address 0.
    // SAFETY: the buffer lives through the call and has the length that is passed.
    let got =
        unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), libc::GRND_NONBLOCK) };
    if got == bytes.len() as libc::c_long {
        u64::from_ne_bytes(bytes)
    } else {
        u64::from(std::process::id()).rotate_right(24) ^ now().as_nanos() as u64
    }
}
