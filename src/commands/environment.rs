//! The environment that a program gets: the app's as the configuration has it, or the running app's as PID 1 keeps it.
//!
//! Contract: as long as an init runs in this container, the files of `run.file_env` are read by nobody but its helper, at
//! a start of the app. So a test, or a command that somebody runs, sees what the app was started with, whatever became of
//! the files.

use super::Error;
use super::identity::{self, Resolved};
use crate::config::{Config, Run, child_env, reads_files};
use crate::process::environment::{Environment, List};
use crate::status::find::Init;
use crate::status::inherit::{self, EnvironmentError, Inherited};
use crate::supervisor::environment::{Built, Source};
use crate::sys::entry;
use std::borrow::Cow;
use std::ffi::CStr;
use std::path::PathBuf;

/// What the configuration makes of our own environment.
#[derive(Debug)]
pub(super) struct OfConfig {
    run: Run,
    /// `HOME`, `USER` and `LOGNAME` of `run.user`.
    identity: Vec<(&'static str, PathBuf)>,
}

impl OfConfig {
    /// For an app of this identity. What the configuration sets itself wins.
    pub(super) fn new(config: &Config, resolved: Option<&Resolved>) -> Self {
        let set_by_config = |name: &str| config.run.env.iter().any(|(set, _)| set.as_str() == name);
        let identity = resolved.map(|resolved| resolved.variables.clone()).unwrap_or_default();
        Self {
            run: Run { env: config.run.env.clone(), file_env: config.run.file_env.clone(), ..Run::default() },
            identity: identity.into_iter().filter(|(name, _)| !set_by_config(name)).collect(),
        }
    }
}

impl Source for OfConfig {
    fn reads_files(&self) -> bool {
        reads_files(&self.run, entry::environment())
    }

    fn build(&self) -> Built {
        let child = child_env(&self.run, entry::environment());
        let env = child.variables.map_or_else(Environment::inherited, Environment::exactly);
        let identity = self.identity.iter();
        let env = identity.fold(env, |env, (name, value)| env.with(name, value.as_os_str()));
        let missing: Vec<_> = child.errors.iter().map(ToString::to_string).collect();
        Built { list: env.into_list(), missing: (!missing.is_empty()).then(|| missing.join("; ")) }
    }
}

/// For a command: the environment of the app that runs in this container, with the caller's own on top; none when no init
/// runs here but, perhaps, ourselves.
///
/// Errors: there is one that we may not ask.
pub(super) fn of_running_app() -> Result<Option<List>, EnvironmentError> {
    Ok(inherit::of_this_container()?.map(|inherited| list(&inherited)))
}

/// For tests: that of the app that `init` runs in this container, or without one what the configuration makes of ours. What
/// would change the verdicts of bats and goss is left out, and what the wrapper tells its own scripts.
///
/// Errors: it cannot be read.
pub(super) fn for_tests(init: Option<&Init>, config: &Config) -> Result<List, Error> {
    let inherited = init.map(inherit::of).transpose()?.flatten();
    let env = match inherited {
        Some(inherited) => list(&inherited),
        None => of_config(config)?,
    };
    Ok(env.into_iter().filter(|entry| !is_internal(entry)).collect())
}

fn of_config(config: &Config) -> Result<List, Error> {
    // Who is not root becomes nobody else, and the start of the app is what says so.
    let run = &config.run;
    let user = run.user.as_deref().filter(|_| nix::unistd::geteuid().is_root());
    let resolved = identity::resolve(user, None)?;
    let built = OfConfig::new(config, resolved.as_ref()).build();
    match built.missing {
        Some(missing) => Err(Error::Environment(missing)),
        None => Ok(built.list.unwrap_or_else(|| entry::environment().map(Cow::Borrowed).collect())),
    }
}

fn is_internal(entry: &CStr) -> bool {
    let bytes = entry.to_bytes();
    let names: [&[u8]; 3] = [b"WRAPPER_APP_PID=", b"WRAPPER_STOP_SIGNAL=", b"WRAPPER_APP_EXIT="];
    bytes.starts_with(b"BATS_")
        || bytes.starts_with(b"GOSS_")
        || names.iter().any(|name| bytes.starts_with(name))
}

/// The variables of `inherited` with the caller's own on top.
fn list(inherited: &Inherited) -> List {
    if let Some(missing) = inherited.missing() {
        tracing::warn!("some variables of the app are missing here: {missing}");
    }
    inherited.under(entry::environment())
}
