//! `--help`, `help SUBCOMMAND`, `--version`.

use super::Error;
use super::console::print;
use std::ffi::OsStr;

const HELP: &str = "\
wrapper: PID 1 of this container

Usage: docker run IMAGE [ARGUMENT...]
       wrapper SUBCOMMAND [ARGUMENT...]

Start the container with:
  run [ARGUMENT...]          the standard run script (also without any word)
  -x, --anything             the same: an option for the run script
  maintenance                keep the container and its volumes, without the app
  exec [OPTIONS] COMMAND...  a command, with init options on the command line
  test [SUITE...]            test suites (without a word: the image's own), exit 0 when all pass
  COMMAND [ARGUMENT...]      any other command, as it is

Inside a running container:
  status [--json]            what PID 1 is doing
  test [SUITE...]            test suites; startup, live and ready are probes (without a word: live)
  stop                       stop the container in order
  restart                    stop the app and start it again
  maintenance on|off|status  leave the app stopped, start it, or tell (exit 0: on, 1: off)
  config [check [FILE...]]   the effective configuration, or what is wrong with it

About:
  --help, help [SUBCOMMAND]  this text, or a subcommand's
  --version                  the version

The run script is /etc/wrapper/run, or /usr/lib/wrapper/run of the base image, or what WRAPPER_RUN names.
Configuration: /etc/wrapper/wrapper.yaml and wrapper.d/*.yaml; every key is also a variable (stop.grace is
WRAPPER_STOP_GRACE). WRAPPER_LOG=info tells more on stderr.

Exit codes: the app's own, 128+n when signal n killed it; 2 usage, 69 no wrapper runs here, 70 internal error,
75 PID 1 does not answer, 77 not allowed, 78 configuration error, 126 cannot execute, 127 not found.
";

/// `--help`, `help`, `help SUBCOMMAND`.
pub(super) fn main(args: &[&OsStr]) -> Result<u8, Error> {
    let text = match args.first().and_then(|word| word.to_str()) {
        None | Some("help" | "run") => HELP.to_owned(),
        Some("exec") => super::exec::parser().render_long_help().to_string(),
        Some("status") => super::status::parser().render_long_help().to_string(),
        Some("config") => super::config::parser().render_long_help().to_string(),
        Some("test") => super::test::parser().render_long_help().to_string(),
        Some("stop") => super::steer::STOP_HELP.to_owned(),
        Some("restart") => super::steer::RESTART_HELP.to_owned(),
        Some("maintenance") => super::steer::MAINTENANCE_HELP.to_owned(),
        Some(other) => {
            return Err(Error::Usage(format!("there is no subcommand {other:?}; see wrapper --help")));
        }
    };
    print(&text);
    Ok(0)
}

/// `--version`.
pub(super) fn version() -> u8 {
    print(concat!("wrapper ", env!("CARGO_PKG_VERSION"), "\n"));
    0
}
