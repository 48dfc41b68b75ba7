//! The accounts of the image: `/etc/passwd` and `/etc/group`, read by a strict parser of our own.
//!
//! Contract: a line that is not well-formed names nobody; the C library's parser takes the uid `4294967296` and an
//! empty one for 0, which is root. A file that does not exist has no lines; one that cannot be read is an error. The
//! first line that matches counts.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where the accounts stand.
pub(super) struct Accounts<'p> {
    /// `/etc/passwd`
    pub(super) passwd: &'p Path,
    /// `/etc/group`
    pub(super) group: &'p Path,
}

/// A user's line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: PathBuf,
}

/// A file of accounts that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be read: {source}", path.display())]
pub struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl Accounts<'_> {
    /// The user of a name.
    pub(super) fn user_of_name(&self, name: &str) -> Result<Option<Account>, Unreadable> {
        first(self.passwd, |line| account(line).filter(|account| account.name == name))
    }

    /// The user of a number.
    pub(super) fn user_of_uid(&self, uid: u32) -> Result<Option<Account>, Unreadable> {
        first(self.passwd, |line| account(line).filter(|account| account.uid == uid))
    }

    /// The number of a group.
    pub(super) fn group_of_name(&self, name: &str) -> Result<Option<u32>, Unreadable> {
        first(self.group, |line| {
            group(line).filter(|group| group.name == name.as_bytes()).map(|group| group.gid)
        })
    }

    /// `gid`, and every group that lists `name` as its member.
    pub(super) fn groups_of(&self, name: &str, gid: u32) -> Result<Vec<u32>, Unreadable> {
        let mut groups = vec![gid];
        first(self.group, |line| {
            let found = group(line).filter(|group| {
                group.members.split(|byte| *byte == b',').any(|member| member == name.as_bytes())
            });
            if let Some(found) = found.filter(|found| !groups.contains(&found.gid)) {
                groups.push(found.gid);
            }
            None::<()>
        })?;
        Ok(groups)
    }
}

/// The first line that `wanted` takes.
fn first<T>(path: &Path, mut wanted: impl FnMut(&[u8]) -> Option<T>) -> Result<Option<T>, Unreadable> {
    let failed = |source| Unreadable { path: path.to_owned(), source };
    // A pipe in its place must not hold us.
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let kind = file.metadata().map_err(failed)?.file_type();
    if !kind.is_file() {
        return Err(failed(io::Error::other("not a regular file")));
    }
    for line in BufReader::new(file).split(b'\n') {
        let found = wanted(&line.map_err(failed)?);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// `name:password:uid:gid:comment:home:shell`
fn account(line: &[u8]) -> Option<Account> {
    let [name, _, uid, gid, _, home, _] = fields(line)?;
    Some(Account {
        name: std::str::from_utf8(name).ok()?.to_owned(),
        uid: number(uid)?,
        gid: number(gid)?,
        home: PathBuf::from(OsStr::from_bytes(home)),
    })
}

struct Group<'l> {
    name: &'l [u8],
    gid: u32,
    members: &'l [u8],
}

/// `name:password:gid:members`
fn group(line: &[u8]) -> Option<Group<'_>> {
    let [name, _, gid, members] = fields(line)?;
    Some(Group { name, gid: number(gid)?, members })
}

/// The fields of a line, when it has as many as it must and the first is not empty.
fn fields<const COUNT: usize>(line: &[u8]) -> Option<[&[u8]; COUNT]> {
    let mut fields = [&line[..0]; COUNT];
    let mut count = 0;
    for field in line.split(|byte| *byte == b':') {
        *fields.get_mut(count)? = field;
        count += 1;
    }
    (count == COUNT && !fields[0].is_empty()).then_some(fields)
}

/// Digits alone: `parse` would take a sign.
fn number(field: &[u8]) -> Option<u32> {
    let digits = field.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(field).ok().filter(|_| digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(passwd: &str, group: &str, then: impl FnOnce(&Accounts<'_>) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let (users, groups) = (dir.path().join("passwd"), dir.path().join("group"));
        std::fs::write(&users, passwd).unwrap();
        std::fs::write(&groups, group).unwrap();
        then(&Accounts { passwd: &users, group: &groups })
    }

    #[test]
    fn a_line_that_is_not_well_formed_names_nobody() {
        for line in [
            "app:x:4294967296:1:::/bin/sh",
            "app:x::1::/:/bin/sh",
            "app:x:1000:::/:/bin/sh",
            "app:x:10a:1::/:/bin/sh",
            "app:x:+5:1::/:/bin/sh",
            "app:x:-1:1::/:/bin/sh",
            "app:x: 5:1::/:/bin/sh",
            "app:x:1000:1:/",
            "app:x:1000:1::/:/bin/sh:more",
            "#app:x:1000:1::/:/bin/sh",
            ":x:1000:1::/:/bin/sh",
            "app",
            "",
        ] {
            with(&format!("{line}\n"), "", |accounts| {
                assert_eq!(accounts.user_of_name("app").unwrap(), None, "{line}");
                assert_eq!(accounts.user_of_uid(0).unwrap(), None, "{line}");
                assert_eq!(accounts.user_of_name("").unwrap(), None, "{line}");
            });
        }
        for line in ["app:x:4294967296:", "app:x::", "app:x:1a:", "app:x:1", "app:x:1::", ":x:1:"] {
            with("", line, |accounts| {
                assert_eq!(accounts.group_of_name("app").unwrap(), None, "{line}");
                assert_eq!(accounts.group_of_name("").unwrap(), None, "{line}");
            });
        }
    }

    #[test]
    fn a_bad_line_hides_none_of_those_below() {
        let long = "x".repeat(100_000);
        let passwd =
            format!("junk\n{long}\n\u{e9}:::\napp:x:1000:1001:App:/home/app:/bin/sh\napp:x:7:7::/:/bin/sh");
        with(&passwd, "", |accounts| {
            let app =
                Account { name: "app".to_owned(), uid: 1000, gid: 1001, home: PathBuf::from("/home/app") };
            assert_eq!(accounts.user_of_uid(1000).unwrap().as_ref(), Some(&app));
            assert_eq!(accounts.user_of_name("app").unwrap(), Some(app));
        });
    }

    #[test]
    fn supplementary_groups_are_those_that_list_the_user() {
        let group =
            "junk\na:x:10:app\nb:x:11:other,app\nc:x:12:application\nd:x:4294967296:app\ne:x:10:app\nf:x:13:";
        with("", group, |accounts| {
            assert_eq!(accounts.groups_of("app", 1).unwrap(), [1, 10, 11]);
            assert_eq!(accounts.groups_of("app", 11).unwrap(), [11, 10]);
            assert_eq!(accounts.group_of_name("f").unwrap(), Some(13));
        });
    }

    #[test]
    fn a_missing_file_has_no_lines_and_an_unreadable_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        let accounts = Accounts { passwd: &missing, group: &missing };
        assert_eq!(accounts.user_of_uid(1000).unwrap(), None);
        assert_eq!(accounts.groups_of("app", 1).unwrap(), [1]);
        let accounts = Accounts { passwd: dir.path(), group: dir.path() };
        let text = format!("{}: cannot be read: ", dir.path().display());
        assert!(accounts.user_of_uid(1000).unwrap_err().to_string().starts_with(&text));
        assert!(accounts.groups_of("app", 1).is_err());
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Accounts { passwd: &fifo, group: &fifo }.user_of_name("app").is_err());
    }
}
