//! fork and exec of one child, all prepared beforehand: between the two calls nothing allocates, locks or logs.

use super::mask::{self, SigSet};
use super::signal::SignalNo;
use super::{Pid, check, proc, tty};
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the child failed on its way to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Becoming the leader of a new session.
    Session,
    /// Setting supplementary groups, gid or uid.
    Identity,
    /// Changing to the working directory.
    Directory,
    /// Taking its standard descriptors.
    Stdio,
    /// `execve`.
    Exec,
}

/// What the child reports before it gives up, or on its way: one word of shared memory that fork keeps shared.
#[derive(Debug)]
pub struct Report(&'static AtomicU64);

/// The kernel refused a text file without `#!`, and `/bin/sh` runs it.
const BY_SHELL: u64 = 1 << 40;

impl Report {
    /// On a word of a shared mapping that nothing else writes.
    pub fn new(word: &'static AtomicU64) -> Self {
        Self(word)
    }

    /// The step that failed and its errno.
    pub fn failure(&self) -> Option<(Step, i32)> {
        let word = self.0.load(Ordering::Acquire);
        let step = match (word >> 32) & 0xff {
            1 => Step::Session,
            2 => Step::Identity,
            3 => Step::Directory,
            4 => Step::Exec,
            5 => Step::Stdio,
            _ => return None,
        };
        Some((step, word as i32))
    }

    /// Whether `/bin/sh` runs the file, for want of a `#!` line; tells it once.
    pub fn take_by_shell(&self) -> bool {
        self.0.fetch_and(!BY_SHELL, Ordering::AcqRel) & BY_SHELL != 0
    }

    fn fail(&self, step: Step) -> ! {
        self.fail_with(step, io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    fn fail_with(&self, step: Step, error: i32) -> ! {
        let number = match step {
            Step::Session => 1,
            Step::Identity => 2,
            Step::Directory => 3,
            Step::Exec => 4,
            Step::Stdio => 5,
        };
        self.0.store(number << 32 | error as u64, Ordering::Release);
        let code = if error == libc::ENOENT && step == Step::Exec { 127 } else { 126 };
        // SAFETY: _exit ends the process; it runs no handlers and flushes nothing of the parent's.
        unsafe { libc::_exit(code) }
    }
}

/// A numeric identity to take before exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id; none keeps it.
    pub uid: Option<u32>,
    /// Group id; none keeps it.
    pub gid: Option<u32>,
    /// Supplementary groups; none keeps them.
    pub groups: Option<Vec<u32>>,
}

/// Everything about a child, in the form that system calls take.
#[derive(Debug)]
pub struct Child {
    /// The files to try, in this order, as a shell does with `PATH`.
    pub files: Vec<CString>,
    /// Its arguments, the first its name.
    pub args: Vec<CString>,
    /// Its environment; none inherits ours as it is.
    pub env: Option<Vec<Cow<'static, CStr>>>,
    /// Where in `env` the child's own `LISTEN_PID=` belongs; what stands there is not passed on.
    pub listen_pid: Option<usize>,
    /// Where to begin, before another user may be kept out of it; none begins in ours.
    pub start: Option<CString>,
    /// The directory to start in; none keeps that in which it began.
    pub directory: Option<CString>,
    /// The file mode creation mask; none keeps ours.
    pub umask: Option<u32>,
    /// Whom to become; none keeps our identity.
    pub identity: Option<Identity>,
    /// A new session (with the terminal on stdin as its own, if there is one) and not only a process group.
    pub session: bool,
    /// Whether to become the terminal's foreground.
    pub foreground: bool,
    /// The signal mask to start with.
    pub mask: SigSet,
    /// Whether to start with SIGCHLD ignored.
    pub ignore_chld: bool,
    /// Its standard input, output and error, each above 2; none keeps ours.
    pub stdio: Option<[RawFd; 3]>,
    /// Whether the kernel kills it when we end before it.
    pub dies_with_us: bool,
    /// Whether we stand still until it has become its program: nothing of us is copied for it then. Not for an init, which
    /// has signals to take meanwhile.
    pub borrows_us: bool,
}

/// The pointers that `execve` takes: the strings, then null.
fn pointers(strings: &[impl AsRef<CStr>]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ref().as_ptr()).chain([std::ptr::null()]).collect()
}

/// Starts `child`, which must have all signals blocked by us, and returns its pid. It has its process group when
/// this returns (its session, when it asked for one, a little later). Allocates before the fork.
///
/// Errors: that fork failed. What fails later is in `report`, and the child ends with 126 or 127.
pub fn spawn(child: &Child, report: &Report) -> io::Result<Pid> {
    let args = pointers(&child.args);
    // Where /bin/sh is to run it: sh, the file, and the arguments behind its name.
    let mut shell_args = args.clone();
    shell_args.insert(0, c"sh".as_ptr());
    let mut env = child.env.as_deref().map(pointers);
    // SAFETY: getpid cannot fail.
    let parent = unsafe { libc::getpid() };
    // Memory of our own to write to: the entries of `env` are only ever read.
    let mut room = ListenPid::default();
    let listen_pid = child.listen_pid.and_then(|index| {
        let place = env.as_mut()?.get_mut(index)?;
        let room = &raw mut room;
        *place = room.cast_const().cast();
        Some(room)
    });
    report.0.store(0, Ordering::Relaxed);
    let mut beginning = Beginning {
        child,
        args: &args,
        shell_args: &mut shell_args,
        env: env.as_deref(),
        parent,
        listen_pid,
        report,
    };
    if beginning.child.borrows_us {
        return borrow(&mut beginning);
    }
    // The bare call: the C library's fork blocks and restores signals around it, for threads that we do not have.
    // SAFETY: single-threaded, so the child may run any code that takes no resources of ours with it; what it
    // runs is `start` alone, which needs nothing that the C library's fork would set up.
    match check(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) })? {
        0 => start(&mut beginning),
        pid => {
            let pid = pid as Pid;
            if !beginning.child.session {
                // In both, whoever is first: a signal to the group must find it. Fails harmlessly after exec.
                // SAFETY: two integers.
                unsafe { libc::setpgid(pid, pid) };
            }
            Ok(pid)
        }
    }
}

