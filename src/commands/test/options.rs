//! The options of `test`, and its help text.

use crate::commands::Error;
use crate::config::NonZeroDuration;
use crate::testing::report::Format;
use crate::testing::runner::Choice;
use crate::testing::shared::WORKERS;
use crate::words::text::one_line;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

/// The formats by name.
const FORMATS: [(&str, Format); 9] = [
    ("probe", Format::Probe),
    ("documentation", Format::Documentation),
    ("rspecish", Format::Rspecish),
    ("tap", Format::Tap),
    ("json", Format::Json),
    ("junit", Format::Junit),
    ("nagios", Format::Nagios),
    ("prometheus", Format::Prometheus),
    ("silent", Format::Silent),
];

/// What was asked for.
pub(super) struct Options {
    pub(super) suites: Vec<String>,
    pub(super) format: Option<Format>,
    pub(super) timeout: Option<Duration>,
    pub(super) jobs: Option<usize>,
    pub(super) retry: Option<Duration>,
    pub(super) sleep: Duration,
    pub(super) only: Vec<CString>,
    pub(super) list: bool,
    pub(super) fail_fast: bool,
    pub(super) require: bool,
    pub(super) force: bool,
    pub(super) engine: Option<Choice>,
    pub(super) pid: Option<i32>,
}

impl Options {
    /// Reads them.
    pub(super) fn new(matches: &ArgMatches) -> Result<Self, Error> {
        let texts = |name: &str| -> Vec<OsString> {
            matches.get_many::<OsString>(name).into_iter().flatten().cloned().collect()
        };
        let time = |name: &str| matches.get_one::<NonZeroDuration>(name).map(|time| time.get());
        let mut suites = Vec::new();
        for name in texts("suite") {
            // A name that is not what it looks like would look for another folder, and find no tests in it.
            let shown = one_line(&name);
            let plain = name.to_str() == Some(shown.as_str()) && !shown.is_empty();
            if !plain || shown.contains('/') || shown.starts_with('.') {
                return Err(Error::Usage(format!(
                    "wrapper test: {shown:?} is no name of a suite: it is a folder's, in plain UTF-8 and without a path"
                )));
            }
            suites.push(shown);
        }
        Ok(Self {
            suites,
            format: matches
                .get_one::<String>("format")
                .and_then(|name| FORMATS.iter().find(|(known, _)| known == name).map(|(_, format)| *format)),
            timeout: time("timeout"),
            jobs: matches.get_one::<u16>("jobs").map(|jobs| usize::from(*jobs)),
            retry: time("retry-timeout"),
            sleep: time("sleep").unwrap_or(Duration::from_secs(1)),
            only: texts("only")
                .into_iter()
                .filter_map(|pattern| CString::new(pattern.as_bytes()).ok())
                .collect(),
            list: matches.get_flag("list"),
            fail_fast: matches.get_flag("fail-fast"),
            require: matches.get_flag("require"),
            force: matches.get_flag("force"),
            pid: matches.get_one::<i32>("pid").copied(),
            engine: matches.get_one::<String>("engine").map(|name| match name.as_str() {
                "builtin" => Choice::Builtin,
                "goss" => Choice::Goss,
                _ => Choice::Auto,
            }),
        })
    }
}

/// The parser, which is the help text too.
pub(in crate::commands) fn parser() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let time = |name, help| {
        option(name, "TIME", help).value_parser(|text: &str| {
            text.parse::<NonZeroDuration>().map_err(|expected| format!("expected {expected}"))
        })
    };
    Command::new("wrapper test")
        .about("Run test suites: shell, bats and goss files in tests/SUITE of /etc/wrapper and /usr/lib/wrapper")
        .after_help(
            "Without a SUITE: live inside a running container, image when test is the container's own command.\n\
             Files: *.sh and other executables, *.bats, *.goss.yaml. A file of /etc/wrapper takes the place of the one of the\n\
             same name in /usr/lib/wrapper; a link to /dev/null masks it.\n\n\
             The suites startup, live and ready are probes. Before the app runs, in maintenance and while it stops, the phase\n\
             decides in the tests' place (startup: fail, pass, run; live: pass, pass, pass; ready: fail, fail, fail);\n\
             --force runs the tests all the same. A probe ends after its suite's timeout, 4s, unless --timeout says another:\n\
             give the runtime's own timeout (timeoutSeconds) a second more.\n\n\
             Exit codes: 0 all pass; 1 a check failed; 2 usage; 78 a test file cannot be run or the configuration is wrong;\n\
             128+n ended by signal n. With --format nagios: 0 ok, 2 critical, 3 unknown.",
        )
        .arg(
            Arg::new("suite")
                .value_name("SUITE")
                .num_args(0..)
                .value_parser(value_parser!(OsString))
                .help("Suites to run: image, startup, live, ready or any folder's name"),
        )
        .arg(
            option("format", "FORMAT", "How to report [default: probe when all suites are probes, else documentation]")
                .short('f')
                .value_parser(FORMATS.map(|(name, _)| name)),
        )
        .arg(time("timeout", "Time for the whole command, such as 9s: what still runs then is killed and fails"))
        .arg(
            option("jobs", "N", "Files that run at the same time [default: test.jobs, 4]")
                .short('j')
                .value_parser(value_parser!(u16).range(1..=WORKERS as i64)),
        )
        .arg(time("retry-timeout", "Run again until everything passes, for at most this long"))
        .arg(time("sleep", "Pause between two attempts of --retry-timeout [default: 1s]").requires("retry-timeout"))
        .arg(
            option("only", "GLOB", "Only files whose name (or SUITE/NAME) matches; can be repeated")
                .action(ArgAction::Append)
                .value_parser(value_parser!(OsString)),
        )
        .arg(
            option("engine", "ENGINE", "Who runs goss files [default: test.engine, auto]")
                .value_parser(["auto", "builtin", "goss"]),
        )
        .arg(
            option("pid", "N", "Ask this process for the phase, a wrapper that runs as init [default: this container's]")
                .value_parser(value_parser!(i32).range(1..)),
        )
        .arg(flag("list", "Print the test files and who runs each, and run none"))
        .arg(flag("fail-fast", "Begin no further file after a failure; the rest is skipped"))
        .arg(flag("require", "Fail when there is no test at all, or one in a wrong place"))
        .arg(flag("force", "Run the tests of a probe in every phase of the container"))
}
