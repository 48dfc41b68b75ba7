//! What tests print and what their files are called, as text that is safe to show: escapes for control characters (a
//! terminal obeys none of them) and for what is no UTF-8, secrets hidden, no more than fits.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Lines of a test's output that its message shows.
const LINES: usize = 20;
/// Bytes of them.
const BYTES: usize = 2048;
/// Shorter values are not looked for: `1` or `yes` would be hidden everywhere.
const SHORTEST_SECRET: usize = 5;
/// What stands in a secret's place.
const HIDDEN: &str = "***";

/// One line: newlines and tabs stand as escapes too.
pub fn one_line(text: &OsStr) -> String {
    printable(text.as_bytes()).replace('\n', "\\n").replace('\t', "\\t")
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

/// Values that must not be shown.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// The values, each line of one as well: the end of an output can begin inside of it.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for value in values {
            let lines = value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
            all.extend(
                [value].into_iter().chain(lines).filter(|v| v.len() >= SHORTEST_SECRET).map(<[u8]>::to_vec),
            );
        }
        // The longest first: one that holds another is hidden whole.
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self(all)
    }

    /// `bytes` without them.
    pub fn hide(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for secret in &self.0 {
            while let Some(at) = find(&out, secret) {
                out.splice(at..at + secret.len(), HIDDEN.bytes());
            }
        }
        out
    }

    /// The same for text.
    pub fn hide_text(&self, text: &mut String) {
        if self.0.iter().any(|secret| find(text.as_bytes(), secret).is_some()) {
            *text = printable(&self.hide(text.as_bytes()));
        }
    }

    /// The same for every string inside a JSON value.
    pub fn hide_value(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => self.hide_text(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.hide_value(item)),
            serde_json::Value::Object(map) => map.values_mut().for_each(|item| self.hide_value(item)),
            _ => {}
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The end of an output whose length nobody knows: keeps what a message needs and counts the rest.
#[derive(Debug, Default)]
pub struct Tail {
    kept: Vec<u8>,
    total: u64,
}

impl Tail {
    /// More than is shown, so that a secret that the cut would go through is seen whole.
    const KEPT: usize = 4 * BYTES;

    /// Takes in the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        let piece = &piece[piece.len().saturating_sub(Self::KEPT)..];
        self.kept.extend_from_slice(piece);
        if self.kept.len() > 2 * Self::KEPT {
            self.kept.drain(..self.kept.len() - Self::KEPT);
        }
    }

    /// The last lines, or nothing; with a first line that says how much is left out, when something is.
    pub fn text(&self, secrets: &Secrets) -> String {
        let hidden = secrets.hide(&self.kept);
        let text = printable(hidden.trim_ascii_end());
        let text = text.trim_end();
        let start = text.len().saturating_sub(BYTES);
        let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let shown: Vec<&str> = text[start..].lines().collect();
        let first = shown.len().saturating_sub(LINES);
        let lines = shown[first..].join("\n");
        let left_out = start > 0 || first > 0 || self.total > self.kept.len() as u64;
        if left_out { format!("(the end of {} of output)\n{lines}", size(self.total)) } else { lines }
    }
}

/// `512 bytes`, `12 kB`, `1.0 GB`.
#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tail(text: &[u8]) -> String {
        let mut tail = Tail::default();
        text.chunks(1000).for_each(|piece| tail.push(piece));
        tail.text(&Secrets::default())
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable(b"a\x1b[31mb\r\n\xff\xc3\xa9\tc"), "a\\x1b[31mb\\x0d\n\\xff\u{e9}\tc");
        assert_eq!(one_line(OsStr::from_bytes(b"10 a\nb.sh")), "10 a\\nb.sh");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn a_short_output_is_shown_whole() {
        assert_eq!(tail(b"one\ntwo\n\n"), "one\ntwo");
        assert_eq!(tail(b""), "");
    }

    #[test]
    fn of_a_long_output_the_end_is_shown() {
        let many = (0..100_000).fold(String::new(), |text, n| text + &format!("line {n}\n"));
        let text = tail(many.as_bytes());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "(the end of 1.1 MB of output)");
        assert_eq!(*lines.last().expect("lines"), "line 99999");
        assert_eq!(lines.len(), 1 + LINES);
        assert!(tail(&vec![b'x'; 100_000]).len() < BYTES + 100);
    }

    #[test]
    fn secrets_are_hidden_line_by_line_too() {
        let secrets = Secrets::new([&b"hunter22"[..], b"first line\nsecond line", b"yes"]);
        let hidden = secrets.hide(b"pw=hunter22 second line yes");
        assert_eq!(hidden, b"pw=*** *** yes");
        let mut value = serde_json::json!({"a": ["x hunter22"]});
        secrets.hide_value(&mut value);
        assert_eq!(value, serde_json::json!({"a": ["x ***"]}));
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_shown(before in ".{0,3000}", after in "[a-z\n]{0,3000}") {
            let mut tail = Tail::default();
            tail.push(before.as_bytes());
            tail.push(b"TOPSECRET");
            tail.push(after.as_bytes());
            let shown = tail.text(&Secrets::new([&b"TOPSECRET"[..]]));
            prop_assert!(!shown.contains("SECRET"), "{shown}");
            prop_assert!(shown.len() < BYTES + 100);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
