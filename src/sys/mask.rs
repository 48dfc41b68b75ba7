//! Signal masks and dispositions, raw, for all 64 signals: musl's own calls leave 32 to 34 out.

use super::signal::SignalNo;
use super::{Pid, check};
use std::io;

/// A set of signals as the kernel keeps it: bit n−1 is signal n.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SigSet(u64);

impl SigSet {
    /// Every signal there is; the kernel itself leaves KILL and STOP out of a mask.
    pub const ALL: Self = Self(!0);
    /// No signal.
    pub const EMPTY: Self = Self(0);

    /// With `signal` in it.
    #[must_use]
    pub const fn with(self, signal: SignalNo) -> Self {
        Self(self.0 | 1 << (signal.get() - 1))
    }

    /// Whether `signal` is in it.
    pub const fn has(self, signal: SignalNo) -> bool {
        self.0 & (1 << (signal.get() - 1)) != 0
    }

    /// The kernel's bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromIterator<SignalNo> for SigSet {
    fn from_iter<I: IntoIterator<Item = SignalNo>>(signals: I) -> Self {
        signals.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Replaces the mask of the only thread and returns the one before. It cannot fail: the arguments are right.
pub fn set_mask(new: SigSet) -> SigSet {
    let mut old = SigSet::EMPTY;
    // SAFETY: both pointers are to 8-byte sets that live through the call, and 8 is the kernel's set size.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const new.0,
            &raw mut old.0,
            size_of::<u64>(),
        );
    }
    old
}

/// The kernel's own `struct sigaction`, the same on `x86_64` and aarch64.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

fn action(signal: SignalNo, new: Option<&KernelAction>, old: Option<&mut KernelAction>) {
    // SAFETY: the pointers are null or to structures of the kernel's layout that live through the call; the
    // handlers ever set are SIG_DFL and SIG_IGN, which run no code.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal.get(),
            new.map_or(std::ptr::null(), std::ptr::from_ref),
            old.map_or(std::ptr::null_mut(), std::ptr::from_mut),
            size_of::<u64>(),
        );
    }
}

/// Whether the process was started with `signal` ignored.
pub fn is_ignored(signal: SignalNo) -> bool {
    let mut old = KernelAction::default();
    action(signal, None, Some(&mut old));
    old.handler == libc::SIG_IGN
}

/// Sets `signal` to its default action, or to ignored.
pub fn set_ignored(signal: SignalNo, ignored: bool) {
    let handler = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    action(signal, Some(&KernelAction { handler, ..KernelAction::default() }), None);
}

/// Whether `pid` may be signalled by us, apart from SIGCONT, which the whole session may get. One that is gone may not
/// be refused either.
pub fn may_signal(pid: Pid) -> bool {
    // SAFETY: two integers; signal 0 only checks.
    let result = check(i64::from(unsafe { libc::kill(pid, 0) }));
    !result.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM))
}

/// Sends `signal` to a process, or with a negative number to the process group.
///
/// Errors: `ESRCH` when there is no such process or group, `EPERM` when none of it may be signalled.
pub fn kill(target: Pid, signal: SignalNo) -> io::Result<()> {
    // SAFETY: kill takes two integers and touches no memory of ours.
    check(i64::from(unsafe { libc::kill(target, signal.get()) })).map(drop)
}
