//! The only unsafe code of the harness: thin faces of the system calls that std has not.
//!
//! Contract: one call or one short fixed sequence a function; errors are the kernel's.
#![expect(unsafe_code, reason = "the one room where unsafe is allowed")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A process id, as the kernel counts.
pub(crate) type Pid = libc::pid_t;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The monotonic clock in nanoseconds; the same clock for every process of the machine.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, writable timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Lets `milliseconds` pass: idle time is what is being measured here.
pub(crate) fn idle_ms(milliseconds: u32) {
    // SAFETY: no descriptors are passed, so nothing is read or written.
    unsafe { libc::poll(ptr::null_mut(), 0, milliseconds as c_int) };
}

pub(crate) fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

pub(crate) fn kill(pid: Pid, signal: c_int) -> io::Result<()> {
    // SAFETY: a plain call on integers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Waits for `pid` and returns the raw status.
pub(crate) fn wait(pid: Pid) -> io::Result<c_int> {
    let mut status = 0;
    // SAFETY: `status` is a valid, writable int.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) }).map(|_| status)
}

/// The same, with the nanoseconds of processor time of it and of all that it waited for.
pub(crate) fn wait_with_cpu(pid: Pid) -> io::Result<(c_int, u64)> {
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid and writable.
    check(unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) })?;
    let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000;
    Ok((status, ns(usage.ru_utime) + ns(usage.ru_stime)))
}

/// Waits for any child or tracee, however it was cloned; its pid and raw status.
pub(crate) fn wait_any() -> io::Result<(Pid, c_int)> {
    let mut status = 0;
    // SAFETY: `status` is a valid, writable int.
    let pid = check(unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) })?;
    Ok((pid, status))
}

/// One page of memory shared with forked children, holding one number.
pub(crate) struct SharedStamp(*mut u64);

impl SharedStamp {
    pub(crate) fn new() -> io::Result<Self> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh anonymous mapping; no existing memory is touched.
        let page = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, flags, -1, 0) };
        if page == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self(page.cast())) }
    }

    fn set(&self, value: u64) {
        // SAFETY: the mapping is page-aligned, writable and lives as long as `self`.
        unsafe { self.0.write_volatile(value) };
    }

    pub(crate) fn get(&self) -> u64 {
        // SAFETY: as in `set`.
        unsafe { self.0.read_volatile() }
    }
}

impl Drop for SharedStamp {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly the page that `new` mapped.
        unsafe { libc::munmap(self.0.cast(), 4096) };
    }
}

/// A connected pair of stream sockets, close-on-exec.
pub(crate) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: `pair` has room for two descriptors.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) })?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    let first = unsafe { OwnedFd::from_raw_fd(pair[0]) };
    // SAFETY: as above.
    let second = unsafe { OwnedFd::from_raw_fd(pair[1]) };
    Ok((first, second))
}

/// Makes an inherited descriptor ours.
pub(crate) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: called once, with the descriptor number that our starter passed to us by the command line.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn write_byte(fd: RawFd) -> bool {
    // SAFETY: one byte from a static string.
    unsafe { libc::write(fd, b"R".as_ptr().cast(), 1) == 1 }
}

fn read_byte(fd: RawFd) -> bool {
    let mut byte = 0_u8;
    // SAFETY: room for one byte.
    unsafe { libc::read(fd, (&raw mut byte).cast(), 1) == 1 }
}

/// What a new process needs before its exec, all of it built beforehand.
pub(crate) struct Image<'a> {
    pub(crate) argv: &'a [CString],
    pub(crate) envp: &'a [CString],
    /// PID 1 of a new pid namespace with a /proc of its own, or a plain child.
    pub(crate) pid1: bool,
    /// Where the child tells that it is prepared, and waits for a byte before it execs.
    pub(crate) gate: RawFd,
    /// Stays open across the exec.
    pub(crate) keep: Option<RawFd>,
    /// Stops at its exec under ptrace by the caller.
    pub(crate) traced: bool,
    /// Stamped right before the exec.
    pub(crate) stamp: &'a SharedStamp,
}

fn null_terminated(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Forks a process that prepares itself as `image` says, waits at the gate and execs.
pub(crate) fn spawn(image: &Image<'_>) -> io::Result<Pid> {
    let argv = null_terminated(image.argv);
    let envp = null_terminated(image.envp);
    let mut flags = libc::SIGCHLD;
    if image.pid1 {
        flags |= libc::CLONE_NEWPID | libc::CLONE_NEWNS;
        if !is_root() {
            flags |= libc::CLONE_NEWUSER;
        }
    }
    // SAFETY: without CLONE_VM this is fork: the child has a copy of our memory. The harness has one thread, so no
    // lock is held, and the child does nothing but system calls until it execs or exits.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0_usize, 0_usize, 0_usize, 0_usize)
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            if let Some(fd) = image.keep {
                // SAFETY: clears close-on-exec of a descriptor that the caller holds.
                unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
            }
            if prepare(image) && write_byte(image.gate) && read_byte(image.gate) {
                image.stamp.set(now_ns());
                // SAFETY: both arrays end in null and point to strings that outlive the call.
                unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
            }
            // SAFETY: ends the forked child without running the parent's exit handlers.
            unsafe { libc::_exit(127) }
        }
        pid => Ok(pid as Pid),
    }
}

