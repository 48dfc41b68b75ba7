//! A client's side of the environment that PID 1 keeps: finding it, believing it, and what of the caller's goes on top.
//!
//! Contract: the kernel decides who may open it, as for the page. A root that lacks `SYS_PTRACE` looks with the ids of the
//! init for a moment and stays who it is. It is believed as the page is, and only when it can never change again and all of
//! it is well-formed.

use super::find::{self, Init};
use super::kept::{self, Whose};
use super::layout;
use super::trust::{Process, Refusal};
use crate::process::Pid;
use crate::sys::{memfd, proc};
use crate::words::text::one_line;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

/// Why the environment of the app is not known, although an init runs.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// We may not look.
    #[error(
        "not allowed to read the environment of the app from PID {pid}, which runs as {owner}; use the same user, as in: \
         docker exec --user {owner} …"
    )]
    Denied {
        /// Whose.
        pid: Pid,
        /// Its uid:gid.
        owner: String,
    },
    /// It keeps none, or one that is not to be believed.
    #[error(
        "PID {0} keeps no environment of the app that could be read here: it is still being built, or PID {0} is another \
         version of the wrapper, or a file size limit forbids it"
    )]
    Unknown(Pid),
}

/// What an init keeps.
#[derive(Debug)]
pub struct Inherited {
    bytes: Vec<u8>,
}

/// Variables about the terminal at hand: always the caller's.
const TERMINAL: [&[u8]; 3] = [b"TERM", b"COLUMNS", b"LINES"];

impl Inherited {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        kept::decode(&bytes)?;
        Some(Self { bytes })
    }

    fn entries(&self) -> Vec<(Whose, &CStr)> {
        kept::decode(&self.bytes).map(|stored| stored.entries).unwrap_or_default()
    }

    /// Why variables are missing, if some are.
    pub fn missing(&self) -> Option<String> {
        let stored = kept::decode(&self.bytes)?;
        (!stored.missing.is_empty()).then(|| one_line(stored.missing))
    }

    /// The app's variables, and over them what the caller has on purpose: what is about its terminal, and what differs
    /// from the environment that PID 1 was started with.
    pub fn under<'e>(&self, caller: impl Iterator<Item = &'e CStr>) -> Vec<Cow<'e, CStr>> {
        let entries = self.entries();
        let start = entries.iter().filter(|(whose, _)| *whose != Whose::App);
        // As getenv sees it: the first of a name counts.
        let mut start_values: HashMap<&[u8], &[u8]> = HashMap::new();
        for (name, value) in start.filter_map(|(_, entry)| split(entry)) {
            start_values.entry(name).or_insert(value);
        }
        let mut own: Vec<(&[u8], &'e CStr)> = Vec::new();
        for entry in caller {
            let Some((name, value)) = split(entry) else { continue };
            if TERMINAL.contains(&name) || start_values.get(name) != Some(&value) {
                own.push((name, entry));
            }
        }
        let mut places: HashMap<&[u8], Option<&'e CStr>> = HashMap::new();
        for (name, entry) in &own {
            places.entry(name).or_insert(Some(entry));
        }
        let mut list: Vec<Cow<'e, CStr>> = Vec::new();
        for (_, entry) in entries.iter().filter(|(whose, _)| *whose != Whose::Start) {
            match split(entry).and_then(|(name, _)| places.get_mut(name)) {
                // In its place, once.
                Some(place) => list.extend(place.take().map(Cow::Borrowed)),
                None => list.push(Cow::Owned(CString::from(*entry))),
            }
        }
        for (name, _) in &own {
            list.extend(places.get_mut(name).and_then(Option::take).map(Cow::Borrowed));
        }
        list
    }
}

