//! `test [SUITE...]`: runs test suites; as a probe it first asks in which phase the container is.

mod options;
mod phase;
mod progress;
mod suites;

pub(super) use options::parser;

use super::console::{self, parse};
use super::{Error, init};
use crate::config::{self, Config, Locations, Probe, child_env, secret_values};
use crate::exit;
use crate::process::command::Attributes;
use crate::process::environment::{Environment, List};
use crate::sys::entry::{self, Started};
use crate::sys::signal::SignalNo;
use crate::sys::{mask, proc};
use crate::testing::check::{Check, Outcome, Run};
use crate::testing::plan::{self, File};
use crate::testing::pool::{Pool, Settings};
use crate::testing::report::{self, Format};
use crate::testing::role::{Role, Verdict, verdict};
use crate::testing::runner::{Choice, Common, spell};
use crate::testing::text::Secrets;
use options::Options;
use phase::Seen;
use std::ffi::{CString, OsStr};
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, Instant, SystemTime};

/// Runs it.
pub(super) fn main(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    let clock = Instant::now();
    let Some(matches) = parse(parser(), args)? else { return Ok(0) };
    let options = Options::new(&matches)?;
    let locations = init::locations();
    let (loaded, errors) = config::load_tolerant(&locations, entry::environment(), None);
    let config = &loaded.config;
    let seen = phase::look();
    let suites = suites::chosen(&options.suites, &locations, config, seen.inside())?;
    let mut session = Session::new(&options, config, suites, clock);
    if options.list {
        session.find_files(&locations)?;
        return Ok(session.list());
    }
    session.ask_phase(&seen);
    if let Some(signal) = session.await_phase(&seen, &options)? {
        return Ok(session.end(&options, Some(signal)));
    }
    if session.to_run.is_empty() {
        return Ok(session.end(&options, None));
    }
    // Only now: in maintenance a probe passes with a broken configuration too.
    init::tell(&loaded);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    session.find_files(&locations)?;
    session.run(started, &options, config)
}

/// One command at work.
struct Session {
    /// All suites, as they are reported.
    suites: Vec<(String, Role)>,
    /// Those whose tests decide.
    to_run: Vec<String>,
    /// What is known about time.
    clock: Instant,
    limit: Option<Duration>,
    timeouts: Vec<(String, Duration)>,
    files: Vec<File>,
    only: Vec<CString>,
    /// PID 1 says so, and answers.
    app_runs: bool,
    run: Run,
    format: Format,
}

impl Session {
    fn new(options: &Options, config: &Config, suites: Vec<String>, clock: Instant) -> Self {
        let suites: Vec<(String, Role)> = suites
            .into_iter()
            .map(|name| {
                let role = if options.force { Role::None } else { role(config.test.suite(&name).1) };
                (name, role)
            })
            .collect();
        let probe = |name: &str| config.test.suite(name).1 != Probe::None;
        let all_probes = suites.iter().all(|(name, _)| probe(name));
        let timeouts: Vec<(String, Duration)> = suites
            .iter()
            .map(|(name, _)| {
                let own = config.test.suite(name).0.get();
                (name.clone(), options.timeout.filter(|_| probe(name)).unwrap_or(own))
            })
            .collect();
        // A probe is over in its suite's time, however many files it has.
        let own = timeouts.iter().map(|(_, timeout)| *timeout).max().filter(|_| all_probes);
        Self {
            to_run: suites.iter().map(|(name, _)| name.clone()).collect(),
            clock,
            limit: options.timeout.or(own.filter(|_| options.retry.is_none())),
            timeouts,
            files: Vec::new(),
            only: options.only.clone(),
            app_runs: false,
            run: Run {
                suites: suites.iter().map(|(name, _)| name.clone()).collect(),
                checks: Vec::new(),
                notes: Vec::new(),
                started: SystemTime::now(),
                duration: Duration::ZERO,
            },
            format: options.format.unwrap_or(if all_probes { Format::Probe } else { Format::Documentation }),
            suites,
        }
    }

