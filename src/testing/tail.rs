//! The end of an output whose length nobody knows: keeps what a message needs and counts the rest.

use super::secrets::Secrets;
use crate::words::text::printable;

/// Lines that a message shows.
const LINES: usize = 20;
/// Bytes of them.
const BYTES: usize = 2048;

/// The end of an output.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Vec<u8>,
    keep: usize,
    total: u64,
}

impl Tail {
    /// For an output that can hold `secrets`: one that the cut goes through must be seen whole.
    pub(super) fn new(secrets: &Secrets) -> Self {
        Self { kept: Vec::new(), keep: 2 * BYTES + secrets.longest(), total: 0 }
    }

    /// Takes in the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        let piece = &piece[piece.len().saturating_sub(self.keep)..];
        self.kept.extend_from_slice(piece);
        if self.kept.len() > 2 * self.keep {
            self.kept.drain(..self.kept.len() - self.keep);
        }
    }

    /// The last lines, or nothing; with a first line that says how much is left out, when something is.
    pub(super) fn text(&self, secrets: &Secrets) -> String {
        let cut = self.total > self.kept.len() as u64;
        let hidden = secrets.hide_piece(&self.kept, cut, false);
        let text = printable(hidden.trim_ascii_end());
        let text = text.trim_end();
        let start = text.len().saturating_sub(BYTES);
        let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let shown: Vec<&str> = text[start..].lines().collect();
        let first = shown.len().saturating_sub(LINES);
        let lines = shown[first..].join("\n");
        if start > 0 || first > 0 || cut {
            format!("(the end of {} of output)\n{lines}", size(self.total))
        } else {
            lines
        }
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
        let secrets = Secrets::default();
        let mut tail = Tail::new(&secrets);
        text.chunks(1000).for_each(|piece| tail.push(piece));
        tail.text(&secrets)
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

    proptest! {
        #[test]
        fn no_secret_is_ever_shown(before in ".{0,3000}", length in 9..9000_usize, after in "[a-z\n]{0,3000}") {
            let secret: Vec<u8> = b"TOPSECRET".iter().copied().cycle().take(length).collect();
            let secrets = Secrets::new([&secret[..]]);
            let mut tail = Tail::new(&secrets);
            tail.push(before.as_bytes());
            tail.push(&secret);
            tail.push(after.as_bytes());
            let shown = tail.text(&secrets);
            prop_assert!(!shown.contains("SECRET"), "{shown}");
            prop_assert!(shown.len() < BYTES + 100);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
