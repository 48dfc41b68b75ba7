//! `config`: the effective configuration and where each value came from; `config check`: all that is wrong.

use super::console::{parse, print};
use super::{Error, init};
use crate::config::{check_files, load_tolerant, render_json, render_yaml};
use crate::exit;
use crate::sys::entry;
use crate::words::text::one_line;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The parser, which is the help text too.
pub(super) fn parser() -> Command {
    let check = Command::new("check")
        .about(
            "Tell everything that is wrong with the configuration, or with FILEs; exit 78 when something is",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(value_parser!(PathBuf))
                .help("Configuration files; without one, the files and variables that hold here"),
        );
    Command::new("wrapper config")
        .about("Print the effective configuration as YAML, with where each value came from")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("JSON, for programs"))
        .arg(
            Arg::new("show-secrets")
                .long("show-secrets")
                .action(ArgAction::SetTrue)
                .help("Print secrets too: values whose names look secret (PASS, SECRET, TOKEN, KEY, PWD), passwords in URLs"),
        )
        .subcommand(check)
}

/// Runs it.
pub(super) fn main(args: &[&OsStr]) -> Result<u8, Error> {
    let Some(matches) = parse(parser(), args)? else { return Ok(0) };
    if let Some(("check", matches)) = matches.subcommand() {
        return Ok(check(matches));
    }
    let (loaded, errors) = load_tolerant(&init::locations(), entry::environment(), None);
    init::tell(&loaded.warnings);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let secrets = matches.get_flag("show-secrets");
    print(&if matches.get_flag("json") {
        format!("{}\n", render_json(&loaded, secrets).trim_end())
    } else {
        render_yaml(&loaded, secrets)
    });
    Ok(0)
}

fn check(matches: &ArgMatches) -> u8 {
    let files: Vec<PathBuf> = matches.get_many("file").into_iter().flatten().cloned().collect();
    let errors: Vec<Error> = if files.is_empty() {
        let (loaded, errors) = load_tolerant(&init::locations(), entry::environment(), None);
        init::tell(&loaded.warnings);
        let whole = errors.is_empty();
        let mut errors: Vec<Error> = errors.into_iter().map(Error::from).collect();
        if whole {
            // What a start would stumble over next: users that do not exist, files that cannot be read.
            errors.extend(init::check(&loaded.config).err());
        }
        errors
    } else {
        let (warnings, errors) = check_files(&files);
        init::tell(&warnings);
        errors.into_iter().map(Error::from).collect()
    };
    if errors.is_empty() {
        print("the configuration is good\n");
        return 0;
    }
    let mut text = String::new();
    for error in errors {
        let _ = writeln!(text, "{}", one_line(error.to_string()));
    }
    print(&text);
    exit::CONFIG
}
