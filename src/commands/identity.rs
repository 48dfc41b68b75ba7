//! `run.user` and `run.group`: names or numbers, looked up in the image's own `/etc/passwd` and `/etc/group`.

use crate::sys::fork::Identity;
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};
use std::ffi::CString;
use std::path::PathBuf;

/// Nobody of that name.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No such user.
    #[error(
        "there is no user {0:?} in /etc/passwd (run.user, --user): create it in the Dockerfile, or give a number"
    )]
    User(String),
    /// No such group.
    #[error(
        "there is no group {0:?} in /etc/group (run.group, --group): create it in the Dockerfile, or give a number"
    )]
    Group(String),
}

/// Whom the app becomes, and what that changes in its environment.
pub(super) struct Resolved {
    /// For the child.
    pub(super) identity: Identity,
    /// `HOME`, `USER` and `LOGNAME`, where the user has an entry.
    pub(super) variables: Vec<(&'static str, PathBuf)>,
}

/// Looks both up; none when nothing is configured, or when we are not root and could not change anything: then a
/// warning says that the app runs as whoever started us.
pub(super) fn resolve(user: Option<&str>, group: Option<&str>) -> Result<Option<Resolved>, IdentityError> {
    if user.is_none() && group.is_none() {
        return Ok(None);
    }
    let entry = user.map(find_user).transpose()?;
    let gid = group.map(find_group).transpose()?;
    if !geteuid().is_root() {
        let asked = entry.as_ref().map(|found| found.uid);
        if asked.is_some_and(|uid| uid != geteuid()) || gid.is_some_and(|gid| gid != nix::unistd::getegid()) {
            tracing::warn!(
                "not root, so run.user and run.group are skipped: the app runs as uid {}",
                geteuid()
            );
        }
        return Ok(None);
    }
    let gid = gid.or(entry.as_ref().map(|found| found.gid));
    let groups = match (&entry, gid) {
        (Some(Found { name: Some(name), .. }), Some(gid)) => CString::new(name.as_str())
            .ok()
            .and_then(|name| getgrouplist(&name, gid).ok())
            .unwrap_or(vec![gid]),
        (_, Some(gid)) => vec![gid],
        _ => Vec::new(),
    };
    Ok(Some(Resolved {
        identity: Identity {
            uid: entry.as_ref().map(|found| found.uid.as_raw()),
            gid: gid.map(Gid::as_raw),
            groups: Some(groups.into_iter().map(Gid::as_raw).collect()),
        },
        variables: entry.map(variables).unwrap_or_default(),
    }))
}

struct Found {
    uid: Uid,
    gid: Gid,
    name: Option<String>,
    home: PathBuf,
}

fn find_user(text: &str) -> Result<Found, IdentityError> {
    let number = text.parse().ok().map(Uid::from_raw);
    let entry = match number {
        Some(uid) => User::from_uid(uid),
        None => User::from_name(text),
    };
    match (entry.ok().flatten(), number) {
        (Some(user), _) => Ok(Found { uid: user.uid, gid: user.gid, name: Some(user.name), home: user.dir }),
        // A number needs no entry; group 0, as OpenShift and our images have it.
        (None, Some(uid)) => Ok(Found { uid, gid: Gid::from_raw(0), name: None, home: PathBuf::from("/") }),
        (None, None) => Err(IdentityError::User(text.to_owned())),
    }
}

fn find_group(text: &str) -> Result<Gid, IdentityError> {
    if let Ok(number) = text.parse() {
        return Ok(Gid::from_raw(number));
    }
    let entry = Group::from_name(text).ok().flatten();
    entry.map(|group| group.gid).ok_or_else(|| IdentityError::Group(text.to_owned()))
}

fn variables(found: Found) -> Vec<(&'static str, PathBuf)> {
    let name = found.name.map(PathBuf::from);
    let named = name.into_iter().flat_map(|name| [("USER", name.clone()), ("LOGNAME", name)]);
    named.chain([("HOME", found.home)]).collect()
}
