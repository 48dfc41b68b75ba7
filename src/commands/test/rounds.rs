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
use std::time::{Duration, Instant};

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
        start: None,
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
    let mut last = false;
    loop {
        let begun = Instant::now();
        let checks = pool.run(&session.files, &common, &settings, &mut |now| progress.show(now));
        let failed = checks.iter().any(|check| check.outcome.is_failure());
        // An attempt that the limit cut short says less than the whole one before it.
        let cut = failed && session.limit.is_some_and(|limit| limit.for_workers() <= Instant::now());
        if attempts == 0 || !cut {
            session.run.checks = checks;
            attempts += 1;
        }
        if !failed || options.retry.is_none() || last || pool.interrupted().is_some() {
            break;
        }
        let left = session.limit.map(|limit| limit.for_workers().saturating_duration_since(Instant::now()));
        let Some(pause) = pause(options.sleep, left.unwrap_or(Duration::MAX), begun.elapsed()) else { break };
        last = pause < options.sleep;
        pool.pause(pause);
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

/// How long to wait before the next attempt, when one `took` so long and so much time is `left`: less than `sleep` before the
/// last one, which comes as late as it can. None when no attempt fits any more.
fn pause(sleep: Duration, left: Duration, took: Duration) -> Option<Duration> {
    // The last one may be slower than the one before.
    let latest = left.saturating_sub(took.saturating_mul(2));
    (left > took).then(|| sleep.min(latest))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_cut_to_what_is_left() {
        let ms = Duration::from_millis;
        for (sleep, left, took, expected) in [
            (100, 1000, 10, Some(100)),
            (10_000, 2000, 15, Some(1970)),
            (100, 110, 10, Some(90)),
            (100, 15, 10, Some(0)),
            (100, 10, 10, None),
            (0, 0, 0, None),
        ] {
            assert_eq!(pause(ms(sleep), ms(left), ms(took)), expected.map(ms), "{sleep} {left} {took}");
        }
    }
}