/// Which side of a [`fork`] we are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The one that called it; the other one's pid.
    Parent(Pid),
    /// The new one: a copy of everything, descriptors included.
    Child,
}

/// Makes a copy of this process that goes on running our own code.
///
/// Errors: `EAGAIN` at the limit of processes, `ENOMEM`.
pub fn fork() -> io::Result<Side> {
    // SAFETY: single-threaded, so no lock is held by a thread that the copy does not have.
    match check(i64::from(unsafe { libc::fork() }))? {
        0 => Ok(Side::Child),
        pid => Ok(Side::Parent(pid as Pid)),
    }
}

/// Ends a copy that [`fork`] made: nothing of what it shares with its parent is flushed or run.
pub fn exit_copy(code: u8) -> ! {
    // SAFETY: _exit ends the process.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Makes a fresh copy of `parent` a helper that any signal ends by default, and that ends with its parent. What its own
/// writes raise stays blocked: SIGPIPE and SIGXFSZ, so that the call's error is what it gets.
pub fn as_helper(parent: Pid) {
    proc::die_with(parent);
    let own = SignalNo::new(libc::SIGXFSZ).into_iter().chain([SignalNo::PIPE]);
    mask::set_mask(own.collect());
}

/// Makes us the leader of a new session without a terminal, so that signals to our old group or from its terminal pass us by.
pub fn leave_session() {
    // SAFETY: no arguments. It fails only for a group's leader, which a fresh copy never is.
    unsafe { libc::setsid() };
}

/// All that a new process needs on its way to the program.
struct Beginning<'a> {
    child: &'a Child,
    args: &'a [*const libc::c_char],
    shell_args: &'a mut [*const libc::c_char],
    env: Option<&'a [*const libc::c_char]>,
    parent: Pid,
    listen_pid: Option<*mut ListenPid>,
    report: &'a Report,
}

