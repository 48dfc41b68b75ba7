//! The only unsafe code of the probe: safe faces of the system calls that the tests need.
//!
//! Signals are plain numbers, 1 to 64, and masks are the kernel's own 64 bits, because musl hides 32 to 34.
//! The probe has no Rust `main`: the runtime would change SIGPIPE and reopen closed descriptors before the
//! probe could report them.
#![allow(unsafe_code, reason = "the one room where unsafe is allowed")]

use std::ffi::{CString, OsStr, OsString, c_char, c_int, c_long};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::ptr::{null, null_mut};

/// The size of the kernel's signal set in bytes.
const SIGSET: usize = 8;

/// The C entry point: collects the arguments and calls `crate::run`.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    // SAFETY: the kernel passes this many pointers.
    let words = unsafe { std::slice::from_raw_parts(words, count as usize) };
    let owned = words.iter().map(|word| {
        // SAFETY: each of them is a string that ends in NUL and lives as long as the process.
        let word = unsafe { std::ffi::CStr::from_ptr(*word) };
        OsString::from_vec(word.to_bytes().to_vec())
    });
    crate::run(owned.collect())
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn c_string(text: impl AsRef<OsStr>) -> CString {
    CString::new(text.as_ref().as_bytes()).expect("a string without NUL")
}

/// The mask with one signal in it.
pub(crate) const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Sets the signal mask and returns the one before.
pub(crate) fn set_mask(mask: u64) -> u64 {
    let mut old = 0u64;
    // SAFETY: both pointers are to eight valid bytes, the size that is passed.
    let done = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask, &raw mut old, SIGSET)
    };
    check(done).expect("rt_sigprocmask");
    old
}

/// The kernel's own `struct sigaction`.
#[repr(C)]
struct KernelSigaction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

/// Ignores the signal, or gives it its default action.
pub(crate) fn set_ignored(signal: i32, ignored: bool) -> io::Result<()> {
    let handler = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    let action = KernelSigaction { handler, flags: 0, restorer: 0, mask: 0 };
    let none = null_mut::<KernelSigaction>();
    // SAFETY: the structure has the kernel's layout; no handler means that no restorer is used.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &raw const action, none, SIGSET) };
    check(done).map(drop)
}

/// A signal that was taken from the queue.
pub(crate) struct Taken {
    pub(crate) number: i32,
    pub(crate) code: i32,
    pub(crate) sender: i32,
}

