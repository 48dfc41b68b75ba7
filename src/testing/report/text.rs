//! Pieces of text that several formats need, each written straight into what is being written.

use std::fmt::{self, Display, Write as _};
use std::time::{Duration, SystemTime};

/// A text on one line: its lines, trimmed, with a blank between them; what is empty is left out.
pub(super) struct OneLine<'a>(pub(super) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
        f.write_str(lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| write!(f, " {line}"))
    }
}

/// A duration as goss writes it: `0.012s`.
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.0.as_secs_f64())
    }
}

/// Writes each character of a text, or what `escape` has for it.
pub(super) fn escaped(
    text: &str,
    f: &mut fmt::Formatter<'_>,
    escape: impl Fn(char) -> Option<&'static str>,
) -> fmt::Result {
    text.chars().try_for_each(|c| match escape(c) {
        Some(other) => f.write_str(other),
        None => f.write_char(c),
    })
}

/// The time, or the nearest one that RFC 3339 can write: a wrong clock is no reason to fail.
pub(super) fn writable(time: SystemTime) -> SystemTime {
    const LAST: u64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST);
    time.clamp(SystemTime::UNIX_EPOCH, last)
}
