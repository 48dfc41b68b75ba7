//! Single values: how each type is written by people and rendered for them.
//!
//! Contract: `parse` takes the raw text, quoted or not in YAML, and answers what would have been right when it is
//! wrong; what `render` writes, `parse` reads back.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::types::{Engine, NonZeroDuration, Probe, Rewrite, Session, Target, Umask, VarName};
use crate::sys::signal::SignalNo;

/// What would have been right, as the end of "expected …".
pub(super) type Expected = &'static str;

/// A value that is one YAML scalar.
pub(super) trait Value: Sized {
    /// What is expected, with an example.
    const EXPECTED: Expected;

    fn parse(text: &str) -> Result<Self, Expected>;

    fn render(&self) -> Rendered;
}

/// A value as text, which JSON and YAML quote differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rendered {
    /// A number, a boolean or null: never quoted.
    Bare(String),
    /// Text: quoted where needed.
    Text(String),
}

impl Rendered {
    /// As YAML: bare where every YAML parser reads it as this very text.
    pub(super) fn yaml(&self) -> String {
        match self {
            Self::Bare(text) => text.clone(),
            Self::Text(text) if is_plain(text) => text.clone(),
            Self::Text(text) => quoted(text),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Bare(text) => text.clone(),
            Self::Text(text) => quoted(text),
        }
    }
}

/// Whether YAML 1.1 and 1.2 alike read the bare text as a string.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let Some(first) = text.bytes().next() else { return false };
    let numeric = (first.is_ascii_digit() || first == b'.') && !text.bytes().any(|b| b"hms/".contains(&b));
    (first.is_ascii_alphanumeric() || b"/_.".contains(&first))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-+".contains(&b))
        && !numeric
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A JSON string, which is also a double-quoted YAML scalar.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Not printable in YAML, or a line break there.
            '\0'..'\u{20}'
            | '\u{7f}'..'\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

const DURATION: Expected = "a duration with its unit, such as 500ms, 30s, 5m or 1h";

/// No deadline is further away: additions to a clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Value for Duration {
    const EXPECTED: Expected = DURATION;

    fn parse(text: &str) -> Result<Self, Expected> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| DURATION)?;
        let millis = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => number.checked_mul(*factor),
            None if number == 0 && unit.is_empty() => Some(0),
            None => return Err(DURATION),
        };
        millis.map(Self::from_millis).filter(|d| *d <= LONGEST).ok_or("a duration of at most 8784h, a year")
    }

    fn render(&self) -> Rendered {
        let millis = self.as_millis() as u64;
        let (unit, factor) = match millis {
            0 => ("s", 1000),
            _ => UNITS.into_iter().find(|(_, factor)| millis.is_multiple_of(*factor)).unwrap_or(("ms", 1)),
        };
        Rendered::Text(format!("{}{unit}", millis / factor))
    }
}

impl Value for NonZeroDuration {
    const EXPECTED: Expected = DURATION;

    fn parse(text: &str) -> Result<Self, Expected> {
        Self::new(Duration::parse(text)?).ok_or("a duration longer than 0, such as 500ms, 30s or 5m")
    }

    fn render(&self) -> Rendered {
        self.get().render()
    }
}

impl FromStr for NonZeroDuration {
    type Err = &'static str;

    /// As in a configuration file: `500ms`, `30s`, `5m`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Value::parse(text)
    }
}

impl Value for bool {
    const EXPECTED: Expected = "true or false";

    fn parse(text: &str) -> Result<Self, Expected> {
        text.parse().map_err(|_| Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Bare(self.to_string())
    }
}

impl Value for NonZeroU32 {
    const EXPECTED: Expected = "a number from 1";

    fn parse(text: &str) -> Result<Self, Expected> {
        text.parse().map_err(|_| Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Bare(self.to_string())
    }
}

impl Value for u8 {
    const EXPECTED: Expected = "an exit code from 0 to 255";

