//! Finds the wrapper that is this container's init, and opens its state page.
//!
//! That is PID 1, or under `docker run --init` and in a shared PID namespace a process of the same mount namespace
//! that holds a page; only then a PID 1 of another mount namespace. Not an error of permission but of absence is what
//! says that there is none.

use super::layout;
use super::trust::{PipeError, Process, Refusal};
use crate::process::Pid;
use crate::sys::page::{self, Words};
use crate::sys::{memfd, proc};
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::Ordering;
use std::{fmt, fs};

/// A running init, as seen from outside.
#[derive(Debug)]
pub struct Init {
    /// Its pid in our namespace.
    pub pid: Pid,
    /// The process, for what else it holds.
    pub process: Process,
    /// Its state page, mapped read-only.
    pub words: Words,
}

/// Why none was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none.
    #[error("no wrapper runs as init here: PID 1 is {0:?}; is this the container you meant?")]
    None(String),
    /// Something looks like one.
    #[error(
        "no wrapper runs as init here: PID 1 is {first:?}, and the state page of PID {pid} is not believed: {why}"
    )]
    NotBelieved {
        /// The name of PID 1.
        first: String,
        /// Whose page.
        pid: Pid,
        /// Why not.
        why: Refusal,
    },
    /// There is one without a page.
    #[error("PID {pid} is a wrapper without a state page, so nothing can be asked of it: {why}")]
    NoPage {
        /// Which.
        pid: Pid,
        /// What can be seen from here.
        why: String,
    },
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
    #[error(
        "PID {pid} is a wrapper of another version, {theirs}, and this one is {}; use the one in its image: \
         /usr/bin/wrapper",
        Version::own()
    )]
    Version {
        /// Which.
        pid: Pid,
        /// Its version.
        theirs: Version,
    },
    /// There is no process of the pid that was named.
    #[error("there is no process {0} here (--pid)")]
    NoProcess(Pid),
    /// The process that was named is something else.
    #[error("PID {pid} is no wrapper that runs as init, but {name:?} (--pid)")]
    NotOne {
        /// Which.
        pid: Pid,
        /// Its name.
        name: String,
    },
    /// There is no `/proc`.
    #[error("/proc is not mounted here, so nothing can be found out about PID 1")]
    NoProc,
}

/// The version of a wrapper and of the layout of its page.
#[derive(Debug)]
pub struct Version {
    release: Option<String>,
    layout: u8,
}

impl Version {
    fn own() -> Self {
        Self { release: Some(env!("CARGO_PKG_VERSION").to_owned()), layout: layout::VERSION }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(release) = &self.release {
            write!(f, "{release} ")?;
        }
        write!(f, "(layout {} of the state page)", self.layout)
    }
}

/// Finds and opens it. Becomes PID 1's uid and gid for good when that is allowed and opens the way.
pub fn find() -> Result<Init, FindError> {
    if std::process::id() == 1 {
        return Err(FindError::Alone);
    }
    // In a shared PID namespace PID 1 can be the wrapper of another container: it comes last then, for who debugs that one.
    let ours = same_mounts(1);
    let mut doubt = None;
    if ours && let Some(init) = first(&mut doubt)? {
        return Ok(init);
    }
    let own = std::process::id() as Pid;
    let mut found = None;
    let listed = proc::each_process(|pid| {
        if found.is_none() && pid != 1 && pid != own && same_mounts(pid) {
            match open(pid) {
                Ok(init) => found = Some(Ok(init)),
                Err(Open::Version(theirs)) => found = Some(Err(FindError::Version { pid, theirs })),
                Err(Open::Refused(Refusal::Absent | Refusal::Denied)) => {}
                Err(Open::Refused(why)) => doubt = doubt.or(Some((pid, why))),
            }
        }
    });
    if found.is_none() && !ours {
        found = first(&mut doubt)?.map(Ok);
    }
    match (found, doubt) {
        (Some(found), _) => found,
        (None, Some((pid, why))) => Err(FindError::NotBelieved { first: name(1), pid, why }),
        (None, None) if !listed => Err(FindError::NoProc),
        (None, None) if ours && is_wrapper(1) => Err(FindError::NoPage { pid: 1, why: why_no_page(1) }),
        (None, None) => Err(FindError::None(name(1))),
    }
}

/// Opens the init that somebody named, whatever its mounts are.
pub fn find_pid(pid: Pid) -> Result<Init, FindError> {
    match open(pid) {
        Ok(init) => Ok(init),
        Err(Open::Version(theirs)) => Err(FindError::Version { pid, theirs }),
        Err(Open::Refused(Refusal::Denied)) => become_and_open(pid),
        Err(Open::Refused(_)) if Process::open(pid).is_err() => Err(FindError::NoProcess(pid)),
        Err(Open::Refused(Refusal::Absent)) => Err(FindError::NotOne { pid, name: name(pid) }),
        Err(Open::Refused(why)) => Err(FindError::NotBelieved { first: name(1), pid, why }),
    }
}

/// Whether PID 1 is the wrapper of another container, in a PID namespace that is shared.
pub fn first_is_foreign() -> bool {
    is_wrapper(1) && !same_mounts(1)
}

