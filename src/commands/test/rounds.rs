//! Running the tests of a command, again and again when that was asked for.

use super::options::Options;
use super::{Session, progress};
use crate::commands::Error;
use crate::config::{self, Config, secret_values};
use crate::process::command::Attributes;
use crate::process::environment::{Environment, List};
use crate::sys::entry::Started;
use crate::sys::signal::SignalNo;
use crate::sys::{mask, proc};
use crate::testing::limit::spell;
use crate::testing::pool::{Pool, Settings};
use crate::testing::runner::{Choice, Common};
use crate::testing::secrets::Secrets;
use std::time::Instant;

/// Runs the files of `session` and puts their checks beside those that the phase made. Returns the signal that ended the
/// command, if one did.
pub(super) fn run(
    session: &mut Session,
    started: &Started,
    options: &Options,
    config: &Config,
    env: List,
) -> Result<Option<SignalNo>, Error> {
    let attributes = Attributes {
        mask: started.mask,
        ignore_chld: mask::is_ignored(SignalNo::CHLD),
        session: false,
        foreground: false,
        umask: None,
        stdio: None,
        dies_with_us: true,
        borrows_us: true,
    };
    // Ignored SIGCHLD would make the kernel reap our children itself, and tell nobody.
    if attributes.ignore_chld {
        mask::set_ignored(SignalNo::CHLD, false);
    }
    // What a killed worker leaves comes to us.
    proc::become_subreaper();
    let settings = Settings {
        jobs: options.jobs.unwrap_or(config.test.jobs.get() as usize),
        limit: session.limit,
        fail_fast: options.fail_fast,
        attributes,
    };
    let common = common(config, options, env);
    let mut progress = progress::Line::new(session.format);
    let mut pool = Pool::new().map_err(Error::Init)?;
    let by_phase = std::mem::take(&mut session.run.checks);
    let mut attempts = 0;
    loop {
        let checks = pool.run(&session.files, &common, &settings, &mut |now| progress.show(now));
        let failed = checks.iter().any(|check| check.outcome.is_failure());
        // An attempt that the limit cut short says less than the whole one before it.
        let cut = failed && session.limit.is_some_and(|limit| limit.for_workers() <= Instant::now());
        if attempts == 0 || !cut {
            session.run.checks = checks;
            attempts += 1;
        }
        let again = options.retry.is_some()
            && session.limit.is_none_or(|limit| Instant::now() + options.sleep < limit.for_workers());
        if !failed || !again || pool.interrupted().is_some() {
            break;
        }
        pool.pause(options.sleep);
        if pool.interrupted().is_some() {
            break;
        }
    }
    progress.clear();
    session.run.checks.extend(by_phase);
    session.order();
    if options.retry.is_some() {
        let spent = spell(session.clock.elapsed());
        let limit = session.limit.map(|limit| limit.to_string()).unwrap_or_default();
        session.run.notes.push(match (pool.interrupted(), session.run.failures()) {
            (Some(signal), _) => format!("ended by {signal} after {spent}, at attempt {attempts}"),
            (None, 0) => format!("passed within {spent}, at attempt {attempts}"),
            (None, _) => format!("did not pass within {limit}, at attempt {attempts}"),
        });
    }
    Ok(pool.interrupted())
}

/// What all tests are given: the app's environment, and what of it must not be shown.
fn common(config: &Config, options: &Options, env: List) -> Common {
    Common {
        secrets: Secrets::new(secret_values(&config.run, env.iter().map(AsRef::as_ref))),
        env: Environment::exactly(env),
        engine: options.engine.unwrap_or(match config.test.engine {
            config::Engine::Auto => Choice::Auto,
            config::Engine::Builtin => Choice::Builtin,
            config::Engine::Goss => Choice::Goss,
        }),
    }
}
