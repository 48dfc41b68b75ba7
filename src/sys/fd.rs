//! File descriptors: signalfd, poll, pipes, and writes that never block.

use super::check;
use super::mask::SigSet;
use super::signal::SignalNo;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Makes sure that 0, 1 and 2 are taken, so that no descriptor of ours ever lands there. A closed one is filled
/// with an `O_PATH` descriptor that can be neither read nor written and that our children do not inherit.
pub fn fill_stdio() {
    let mut fds = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: three pollfds that live through the call; a timeout of 0 only looks.
    unsafe { libc::poll(fds.as_mut_ptr(), 3, 0) };
    for _ in fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
        // The lowest free number is the closed one. When `/` cannot be opened nothing can.
        // SAFETY: a constant C string.
        unsafe { libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
    }
}

/// Gives the pipes and terminals among standard input, output and error to a user, as a runtime does for the container's own
/// user: a program that opens `/dev/stdout` needs it. Nothing else changes its owner: not a file, and not `/dev/null`.
///
/// A refusal changes nothing: what was inherited can be read and written all the same.
pub fn give_stdio(uid: u32) {
    (0..=2).for_each(|fd| give(fd, uid));
}

fn give(fd: RawFd, uid: u32) {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: room for one stat.
    if unsafe { libc::fstat(fd, stat.as_mut_ptr()) } == -1 {
        return;
    }
    // SAFETY: fstat succeeded, so it is filled.
    let stat = unsafe { stat.assume_init() };
    // SAFETY: an integer.
    let terminal = || unsafe { libc::isatty(fd) } == 1;
    if stat.st_uid != uid && (stat.st_mode & libc::S_IFMT == libc::S_IFIFO || terminal()) {
        // SAFETY: integers; the group stays, since a terminal's own group is what lets others write to it.
        unsafe { libc::fchown(fd, uid, libc::gid_t::MAX) };
    }
}

/// One signal as signalfd tells it.
#[derive(Clone, Copy, Debug)]
pub struct SignalInfo {
    /// Which.
    pub signal: SignalNo,
    /// Who sent it, in our PID namespace; 0 for the kernel and for senders outside the namespace.
    pub sender: i32,
    /// Whether a process sent it (`kill`, `sigqueue`), rather than the kernel on its own account.
    pub by_process: bool,
}

/// How many signals one read takes.
pub const BATCH: usize = 8;

/// Reads blocked signals from a descriptor.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// For the signals of `set`, which must be blocked.
    pub fn new(set: SigSet) -> io::Result<Self> {
        let bits = set.bits();
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the set lives through the call and has the kernel's size, 8.
        let fd = check(unsafe {
            libc::syscall(libc::SYS_signalfd4, -1, &raw const bits, size_of::<u64>(), flags)
        })
        .map_err(|error| io::Error::new(error.kind(), format!("signalfd4: {error}")))?;
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }))
    }

    /// Takes up to [`BATCH`] pending signals into `into` and returns how many; 0 when none is pending.
    pub fn read(&self, into: &mut [Option<SignalInfo>; BATCH]) -> usize {
        // SAFETY: plain integers, for which zero is a value.
        let mut raw: [libc::signalfd_siginfo; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: the buffer lives through the call and has the size that is passed.
        let got = unsafe { libc::read(self.0.as_raw_fd(), raw.as_mut_ptr().cast(), size_of_val(&raw)) };
        let count = usize::try_from(got).unwrap_or(0) / size_of::<libc::signalfd_siginfo>();
        for (slot, info) in into.iter_mut().zip(&raw[..count]) {
            *slot = SignalNo::new(info.ssi_signo as i32).map(|signal| SignalInfo {
                signal,
                sender: info.ssi_pid as i32,
                by_process: info.ssi_code <= 0,
            });
        }
        count
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Waits until one of `fds` is readable or `timeout` is over; none waits for ever. Which ones are is in `ready`.
pub fn poll_readable<const N: usize>(fds: [RawFd; N], timeout: Option<Duration>) -> io::Result<[bool; N]> {
    poll_by(fds, timeout, |fds, count, timeout| {
        // SAFETY: `poll_by` passes an array of `count` and a timeout that live through the call; no mask is given.
        let result = unsafe { libc::ppoll(fds, count as libc::nfds_t, timeout, std::ptr::null()) };
        if result == -1 {
            -(io::Error::last_os_error().raw_os_error().unwrap_or(0) as isize)
        } else {
            result as isize
        }
    })
}

/// The forms around a poll: `poll` gets the array, its length and the timeout, and returns a negative errno on errors.
pub(super) fn poll_by<const N: usize>(
    fds: [RawFd; N],
    timeout: Option<Duration>,
    poll: impl FnOnce(*mut libc::pollfd, usize, *const libc::timespec) -> isize,
) -> io::Result<[bool; N]> {
    let mut polled = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    let limit = timespec(timeout);
    let result = poll(polled.as_mut_ptr(), N, limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref));
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result as i32));
    }
    Ok(polled.map(|fd| fd.revents != 0))
}

