//! A text from outside as people may see it: escapes stand for control characters, which a terminal would obey and a log's
//! reader would take for another line, and for bytes that are no UTF-8.
//!
//! Contract: whoever prints for people escapes at the place where the line is written, so that no message has to.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// One line: newlines and tabs stand as escapes too.
pub fn one_line(text: impl AsRef<OsStr>) -> String {
    printable(text.as_ref().as_bytes()).replace('\n', "\\n").replace('\t', "\\t")
}

/// Text with its newlines and tabs as they are, anything else that a terminal could obey as an escape.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => out.push(c),
                // Two hex digits are enough for C0, DEL and C1.
                _ if c.is_control() => drop(write!(out, "\\x{:02x}", u32::from(c))),
                // Line separators and what reorders text on the screen.
                '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The first `most` bytes of a text, cut between two characters.
pub fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable(b"a\x1b[31mb\r\n\xff\xc3\xa9\tc"), "a\\x1b[31mb\\x0d\n\\xff\u{e9}\tc");
        assert_eq!(one_line(OsStr::from_bytes(b"10 a\nb.sh")), "10 a\\nb.sh");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn a_cut_leaves_characters_whole() {
        assert_eq!(cut("a\u{e9}b", 2), "a");
        assert_eq!(cut("a\u{e9}b", 3), "a\u{e9}");
        assert_eq!(cut("ab", 9), "ab");
    }
}
