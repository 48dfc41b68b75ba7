//! The environment of a child: ours as it is, or a list of its own.

use crate::sys::entry;
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// `None` inherits ours without copying it.
#[derive(Clone, Debug, Default)]
pub struct Environment(Option<List>);

/// `KEY=VALUE` entries; those of ours are borrowed.
pub type List = Vec<Cow<'static, CStr>>;

impl Environment {
    /// Ours as it is.
    pub fn inherited() -> Self {
        Self(None)
    }

    /// Exactly these `KEY=VALUE` entries.
    pub fn exactly(entries: List) -> Self {
        Self(Some(entries))
    }

    /// Its entries; none for ours as it is.
    pub fn into_list(self) -> Option<List> {
        self.0
    }

    /// With `name` set to `value`. Copies ours if it has no list of its own yet.
    #[must_use]
    pub fn with(self, name: &str, value: &OsStr) -> Self {
        let mut list = self.0.unwrap_or_else(|| entry::environment().map(Cow::Borrowed).collect());
        let prefix = [name.as_bytes(), b"="].concat();
        list.retain(|entry| !entry.to_bytes().starts_with(&prefix));
        // Neither side can hold a NUL: names are constants, values came from C strings or numbers.
        list.extend(CString::new([&prefix, value.as_bytes()].concat()).map(Cow::Owned));
        Self(Some(list))
    }

    /// The value of a variable as the child will see it.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let Some(list) = &self.0 else { return std::env::var_os(name) };
        list.iter().find_map(|entry| {
            let value = entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsString::from_vec(value.to_vec()))
        })
    }

    /// The list for exec, and where in it the child's own pid belongs: systemd's socket activation says in
    /// `LISTEN_PID` whom the descriptors are for, and we hand them on when it is us.
    pub fn prepare(&self) -> (Option<List>, Option<usize>) {
        let ours = |value: OsString| value.to_str() == Some(std::process::id().to_string().as_str());
        if !self.get("LISTEN_PID").is_some_and(ours) {
            return (self.0.clone(), None);
        }
        let list = self.clone().with("LISTEN_PID", OsStr::new("")).0.unwrap_or_default();
        let last = list.len().checked_sub(1);
        (Some(list), last)
    }
}
