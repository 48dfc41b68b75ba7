//! A long wait with next to nothing mapped: the pages of our own code and constants go back to the kernel first. An
//! idle PID 1 keeps a few kilobytes, and takes a page from the file (the page cache, shared by all containers) when
//! it runs again.
//!
//! What runs between the drop and the end of the wait is mapped again by running. So both are in one function that
//! calls no other: system calls in place, not through the C library, whose functions are in other pages.

use super::fd;
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// A file of ours has two segments that nobody writes, three with the linkers that keep constants apart.
const SEGMENTS: usize = 4;
const PAGE: usize = 4096;

/// Drops the pages, then waits as [`fd::poll_readable`] does.
pub fn rest<const N: usize>(fds: [RawFd; N], timeout: Option<Duration>) -> io::Result<[bool; N]> {
    let ranges = read_only_segments();
    fd::poll_by(fds, timeout, |fds, count, timeout| drop_and_poll(&ranges, fds, count, timeout))
}

/// The addresses and lengths of the *non-writable* loaded segments, in whole pages; unused entries have length 0. They
/// are file pages that nothing wrote to, so their content cannot be lost.
fn read_only_segments() -> [(usize, usize); SEGMENTS] {
    let mut ranges = [(0, 0); SEGMENTS];
    // SAFETY: getauxval reads the vector that the kernel left on the stack.
    let table = unsafe { libc::getauxval(libc::AT_PHDR) } as *const libc::Elf64_Phdr;
    // SAFETY: as above.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) } as usize;
    if table.is_null() {
        return ranges;
    }
    // SAFETY: the kernel says that `count` program headers stand there; they are mapped for good.
    let headers = unsafe { std::slice::from_raw_parts(table, count) };
    let loads = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    // A position-independent file is loaded at an offset from its own addresses. The segment that starts the file holds
    // its header, whose place in memory the linker tells.
    let Some(first) = loads().find(|header| header.p_offset == 0) else { return ranges };
    let offset = (&raw const __ehdr_start).addr().wrapping_sub(first.p_vaddr as usize);
    for (range, header) in ranges.iter_mut().zip(loads().filter(|header| header.p_flags & libc::PF_W == 0)) {
        let start = offset.wrapping_add(header.p_vaddr as usize);
        let from = start & !(PAGE - 1);
        *range = (from, (start + header.p_memsz as usize).next_multiple_of(PAGE) - from);
    }
    ranges
}

/// Returns what ppoll returns, or a negative errno.
#[inline(never)]
fn drop_and_poll(
    ranges: &[(usize, usize); SEGMENTS],
    fds: *mut libc::pollfd,
    count: usize,
    timeout: *const libc::timespec,
) -> isize {
    for (address, length) in ranges {
        // SAFETY: read-only private file mappings of ours (or nothing, length 0): the next access reads the same
        // bytes from the file again. A refusal, on a machine with larger pages, changes nothing.
        unsafe {
            call(libc::SYS_madvise, [*address, *length, libc::MADV_DONTNEED as usize, 0, 0]);
        }
    }
    // SAFETY: the caller's array of `count` and timeout live through the call; no mask is given.
    unsafe { call(libc::SYS_ppoll, [fds.addr(), count, timeout.addr(), 0, size_of::<u64>()]) }
}

/// A system call in place; a negative errno is an error.
///
/// # Safety
/// Whatever the call itself asks for.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the whole point: no other page of code is touched")]
unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel's calling convention; it changes rcx and r11 and no stack of ours.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2], in("r10") arguments[3],
            in("r8") arguments[4],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel's calling convention; it changes x0 and no stack of ours.
    unsafe {
        std::arch::asm!(
            "svc 0",
            inlateout("x0") arguments[0] as isize => result,
            in("x8") number, in("x1") arguments[1], in("x2") arguments[2], in("x3") arguments[3],
            in("x4") arguments[4],
            options(nostack),
        );
    }
    result
}

unsafe extern "C" {
    /// Where the linker put the file's header.
    static __ehdr_start: libc::Elf64_Ehdr;
}
