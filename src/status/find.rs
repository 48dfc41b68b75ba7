//! Finds the wrapper that is this container's init, and opens its state page.
//!
//! That is PID 1, or under `docker run --init` and in a shared PID namespace a process of the same mount namespace
//! that holds a page; only then a PID 1 of another mount namespace. Not an error of permission but of absence is what
//! says that there is none.

use super::layout;
use crate::process::Pid;
use crate::sys::page::{self, Words};
use crate::sys::{fd, proc};
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::Ordering;

/// A running init, as seen from outside.
#[derive(Debug)]
pub struct Init {
    /// Its pid in our namespace.
    pub pid: Pid,
    /// Its state page, mapped read-only.
    pub words: Words,
}

/// Why none was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none.
    #[error("no wrapper runs as init here: PID 1 is {0:?}; is this the container you meant?")]
    None(String),
    /// We are PID 1 ourselves.
    #[error(
        "this container has just been started for this command, so there is no app in it to ask about; in a running one: docker exec CONTAINER wrapper …"
    )]
    Alone,
    /// There is one that we may not look into.
    #[error(
        "not allowed to look into PID {pid}, which runs as {owner}, and this is {own}; use the same user, \
         as in: docker exec --user {owner} …"
    )]
    Denied {
        /// Whom.
        pid: Pid,
        /// Its uid:gid.
        owner: String,
        /// Ours.
        own: String,
    },
    /// Its page has another layout.
    #[error("PID {0} is a wrapper of another version; use the one in its image: /usr/bin/wrapper")]
    Version(Pid),
    /// There is no `/proc`.
    #[error("/proc is not mounted here, so nothing can be found out about PID 1")]
    NoProc,
}

/// Finds and opens it. Becomes PID 1's uid and gid for good when that is allowed and opens the way.
pub fn find() -> Result<Init, FindError> {
    if std::process::id() == 1 {
        return Err(FindError::Alone);
    }
    // In a shared PID namespace PID 1 can be the wrapper of another container: it comes last then, for who debugs that one.
    let ours = same_mounts(1);
    if ours && let Some(init) = first()? {
        return Ok(init);
    }
    let own = std::process::id() as Pid;
    let mut found = None;
    let listed = proc::each_process(|pid| {
        if found.is_none() && pid != 1 && pid != own && same_mounts(pid) {
            found = open(pid).ok().flatten();
        }
    });
    if found.is_none() && !ours {
        found = first()?;
    }
    match found {
        Some(init) => Ok(init),
        None if listed => Err(FindError::None(name(1))),
        None => Err(FindError::NoProc),
    }
}

/// PID 1, when it is a wrapper.
fn first() -> Result<Option<Init>, FindError> {
    match open(1) {
        Ok(found) => Ok(found),
        Err(Open::Version) => Err(FindError::Version(1)),
        Err(Open::Denied) if is_wrapper(1) => become_and_open(1).map(Some),
        Err(Open::Denied) => Ok(None),
    }
}

/// Whether another process is the wrapper that is this container's init: what refuses a second `run`. For PID 1 it needs no
/// permission; below another PID 1 (`docker run --init`) only who may look finds it.
pub fn is_init_here() -> bool {
    let own = std::process::id() as Pid;
    if own == 1 {
        return false;
    }
    let mut found = is_wrapper(1) && same_mounts(1);
    if !found {
        proc::each_process(|pid| {
            let other = pid != 1 && pid != own;
            found |=
                other && !found && is_wrapper(pid) && same_mounts(pid) && matches!(open(pid), Ok(Some(_)));
        });
    }
    found
}

/// Opens the command pipe of `init` for writing.
pub fn open_pipe(init: &Init) -> io::Result<OwnedFd> {
    let number = init.words[layout::PIPE].load(Ordering::Relaxed);
    let path = format!("/proc/{}/fd/{number}", init.pid);
    let path = std::ffi::CString::new(path)?;
    fd::open(&path, libc::O_WRONLY | libc::O_NONBLOCK)
}

enum Open {
    Denied,
    Version,
}

/// Opens the page of `pid`; none when it holds none.
fn open(pid: Pid) -> Result<Option<Init>, Open> {
    let entries = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(Open::Denied),
        Err(_) => return Ok(None),
    };
    let wanted = format!("/memfd:{} (deleted)", layout::NAME.to_string_lossy());
    for entry in entries.flatten() {
        match fs::read_link(entry.path()) {
            Ok(target) if target.as_os_str() == wanted.as_str() => {}
            // Root may list the descriptors of another user and not look at one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(Open::Denied),
            _ => continue,
        }
        let Ok(file) = fs::File::open(entry.path()) else { return Err(Open::Denied) };
        let Ok(words) = page::open(file.as_fd()) else { return Err(Open::Version) };
        if words[layout::HEADER].load(Ordering::Acquire) != layout::MAGIC {
            return Err(Open::Version);
        }
        return Ok(Some(Init { pid, words }));
    }
    Ok(None)
}

fn become_and_open(pid: Pid) -> Result<Init, FindError> {
    let denied = |owner: String| FindError::Denied {
        pid,
        owner,
        own: format!("{}:{}", nix::unistd::geteuid(), nix::unistd::getegid()),
    };
    let Ok(owner) = fs::metadata(format!("/proc/{pid}")) else { return Err(FindError::NoProc) };
    let (uid, gid) = (owner.uid(), owner.gid());
    let _ = nix::unistd::setgroups(&[]);
    let (user, group) = (nix::unistd::Uid::from_raw(uid), nix::unistd::Gid::from_raw(gid));
    let became =
        nix::unistd::setresgid(group, group, group).and_then(|()| nix::unistd::setresuid(user, user, user));
    match became.ok().map(|()| open(pid)) {
        Some(Ok(Some(init))) => Ok(init),
        Some(Err(Open::Version)) => Err(FindError::Version(pid)),
        _ => Err(denied(format!("{uid}:{gid}"))),
    }
}

fn name(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

fn is_wrapper(pid: Pid) -> bool {
    name(pid) == "wrapper"
}

/// Whether `pid` sees the same mounts as we do: the ids of mounts are unique on a machine, and unlike the
/// namespace's link anybody may read them.
fn same_mounts(pid: Pid) -> bool {
    // The first number alone: the kernel puts together as much of the table as is read.
    let first = |path: String| {
        let mut start = [0; 24];
        let count = fs::File::open(path).ok()?.read(&mut start).ok()?;
        start[..count].split(|b| *b == b' ').next().map(<[u8]>::to_vec)
    };
    let own = first("/proc/self/mountinfo".into());
    own.is_some() && own == first(format!("/proc/{pid}/mountinfo"))
}