/// A pipe, both ends non-blocking and close-on-exec: (read, write).
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: room for two descriptors.
    check(i64::from(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) }))?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let read = unsafe { OwnedFd::from_raw_fd(fds[0]) };
    // SAFETY: as above.
    Ok((read, unsafe { OwnedFd::from_raw_fd(fds[1]) }))
}

/// A pipe from a child to us: our end, which never blocks, and the child's, which does as programs expect. Both are
/// close-on-exec.
pub fn pipe_from_child() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: room for two descriptors.
    check(i64::from(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }))?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let read = unsafe { OwnedFd::from_raw_fd(fds[0]) };
    // SAFETY: as above.
    let write = unsafe { OwnedFd::from_raw_fd(fds[1]) };
    // SAFETY: integers; the flag is that of this end alone.
    check(i64::from(unsafe { libc::fcntl(read.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }))?;
    Ok((read, write))
}

/// What to wait for, besides the other side's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// Nothing else.
    End,
}

/// A descriptor of [`poll_any`].
#[derive(Clone, Copy, Debug)]
pub struct Polled {
    /// The descriptor; a negative one is passed over.
    pub fd: RawFd,
    /// What for.
    pub wait: Wait,
    /// It came, or the other side ended.
    pub ready: bool,
}

impl Polled {
    /// Not ready yet.
    pub const fn new(fd: RawFd, wait: Wait) -> Self {
        Self { fd, wait, ready: false }
    }
}

/// Waits until one of `fds` is ready or `timeout` is over; none waits for ever. Allocates when there are more than eight.
///
/// Errors: only a debugger's interruption, or no memory in the kernel.
pub fn poll_any(fds: &mut [Polled], timeout: Option<Duration>) -> io::Result<()> {
    let mut few = [libc::pollfd { fd: -1, events: 0, revents: 0 }; 8];
    let mut many = Vec::new();
    let polled = if let Some(few) = few.get_mut(..fds.len()) {
        few
    } else {
        many.resize(fds.len(), few[0]);
        &mut many[..]
    };
    for (to, from) in polled.iter_mut().zip(&*fds) {
        let events = match from.wait {
            Wait::Read => libc::POLLIN,
            Wait::Write => libc::POLLOUT,
            Wait::End => 0,
        };
        *to = libc::pollfd { fd: from.fd, events, revents: 0 };
    }
    let limit = timespec(timeout);
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the list has the length that is passed; list and timeout live through the call; no mask is given.
    check(i64::from(unsafe {
        libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, limit, std::ptr::null())
    }))?;
    for (to, from) in fds.iter_mut().zip(&*polled) {
        to.ready = from.revents != 0;
    }
    Ok(())
}

fn timespec(timeout: Option<Duration>) -> Option<libc::timespec> {
    timeout.map(|t| libc::timespec {
        tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: t.subsec_nanos().into(),
    })
}

/// Closes every descriptor but 0, 1, 2 and those of `keep`, whoever left them open.
pub fn close_others(keep: &mut [RawFd]) {
    keep.sort_unstable();
    let mut from = 3;
    for end in keep.iter().copied().chain([i32::MAX]) {
        if end > from {
            close_range(from as u32, end as u32 - 1);
        }
        from = from.max(end.saturating_add(1));
    }
}

fn close_range(first: u32, last: u32) {
    // SAFETY: closes descriptors that the caller gives up by contract.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // A kernel before 5.9, or a sandbox that does not know the call.
    let mut limit = libc::rlimit { rlim_cur: 1024, rlim_max: 1024 };
    // SAFETY: room for one rlimit.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    for fd in first..=last.min(limit.rlim_cur.min(65_536) as u32) {
        // SAFETY: as above; a number that is not open is refused.
        unsafe { libc::close(fd as RawFd) };
    }
}

/// Whether this is a pipe without a name in any file system, as `pipe` makes them. The descriptor may be `O_PATH`.
pub fn is_nameless_pipe(fd: BorrowedFd<'_>) -> bool {
    /// `PIPEFS_MAGIC`, which the C library does not have.
    const PIPEFS: i64 = 0x5049_5045;
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: room for one statfs.
    let got = unsafe { libc::fstatfs(fd.as_raw_fd(), stat.as_mut_ptr()) };
    // SAFETY: fstatfs succeeded, so it is filled.
    got == 0 && unsafe { stat.assume_init() }.f_type as i64 == PIPEFS
}

/// Makes 0, 1 and 2 the null device, and holds nothing of what they were.
///
/// Errors: there is no `/dev/null`.
pub fn detach_stdio() -> io::Result<()> {
    let null = open(c"/dev/null", libc::O_RDWR)?;
    for fd in 0..3 {
        // SAFETY: two descriptors, of which the second is replaced as the caller wants it.
        check(i64::from(unsafe { libc::dup2(null.as_raw_fd(), fd) }))?;
    }
    Ok(())
}