fn prepare(image: &Image<'_>) -> bool {
    const NO_DATA: *const libc::c_void = ptr::null();
    if image.pid1 {
        let (none, root, proc_dir) = (c"none".as_ptr(), c"/".as_ptr(), c"/proc".as_ptr());
        // SAFETY: valid strings; changes only this child's own mount namespace.
        if unsafe { libc::mount(none, root, ptr::null(), libc::MS_REC | libc::MS_PRIVATE, NO_DATA) } != 0 {
            return false;
        }
        // SAFETY: as above.
        if unsafe { libc::mount(c"proc".as_ptr(), proc_dir, c"proc".as_ptr(), 0, NO_DATA) } != 0 {
            return false;
        }
    }
    // SAFETY: a valid string.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
    for fd in 0..3 {
        // SAFETY: both are descriptors of this child.
        unsafe { libc::dup2(null, fd) };
    }
    if null > 2 {
        // SAFETY: opened above, used no more.
        unsafe { libc::close(null) };
    }
    // SAFETY: asks to be traced by the parent, which knows.
    !image.traced || unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } == 0
}

/// Lets a stopped tracee run to its next system call entry or exit; `signal` is delivered to it.
pub(crate) fn trace_to_syscall(pid: Pid, signal: c_int) -> io::Result<()> {
    // SAFETY: `pid` is our tracee; the arguments are integers.
    check(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, signal) } as c_int).map(drop)
}

/// Makes the stops at system calls different from real SIGTRAPs, and execs no SIGTRAP at all.
pub(crate) fn trace_options(pid: Pid) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL;
    // SAFETY: as above.
    check(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) } as c_int).map(drop)
}

/// Has the tracee's descendants traced as well, and all of them stop at an exec and before their end.
pub(crate) fn trace_family(pid: Pid) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_TRACEEXIT
        | libc::PTRACE_O_EXITKILL;
    // SAFETY: as above.
    check(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) } as c_int).map(drop)
}

/// Lets a stopped tracee go on; `signal` is delivered to it.
pub(crate) fn trace_on(pid: Pid, signal: c_int) -> io::Result<()> {
    // SAFETY: as above.
    check(unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, signal) } as c_int).map(drop)
}

/// Lets a stopped tracee go for good.
pub(crate) fn trace_end(pid: Pid) -> io::Result<()> {
    // SAFETY: as above.
    check(unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0, 0) } as c_int).map(drop)
}

/// The processors that this process, and what it starts from now on, may run on.
#[derive(Clone, Copy)]
pub(crate) struct Processors(libc::cpu_set_t);

impl Processors {
    pub(crate) fn current() -> io::Result<Self> {
        // SAFETY: an all-zero set is a valid, empty one.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` is writable and its size is right.
        check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) })?;
        Ok(Self(set))
    }

    /// The last one of them alone.
    pub(crate) fn last(&self) -> Self {
        // SAFETY: as in `current`.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the numbers are within the set.
        let last =
            (0..libc::CPU_SETSIZE as usize).rev().find(|&cpu| unsafe { libc::CPU_ISSET(cpu, &self.0) });
        // SAFETY: as above.
        unsafe { libc::CPU_SET(last.unwrap_or(0), &mut set) };
        Self(set)
    }

    pub(crate) fn apply(&self) -> io::Result<()> {
        // SAFETY: the set is initialised and its size is right.
        check(unsafe { libc::sched_setaffinity(0, size_of_val(&self.0), &raw const self.0) }).map(drop)
    }
}

/// Blocks `signal`, to be read with `wait_signal`.
pub(crate) fn block(signal: c_int) -> libc::sigset_t {
    // SAFETY: an all-zero sigset_t is an empty set on Linux.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is initialised.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: `set` is initialised; the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    set
}

/// Waits for a signal of `set`, which is blocked.
pub(crate) fn wait_signal(set: &libc::sigset_t) {
    // SAFETY: `set` is initialised; the details are not asked for.
    unsafe { libc::sigwaitinfo(set, ptr::null_mut()) };
}

/// Forks: None in the child.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the callers have one thread.
    let pid = check(unsafe { libc::fork() })?;
    Ok((pid > 0).then_some(pid))
}

/// Ends a forked child at once.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: never returns, runs no handlers.
    unsafe { libc::_exit(code) }
}

/// Tells the kernel to forget the cached pages of a file.
pub(crate) fn drop_cache(file: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: a plain call on integers.
    let error = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// The kernel's version, digits only, and the machine's architecture.
pub(crate) fn kernel() -> (String, String) {
    // SAFETY: plain arrays of bytes; all-zero is valid.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `name` is a valid, writable utsname.
    unsafe { libc::uname(&raw mut name) };
    // SAFETY: the kernel ends the field with a zero byte.
    let release = unsafe { CStr::from_ptr(name.release.as_ptr()) }.to_string_lossy().into_owned();
    // SAFETY: as above.
    let machine = unsafe { CStr::from_ptr(name.machine.as_ptr()) }.to_string_lossy().into_owned();
    let version: String = release.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (version, machine)
}
