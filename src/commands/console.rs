//! What the subcommands that people type have in common: parsing their options and printing.

use super::Error;
use crate::words::text::one_line;
use clap::{ArgMatches, Command};
use std::ffi::OsStr;
use std::io::{self, Write as _};

/// Parses with clap. None when the arguments asked for help, which is printed then.
pub(super) fn parse(parser: Command, args: &[&OsStr]) -> Result<Option<ArgMatches>, Error> {
    let name = parser.get_name().to_owned();
    let mut parser = parser.no_binary_name(true);
    match parser.try_get_matches_from_mut(args) {
        Ok(matches) => Ok(Some(matches)),
        Err(error) if error.use_stderr() => {
            // The message quotes words that can hold anything, between lines of ours: the same words once more, escaped.
            let escaped = parser.try_get_matches_from_mut(args.iter().map(one_line));
            let text = escaped.err().unwrap_or(error).to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            let (what, below) = text.split_once('\n').unwrap_or((text, ""));
            Err(Error::CommandLine { what: format!("{name}: {what}"), below: below.to_owned() })
        }
        Err(error) => {
            print(&error.to_string());
            Ok(None)
        }
    }
}

/// Prints to stdout; a reader that went away is no error of ours.
pub(super) fn print(text: &str) {
    // A client, not PID 1: it may wait for a slow reader.
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