/// The stack of a process that borrows our memory: `start` and what it calls need a few kilobytes.
const STACK: usize = 64 << 10;

/// Starts it in our own memory, on a stack of its own, while we wait: as `posix_spawn` does.
fn borrow(beginning: &mut Beginning<'_>) -> io::Result<Pid> {
    static PLACE: OnceLock<usize> = OnceLock::new();
    let place = *PLACE.get_or_init(|| {
        Box::leak(vec![0_u128; STACK / 16].into_boxed_slice()).as_mut_ptr().expose_provenance()
    });
    let stack = std::ptr::with_exposed_provenance_mut::<libc::c_void>(place + STACK);
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is used by one at a time, since we stand still until the new process has its own memory; so do
    // `beginning` and all that it refers to. What the new process changes in our memory on its way are errno and the
    // strings made for it. Every signal is blocked.
    let pid = unsafe { libc::clone(enter, stack, flags, std::ptr::from_mut(beginning).cast()) };
    check(i64::from(pid)).map(|pid| pid as Pid)
}

extern "C" fn enter(beginning: *mut libc::c_void) -> libc::c_int {
    // SAFETY: what `borrow` passes, which outlives us here.
    start(unsafe { &mut *beginning.cast::<Beginning<'_>>() })
}

fn start(beginning: &mut Beginning<'_>) -> ! {
    let Beginning { child, parent, listen_pid, report, .. } = *beginning;
    if child.session {
        // SAFETY: no arguments.
        if unsafe { libc::setsid() } == -1 {
            report.fail(Step::Session);
        }
        // Not a terminal, or another session's: then there is none to have.
        let _ = tty::take_controlling();
    } else {
        // SAFETY: two integers.
        unsafe { libc::setpgid(0, 0) };
    }
    // SAFETY: getpid cannot fail. Not musl's fork-time cache: the same call either way.
    let pid = unsafe { libc::getpid() };
    if child.foreground {
        let _ = tty::set_foreground(pid);
    }
    if let Some(mode) = child.umask {
        // SAFETY: an integer.
        unsafe { libc::umask(mode as libc::mode_t) };
    }
    change_directory(child.start.as_deref(), report);
    if let Some(identity) = &child.identity {
        become_user(identity, report);
    }
    change_directory(child.directory.as_deref(), report);
    for (number, fd) in (0..).zip(child.stdio.into_iter().flatten()) {
        // SAFETY: two descriptors; the second is the child's own copy and is to be replaced.
        if unsafe { libc::dup2(fd, number) } == -1 {
            report.fail(Step::Stdio);
        }
    }
    if let Some(room) = listen_pid {
        // SAFETY: the room in the frame of `spawn`, which nothing else reads or writes before exec.
        unsafe { &mut *room }.write(pid);
    }
    if child.dies_with_us {
        // Last of all: a change of identity clears it.
        proc::die_with(parent);
    }
    mask::set_ignored(SignalNo::CHLD, child.ignore_chld);
    mask::set_mask(child.mask);
    exec(child, beginning.args, beginning.shell_args, beginning.env, report)
}

fn change_directory(directory: Option<&CStr>, report: &Report) {
    if let Some(directory) = directory {
        // SAFETY: a C string.
        if unsafe { libc::chdir(directory.as_ptr()) } == -1 {
            report.fail(Step::Directory);
        }
    }
}

/// Tries each file as execvp does: one that is not there is passed over, one that may not be run is remembered.
fn exec(
    child: &Child,
    args: &[*const libc::c_char],
    shell_args: &mut [*const libc::c_char],
    env: Option<&[*const libc::c_char]>,
    report: &Report,
) -> ! {
    // SAFETY: environ is the C runtime's own null-terminated list.
    let env = env.map_or(unsafe { super::entry::environ }, <[_]>::as_ptr);
    let mut denied = false;
    for file in &child.files {
        // SAFETY: a C string and two null-terminated lists of C strings.
        unsafe { libc::execve(file.as_ptr(), args.as_ptr(), env) };
        // Taken at once: looking at the file changes errno.
        let error = io::Error::last_os_error().raw_os_error().unwrap_or(0);
        match error {
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR => {}
            libc::ENOEXEC if is_text(file) => {
                report.0.fetch_or(BY_SHELL, Ordering::AcqRel);
                shell_args[1] = file.as_ptr();
                // SAFETY: as above.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), shell_args.as_ptr(), env) };
                report.fail(Step::Exec)
            }
            _ => report.fail_with(Step::Exec, error),
        }
    }
    report.fail_with(Step::Exec, if denied { libc::EACCES } else { libc::ENOENT })
}

/// Whether a file that the kernel would not run looks like a script: not empty, and no NUL in its first bytes (what
/// is made for another machine, or cut short, has some; bash decides alike).
fn is_text(file: &CStr) -> bool {
    let mut start = [0; 128];
    let got = super::fd::open(file, libc::O_RDONLY).map_or(0, |opened| {
        use std::os::fd::AsFd;
        super::fd::read_some(opened.as_fd(), &mut start)
    });
    got > 0 && !start[..got].contains(&0)
}

fn become_user(identity: &Identity, report: &Report) {
    if let Some(groups) = &identity.groups {
        // SAFETY: the list has the length that is passed.
        if unsafe { libc::setgroups(groups.len(), groups.as_ptr()) } == -1 {
            report.fail(Step::Identity);
        }
    }
    if let Some(gid) = identity.gid {
        // SAFETY: integers. The raw call: one thread, nobody else to tell.
        if unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) } == -1 {
            report.fail(Step::Identity);
        }
    }
    if let Some(uid) = identity.uid {
        // SAFETY: as above.
        if unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) } == -1 {
            report.fail(Step::Identity);
        }
    }
}

