//! Values that must not be shown, and texts without them.

/// Shorter values are not looked for: `1` or `yes` would be hidden everywhere.
const SHORTEST: usize = 5;
/// At a cut, fewer characters of a secret than these tell nothing.
const SHORTEST_PART: usize = 3;
/// What stands in a secret's place.
const HIDDEN: &[u8] = b"***";

/// The values.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The longest first: one that holds another is hidden whole.
    values: Vec<Vec<u8>>,
    /// The bytes that values begin with.
    first: [bool; 256],
}

impl Default for Secrets {
    fn default() -> Self {
        Self { values: Vec::new(), first: [false; 256] }
    }
}

impl Secrets {
    /// The values, each line of one as well (an output can begin inside of it), and as JSON and Go quote them.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for value in values {
            let lines = value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
            for part in [value].into_iter().chain(lines).filter(|part| part.len() >= SHORTEST) {
                let quoted = serde_json::to_string(&String::from_utf8_lossy(part)).unwrap_or_default();
                let inner = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().as_bytes();
                if !inner.is_empty() && inner != part {
                    all.push(inner.to_vec());
                }
                all.push(part.to_vec());
            }
        }
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let mut first = [false; 256];
        for value in &all {
            first[usize::from(value[0])] = true;
        }
        Self { values: all, first }
    }

    /// The length of the longest, in bytes; 0 without any.
    pub fn longest(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// `bytes` without them.
    pub fn hide(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(byte) = rest.first() {
            let found = self.first[usize::from(*byte)]
                .then(|| self.values.iter().find(|value| rest.starts_with(value)))
                .flatten();
            if let Some(value) = found {
                out.extend_from_slice(HIDDEN);
                rest = &rest[value.len()..];
            } else {
                out.push(*byte);
                rest = &rest[1..];
            }
        }
        out
    }

    /// The same for a piece of something longer: its beginning or its end can be the other part of a secret.
    pub fn hide_piece(&self, bytes: &[u8], cut_before: bool, cut_after: bool) -> Vec<u8> {
        let inside = |value: &Vec<u8>| value.windows(bytes.len()).any(|part| part == bytes);
        if cut_before && cut_after && bytes.len() >= SHORTEST_PART && self.values.iter().any(inside) {
            return HIDDEN.to_vec();
        }
        let overlap = |matches: &dyn Fn(&[u8], usize) -> bool| {
            let lengths = |value: &[u8]| {
                (SHORTEST_PART..value.len().min(bytes.len() + 1)).rev().find(|length| matches(value, *length))
            };
            self.values.iter().filter_map(|value| lengths(value)).max().unwrap_or(0)
        };
        let before = if cut_before {
            overlap(&|value, length| bytes.starts_with(&value[value.len() - length..]))
        } else {
            0
        };
        let after = if cut_after { overlap(&|value, length| bytes.ends_with(&value[..length])) } else { 0 };
        let inside = bytes.get(before..bytes.len().saturating_sub(after)).unwrap_or_default();
        let mut out = Vec::with_capacity(bytes.len());
        out.extend_from_slice(if before > 0 { HIDDEN } else { b"" });
        out.extend(self.hide(inside));
        out.extend_from_slice(if after > 0 { HIDDEN } else { b"" });
        out
    }

    /// Hides them in a text. What comes out of the middle of a character stands as a replacement character.
    pub fn hide_text(&self, text: &mut String) {
        if !self.values.is_empty() {
            *text = String::from_utf8_lossy(&self.hide(text.as_bytes())).into_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn they_are_hidden_line_by_line_too() {
        let secrets = Secrets::new([&b"hunter22"[..], b"first line\nsecond line", b"yes"]);
        assert_eq!(secrets.hide(b"pw=hunter22 second line yes"), b"pw=*** *** yes");
    }

    #[test]
    fn they_are_hidden_as_they_are_quoted() {
        let secrets = Secrets::new([&b"p\"ss\\w0<rd"[..]]);
        assert_eq!(secrets.hide(b"a p\"ss\\w0<rd b \"p\\\"ss\\\\w0<rd\""), b"a *** b \"***\"");
    }

    #[test]
    fn what_a_cut_leaves_of_one_is_hidden() {
        let secrets = Secrets::new([&b"TOPSECRET"[..]]);
        assert_eq!(secrets.hide_piece(b"CRET and TOPSE", true, true), b"*** and ***");
        assert_eq!(secrets.hide_piece(b"CRET and TOPSE", false, false), b"CRET and TOPSE");
    }

    proptest! {
        #[test]
        fn no_part_of_one_is_shown(text in "(TOPSECRET|x|\n){0,40}", from in 0..200_usize, to in 0..200_usize) {
            let bytes = text.as_bytes();
            let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
            let piece = bytes.get(from..to).unwrap_or_default();
            let shown = Secrets::new([&b"TOPSECRET"[..]]).hide_piece(piece, from > 0, to < bytes.len());
            let longest = shown.split(|b| !b.is_ascii_uppercase()).map(<[u8]>::len).max().unwrap_or(0);
            prop_assert!(longest < SHORTEST_PART, "{:?}", String::from_utf8_lossy(&shown));
        }
    }
}
