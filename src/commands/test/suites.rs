//! Which suites and files are meant.

use crate::commands::Error;
use crate::config::Locations;
use crate::sys::glob;
use crate::testing::plan::File;
use crate::words::text::one_line;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Suites that exist whether there is a folder or not.
const STANDARD: [&str; 4] = ["image", "live", "ready", "startup"];

/// The suites asked for, each once; without any, the one that fits where we are.
pub(super) fn chosen(asked: &[String], locations: &Locations, inside: bool) -> Result<Vec<String>, Error> {
    if let Some(dir) = std::env::var_os("WRAPPER_CONFIG_DIR").filter(|dir| !dir.is_empty())
        && !Path::new(&dir).is_dir()
    {
        return Err(Error::Usage(format!(
            "WRAPPER_CONFIG_DIR={}: there is no such directory",
            dir.display()
        )));
    }
    let default = if inside { "live" } else { "image" };
    let mut names: Vec<String> = Vec::new();
    for name in if asked.is_empty() { vec![default.to_owned()] } else { asked.to_vec() } {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.iter().all(|name| STANDARD.contains(&name.as_str())) {
        return Ok(names);
    }
    let mut known: BTreeSet<String> = STANDARD.map(str::to_owned).into_iter().collect();
    known.extend(locations.suites()?.iter().map(one_line));
    match names.iter().find(|name| !known.contains(*name)) {
        None => Ok(names),
        Some(unknown) => {
            let known: Vec<String> = known.into_iter().collect();
            Err(Error::Usage(format!(
                "there is no test suite {unknown:?}; there are: {} (a suite is a folder in tests/ of /etc/wrapper or \
                 /usr/lib/wrapper)",
                known.join(", ")
            )))
        }
    }
}

/// Whether a pattern names the file, alone or behind its suite.
pub(super) fn is_meant(pattern: &CString, file: &File) -> bool {
    let name = file.path.file_name().unwrap_or_default().as_bytes();
    [name.to_vec(), [file.suite.as_bytes(), b"/", name].concat()]
        .into_iter()
        .any(|name| CString::new(name).is_ok_and(|name| glob::matches(pattern, &name)))
}

/// The first of many names.
pub(super) fn first_of(names: &[String]) -> String {
    const MOST: usize = 10;
    let more = names.len().saturating_sub(MOST);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
