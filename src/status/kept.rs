//! The environment of the running app as PID 1 keeps it for others: a sealed memfd, written once.
//!
//! Contract: a header, then one entry after the other, each a tag byte and a `NAME=VALUE` that ends with a NUL, then the
//! reason why variables are missing, if some are. The tags tell the app's environment from the one that PID 1 itself was
//! started with, so that a client knows which of its own variables somebody set on purpose. Entries are passed on as they
//! are, those without `=` too. A reader takes nothing for granted: [`decode`] answers none for what is not well-formed.

use crate::sys::entry;
use crate::sys::memfd;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

/// The name of the memfd that holds the environment.
pub const NAME: &str = "wrapper-env";
/// The name of the memfd that holds why the last start was refused.
pub const REFUSAL: &str = "wrapper-refusal";

/// What the file begins with; the last byte is the version of the format.
const MAGIC: &[u8; 8] = b"wrapenv\x01";
const HEADER: usize = 24;
/// In bytes. The kernel takes no longer environment (6 MiB at most, usually 2), and PID 1's own can differ in every entry.
const LONGEST: u64 = 16 << 20;

/// Whose entry it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The app has it as PID 1 was given it.
    Both,
    /// The app alone has it.
    App,
    /// PID 1 was started with it, and the app has not got it so.
    Start,
}

/// Tags by their entries.
const TAGS: [(u8, Whose); 3] = [(b'=', Whose::Both), (b'+', Whose::App), (b'-', Whose::Start)];

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// In the app's order; those of the start alone follow.
    pub entries: Vec<(Whose, &'a CStr)>,
    /// Why some variables are missing; empty when none is.
    pub missing: &'a str,
}

/// The bytes for the file. What is borrowed in `app` is one of `start`, in the same order; no `app` is `start` as it is.
pub fn encode<'e>(
    start: impl Iterator<Item = &'e CStr> + Clone,
    app: Option<&[Cow<'e, CStr>]>,
    missing: &str,
) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    let mut put = |tag: u8, entry: &CStr| {
        bytes.push(tag);
        bytes.extend_from_slice(entry.to_bytes_with_nul());
    };
    match app {
        None => start.for_each(|entry| put(b'=', entry)),
        Some(app) => {
            for entry in app {
                put(if matches!(entry, Cow::Borrowed(_)) { b'=' } else { b'+' }, entry);
            }
            let mut kept = app.iter().filter_map(|entry| match entry {
                Cow::Borrowed(entry) => Some(entry.as_ptr()),
                Cow::Owned(_) => None,
            });
            let mut next = kept.next();
            for entry in start {
                if next == Some(entry.as_ptr()) {
                    next = kept.next();
                } else {
                    put(b'-', entry);
                }
            }
        }
    }
    let length = bytes.len() - HEADER;
    bytes.extend_from_slice(missing.as_bytes());
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&(length as u64).to_le_bytes());
    bytes[16..24].copy_from_slice(&(missing.len() as u64).to_le_bytes());
    bytes
}

/// The other side of [`encode`]; none for what it never writes.
pub fn decode(bytes: &[u8]) -> Option<Stored<'_>> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let number = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let length = usize::try_from(number(8)?).ok()?;
    let (mut list, missing) = rest.split_at_checked(length)?;
    if !header.starts_with(MAGIC) || missing.len() as u64 != number(16)? {
        return None;
    }
    let mut entries = Vec::new();
    while let Some((tag, text)) = list.split_first() {
        let (_, whose) = TAGS.iter().find(|(known, _)| known == tag)?;
        let entry = CStr::from_bytes_until_nul(text).ok()?;
        entries.push((*whose, entry));
        list = &text[entry.count_bytes() + 1..];
    }
    Some(Stored { entries, missing: std::str::from_utf8(missing).ok()? })
}

/// An empty memfd that nobody but its owner may open.
pub fn create(name: &str) -> io::Result<File> {
    let fd = memfd::create(&CString::new(name)?, 0)?;
    memfd::make_private(fd.as_fd())?;
    Ok(File::from(fd))
}

/// Writes `bytes` into the empty memfd. Nobody believes them before [`publish`].
pub fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// Makes the content final: from now on others believe it.
pub fn publish(file: &File) -> io::Result<()> {
    memfd::make_constant(file.as_fd())
}

/// A new memfd with these bytes.
pub fn store(name: &str, bytes: &[u8]) -> io::Result<File> {
    let file = create(name)?;
    write(&file, bytes)?;
    publish(&file)?;
    Ok(file)
}

/// The whole content. Errors: longer than any environment can be.
pub fn read(file: &File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    if length > LONGEST {
        return Err(io::Error::other("longer than any environment"));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The app's environment for an exec by PID 1 itself, whose own entries are borrowed: only what differs takes memory.
pub fn app_list(stored: &Stored<'_>) -> Vec<Cow<'static, CStr>> {
    let mut own = entry::environment();
    let app = stored.entries.iter().filter(|(whose, _)| *whose != Whose::Start);
    app.map(|(whose, text)| {
        let borrowed = (*whose == Whose::Both).then(|| own.find(|entry| entry == text)).flatten();
        borrowed.map_or_else(|| Cow::Owned(CString::from(*text)), Cow::Borrowed)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [&CStr; 4] = [c"A=1", c"junk", c"B=2", c"C_FILE=/run/c"];

    fn bytes() -> Vec<u8> {
        let app = [Cow::Borrowed(START[0]), Cow::Borrowed(START[1]), Cow::Owned(c"B=\xff".to_owned())];
        encode(START.into_iter(), Some(&app), "C_FILE: gone")
    }

    #[test]
    fn what_is_kept_reads_back() {
        let bytes = bytes();
        let stored = decode(&bytes).unwrap();
        assert_eq!(
            stored.entries,
            [
                (Whose::Both, c"A=1"),
                (Whose::Both, c"junk"),
                (Whose::App, c"B=\xff"),
                (Whose::Start, c"B=2"),
                (Whose::Start, c"C_FILE=/run/c"),
            ]
        );
        assert_eq!(stored.missing, "C_FILE: gone");
        let unchanged = encode(START.into_iter(), None, "");
        assert_eq!(decode(&unchanged).unwrap().entries, START.map(|entry| (Whose::Both, entry)));
        assert_eq!(decode(&encode([].into_iter(), None, "")).unwrap().entries, []);
    }

    /// Every cut of the file, every other length and tag is refused; nothing is read beyond the end.
    #[test]
    fn what_is_not_well_formed_is_not_believed() {
        let bytes = bytes();
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        for at in 0..=HEADER {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x55;
            assert_eq!(decode(&wrong), None, "byte {at}");
        }
        let mut without_end = encode([c"A=1"].into_iter(), None, "");
        *without_end.last_mut().unwrap() = b'x';
        assert_eq!(decode(&without_end), None);
        let mut no_text = encode([].into_iter(), None, "ab");
        *no_text.last_mut().unwrap() = 0xff;
        assert_eq!(decode(&no_text), None);
        assert_eq!(decode(&[bytes, vec![0]].concat()), None, "something behind it");
    }

    #[test]
    fn a_stored_one_is_constant_and_private() {
        use std::os::unix::fs::MetadataExt as _;
        let file = store(NAME, &bytes()).unwrap();
        assert!(memfd::is_constant(file.as_fd()));
        assert_eq!(read(&file).unwrap(), bytes());
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(file.write_at(b"x", 0).is_err() && file.set_len(0).is_err());
        assert!(!memfd::is_constant(create(NAME).unwrap().as_fd()));
        assert!(!memfd::is_constant(File::open("/dev/null").unwrap().as_fd()));
    }
}
