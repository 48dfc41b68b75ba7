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

/// Words in one page of the machine.
pub const WORDS: usize = 512;

/// The mapped words, whole pages of them. They stay mapped as long as the process lives.
pub type Words = &'static [AtomicU64];

/// The length of so many words in bytes.
pub const fn length(words: usize) -> usize {
    words * size_of::<AtomicU64>()
}

/// Makes words that only this process (and what it forks, until exec) can write, sealed as [`memfd::seal`] does it. What
/// is never touched takes no memory.
pub fn create(name: &CStr, words: usize) -> io::Result<(OwnedFd, Words)> {
    let fd = memfd::create(name, length(words))?;
    // Before the seals: afterwards nobody can map it for writing any more.
    let mapped = map(fd.as_raw_fd(), words, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED)?;
    memfd::seal(fd.as_fd())?;
    Ok((fd, mapped))
}

/// One page of private memory, for when no memfd can be had: nobody else sees it. There is only one.
pub fn private() -> Words {
    static PAGE: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
    &PAGE
}

/// A page that we share with the copies that fork makes of us, and with nobody else.
pub fn shared() -> io::Result<Words> {
    map(-1, WORDS, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS)
}

/// Maps the words of another process for reading; the caller has seen that they are sealed, so that they cannot shrink.
///
/// Errors: `EINVAL` for a file of another length.
pub fn open(fd: BorrowedFd<'_>, words: usize) -> io::Result<Words> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: room for one stat.
    check(i64::from(unsafe { libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()) }))?;
    // SAFETY: fstat succeeded, so it is filled.
    let size = unsafe { stat.assume_init() }.st_size;
    if size != length(words) as i64 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    map(fd.as_raw_fd(), words, libc::PROT_READ, libc::MAP_SHARED)
}

fn map(fd: RawFd, words: usize, protection: i32, flags: i32) -> io::Result<Words> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), length(words), protection, flags, fd, 0) };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping has this length, is page-aligned, and is never unmapped; the file cannot shrink.
    // A read-only mapping is only loaded from: `Words` of a reader never leaves `status`.
    Ok(unsafe { std::slice::from_raw_parts(address.cast::<AtomicU64>(), words) })
}

/// Takes whole pages of shared words out of this process's memory: they stay in the file, and come back when touched.
pub fn set_aside(words: &'static [AtomicU64]) {
    // SAFETY: words of a shared mapping, whose content is the file's. A refusal changes nothing.
    unsafe { libc::madvise(words.as_ptr().cast_mut().cast(), size_of_val(words), libc::MADV_DONTNEED) };
}

/// Who waits for which wakes: a client waits on the bit of its id, so that an answer does not wake everybody.
pub fn bit_of(id: u64) -> u32 {
    1 << (id % 32)
}

/// Wakes those who wait for `word` to change with one of these bits.
pub fn wake(word: &AtomicU64, bits: u32) {
    // SAFETY: the address is that of a live word; FUTEX_WAKE_BITSET does not touch the memory.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE_BITSET, i32::MAX, 0, 0, bits);
    }
}

/// Sleeps until `word` (its low half, on our little-endian machines) no longer holds `seen`, a wake with one of these
/// bits, or `until`, a time of [`super::clock::now`].
pub fn wait_for_change(word: &AtomicU64, seen: u64, bits: u32, until: Duration) {
    if word.load(Ordering::Acquire) != seen {
        return;
    }
    let limit = libc::timespec { tv_sec: until.as_secs() as i64, tv_nsec: until.subsec_nanos().into() };
    // SAFETY: the address is that of a live word that may be read; the timeout lives through the call.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            seen as u32,
            &raw const limit,
            0,
            bits,
        );
    }
}