    fn parse(text: &str) -> Result<Self, Expected> {
        text.parse().map_err(|_| Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Bare(self.to_string())
    }
}

impl Value for Umask {
    const EXPECTED: Expected = "an octal mask from 000 to 0777, such as \"022\"";

    fn parse(text: &str) -> Result<Self, Expected> {
        // from_str_radix takes a sign, which no mask has.
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let bits = (!digits.starts_with('+')).then(|| u32::from_str_radix(digits, 8).ok()).flatten();
        bits.and_then(Self::new).ok_or(Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Text(format!("{:03o}", self.bits()))
    }
}

impl Value for String {
    const EXPECTED: Expected = "text";

    fn parse(text: &str) -> Result<Self, Expected> {
        if text.contains('\0') { Err("text without NUL characters") } else { Ok(text.to_owned()) }
    }

    fn render(&self) -> Rendered {
        Rendered::Text(self.clone())
    }
}

impl Value for VarName {
    const EXPECTED: Expected = "the name of a variable, such as DB_PASSWORD";

    fn parse(text: &str) -> Result<Self, Expected> {
        Self::new(text).ok_or(Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Text(self.as_str().to_owned())
    }
}

impl Value for PathBuf {
    const EXPECTED: Expected = "a path, such as /srv/app";

    fn parse(text: &str) -> Result<Self, Expected> {
        if text.is_empty() || text.contains('\0') { Err(Self::EXPECTED) } else { Ok(text.into()) }
    }

    fn render(&self) -> Rendered {
        Rendered::Text(self.to_string_lossy().into_owned())
    }
}

impl Value for SocketAddr {
    const EXPECTED: Expected = "an address and a port, such as \"0.0.0.0:9180\" or \"[::]:9180\"";

    fn parse(text: &str) -> Result<Self, Expected> {
        text.parse().map_err(|_| Self::EXPECTED)
    }

    fn render(&self) -> Rendered {
        Rendered::Text(self.to_string())
    }
}

impl Value for SignalNo {
    const EXPECTED: Expected = "a signal: a name (SIGTERM, TERM, SIGRTMIN+3) or a number from 1 to 64";

    /// Signals that arrive: the two that nobody can catch never do.
    fn parse(text: &str) -> Result<Self, Expected> {
        let signal: Self = text.parse().map_err(|_| <Self as Value>::EXPECTED)?;
        if signal.can_be_caught() {
            Ok(signal)
        } else {
            Err("a signal that can be caught: SIGKILL and SIGSTOP cannot")
        }
    }

    fn render(&self) -> Rendered {
        Rendered::Text(self.to_string())
    }
}

impl Value for Rewrite {
    const EXPECTED: Expected =
        "a signal: a name (SIGINT, INT, SIGRTMIN+3) or a number from 1 to 64, or none to drop it";

    fn parse(text: &str) -> Result<Self, Expected> {
        if text == "none" { Ok(Self::Drop) } else { text.parse().map(Self::To).map_err(|_| Self::EXPECTED) }
    }

    fn render(&self) -> Rendered {
        Rendered::Text(match self {
            Self::Drop => "none".to_owned(),
            Self::To(signal) => signal.to_string(),
        })
    }
}

/// A value with a few names.
macro_rules! names {
    ($type:ident, $expected:literal, $($variant:ident = $name:literal),+) => {
        impl Value for $type {
            const EXPECTED: Expected = $expected;

            fn parse(text: &str) -> Result<Self, Expected> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(Self::EXPECTED),
                }
            }

            fn render(&self) -> Rendered {
                Rendered::Text(match self { $(Self::$variant => $name,)+ }.to_owned())
            }
        }
    };
}

names!(Target, "pid, group or all", Pid = "pid", Group = "group", All = "all");
names!(Session, "pgrp or setsid", Pgrp = "pgrp", Setsid = "setsid");
names!(Engine, "auto, builtin or goss", Auto = "auto", Builtin = "builtin", Goss = "goss");
names!(
    Probe,
    "startup, live, ready or none",
    Startup = "startup",
    Live = "live",
    Ready = "ready",
    None = "none"
);
