//! `exec [OPTIONS] [--] COMMAND...`: any command under the init, with every init option on the command line and
//! nothing else: neither configuration files nor `WRAPPER_` keys count.

use super::console::parse;
use super::{Error, init};
use crate::config::{Config, Layer, load_cli};
use crate::sys::entry::Started;
use clap::{Arg, ArgAction, Command, value_parser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// The option, the key that it sets, what its value is called, whether it can be given more than once, and its help.
type Flag = (&'static str, &'static str, &'static str, bool, &'static str);

/// Every init option. The option's name is the last word of the key, except where that says too little.
const FLAGS: [Flag; 14] = [
    ("--env", "run.env", "NAME=VALUE", true, "Set a variable"),
    ("--file-env", "run.file_env", "NAME", true, "Read a variable from the file that NAME_FILE names"),
    ("--user", "run.user", "USER", false, "Become this user (name or number); needs root"),
    ("--group", "run.group", "GROUP", false, "Become this group (name or number); needs root"),
    ("--workdir", "run.workdir", "DIR", false, "Start in this directory"),
    ("--umask", "run.umask", "MODE", false, "Set the file mode creation mask, octal"),
    (
        "--target",
        "signals.target",
        "WHO",
        false,
        "Who receives forwarded signals: pid, group or all [default: group]",
    ),
    (
        "--session",
        "signals.session",
        "HOW",
        false,
        "Start a process group (pgrp) or a session (setsid) [default: pgrp]",
    ),
    ("--rewrite", "signals.rewrite", "FROM=TO", true, "Forward FROM as TO; TO none drops it"),
    (
        "--stop-signals",
        "stop.signals",
        "SIGNAL",
        true,
        "Signals that start the stop sequence [default: SIGTERM SIGINT]",
    ),
    (
        "--grace",
        "stop.grace",
        "TIME",
        false,
        "KILL everything this long after a stop signal [default: never]",
    ),
    (
        "--leftovers",
        "stop.leftovers",
        "TIME",
        false,
        "Time for what the app left behind, after TERM [default: 3s]",
    ),
    ("--exit-map", "exit.map", "CODE=CODE", true, "Exit with another code"),
    (
        "--message-file",
        "exit.message_file",
        "FILE",
        false,
        "Append a line about the end to this file, if it exists [default: /dev/termination-log]",
    ),
];

/// Runs it.
pub(super) fn main(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    // The common forms need no parser, which would stay in PID 1's memory.
    match args.split_first() {
        Some((first, rest)) if *first == "--" && !rest.is_empty() => {
            return init::supervise_command(started, &Config::default(), rest);
        }
        Some((first, _)) if !first.as_bytes().starts_with(b"-") => {
            return init::supervise_command(started, &Config::default(), args);
        }
        _ => {}
    }
    let Some(matches) = parse(parser(), args)? else { return Ok(0) };
    let mut layer = Layer::default();
    for (option, key, ..) in FLAGS {
        for value in matches.get_many::<String>(&option[2..]).into_iter().flatten() {
            layer.add(key, option, value);
        }
    }
    let config = load_cli(&layer)?;
    let command: Vec<&OsStr> =
        matches.get_many::<OsString>("command").into_iter().flatten().map(OsString::as_os_str).collect();
    init::supervise_command(started, &config, &command)
}

/// The parser, which is the help text too.
pub(super) fn parser() -> Command {
    let flags = FLAGS.map(|(option, _, value, many, help)| {
        let action = if many { ArgAction::Append } else { ArgAction::Set };
        let name = &option[2..];
        Arg::new(name).long(name).value_name(value).action(action).help(help)
    });
    Command::new("wrapper exec")
        .about("Run a command under the init, with options from the command line and nothing else")
        .override_usage("wrapper exec [OPTIONS] [--] COMMAND [ARGUMENT...]")
        .args(flags)
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .help("The command and its arguments")
                .required(true)
                .num_args(1..)
                .trailing_var_arg(true)
                .value_parser(value_parser!(OsString)),
        )
}
