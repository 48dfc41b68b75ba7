//! What makes a process an init: `run`, `maintenance`, and any other command. Builds the plan and hands it to the
//! supervisor.

use super::board::PageBoard;
use super::environment::{self, OfConfig};
use super::{Error, identity, privileges};
use crate::config::{self, Config, Locations, Rewrite, Session, Warning};
use crate::exit;
use crate::process::command::{Attributes, Command};
use crate::process::diagnose::Diagnosis;
use crate::status::find;
use crate::status::layout::Mode;
use crate::supervisor::children::Programs;
use crate::supervisor::environment::{Fixed, Source};
use crate::supervisor::message::Message;
use crate::supervisor::policy::{Policy, Target};
use crate::supervisor::run;
use crate::supervisor::terminal::Terminal;
use crate::sys::entry::{self, Started};
use crate::sys::fd;
use crate::sys::mask;
use crate::sys::proc;
use crate::sys::signal::SignalNo;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// `run [ARGUMENT...]`: the standard run script, in maintenance when `WRAPPER_MODE` says so.
pub(super) fn run(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    refuse_second_init("run", "wrapper status, wrapper restart, or another command")?;
    let maintenance = match std::env::var("WRAPPER_MODE").as_deref() {
        Ok("maintenance") => true,
        Ok("" | "run") | Err(_) => false,
        Ok(other) => return Err(Error::Mode(other.to_owned())),
    };
    supervise_run(started, args, maintenance)
}

/// `maintenance` as the container's command.
pub(super) fn maintenance(started: &Started) -> Result<u8, Error> {
    refuse_second_init("maintenance", "wrapper maintenance on")?;
    supervise_run(started, &[], true)
}

fn refuse_second_init(typed: &'static str, meant: &'static str) -> Result<(), Error> {
    if find::is_init_here() { Err(Error::SecondInit { typed, meant }) } else { Ok(()) }
}

/// Any other command, verbatim, under the configuration of the image; in a running container with the environment of its
/// app.
pub(super) fn command(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    let config = load(&locations())?;
    let inherited = environment::of_running_app()?;
    supervise(started, &config, args, inherited.map(|list| Box::new(Fixed(Some(list))) as Box<dyn Source>))
}

/// A command under exactly this configuration.
pub(super) fn supervise_command(started: &Started, config: &Config, args: &[&OsStr]) -> Result<u8, Error> {
    supervise(started, config, args, None)
}

fn supervise(
    started: &Started,
    config: &Config,
    args: &[&OsStr],
    environment: Option<Box<dyn Source>>,
) -> Result<u8, Error> {
    let policy = policy(config);
    let (program, rest) = args.split_first().map_or((OsStr::new(""), args), |(first, rest)| (*first, rest));
    let (app, own) = app(config, program.to_owned(), rest.iter().map(OsString::from).collect())?;
    let programs = programs(started, config, app);
    start(policy, programs, environment.unwrap_or(own), Mode::Command)
}

fn supervise_run(started: &Started, args: &[&OsStr], maintenance: bool) -> Result<u8, Error> {
    let locations = locations();
    let (loaded, errors) = config::load_tolerant(&locations, entry::environment(), None);
    tell(&loaded.warnings);
    let config = loaded.config;
    let prepared = match errors.into_iter().next() {
        None => prepare_run(started, &locations, &config, args),
        Some(error) => Err(error.into()),
    };
    let (mut policy, programs, environment) = match prepared {
        Ok(prepared) => prepared,
        // Maintenance is needed most when the configuration is broken. Its end ends the container, so that a start
        // reads what was mended: an app must not run under half a configuration.
        Err(error) if maintenance => {
            tracing::warn!(
                "{error}; maintenance starts all the same, `wrapper maintenance off` will end the container"
            );
            let mut programs = programs(started, &config, Command::new("", Vec::new()));
            programs.broken =
                Some(Diagnosis { code: exit::code(error.failure()), reason: error.to_string() });
            (policy(&config), programs, Box::new(Fixed(None)) as Box<dyn Source>)
        }
        Err(error) => return Err(error),
    };
    policy.maintenance = maintenance;
    policy.can_maintain = true;
    start(policy, programs, environment, Mode::Run)
}

fn prepare_run(
    started: &Started,
    locations: &Locations,
    config: &Config,
    args: &[&OsStr],
) -> Result<(Policy, Programs, Box<dyn Source>), Error> {
    let script = locations.run_script(std::env::var_os("WRAPPER_RUN").as_deref())?;
    let args = config.run.args.iter().map(OsString::from).chain(args.iter().map(OsString::from)).collect();
    let (app, environment) = app(config, script.into_os_string(), args)?;
    let mut programs = programs(started, config, app);
    programs.init = locations.scripts("init.d")?;
    programs.finish = locations.scripts("finish.d")?;
    programs.stop = locations.stop_script();
    let policy = Policy {
        init_scripts: programs.init.len(),
        finish_scripts: programs.finish.len(),
        stop_script: programs.stop.is_some(),
        drain_delay: config.stop.drain_delay,
        maintenance_on_crash: config.maintenance.on_crash,
        ..policy(config)
    };
    Ok((policy, programs, environment))
}

