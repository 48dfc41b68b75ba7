//! A page of memory that other processes can open and read: a memfd of a fixed name, sealed.
//!
//! Shared memory is only ever touched as whole `AtomicU64` words, so there is no data race to speak of,
//! whoever writes there.

use super::{check, memfd};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Words in the page.
pub const WORDS: usize = 512;
/// Its length in bytes.
pub const LENGTH: usize = size_of::<[AtomicU64; WORDS]>();

/// The mapped page. It stays mapped as long as the process lives.
pub type Words = &'static [AtomicU64; WORDS];

/// Makes a page that only this process (and what it forks, until exec) can write, sealed as [`memfd::seal`] does it.
pub fn create(name: &CStr) -> io::Result<(OwnedFd, Words)> {
    let fd = memfd::create(name, LENGTH)?;
    // Before the seals: afterwards nobody can map it for writing any more.
    let words = map(fd.as_raw_fd(), libc::PROT_READ | libc::PROT_WRITE)?;
    memfd::seal(fd.as_fd())?;
    Ok((fd, words))
}

/// A page in private memory, for when no memfd can be had (out of descriptors or memory): nobody else sees it.
/// Allocates.
pub fn private() -> Words {
    Box::leak(Box::new([const { AtomicU64::new(0) }; WORDS]))
}

/// A page that we share with the copies that fork makes of us, and with nobody else.
pub fn shared() -> io::Result<Words> {
    map_with(-1, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS)
}

/// Maps a page of another process for reading; the caller has seen that it is sealed, so that it cannot shrink.
///
/// Errors: `EINVAL` for a file of another size.
pub fn open(fd: BorrowedFd<'_>) -> io::Result<Words> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: room for one stat.
    check(i64::from(unsafe { libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()) }))?;
    // SAFETY: fstat succeeded, so it is filled.
    let size = unsafe { stat.assume_init() }.st_size;
    if size != LENGTH as i64 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    map(fd.as_raw_fd(), libc::PROT_READ)
}

fn map(fd: RawFd, protection: i32) -> io::Result<Words> {
    map_with(fd, protection, libc::MAP_SHARED)
}

fn map_with(fd: RawFd, protection: i32, flags: i32) -> io::Result<Words> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), LENGTH, protection, flags, fd, 0) };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping has this length, is page-aligned, and is never unmapped; the file cannot shrink.
    // A read-only mapping is only loaded from: `Words` of a reader never leaves `status`.
    Ok(unsafe { &*address.cast::<[AtomicU64; WORDS]>() })
}

/// Wakes everyone who waits for `word` to change.
pub fn wake(word: &AtomicU64) {
    // SAFETY: the address is that of a live word; FUTEX_WAKE does not touch the memory.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX, 0, 0, 0);
    }
}

/// Sleeps until `word` (its low half, on our little-endian machines) no longer holds `seen`, a wake, or `timeout`.
pub fn wait_for_change(word: &AtomicU64, seen: u64, timeout: Duration) {
    if word.load(Ordering::Acquire) != seen {
        return;
    }
    let limit = libc::timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
    // SAFETY: the address is that of a live word that may be read; the timeout lives through the call.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen as u32, &raw const limit, 0, 0);
    }
}
