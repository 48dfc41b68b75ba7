//! Configuration files: found, read and applied.
//!
//! Contract: opened without looking first, since at start-up there is mostly none. Absent is fine; there but
//! unreadable, a directory, a device, a pipe or a link to nowhere is an error that names it. Never waits for a
//! writer, never reads more than `LIMIT`. /dev/null reads as empty, which is how a link to it masks.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::draft::{Draft, Source};
use super::error::{ConfigError, Place};
use super::schema::Document;
use super::yaml;

/// More than any configuration.
const LIMIT: u64 = 1 << 20;

/// Device number of /dev/null, everywhere on Linux.
pub(super) const NULL_DEVICE: (u32, u32) = (1, 3);

/// The text of a file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return absent(path),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        if is_null(&metadata) {
            return Ok(Some(String::new()));
        }
        let kind = metadata.file_type();
        let found = if kind.is_dir() {
            "a directory"
        } else if kind.is_fifo() {
            "a pipe"
        } else {
            "a device"
        };
        return Err(ConfigError::NotAFile { path: path.to_owned(), found });
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(LIMIT) as usize + 1);
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(ConfigError::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let place = Place::File { path: path.to_owned(), at: Some((line, column)) };
        ConfigError::Syntax { place, message: "not UTF-8 text".to_owned() }
    })
}

/// Nothing there, or a link that leads nowhere?
fn absent(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_link(path) {
        // /dev may be missing altogether: this is still a mask.
        Ok(target) if target == Path::new("/dev/null") => Ok(Some(String::new())),
        Ok(target) => Err(ConfigError::Dangling { path: path.to_owned(), target }),
        Err(_) => Ok(None),
    }
}

/// Whether this is /dev/null, or something that was mounted from it.
pub(super) fn is_null(metadata: &fs::Metadata) -> bool {
    let device = metadata.rdev();
    metadata.file_type().is_char_device() && (libc::major(device), libc::minor(device)) == NULL_DEVICE
}

/// Applies the text of a file; everything that is wrong with it.
pub(super) fn apply(draft: &mut Draft, path: &Path, text: &str, source: Source) -> Vec<ConfigError> {
    yaml::apply(draft, source, text, Document, &|at| Place::File { path: path.to_owned(), at })
}
