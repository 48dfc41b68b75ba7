//! Memory files that one process makes and others open through `/proc/PID/fd`: sealed, so that nobody but the maker
//! changes them and that they never shrink under a reader.

use super::check;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Not in the C library's headers yet: the file can never be executed. It allows seals too.
const MFD_NOEXEC_SEAL: libc::c_uint = 8;

/// A file of this name and length, filled with zeros, not sealed yet.
///
/// Errors: no memory or descriptor; `EFBIG` above the process's file size limit, which raises SIGXFSZ too; `ENOSYS`,
/// or what a sandbox answers in its place.
pub fn create(name: &CStr, length: usize) -> io::Result<OwnedFd> {
    let make = |flags| {
        // SAFETY: a C string.
        check(i64::from(unsafe { libc::memfd_create(name.as_ptr(), flags) }))
    };
    // A kernel before 6.3 does not know the flag; a later one can be told to refuse every file without it.
    let fd = make(libc::MFD_CLOEXEC | MFD_NOEXEC_SEAL).or_else(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => make(libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING),
        _ => Err(error),
    })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
    // SAFETY: two integers.
    check(i64::from(unsafe { libc::ftruncate(fd.as_raw_fd(), length as i64) }))?;
    Ok(fd)
}

/// Seals the file: its length is final, and nobody can write to it any more but through the mappings that there are.
/// The seals are SHRINK, GROW and SEAL, and `FUTURE_WRITE` where the kernel knows it (5.1).
pub fn seal(fd: BorrowedFd<'_>) -> io::Result<()> {
    let length = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    add(fd, length | libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL).or_else(|error| {
        match error.raw_os_error() {
            Some(libc::EINVAL) => add(fd, length | libc::F_SEAL_SEAL),
            _ => Err(error),
        }
    })
}

/// Makes the content final as well, for good. Errors: `EBUSY` when it is mapped for writing.
pub fn make_constant(fd: BorrowedFd<'_>) -> io::Result<()> {
    add(fd, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE | libc::F_SEAL_SEAL)
}

/// Whether the content can never change again: false for a file of any other kind.
pub fn is_constant(fd: BorrowedFd<'_>) -> bool {
    let wanted = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: integers.
    let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };
    seals != -1 && seals & wanted == wanted
}

/// Lets nobody but the owner open it.
pub fn make_private(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: two integers.
    check(i64::from(unsafe { libc::fchmod(fd.as_raw_fd(), 0o600) })).map(drop)
}

fn add(fd: BorrowedFd<'_>, seals: i32) -> io::Result<()> {
    // SAFETY: integers.
    check(i64::from(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) })).map(drop)
}

/// Whether the file is sealed as [`seal`] does it, or more: a file of any other kind is not.
pub fn is_sealed(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: integers.
    let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };
    let length = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    let written = libc::F_SEAL_WRITE | libc::F_SEAL_FUTURE_WRITE;
    seals != -1 && seals & length == length && (seals & written != 0 || !future_write_is_known())
}

/// Whether this kernel has the seal: the only way to know is to try it. When no file can be made to try it on, it is
/// taken to be known, so that a file without it is not believed.
fn future_write_is_known() -> bool {
    let Ok(own) = create(c"wrapper-probe", 0) else { return true };
    // SAFETY: integers.
    let added = check(i64::from(unsafe {
        libc::fcntl(own.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_FUTURE_WRITE)
    }));
    added.is_ok()
}