/// PID 1, when it is a wrapper.
fn first(doubt: &mut Option<(Pid, Refusal)>) -> Result<Option<Init>, FindError> {
    match open(1) {
        Ok(found) => Ok(Some(found)),
        Err(Open::Version(theirs)) => Err(FindError::Version { pid: 1, theirs }),
        Err(Open::Refused(Refusal::Denied)) if is_wrapper(1) => become_and_open(1).map(Some),
        Err(Open::Refused(Refusal::Denied | Refusal::Absent)) => Ok(None),
        Err(Open::Refused(why)) => {
            *doubt = Some((1, why));
            Ok(None)
        }
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
            found |= other && !found && is_wrapper(pid) && same_mounts(pid) && open(pid).is_ok();
        });
    }
    found
}

/// Opens the command pipe of `init` for writing.
pub fn open_pipe(init: &Init) -> Result<OwnedFd, PipeError> {
    init.process.pipe(init.words[layout::PIPE].load(Ordering::Relaxed))
}

enum Open {
    Refused(Refusal),
    /// A page that is believed, of a layout of this version.
    Version(Version),
}

/// Opens the page of `pid`, when it holds one that is believed.
fn open(pid: Pid) -> Result<Init, Open> {
    let process = Process::open(pid).map_err(|_| Open::Refused(Refusal::Absent))?;
    let file = fs::File::from(process.memfd(layout::NAME).map_err(Open::Refused)?);
    // As bytes: another version's page may have another length.
    let mut head = [0; 8 * layout::RELEASE.end];
    let read = file.read_exact_at(&mut head, 0);
    let magic = head.as_chunks().0[layout::HEADER];
    match read.ok().and_then(|()| layout::version(u64::from_ne_bytes(magic))) {
        // Not yet written, or no page of any wrapper.
        None => Err(Open::Refused(Refusal::Absent)),
        Some(layout::VERSION) => match page::open(file.as_fd(), layout::WORDS) {
            Ok(words) => Ok(Init { pid, process, words }),
            Err(_) => Err(Open::Refused(Refusal::Absent)),
        },
        Some(layout) => {
            let release = layout::release(&head[8 * layout::RELEASE.start..]).filter(|_| layout > 2);
            Err(Open::Version(Version { release, layout }))
        }
    }
}

fn become_and_open(pid: Pid) -> Result<Init, FindError> {
    let Some((uid, gid)) = Process::open(pid).and_then(|process| process.owner()).ok() else {
        return Err(FindError::NoProc);
    };
    let _ = nix::unistd::setgroups(&[]);
    let (user, group) = (nix::unistd::Uid::from_raw(uid), nix::unistd::Gid::from_raw(gid));
    let became =
        nix::unistd::setresgid(group, group, group).and_then(|()| nix::unistd::setresuid(user, user, user));
    match became.ok().map(|()| open(pid)) {
        Some(Ok(init)) => Ok(init),
        Some(Err(Open::Version(theirs))) => Err(FindError::Version { pid, theirs }),
        Some(Err(Open::Refused(Refusal::Absent))) => Err(FindError::NoPage { pid, why: why_no_page(pid) }),
        Some(Err(Open::Refused(why))) if why != Refusal::Denied => {
            Err(FindError::NotBelieved { first: name(1), pid, why })
        }
        _ => Err(FindError::Denied {
            pid,
            owner: format!("{uid}:{gid}"),
            own: format!("{}:{}", nix::unistd::geteuid(), nix::unistd::getegid()),
        }),
    }
}

/// Why a wrapper has no page, as far as that can be seen from here: it said so itself when it started.
fn why_no_page(pid: Pid) -> String {
    let limit = fs::read_to_string(format!("/proc/{pid}/limits")).ok().and_then(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max file size"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    match limit {
        Some(limit) if limit < page::length(layout::WORDS) as u64 => {
            format!("its file size limit (ulimit -f) of {limit} bytes leaves no room for one")
        }
        _ => match memfd::create(c"wrapper-probe", 0) {
            Err(error) => format!("no memory file can be made here: {error}"),
            Ok(_) => "it has only just started, or its log says why it could not make one".to_owned(),
        },
    }
}

/// The name of a process, which the process can choose freely.
fn name(pid: Pid) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(&name)).into_owned()
}

pub(super) fn is_wrapper(pid: Pid) -> bool {
    name(pid) == "wrapper"
}

/// Whether `pid` sees the same mounts as we do: the ids of mounts are unique on a machine, and unlike the
/// namespace's link anybody may read them.
pub(super) fn same_mounts(pid: Pid) -> bool {
    // The first number alone: the kernel puts together as much of the table as is read.
    let first = |path: String| {
        let mut start = [0; 24];
        let count = fs::File::open(path).ok()?.read(&mut start).ok()?;
        start[..count].split(|b| *b == b' ').next().map(<[u8]>::to_vec)
    };
    let own = first("/proc/self/mountinfo".into());
    own.is_some() && own == first(format!("/proc/{pid}/mountinfo"))
}