/// Waits for one of the signals of the mask, for ever or not at all.
pub(crate) fn take_signal(mask: u64, wait: bool) -> Option<Taken> {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let timeout = if wait { null() } else { &raw const now };
    loop {
        // SAFETY: an all-zero siginfo is valid, the kernel overwrites it.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: the pointers are valid for the call; the size is the kernel's.
        let number = unsafe {
            libc::syscall(libc::SYS_rt_sigtimedwait, &raw const mask, &raw mut info, timeout, SIGSET)
        };
        match check(number) {
            Ok(number) => {
                // SAFETY: the field is meaningless for some codes, but always there to read.
                let sender = unsafe { info.si_pid() };
                return Some(Taken { number: number as i32, code: info.si_code, sender });
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Sends a signal.
pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(c_long::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// Queues a real-time signal; unlike `kill`, it fails when the queue is full.
pub(crate) fn queue(pid: i32, signal: i32) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: null_mut() };
    // SAFETY: the value carries no pointer that anybody follows.
    check(c_long::from(unsafe { libc::sigqueue(pid, signal, value) })).map(drop)
}

/// Forks: 0 in the child. The probe has one thread, so the child may do anything.
pub(crate) fn fork() -> i32 {
    // SAFETY: the process has one thread.
    let pid = unsafe { libc::fork() };
    check(c_long::from(pid)).expect("fork") as i32
}

/// Forks, and says whether that was possible.
pub(crate) fn try_fork() -> io::Result<i32> {
    // SAFETY: the process has one thread.
    check(c_long::from(unsafe { libc::fork() })).map(|pid| pid as i32)
}

/// Forks a child that is PID 1 of a new PID namespace.
pub(crate) fn fork_pid1() -> io::Result<i32> {
    let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and a stack this is fork; the process has one thread.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0usize, 0usize, 0usize, 0usize) };
    check(pid).map(|pid| pid as i32)
}

/// Replaces this process; returns only an error. `argv[0]` is looked up in PATH.
pub(crate) fn exec(argv: &[OsString]) -> io::Error {
    let strings: Vec<_> = argv.iter().map(c_string).collect();
    let mut pointers: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
    pointers.push(null());
    // SAFETY: a list of valid strings that ends in a null pointer.
    unsafe { libc::execvp(pointers[0], pointers.as_ptr()) };
    io::Error::last_os_error()
}

/// Waits for a child (`-1`: any): its pid and raw status; pid 0 when `WNOHANG` found none.
pub(crate) fn wait(pid: i32, flags: i32) -> io::Result<(i32, i32)> {
    loop {
        let mut status = 0;
        // SAFETY: the status pointer is valid.
        let got = unsafe { libc::waitpid(pid, &raw mut status, flags) };
        match check(c_long::from(got)) {
            Ok(pid) => return Ok((pid as i32, status)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Ends the process without running anything else.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: no memory is involved.
    unsafe { libc::_exit(code) }
}

/// Sleeps until a signal ends the process.
pub(crate) fn pause() -> ! {
    loop {
        // SAFETY: no memory is involved.
        unsafe { libc::pause() };
    }
}

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident = $call:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name() -> i32 {
            // SAFETY: no memory is involved.
            unsafe { $call }
        }
    )*};
}
number! {
    /// The own pid.
    pid = libc::getpid();
    /// The parent's pid; 0 when it is outside the namespace.
    parent = libc::getppid();
    /// The own process group.
    group = libc::getpgrp();
    /// The own session.
    session = libc::getsid(0);
    /// The foreground group of the terminal on stdin; -1 without one.
    foreground = libc::tcgetpgrp(0);
}

/// A system call that takes numbers only, by its name.
macro_rules! call {
    ($name:ident($($arg:expr),*)) => {
        // SAFETY: no pointers are passed.
        check(c_long::from(unsafe { libc::$name($($arg),*) }))
    };
}

/// Starts a session.
pub(crate) fn setsid() -> io::Result<()> {
    call!(setsid()).map(drop)
}

/// Puts a process into a group.
pub(crate) fn set_group(pid: i32, group: i32) -> io::Result<()> {
    call!(setpgid(pid, group)).map(drop)
}

/// Makes stdin the controlling terminal of this session.
pub(crate) fn take_terminal() -> io::Result<()> {
    call!(ioctl(0, libc::TIOCSCTTY as _, 0)).map(drop)
}

/// Closes a descriptor.
pub(crate) fn close(fd: i32) {
    let _ = call!(close(fd));
}

/// Closes every descriptor above this one.
pub(crate) fn close_above(fd: u32) {
    let _ = call!(syscall(libc::SYS_close_range, fd + 1, u32::MAX, 0));
}

/// Duplicates a descriptor to a given number.
pub(crate) fn dup2(from: i32, to: i32) -> io::Result<()> {
    call!(dup2(from, to)).map(drop)
}

/// Duplicates a descriptor to the first free number from this one on; closed on exec.
pub(crate) fn dup_above(from: i32, lowest: i32) -> io::Result<i32> {
    call!(fcntl(from, libc::F_DUPFD_CLOEXEC, lowest)).map(|fd| fd as i32)
}

/// Sets or clears `O_NONBLOCK` on the open file that the descriptor shares with others.
pub(crate) fn set_nonblocking(fd: i32, on: bool) -> io::Result<()> {
    let flags = call!(fcntl(fd, libc::F_GETFL))? as i32;
    let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    call!(fcntl(fd, libc::F_SETFL, flags)).map(drop)
}

/// Writes some bytes, raw.
pub(crate) fn write(fd: i32, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of the slice.
    check(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as c_long).map(|n| n as usize)
}

/// Reads some bytes, raw.
pub(crate) fn read(fd: i32, bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of the slice.
    check(unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) } as c_long).map(|n| n as usize)
}

/// A pipe whose ends survive exec: reader, writer.
pub(crate) fn pipe() -> (i32, i32) {
    let mut ends = [0; 2];
    // SAFETY: an array of two numbers.
    check(c_long::from(unsafe { libc::pipe(ends.as_mut_ptr()) })).expect("pipe");
    (ends[0], ends[1])
}

/// Waits until a descriptor is readable or at its end; false after that many milliseconds.
pub(crate) fn readable(fd: i32, milliseconds: i32) -> bool {
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry.
    unsafe { libc::poll(&raw mut entry, 1, milliseconds) > 0 }
}

