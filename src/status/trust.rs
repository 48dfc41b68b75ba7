//! What another process shows us, and whether it is believed.
//!
//! Contract: nothing of another process is mapped, read or written before these checks. A memfd is believed when it is
//! sealed (its maker alone can change it, and it never shrinks under a reader), and both its owner and the user of the
//! process that holds it are root, ourselves, or the user of the namespace's PID 1. A descriptor is written to only when
//! it is a pipe of such an owner. Nothing here blocks, whatever the other process holds.

use crate::process::Pid;
use crate::sys::{fd, memfd, proc};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::{SFlag, fstat, fstatat};
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// A process as it was when it was looked at first: another one that gets the same pid later is never taken for it.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    directory: OwnedFd,
}

/// Why a process has nothing for us.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// It holds none of this name, or is gone.
    #[error("it holds none")]
    Absent,
    /// We may not look.
    #[error("looking into it is not allowed")]
    Denied,
    /// The process belongs to somebody whom we have no reason to believe.
    #[error("the process runs as uid {0}, which is neither root, nor this user, nor that of PID 1")]
    Holder(u32),
    /// So does the file.
    #[error("its owner is uid {0}, which is neither root, nor this user, nor that of PID 1")]
    Owner(u32),
    /// Others could write to it, or cut it off.
    #[error("it is not sealed")]
    Unsealed,
}

/// Why a descriptor of another process is not written to.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// There is none: it was not made.
    #[error("it takes no commands: it could not make a pipe when it started")]
    Absent,
    /// It is something else, or somebody else's.
    #[error("descriptor {0} is not a pipe of its own")]
    NotAPipe(u64),
    /// It cannot be opened.
    #[error("it cannot be opened: {0}")]
    Open(io::Error),
}

impl Process {
    /// The process of this pid.
    ///
    /// Errors: there is none, or none that we can see.
    pub fn open(pid: Pid) -> io::Result<Self> {
        let path = CString::new(format!("/proc/{pid}"))?;
        Ok(Self { pid, directory: fd::open(&path, libc::O_PATH | libc::O_DIRECTORY)? })
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its effective uid and gid. The directory in `/proc` has them even for a process that is not dumpable, unlike the
    /// files in it.
    ///
    /// Errors: the process is gone.
    pub fn owner(&self) -> io::Result<(u32, u32)> {
        let stat = fstat(&self.directory)?;
        Ok((stat.st_uid, stat.st_gid))
    }

    /// Opens, for reading, the memfd of this name that the process made. It holds several for a moment while it replaces
    /// one: the first that is believed counts.
    ///
    /// Errors: why there is none to be believed; [`Refusal::Absent`] when there is none at all.
    pub fn memfd(&self, name: &str) -> Result<OwnedFd, Refusal> {
        let list = self.descriptors().map_err(|error| match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => Refusal::Denied,
            _ => Refusal::Absent,
        })?;
        let wanted = format!("/memfd:{name} (deleted)");
        let (mut found, mut refused) = (None, Refusal::Absent);
        proc::each_number(list.as_fd(), |number| {
            if found.is_some() {
                return;
            }
            match self.believed(list.as_fd(), number, wanted.as_ref()) {
                Ok(file) => found = Some(file),
                Err(Refusal::Absent) => {}
                Err(why) => refused = why,
            }
        });
        found.ok_or(refused)
    }

    fn believed(&self, list: BorrowedFd<'_>, number: Pid, wanted: &OsStr) -> Result<OwnedFd, Refusal> {
        match readlinkat(list, number.to_string().as_str()) {
            Ok(target) if target == wanted => {}
            // Root may list the descriptors of another user and not look at one.
            Err(Errno::EACCES | Errno::EPERM) => return Err(Refusal::Denied),
            _ => return Err(Refusal::Absent),
        }
        // Its maker holds it for writing. Whoever holds it for reading is a client that looks at another process's.
        let link = fstatat(list, number.to_string().as_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        if !link.is_ok_and(|link| link.st_mode & libc::S_IWUSR != 0) {
            return Err(Refusal::Absent);
        }
        let holder = self.owner().map_err(|_| Refusal::Absent)?.0;
        if !is_believed(holder) {
            return Err(Refusal::Holder(holder));
        }
        // A name proves nothing: what would do something when it is opened is looked at first.
        let handle = self.handle(number).map_err(|error| match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => Refusal::Denied,
            _ => Refusal::Absent,
        })?;
        let (kind, owner) = kind_and_owner(handle.as_fd()).map_err(|_| Refusal::Absent)?;
        if kind != SFlag::S_IFREG {
            return Err(Refusal::Unsealed);
        }
        if !is_believed(owner) {
            return Err(Refusal::Owner(owner));
        }
        let file = reopen(&handle, libc::O_RDONLY | libc::O_NONBLOCK).map_err(|_| Refusal::Denied)?;
        if memfd::is_sealed(file.as_fd()) { Ok(file) } else { Err(Refusal::Unsealed) }
    }

    /// Opens the descriptor `number` of the process for writing, when it is a pipe; 0 means that there is none.
    pub fn pipe(&self, number: u64) -> Result<OwnedFd, PipeError> {
        if number == 0 {
            return Err(PipeError::Absent);
        }
        let not_a_pipe = || PipeError::NotAPipe(number);
        let handle = Pid::try_from(number).ok().map(|number| self.handle(number));
        let handle = handle.ok_or_else(not_a_pipe)?.map_err(PipeError::Open)?;
        let (kind, owner) = kind_and_owner(handle.as_fd()).map_err(|error| PipeError::Open(error.into()))?;
        if kind != SFlag::S_IFIFO || !is_believed(owner) || !fd::is_nameless_pipe(handle.as_fd()) {
            return Err(not_a_pipe());
        }
        reopen(&handle, libc::O_WRONLY | libc::O_NONBLOCK).map_err(PipeError::Open)
    }

    fn descriptors(&self) -> io::Result<OwnedFd> {
        fd::open_at(self.directory.as_fd(), c"fd", libc::O_RDONLY | libc::O_DIRECTORY)
    }

    /// One of its descriptors, without opening what it stands for.
    fn handle(&self, number: Pid) -> io::Result<OwnedFd> {
        let path = CString::new(format!("fd/{number}"))?;
        fd::open_at(self.directory.as_fd(), &path, libc::O_PATH)
    }
}

fn kind_and_owner(handle: BorrowedFd<'_>) -> nix::Result<(SFlag, u32)> {
    let stat = fstat(handle)?;
    Ok((SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT, stat.st_uid))
}

/// Opens what a handle stands for: exactly what was looked at, whatever the other process did since.
fn reopen(handle: &OwnedFd, flags: i32) -> io::Result<OwnedFd> {
    let path = CString::new(format!("/proc/self/fd/{}", handle.as_raw_fd()))?;
    fd::open(&path, flags | libc::O_NOCTTY)
}

/// Whether we have a reason to believe what this user made.
fn is_believed(uid: u32) -> bool {
    uid == 0
        || uid == nix::unistd::geteuid().as_raw()
        || Process::open(1).and_then(|first| first.owner()).is_ok_and(|(first, _)| first == uid)
}
