//! `/proc` without allocation: who is there, and who is whose child.

use super::Pid;
use super::fd;
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Calls `each` with every process in `/proc`. Returns false when there is no `/proc` to read.
pub fn each_process(each: impl FnMut(Pid)) -> bool {
    let Ok(directory) = fd::open(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY) else { return false };
    each_number(directory.as_fd(), each)
}

/// Calls `each` with every entry of a directory whose name is a number. Returns false when there is none.
pub fn each_number(directory: BorrowedFd<'_>, mut each: impl FnMut(Pid)) -> bool {
    let mut buffer = Aligned([0; 2048]);
    let mut any = false;
    loop {
        // SAFETY: the buffer lives through the call and has the size that is passed.
        let got = unsafe {
            libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), buffer.0.as_mut_ptr(), buffer.0.len())
        };
        let Ok(filled) = usize::try_from(got) else { return any };
        if filled == 0 {
            return any;
        }
        let mut rest = &buffer.0[..filled];
        // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name…
        while let Some(length) = rest.get(16..18).map(|b| usize::from(u16::from_ne_bytes([b[0], b[1]]))) {
            let Some((entry, next)) = rest.split_at_checked(length) else { break };
            if let Some(pid) = entry.get(19..).and_then(number) {
                any = true;
                each(pid);
            }
            rest = next;
        }
    }
}

#[repr(align(8))]
struct Aligned([u8; 2048]);

/// The decimal number before the terminating NUL, if that is all there is.
fn number(name: &[u8]) -> Option<Pid> {
    let digits = name.split(|b| *b == 0).next().filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0, |n: Pid, digit| {
        digit.is_ascii_digit().then(|| n.checked_mul(10)?.checked_add(Pid::from(digit - b'0'))).flatten()
    })
}

/// The parent and the state letter (`R`, `S`, `Z`…) of a process; none when it is gone or hidden.
pub fn parent(pid: Pid) -> Option<(Pid, u8)> {
    let mut path = [0_u8; 32];
    write!(&mut path[..31], "/proc/{pid}/stat").ok()?;
    let path = std::ffi::CStr::from_bytes_until_nul(&path).ok()?;
    let file = fd::open(path, libc::O_RDONLY).ok()?;
    let mut buffer = [0; 128];
    let filled = fd::read_some(file.as_fd(), &mut buffer);
    // "pid (comm) S ppid …": the comm can hold anything, but not outlast 64 bytes, and the last ')' ends it.
    let after = buffer[..filled].iter().rposition(|b| *b == b')')? + 2;
    let state = *buffer.get(after)?;
    let digits = buffer.get(after + 2..filled)?.split(|b| *b == b' ').next()?;
    Some((number(digits)?, state))
}

/// The name of a process, as `ps` shows it, and its parent; none when it is gone or hidden.
pub fn name_and_parent(pid: Pid) -> Option<(Name, Pid)> {
    let mut path = [0_u8; 32];
    write!(&mut path[..31], "/proc/{pid}/comm").ok()?;
    let file = fd::open(std::ffi::CStr::from_bytes_until_nul(&path).ok()?, libc::O_RDONLY).ok()?;
    let mut name = [0; 16];
    let filled = fd::read_some(file.as_fd(), &mut name);
    let end = name[..filled].iter().position(|b| *b == b'\n').unwrap_or(filled);
    name[end..].fill(0);
    Some((name, parent(pid)?.0))
}

/// The name of a process: at most 15 bytes, then NULs.
pub type Name = [u8; 16];

/// Gives us a name that every user can see in `/proc`, and that no other process can change.
pub fn take_name(name: &Name) {
    let mut name = *name;
    name[15] = 0;
    // SAFETY: 16 bytes that end with a NUL and live through the call.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}

/// Closes our memory and our descriptors in `/proc` to other processes of our user. A child is open again once it has become
/// its program.
pub fn become_undumpable() {
    // SAFETY: integers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Whether `/proc` is there and shows our own PID namespace. Another one's, from outside of a namespace that was made
/// without mounting its own, has other pids for the same processes: `NSpid` then lists more than `own`, our pid.
pub fn is_ours(own: Pid) -> bool {
    let Ok(file) = fd::open(c"/proc/self/status", libc::O_RDONLY) else { return false };
    let mut buffer = [0; 1024];
    let filled = fd::read_some(file.as_fd(), &mut buffer);
    let value = |name: &[u8]| {
        let mut lines = buffer[..filled].split(|b| *b == b'\n');
        lines.find_map(|line| line.strip_prefix(name)).map(<[u8]>::trim_ascii)
    };
    // A kernel or a sandbox without namespaces has no NSpid.
    value(b"NSpid:").or_else(|| value(b"Pid:")).and_then(number) == Some(own)
}

/// Makes us adopt the orphans among our descendants. False when a sandbox forbids it.
pub fn become_subreaper() -> bool {
    // SAFETY: integers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 }
}

/// Has the kernel kill us when `parent`, our parent, ends; when it already did, we end now.
pub(super) fn die_with(parent: Pid) {
    // SAFETY: integers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
    // SAFETY: getppid cannot fail.
    if unsafe { libc::getppid() } != parent {
        // SAFETY: _exit ends the process.
        unsafe { libc::_exit(0) };
    }
}