/// Opens a descriptor on a process; it is readable once the process has ended.
pub(crate) fn pidfd(pid: i32) -> io::Result<i32> {
    call!(syscall(libc::SYS_pidfd_open, pid, 0)).map(|fd| fd as i32)
}

/// Gives up supplementary groups, gid and uid, for good.
pub(crate) fn become_user(uid: u32) -> io::Result<()> {
    // SAFETY: an empty list.
    check(c_long::from(unsafe { libc::setgroups(0, null()) }))?;
    call!(setresgid(uid, uid, uid))?;
    call!(setresuid(uid, uid, uid)).map(drop)
}

/// The user and group ids: real and effective.
pub(crate) fn ids() -> [u32; 4] {
    // SAFETY: no memory is involved, for each of the four.
    #[expect(clippy::multiple_unsafe_ops_per_block, reason = "four of the same kind")]
    unsafe {
        [libc::getuid(), libc::geteuid(), libc::getgid(), libc::getegid()]
    }
}

/// Drops a capability from the bounding, permitted, effective and inheritable sets.
pub(crate) fn drop_capability(capability: u32) -> io::Result<()> {
    call!(prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0))?;
    let mut header = [0x2008_0522u32, 0];
    let mut sets = [0u32; 6];
    // SAFETY: version 3 of the interface: a header of two words and twice three sets.
    check(unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) })?;
    for set in &mut sets[capability as usize / 32 * 3..][..3] {
        *set &= !(1 << (capability % 32));
    }
    // SAFETY: as above.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), sets.as_ptr()) }).map(drop)
}

/// `prctl` with one number.
pub(crate) fn prctl(option: i32, value: i32) -> io::Result<()> {
    call!(prctl(option, value as libc::c_ulong, 0, 0, 0)).map(drop)
}

/// From now on `prctl(PR_SET_CHILD_SUBREAPER)` fails with EPERM, as on an old kernel or under a strict profile.
pub(crate) fn deny_subreaper() -> io::Result<()> {
    deny(libc::SYS_prctl, Some(libc::PR_SET_CHILD_SUBREAPER))
}

/// From now on this system call fails with EPERM, as under a strict profile; with that first argument, if one is given.
pub(crate) fn deny(call: c_long, argument: Option<i32>) -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // Without an argument to look for, one step less leads to the answer.
    let skip = if argument.is_none() { 2 } else { 0 };
    // The offsets of `nr` and of the low half of `args[0]` in struct seccomp_data, little endian.
    let filter = [
        step(LOAD, 0, 0, 0),
        step(IF_EQUAL, skip, 3, call as u32),
        step(LOAD, 0, 0, 16),
        step(IF_EQUAL, 0, 1, argument.unwrap_or(0) as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the program and its filter are valid for the call, and the kernel only reads them.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    check(done).map(drop)
}

/// A resource limit, soft and hard.
pub(crate) fn limit(resource: i32) -> (u64, u64) {
    let mut value = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is valid.
    unsafe { libc::getrlimit(resource, &raw mut value) };
    (value.rlim_cur, value.rlim_max)
}

/// Sets the soft and the hard limit.
pub(crate) fn set_limit(resource: i32, limit: u64) -> io::Result<()> {
    let value = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the pointer is valid.
    check(c_long::from(unsafe { libc::setrlimit(resource, &raw const value) })).map(drop)
}

/// Sets the file mode mask and returns the one before.
pub(crate) fn umask(mask: u32) -> u32 {
    // SAFETY: no memory is involved.
    unsafe { libc::umask(mask) }
}

/// `mount(2)`.
pub(crate) fn mount(source: &Path, target: &Path, kind: &str, flags: u64, data: &str) -> io::Result<()> {
    let (source, target, kind, data) = (c_string(source), c_string(target), c_string(kind), c_string(data));
    // SAFETY: valid strings.
    let done =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) };
    check(c_long::from(done)).map(drop)
}

/// Takes the mount away that is on top there.
pub(crate) fn unmount(target: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: a valid string.
    check(c_long::from(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) })).map(drop)
}

/// Starts a mount namespace of its own, from which nothing propagates back.
pub(crate) fn private_mounts() -> io::Result<()> {
    call!(unshare(libc::CLONE_NEWNS))?;
    mount(Path::new("none"), Path::new("/"), "none", libc::MS_REC | libc::MS_PRIVATE, "")
}