/// Name and value; none without `=`.
fn split(entry: &CStr) -> Option<(&[u8], &[u8])> {
    let bytes = entry.to_bytes();
    let at = bytes.iter().position(|b| *b == b'=')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// What the init of this container keeps; none when none runs, or when that is ourselves.
pub fn of_this_container() -> Result<Option<Inherited>, EnvironmentError> {
    let own = std::process::id() as Pid;
    if own == 1 {
        return Ok(None);
    }
    let mut unreadable = None;
    if find::same_mounts(1) {
        match read(1, kept::NAME) {
            Ok(Some(bytes)) => return Inherited::new(bytes).map(Some).ok_or(EnvironmentError::Unknown(1)),
            // Other programs are called wrapper too; ours shows its state, unless it could not.
            Ok(None) if shows_a_state(1) => unreadable = Some(EnvironmentError::Unknown(1)),
            Err(_) if find::is_wrapper(1) => unreadable = Some(denied(1)),
            _ => {}
        }
    }
    if let Some(error) = unreadable {
        return Err(error);
    }
    let mut found = None;
    proc::each_process(|pid| {
        if found.is_none() && pid != 1 && pid != own && find::same_mounts(pid) {
            found = read(pid, kept::NAME).ok().flatten().and_then(Inherited::new);
        }
    });
    Ok(found)
}

fn shows_a_state(pid: Pid) -> bool {
    Process::open(pid).is_ok_and(|process| process.memfd(layout::NAME).is_ok())
}

/// What this init keeps; none when it is another container's, whose environment is not ours.
pub fn of(init: &Init) -> Result<Option<Inherited>, EnvironmentError> {
    if !find::same_mounts(init.pid) {
        return Ok(None);
    }
    match read(init.pid, kept::NAME) {
        Ok(bytes) => bytes.and_then(Inherited::new).map(Some).ok_or(EnvironmentError::Unknown(init.pid)),
        Err(_) => Err(denied(init.pid)),
    }
}

/// Why the last start was refused by this init.
pub fn refusal(init: &Init) -> Option<String> {
    let bytes = read(init.pid, kept::REFUSAL).ok()??;
    Some(one_line(std::str::from_utf8(&bytes).ok()?))
}

fn denied(pid: Pid) -> EnvironmentError {
    let owner = owner(pid).map_or_else(|_| "?".into(), |(uid, gid)| format!("{uid}:{gid}"));
    EnvironmentError::Denied { pid, owner }
}

fn owner(pid: Pid) -> io::Result<(u32, u32)> {
    Process::open(pid)?.owner()
}

/// The content of the memfd of that name that the process holds; none when it holds none that is believed.
///
/// Errors: `EACCES` when we may not look into it.
fn read(pid: Pid, name: &str) -> io::Result<Option<Vec<u8>>> {
    match read_as_we_are(pid, name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && nix::unistd::geteuid().is_root() => {
            let (uid, gid) = owner(pid)?;
            // Only what the kernel checks at files: nobody can signal us meanwhile, and nothing can be left halfway.
            nix::unistd::setfsgid(gid.into());
            nix::unistd::setfsuid(uid.into());
            let again = read_as_we_are(pid, name);
            nix::unistd::setfsuid(nix::unistd::geteuid());
            nix::unistd::setfsgid(nix::unistd::getegid());
            again
        }
        result => result,
    }
}

fn read_as_we_are(pid: Pid, name: &str) -> io::Result<Option<Vec<u8>>> {
    match Process::open(pid)?.memfd(name) {
        Ok(file) if memfd::is_constant(file.as_fd()) => kept::read(&File::from(file)).map(Some),
        Err(Refusal::Denied) => Err(io::ErrorKind::PermissionDenied.into()),
        Ok(_) | Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(start: &[&'static CStr], app: &[Cow<'static, CStr>], caller: &[&'static CStr]) -> Vec<String> {
        let bytes = kept::encode(start.iter().copied(), Some(app), "");
        let inherited = Inherited::new(bytes).unwrap();
        inherited.under(caller.iter().copied()).iter().map(|v| v.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_callers_own_goes_on_top() {
        let start = [c"PATH=/bin", c"HOME=/root", c"PW_FILE=/run/pw", c"TERM=dumb", c"junk"];
        let app = [
            Cow::Borrowed(start[0]),
            Cow::Owned(c"HOME=/home/app".to_owned()),
            Cow::Borrowed(start[3]),
            Cow::Borrowed(start[4]),
            Cow::Owned(c"PW=secret".to_owned()),
        ];
        let plain = ["PATH=/bin", "HOME=/home/app", "TERM=dumb", "junk", "PW=secret"];
        assert_eq!(under(&start, &app, &start), plain, "nothing was set on purpose");
        assert_eq!(under(&start, &app, &[]), plain);
        let caller =
            [c"HOME=/tmp", c"PATH=/bin", c"TERM=xterm", c"X=1", c"X=2", c"PW=mine", c"COLUMNS=80", c"no"];
        assert_eq!(
            under(&start, &app, &caller),
            ["PATH=/bin", "HOME=/tmp", "TERM=xterm", "junk", "PW=mine", "X=1", "COLUMNS=80"]
        );
    }
}