/// Reads what is there into `buffer`: none when nothing is there yet, 0 at the end (an error is an end too).
pub fn read_or_end(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Option<usize> {
    // SAFETY: the buffer lives through the call and has the size that is passed.
    let got = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    match usize::try_from(got) {
        Ok(count) => Some(count),
        Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock => None,
        Err(_) => Some(0),
    }
}

/// Reads what is there into `buffer`; 0 when there is nothing.
pub fn read_some(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> usize {
    // SAFETY: the buffer lives through the call and has the size that is passed.
    let got = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    usize::try_from(got).unwrap_or(0)
}

/// Writes to a descriptor that may be closed, full or shared with processes that change its flags, without ever
/// blocking: what does not fit at once is lost. Returns how much was written.
pub fn write_nowait(fd: RawFd, bytes: &[u8]) -> usize {
    let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    for _ in 0..LOCKED_TRIES {
        // SAFETY: one part that lives through the call; the kernel only reads it. Offset −1 is the file's own.
        let tried = unsafe { libc::pwritev2(fd, &raw const part, 1, -1, libc::RWF_NOWAIT) };
        if let Ok(written) = usize::try_from(tried) {
            return written;
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EOPNOTSUPP) => return write_after_look(fd, bytes),
            // Linux from 6.4 on says the same of a full pipe and of one that another process reads or writes at this moment.
            Some(libc::EAGAIN) if has_room(fd) => std::thread::yield_now(),
            _ => return 0,
        }
    }
    0
}

/// How often a write is tried again that found a pipe with room locked: whoever holds the lock is in the middle of a read
/// or a write and needs a turn on a processor.
const LOCKED_TRIES: u32 = 1000;

fn has_room(fd: RawFd) -> bool {
    let mut look = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd that lives through the call; a timeout of 0 only looks.
    unsafe { libc::poll(&raw mut look, 1, 0) };
    look.revents & libc::POLLOUT != 0
}

/// For terminals, sockets and old kernels: looks first, and writes no more than a pipe takes whole.
fn write_after_look(fd: RawFd, bytes: &[u8]) -> usize {
    if !has_room(fd) {
        return 0;
    }
    let length = bytes.len().min(libc::PIPE_BUF);
    // SAFETY: `length` bytes at most as long as the slice.
    let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), length) };
    usize::try_from(written).unwrap_or(0)
}

/// Writes what fits at once, at most what a pipe takes whole: none when there is no room now. It never blocks.
pub fn write_some(fd: RawFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut look = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd that lives through the call; a timeout of 0 only looks.
    unsafe { libc::poll(&raw mut look, 1, 0) };
    if look.revents == 0 {
        return Ok(None);
    }
    let length = bytes.len().min(libc::PIPE_BUF);
    // SAFETY: `length` bytes at most as long as the slice.
    match check(unsafe { libc::write(fd, bytes.as_ptr().cast(), length) } as i64) {
        Ok(count) => Ok(Some(count as usize)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a path without following what a person could not name otherwise; see open(2) for `flags`.
pub fn open(path: &CStr, flags: i32) -> io::Result<OwnedFd> {
    open_below(libc::AT_FDCWD, path, flags)
}

/// The same for a path that begins at a directory.
pub fn open_at(directory: BorrowedFd<'_>, path: &CStr, flags: i32) -> io::Result<OwnedFd> {
    open_below(directory.as_raw_fd(), path, flags)
}

fn open_below(directory: RawFd, path: &CStr, flags: i32) -> io::Result<OwnedFd> {
    // The bare call: musl sets close-on-exec once more, for kernels of 2007.
    // SAFETY: a C string.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_openat, directory, path.as_ptr(), flags | libc::O_CLOEXEC, 0)
    })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn pipes_are_given_away_and_nothing_else() {
        use std::os::unix::fs::MetadataExt as _;
        let owner = |fd: RawFd| std::fs::metadata(format!("/proc/self/fd/{fd}")).map(|data| data.uid()).ok();
        let (read, _write) = super::pipe().expect("a pipe");
        let file = tempfile::tempfile().expect("a file");
        let null = std::fs::File::open("/dev/null").expect("/dev/null");
        for fd in [read.as_raw_fd(), file.as_raw_fd(), null.as_raw_fd(), -1] {
            super::give(fd, 4321);
        }
        assert_eq!(owner(read.as_raw_fd()), Some(4321));
        assert_eq!((owner(file.as_raw_fd()), owner(null.as_raw_fd())), (Some(0), Some(0)));
    }

    use super::*;
    use std::os::fd::AsFd as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A reader that is inside of the pipe at the moment of a write costs no line.
    #[test]
    fn a_pipe_that_is_being_read_takes_every_write() {
        const LINE: &[u8] = b"a line!\n";
        let (read, write) = pipe().expect("a pipe");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut buffer = [0; 64];
                while !done.load(Ordering::Relaxed) {
                    read_some(read.as_fd(), &mut buffer);
                }
            });
            // Fewer bytes than the pipe holds, so it is never full.
            let lost = (0..6000).filter(|_| write_nowait(write.as_raw_fd(), LINE) != LINE.len()).count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(lost, 0, "lines were lost");
        });
    }
}