/// Makes every mount of the namespace read-only, but for those that are mounted afterwards.
pub(crate) fn make_all_read_only() -> io::Result<()> {
    const MOUNT_ATTR_RDONLY: u64 = 1;
    const AT_RECURSIVE: i32 = 0x8000;
    let attributes = [MOUNT_ATTR_RDONLY, 0, 0, 0];
    let root = c"/".as_ptr();
    let size = size_of_val(&attributes);
    // SAFETY: a valid path and the structure's own size.
    let done =
        unsafe { libc::syscall(libc::SYS_mount_setattr, -1, root, AT_RECURSIVE, attributes.as_ptr(), size) };
    check(done).map(drop)
}

/// Microseconds of the monotonic clock.
pub(crate) fn microseconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// Lets others run.
pub(crate) fn sched_yield() {
    let _ = call!(sched_yield());
}

/// Sets an environment variable of this process.
pub(crate) fn set_variable(name: &str, value: &str) {
    // SAFETY: the process has one thread.
    unsafe { std::env::set_var(name, value) };
}

/// Lets the parent trace this process, which stops at its next exec.
pub(crate) fn be_traced() -> io::Result<()> {
    call!(ptrace(libc::PTRACE_TRACEME, 0, 0usize, 0usize)).map(drop)
}

/// Has the stops of a traced process at system calls told from others, and the process killed with its tracer.
pub(crate) fn trace_calls(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    call!(ptrace(libc::PTRACE_SETOPTIONS, pid, 0usize, options as usize)).map(drop)
}

/// Lets a traced process run up to its next entry to or exit from a system call.
pub(crate) fn next_call(pid: i32) -> io::Result<()> {
    call!(ptrace(libc::PTRACE_SYSCALL, pid, 0usize, 0usize)).map(drop)
}

const GET_SYSCALL_INFO: c_int = 0x420e;

/// The number and the first four arguments of the system call that a traced process enters; none when it does not.
pub(crate) fn entered_call(pid: i32) -> Option<[u64; 5]> {
    // The kernel's struct ptrace_syscall_info in words: the first byte tells what it is about, 1 is an entry; the
    // instruction and stack pointers; then the number and six arguments.
    let mut info = [0u64; 11];
    // SAFETY: the size that is passed is that of the array.
    let got = unsafe { libc::ptrace(GET_SYSCALL_INFO, pid, size_of_val(&info), info.as_mut_ptr()) };
    check(got as c_long).ok().filter(|_| info[0] & 0xff == 1)?;
    info[3..8].try_into().ok()
}

/// The mask that a traced process sets with this call, if it is one that replaces the whole mask.
pub(crate) fn new_mask(pid: i32, call: &[u64; 5]) -> Option<u64> {
    let [number, how, address, ..] = *call;
    if number != libc::SYS_rt_sigprocmask as u64 || how != libc::SIG_SETMASK as u64 || address == 0 {
        return None;
    }
    let mut mask = 0u64;
    let local = libc::iovec { iov_base: (&raw mut mask).cast(), iov_len: SIGSET };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: SIGSET };
    // SAFETY: eight valid bytes here; what is wrong over there is an error.
    let got = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    (got == SIGSET as isize).then_some(mask)
}

/// Opens a path as `O_PATH`.
pub(crate) fn open_path(path: &OsStr) -> io::Result<i32> {
    let path = c_string(path);
    // SAFETY: a valid string.
    check(c_long::from(unsafe { libc::open(path.as_ptr(), libc::O_PATH) })).map(|fd| fd as i32)
}

/// A memory file of this content, with these seals.
pub(crate) fn memfd(name: &str, content: &[u8], seals: i32) -> io::Result<i32> {
    let name = c_string(name);
    // SAFETY: a valid string.
    let fd =
        check(c_long::from(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_ALLOW_SEALING) }))? as i32;
    write_at_start(fd, content)?;
    // SAFETY: integers.
    check(c_long::from(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) }))?;
    Ok(fd)
}

/// Sets the length of a file.
pub(crate) fn truncate(fd: i32, length: i64) -> io::Result<()> {
    // SAFETY: integers.
    check(c_long::from(unsafe { libc::ftruncate(fd, length) })).map(drop)
}

/// Writes at the start of a file.
pub(crate) fn write_at_start(fd: i32, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the bytes live through the call and have the length that is passed.
    check(unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len(), 0) } as c_long).map(drop)
}