    /// Lets the phase of the container decide where a suite's role says so. What it decided before is forgotten.
    fn ask_phase(&mut self, seen: &Seen) {
        self.to_run.clone_from(&self.run.suites);
        self.run.checks.clear();
        self.run.notes.clear();
        self.app_runs = false;
        for (name, role) in &self.suites {
            if *role == Role::None {
                continue;
            }
            let (decided, why) = match seen.phase() {
                Ok(None) => continue,
                Ok(Some((phase, why))) => (verdict(*role, phase), why),
                // PID 1 hangs: whoever asks for the container's health must know.
                Err(why) => (Verdict::Fail, why),
            };
            let outcome = match decided {
                Verdict::Run => {
                    self.app_runs = true;
                    continue;
                }
                Verdict::Pass => Outcome::Pass,
                Verdict::Fail => Outcome::Fail,
            };
            self.to_run.retain(|suite| suite != name);
            self.run.checks.push(phase::check(name, outcome, why));
        }
        if let Some(remark) =
            seen.remark().filter(|_| self.suites.iter().any(|(_, role)| *role != Role::None))
        {
            self.run.notes.push(remark);
        }
    }

    /// With `--retry-timeout`, waits for a phase in which no probe fails: there may be none yet, as long as init.d runs.
    /// Returns the signal that ended the wait, if one did.
    fn await_phase(&mut self, seen: &Seen, options: &Options) -> Result<Option<SignalNo>, Error> {
        let Some(retry) = options.retry.filter(|_| self.run.failures() > 0) else { return Ok(None) };
        let end = self.clock + self.limit.map_or(retry, |limit| limit.min(retry));
        let mut pool = Pool::new().map_err(Error::Init)?;
        while self.run.failures() > 0 && pool.interrupted().is_none() && Instant::now() + options.sleep < end
        {
            pool.pause(options.sleep);
            self.ask_phase(seen);
        }
        Ok(pool.interrupted())
    }

    fn find_files(&mut self, locations: &Locations) -> Result<(), Error> {
        let mut seen = Vec::new();
        for suite in &self.to_run {
            let paths = locations.tests(OsStr::new(suite))?;
            let timeout = self.timeouts.iter().find(|(name, _)| name == suite).map(|(_, timeout)| *timeout);
            let (files, remarks) = plan::files(suite, timeout.unwrap_or_default(), &paths);
            self.run.notes.extend(remarks);
            if files.is_empty() {
                let state = if self.app_runs { "; the app runs" } else { "" };
                self.run.notes.push(format!("{suite}: no tests{state}"));
            }
            if !self.only.is_empty() {
                seen.extend(files.iter().map(|file| format!("{}/{}", file.suite, file.name)));
            }
            self.files.extend(files);
        }
        if !self.only.is_empty() {
            let only = &self.only;
            self.files.retain(|file| only.iter().any(|pattern| suites::is_meant(pattern, file)));
            if self.files.is_empty() && !seen.is_empty() {
                let patterns: Vec<_> = only.iter().map(|pattern| pattern.to_string_lossy()).collect();
                return Err(Error::Usage(format!(
                    "--only {}: no test file matches; there are: {}",
                    patterns.join(" --only "),
                    suites::first_of(&seen)
                )));
            }
        }
        Ok(())
    }

    fn list(&self) -> u8 {
        let mut text = String::new();
        let names: Vec<String> =
            self.files.iter().map(|file| format!("{}/{}", file.suite, file.name)).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        for (name, file) in names.iter().zip(&self.files) {
            let _ = writeln!(text, "{name:width$}  {}", file.kind.name());
        }
        console::print(&text);
        for note in &self.run.notes {
            tracing::warn!("{note}");
        }
        0
    }