/// The termination message of a start that came to nothing. Of a broken configuration what can be read counts, the
/// variable above all; `exec` looks at neither.
pub(super) fn leave_message(error: &Error, exec: bool) {
    let config = if exec {
        Config::default()
    } else {
        config::load_tolerant(&locations(), entry::environment(), None).0.config
    };
    Message::new(config.exit.message_file).append(&format!("the app was never started: {error}"));
}

/// The places, as `WRAPPER_CONFIG_DIR` has them.
pub(super) fn locations() -> Locations {
    Locations::new(std::env::var_os("WRAPPER_CONFIG_DIR").as_deref())
}

fn load(locations: &Locations) -> Result<Config, Error> {
    let loaded = config::load(locations, entry::environment(), None)?;
    tell_beside_the_app(&loaded.warnings);
    Ok(loaded.config)
}

/// The warnings of a configuration.
pub(super) fn tell<'w>(warnings: impl IntoIterator<Item = &'w Warning>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// The same for a command or a probe, which has nothing to do with keys that have no effect.
pub(super) fn tell_beside_the_app(warnings: &[Warning]) {
    tell(warnings.iter().filter(|warning| !matches!(warning, Warning::WithoutEffect { .. })));
}

fn start(policy: Policy, programs: Programs, environment: Box<dyn Source>, mode: Mode) -> Result<u8, Error> {
    if std::process::id() != 1 {
        let adopted = proc::become_subreaper();
        let how =
            if adopted { "as a subreaper" } else { "without adopting orphans, which is not allowed here" };
        tracing::info!("not PID 1: working {how}");
    }
    let terminal = Terminal::inherited(std::process::id() == 1);
    let mut programs = programs;
    if let Some(uid) = programs.app.identity.as_ref().and_then(|identity| identity.uid) {
        fd::give_stdio(uid);
    }
    programs.attributes.foreground = terminal.is_ours();
    // Ignored SIGCHLD would make the kernel reap our children itself, and tell nobody.
    if programs.attributes.ignore_chld {
        mask::set_ignored(SignalNo::CHLD, false);
    }
    // Not dropped at the end: the process ends with it.
    let board = Box::leak(Box::new(PageBoard::create(mode)));
    run::run(policy, programs, environment, terminal, board).map_err(Error::Init)
}

/// The rules that hold for every command.
fn policy(config: &Config) -> Policy {
    let mut policy = Policy {
        stop_signals: config.stop.signals.iter().copied().collect(),
        stop_signal: config.stop.signals.first().copied().unwrap_or(SignalNo::TERM),
        grace: config.stop.grace,
        leftovers: config.stop.leftovers,
        ..Policy::plain()
    };
    for (from, to) in &config.signals.rewrite {
        policy.rewrite[from.get() as usize] = match to {
            Rewrite::To(signal) => signal.get() as u8,
            Rewrite::Drop => 0,
        };
    }
    for (from, to) in &config.exit.map {
        policy.exit_map[usize::from(*from)] = *to;
    }
    policy
}

/// Whether an app could be started by this configuration, as far as that can be told without starting it.
pub(super) fn check(config: &Config) -> Result<(), Error> {
    let (_, environment) = app(config, OsString::new(), Vec::new())?;
    environment.build().missing.map_or(Ok(()), |missing| Err(Error::Environment(missing)))
}

/// The app with its identity, and where its environment comes from.
fn app(config: &Config, program: OsString, args: Vec<OsString>) -> Result<(Command, Box<dyn Source>), Error> {
    let mut app = Command::new(program, args);
    let resolved = identity::resolve(config.run.user.as_deref(), config.run.group.as_deref())?;
    if let Some(resolved) = &resolved {
        privileges::check(&resolved.identity)?;
    }
    let environment = OfConfig::new(config, resolved.as_ref());
    app.identity = resolved.map(|resolved| resolved.identity);
    app.directory.clone_from(&config.run.workdir);
    Ok((app, Box::new(environment)))
}

fn programs(started: &Started, config: &Config, app: Command) -> Programs {
    Programs {
        app,
        broken: None,
        init: Vec::<PathBuf>::new(),
        stop: None,
        finish: Vec::new(),
        attributes: Attributes {
            mask: started.mask,
            ignore_chld: mask::is_ignored(SignalNo::CHLD),
            session: config.signals.session == Session::Setsid,
            foreground: false,
            umask: config.run.umask.map(config::Umask::bits),
            stdio: None,
            start: None,
            dies_with_us: false,
            borrows_us: false,
        },
        message: Some(Message::new(config.exit.message_file.clone())),
        target: match config.signals.target {
            config::Target::Pid => Target::Pid,
            config::Target::Group => Target::Group,
            config::Target::All => Target::All,
        },
    }
}
