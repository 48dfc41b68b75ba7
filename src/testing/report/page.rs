//! The bounded page that a probe's report is written on.

use super::text::OneLine;
use std::io::{self, Write};

/// The limit of Kubernetes' event messages, in bytes, the newline at the end included.
pub(super) const LIMIT: usize = 1024;
/// Stands where something was left out.
pub(super) const CUT: &str = "[cut]";

/// Text of at most [`LIMIT`] bytes; what does not fit is cut on a character's boundary, visibly.
#[derive(Default)]
pub(super) struct Page {
    text: String,
    cut: bool,
}

impl Page {
    /// How many bytes are free.
    pub(super) fn room(&self) -> usize {
        if self.cut { 0 } else { LIMIT - 1 - self.text.len() }
    }

    /// Adds `text`, or as much of it as fits and the mark; after that nothing is added any more.
    pub(super) fn push(&mut self, text: &str) {
        if text.len() <= self.room() {
            self.text.push_str(text);
        } else if !self.cut {
            self.cut = true;
            let marked = LIMIT - 1 - CUT.len();
            let fits = &text[..boundary(text, marked.saturating_sub(self.text.len()))];
            self.text.push_str(fits);
            self.text.truncate(boundary(&self.text, marked));
            self.text.push_str(CUT);
        }
    }

    /// Whether all of `parts` fit with `separator` between them.
    pub(super) fn has_room_for(
        &self,
        mut parts: impl Iterator<Item = impl AsRef<str>>,
        separator: &str,
    ) -> bool {
        let mut room = self.room() + separator.len();
        parts.all(|part| match room.checked_sub(part.as_ref().len() + separator.len()) {
            Some(rest) => {
                room = rest;
                true
            }
            None => false,
        })
    }

    /// Adds all of `parts` with `separator` between them.
    pub(super) fn join(&mut self, parts: impl Iterator<Item = String>, separator: &str) {
        for (index, part) in parts.enumerate() {
            if index > 0 {
                self.push(separator);
            }
            self.push(&part);
        }
    }

    /// Writes the page and a newline.
    pub(super) fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.text.push('\n');
        out.write_all(self.text.as_bytes())
    }
}

/// `text` on one line, or its first `max` bytes or a few less and the mark.
pub(super) fn start_of(text: &str, max: usize) -> String {
    let mut line = OneLine(text).to_string();
    if line.len() > max {
        line.truncate(boundary(&line, max));
        line.push_str(CUT);
    }
    line
}

/// The last `max` bytes of `text` or a few less: from a character's boundary, and from a line's beginning where that
/// costs less than half of it.
pub(super) fn end_of(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    match end.find('\n') {
        Some(line) if start > 0 && line < end.len() / 2 => &end[line + 1..],
        _ => end,
    }
}

/// The last character boundary in `text` at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