    fn run(mut self, started: &Started, options: &Options, config: &Config) -> Result<u8, Error> {
        let attributes = Attributes {
            mask: started.mask,
            ignore_chld: mask::is_ignored(SignalNo::CHLD),
            session: false,
            foreground: false,
            umask: None,
            stdio: None,
            dies_with_us: true,
        };
        // Ignored SIGCHLD would make the kernel reap our children itself, and tell nobody.
        if attributes.ignore_chld {
            mask::set_ignored(SignalNo::CHLD, false);
        }
        // What a killed worker leaves comes to us.
        proc::become_subreaper();
        let end = self.limit.map(|limit| self.clock + limit);
        let retry_end = options.retry.map(|retry| self.clock + retry);
        let settings = Settings {
            jobs: options.jobs.unwrap_or(config.test.jobs.get() as usize),
            limit: [end, retry_end].into_iter().flatten().min(),
            fail_fast: options.fail_fast,
            attributes,
        };
        let mut common = common(config, options)?;
        common.limit = self.limit_in_words(options);
        let mut progress = progress::Line::new(self.format);
        let mut pool = Pool::new().map_err(Error::Init)?;
        let by_phase = std::mem::take(&mut self.run.checks);
        let mut attempts = 1;
        loop {
            let checks = pool.run(&self.files, &common, &settings, &mut |now| progress.show(now));
            let failed = checks.iter().any(|check| check.outcome.is_failure());
            self.run.checks = checks;
            let again = retry_end.is_some_and(|at| Instant::now() + options.sleep < at);
            if !failed || !again || pool.interrupted().is_some() {
                break;
            }
            pool.pause(options.sleep);
            attempts += 1;
        }
        progress.clear();
        self.run.checks.extend(by_phase);
        self.order();
        if let Some(retry) = options.retry {
            let outcome = if self.run.failures() == 0 { "passed" } else { "did not pass" };
            let time = if self.run.failures() == 0 { self.clock.elapsed() } else { retry };
            self.run.notes.push(format!("{outcome} within {}, at attempt {attempts}", spell(time)));
        }
        Ok(self.end(options, pool.interrupted()))
    }

    /// The shortest of what bounds the whole command, and the option that gave it, if one did.
    fn limit_in_words(&self, options: &Options) -> Option<String> {
        let own = if options.timeout.is_some() { " (--timeout)" } else { "" };
        let limits = [(self.limit, own), (options.retry, " (--retry-timeout)")];
        let shortest = limits.iter().filter_map(|(time, name)| Some(((*time)?, *name))).min();
        shortest.map(|(time, name)| format!("{}{name}", spell(time)))
    }

    /// Suites as they were asked for; in each the order of the files stands.
    fn order(&mut self) {
        let suites = &self.run.suites;
        self.run.checks.sort_by_key(|check| suites.iter().position(|suite| *suite == check.suite));
    }

    /// Reports, and makes the exit code.
    fn end(mut self, options: &Options, interrupted: Option<SignalNo>) -> u8 {
        self.run.duration = self.clock.elapsed();
        if options.require && self.files.is_empty() && self.run.checks.is_empty() {
            let suite = self.run.suites.join(", ");
            let check = phase::check(&suite, Outcome::Fail, "no tests, and --require wants some".into());
            self.run.notes.clear();
            self.run.checks.push(Check { suite, ..check });
        }
        let mut out = BufWriter::with_capacity(8192, io::stdout().lock());
        // A reader that went away is no error of the tests.
        let _ = report::write(&self.run, self.format, progress::style(), &mut out).and_then(|()| out.flush());
        if let Some(signal) = interrupted {
            return 128 + signal.get() as u8;
        }
        let errors = self.run.count(|outcome| outcome == Outcome::Error);
        match (self.format, self.run.failures()) {
            (_, 0) => 0,
            (Format::Nagios, failures) if failures > errors => exit::NAGIOS_CRITICAL,
            (Format::Nagios, _) => exit::NAGIOS_UNKNOWN,
            _ if errors > 0 => exit::CONFIG,
            _ => exit::FAILED,
        }
    }
}

/// What all tests are given: the app's environment, and what of it must not be shown.
fn common(config: &Config, options: &Options) -> Result<Common, Error> {
    let list: Option<List> = child_env(&config.run, entry::environment())?;
    let secrets = match &list {
        Some(list) => Secrets::new(secret_values(&config.run, list.iter().map(AsRef::as_ref))),
        None => Secrets::new(secret_values(&config.run, entry::environment())),
    };
    Ok(Common {
        env: list.map_or_else(Environment::inherited, Environment::exactly),
        secrets,
        engine: options.engine.unwrap_or(match config.test.engine {
            config::Engine::Auto => Choice::Auto,
            config::Engine::Builtin => Choice::Builtin,
            config::Engine::Goss => Choice::Goss,
        }),
        limit: None,
    })
}

fn role(probe: Probe) -> Role {
    match probe {
        Probe::Startup => Role::Startup,
        Probe::Live => Role::Live,
        Probe::Ready => Role::Ready,
        Probe::None => Role::None,
    }
}
