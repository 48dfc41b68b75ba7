//! `run.user` and `run.group`: names or numbers, looked up in the image's own `/etc/passwd` and `/etc/group`.
//!
//! Contract: an id that cannot be one, `4294967295` and above, is an error wherever it comes from: the kernel takes
//! it as "leave it as it is", which is root.

use super::accounts::{Accounts, Unreadable};
use crate::sys::fork::Identity;
use nix::unistd::{getegid, geteuid};
use std::path::{Path, PathBuf};

/// Nobody of that name, or nobody at all.
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
    /// A user with a group.
    #[error("{0:?} names a user and a group (run.user, --user): give the group by run.group or --group")]
    UserAndGroup(String),
    /// A number that is no id.
    #[error("{id:?} is no id of a {whose}: expected a number from 0 to 4294967294 ({place})")]
    NoId {
        /// As it was written.
        id: String,
        /// A user or a group.
        whose: &'static str,
        /// Where it was written.
        place: &'static str,
    },
    /// A file of accounts cannot be read.
    #[error("{0} (needed for run.user and run.group, --user and --group)")]
    Accounts(#[from] Unreadable),
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
    let accounts = Accounts { passwd: Path::new("/etc/passwd"), group: Path::new("/etc/group") };
    let entry = user.map(|user| find_user(user, &accounts)).transpose()?;
    let gid = group.map(|group| find_group(group, &accounts)).transpose()?;
    if !geteuid().is_root() {
        let asked = entry.as_ref().map(|found| found.uid);
        if asked.is_some_and(|uid| uid != geteuid().as_raw())
            || gid.is_some_and(|gid| gid != getegid().as_raw())
        {
            tracing::warn!(
                "not root, so run.user and run.group are skipped: the app runs as uid {}",
                geteuid()
            );
        }
        return Ok(None);
    }
    let gid = gid.or(entry.as_ref().map(|found| found.gid));
    let groups = match (&entry, gid) {
        (Some(Found { name: Some(name), .. }), Some(gid)) => accounts.groups_of(name, gid)?,
        (_, Some(gid)) => vec![gid],
        _ => Vec::new(),
    };
    for group in &groups {
        an_id(*group, "group", "/etc/group")?;
    }
    Ok(Some(Resolved {
        identity: Identity { uid: entry.as_ref().map(|found| found.uid), gid, groups: Some(groups) },
        variables: entry.map(variables).unwrap_or_default(),
    }))
}

#[derive(Debug)]
struct Found {
    uid: u32,
    gid: u32,
    name: Option<String>,
    home: PathBuf,
}

fn find_user(text: &str, accounts: &Accounts<'_>) -> Result<Found, IdentityError> {
    let number = number(text, "user", "run.user, --user")?;
    let entry = match number {
        Some(uid) => accounts.user_of_uid(uid)?,
        None if text.contains(':') => return Err(IdentityError::UserAndGroup(text.to_owned())),
        None => accounts.user_of_name(text)?,
    };
    match (entry, number) {
        (Some(user), _) => Ok(Found {
            uid: an_id(user.uid, "user", "/etc/passwd")?,
            gid: an_id(user.gid, "group", "/etc/passwd")?,
            name: Some(user.name),
            home: user.home,
        }),
        // A number needs no entry; group 0, as OpenShift and our images have it.
        (None, Some(uid)) => Ok(Found { uid, gid: 0, name: None, home: PathBuf::from("/") }),
        (None, None) => Err(IdentityError::User(text.to_owned())),
    }
}

fn find_group(text: &str, accounts: &Accounts<'_>) -> Result<u32, IdentityError> {
    if let Some(number) = number(text, "group", "run.group, --group")? {
        return Ok(number);
    }
    let gid = accounts.group_of_name(text)?.ok_or_else(|| IdentityError::Group(text.to_owned()))?;
    an_id(gid, "group", "/etc/group")
}

/// The number that a text of digits is; none for a name.
fn number(text: &str, whose: &'static str, place: &'static str) -> Result<Option<u32>, IdentityError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let no_id = || IdentityError::NoId { id: text.to_owned(), whose, place };
    an_id(text.parse().map_err(|_| no_id())?, whose, place).map(Some)
}

/// `id`, unless it is the one that the kernel takes as none.
fn an_id(id: u32, whose: &'static str, place: &'static str) -> Result<u32, IdentityError> {
    if id == u32::MAX { Err(IdentityError::NoId { id: id.to_string(), whose, place }) } else { Ok(id) }
}

fn variables(found: Found) -> Vec<(&'static str, PathBuf)> {
    let name = found.name.map(PathBuf::from);
    let named = name.into_iter().flat_map(|name| [("USER", name.clone()), ("LOGNAME", name)]);
    named.chain([("HOME", found.home)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts<T>(passwd: &str, group: &str, then: impl FnOnce(&Accounts<'_>) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let (users, groups) = (dir.path().join("passwd"), dir.path().join("group"));
        std::fs::write(&users, passwd).unwrap();
        std::fs::write(&groups, group).unwrap();
        then(&Accounts { passwd: &users, group: &groups })
    }

    #[test]
    fn what_cannot_be_an_id_is_an_error_wherever_it_stands() {
        let passwd = "max:x:4294967295:1::/:/bin/sh\nmaxgid:x:1000:4294967295::/:/bin/sh\n";
        accounts(passwd, "max:x:4294967295:\n", |accounts| {
            for user in ["4294967295", "4294967296", "99999999999999999999", "max", "maxgid", "1000"] {
                let error = find_user(user, accounts).unwrap_err();
                assert!(matches!(error, IdentityError::NoId { .. }), "{user}: {error}");
            }
            for group in ["4294967295", "4294967296", "max"] {
                let error = find_group(group, accounts).unwrap_err();
                assert!(matches!(error, IdentityError::NoId { .. }), "{group}: {error}");
            }
            assert_eq!(find_user("4294967294", accounts).unwrap().uid, 4_294_967_294);
            assert_eq!(find_group("4294967294", accounts).unwrap(), 4_294_967_294);
        });
    }

    #[test]
    fn a_user_with_a_group_is_told_where_the_group_goes() {
        accounts("app:x:1000:1::/:/bin/sh\n", "", |accounts| {
            for user in ["app:app", "1000:1000", "app:", ":app"] {
                let error = find_user(user, accounts).unwrap_err().to_string();
                assert!(error.contains("run.group"), "{user}: {error}");
            }
        });
    }

    #[test]
    fn a_number_is_digits_alone_and_needs_no_entry() {
        accounts("app:x:1000:1001::/home/app:/bin/sh\n", "", |accounts| {
            let app = find_user("1000", accounts).unwrap();
            assert_eq!((app.uid, app.gid, app.name.as_deref()), (1000, 1001, Some("app")));
            let nobody = find_user("1001", accounts).unwrap();
            assert_eq!((nobody.uid, nobody.gid, nobody.name), (1001, 0, None));
            for user in ["+5", "-1", " 5", "", "0x5"] {
                let error = find_user(user, accounts).unwrap_err();
                assert!(matches!(error, IdentityError::User(_)), "{user}: {error}");
            }
        });
    }

    #[test]
    fn a_file_that_cannot_be_read_gives_nobody_group_0() {
        let dir = tempfile::tempdir().unwrap();
        let accounts = Accounts { passwd: dir.path(), group: dir.path() };
        assert!(matches!(find_user("1000", &accounts), Err(IdentityError::Accounts(_))));
        assert!(matches!(find_group("app", &accounts), Err(IdentityError::Accounts(_))));
        assert_eq!(find_group("7", &accounts).unwrap(), 7);
    }
}