/// `LISTEN_PID=` and a number, as a string that ends with a NUL.
struct ListenPid([u8; 22]);

impl Default for ListenPid {
    fn default() -> Self {
        let mut text = [0; 22];
        text[..LISTEN_PID.len()].copy_from_slice(LISTEN_PID);
        Self(text)
    }
}

impl ListenPid {
    /// Puts `pid` behind the `=`, without allocating; a pid has ten digits at most.
    fn write(&mut self, pid: Pid) {
        let mut digits = [0_u8; 10];
        let mut count = 0;
        let mut rest = pid.unsigned_abs();
        while count == 0 || rest > 0 {
            digits[count] = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
        }
        let room = &mut self.0[LISTEN_PID.len()..];
        for (place, digit) in room.iter_mut().zip(digits[..count].iter().rev().chain([&0])) {
            *place = *digit;
        }
    }
}

/// The name of the variable that holds the child's own pid, with its `=`.
const LISTEN_PID: &[u8] = b"LISTEN_PID=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_stands_behind_the_name_whatever_stood_there() {
        let mut room = ListenPid::default();
        for pid in [i32::MAX, 1, 4_194_304, 10] {
            room.write(pid);
            let text = CStr::from_bytes_until_nul(&room.0).expect("a NUL behind the digits");
            assert_eq!(text.to_str(), Ok(format!("LISTEN_PID={pid}").as_str()));
        }
    }

    /// The pointer that `execve` reads and the one that the child writes to are the same memory, owned by neither.
    #[test]
    fn what_is_written_is_what_the_table_of_pointers_shows() {
        let mut room = ListenPid::default();
        let place = &raw mut room;
        let table: [*const libc::c_char; 1] = [place.cast_const().cast()];
        // SAFETY: `room` lives, and no reference to it does.
        unsafe { &mut *place }.write(4711);
        // SAFETY: a string that ends with a NUL, in `room`.
        assert_eq!(unsafe { CStr::from_ptr(table[0]) }, c"LISTEN_PID=4711");
    }
}
