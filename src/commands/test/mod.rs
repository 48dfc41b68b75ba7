//! `test [SUITE...]`: runs test suites; as a probe it first asks in which phase the container is.

mod misplaced;
mod options;
mod output;
mod phase;
mod progress;
mod rounds;
mod suites;

pub(super) use options::parser;

use super::console::{self, parse};
use super::environment::for_tests;
use super::{Error, init};
use crate::config::{self, Config, Locations, Probe};
use crate::exit;
use crate::sys::entry::{self, Started};
use crate::sys::signal::SignalNo;
use crate::testing::ancestors;
use crate::testing::check::{Outcome, Run};
use crate::testing::limit::Limit;
use crate::testing::plan::{self, File};
use crate::testing::pool::Pool;
use crate::testing::report::Format;
use crate::testing::role::{Role, Verdict, verdict};
use options::Options;
use phase::Seen;
use std::ffi::{CString, OsStr};
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

/// Runs it.
pub(super) fn main(started: &Started, args: &[&OsStr]) -> Result<u8, Error> {
    let clock = Instant::now();
    let Some(matches) = parse(parser(), args)? else { return Ok(0) };
    let options = Options::new(&matches)?;
    match command(started, &options, clock) {
        // Who reads Nagios' codes reads stdout too, and nothing else.
        Err(error) if options.format == Some(Format::Nagios) => {
            console::print(&format!("GOSS UNKNOWN - {error}\n"));
            Ok(exit::NAGIOS_UNKNOWN)
        }
        ended => ended,
    }
}

fn command(started: &Started, options: &Options, clock: Instant) -> Result<u8, Error> {
    let locations = init::locations();
    let (loaded, errors) = config::load_tolerant(&locations, entry::environment(), None);
    let config = &loaded.config;
    let seen = phase::look(options.pid)?;
    let suites = suites::chosen(&options.suites, &locations, seen.inside())?;
    let mut session = Session::new(options, config, suites, clock);
    if options.list {
        session.find_files(&locations, config)?;
        return Ok(session.list());
    }
    refuse_nested(&session)?;
    session.ask_phase(&seen);
    if let Some(signal) = session.await_phase(&seen, options)? {
        return Ok(output::end(session, options, Some(signal)));
    }
    if session.to_run.is_empty() {
        return Ok(output::end(session, options, None));
    }
    // Only now: in maintenance a probe passes with a broken configuration too.
    init::tell_beside_the_app(&loaded.warnings);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    session.find_files(&locations, config)?;
    let env = match &seen {
        _ if session.files.is_empty() => Ok(Vec::new()),
        Seen::Hidden(why) => Err(why.clone()),
        Seen::Init(init) => for_tests(Some(init), config).map_err(|error| error.to_string()),
        Seen::Nobody(_) | Seen::Unknown(_) => Ok(for_tests(None, config)?),
    };
    let interrupted = match env {
        Ok(env) => rounds::run(&mut session, started, options, config, env)?,
        Err(why) => {
            session.fail_all(&format!("the environment of the app is not known, so no test ran: {why}"));
            None
        }
    };
    Ok(output::end(session, options, interrupted))
}

/// A test that runs its own suite would run itself again, and that one again, until no process can be made.
fn refuse_nested(session: &Session) -> Result<(), Error> {
    for suite in &session.run.suites {
        if let Some(worker) = ancestors::runs(suite) {
            return Err(Error::Usage(format!(
                "wrapper test {suite}: refused, because a test of this suite started the command (below PID {worker}) and would \
                 run itself without end; a test may run other suites"
            )));
        }
    }
    Ok(())
}

/// One command at work.
struct Session {
    /// All suites, as they are reported.
    suites: Vec<(String, Role)>,
    /// Those whose tests decide.
    to_run: Vec<String>,
    /// When the command began.
    clock: Instant,
    /// When it must be over.
    limit: Option<Limit>,
    timeouts: Vec<(String, Duration)>,
    files: Vec<File>,
    only: Vec<CString>,
    /// Tests that nothing runs because of where they stand.
    misplaced: Vec<String>,
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
        // A probe is over in its suite's time, however many files it has; one that is waited for is not in a hurry.
        let own = timeouts.iter().map(|(_, timeout)| *timeout).max().filter(|_| all_probes);
        let own = own.filter(|_| options.timeout.is_none() && options.retry.is_none());
        let limits = [(options.timeout, "--timeout"), (options.retry, "--retry-timeout"), (own, "")];
        let limits = limits.into_iter().filter_map(|(time, by)| time.map(|time| (time, by)));
        Self {
            to_run: suites.iter().map(|(name, _)| name.clone()).collect(),
            clock,
            limit: limits.min().map(|(time, by)| Limit { at: clock + time, time, by }),
            timeouts,
            files: Vec::new(),
            only: options.only.clone(),
            misplaced: Vec::new(),
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
        if self.suites.iter().all(|(_, role)| *role == Role::None) {
            return;
        }
        // Once for all suites: a PID 1 that hangs takes its time.
        let phase = seen.phase(
            self.limit.map_or(Duration::MAX, |limit| limit.at.saturating_duration_since(Instant::now())),
        );
        for (name, role) in &self.suites {
            if *role == Role::None {
                continue;
            }
            let (decided, why) = match &phase {
                Ok(None) => continue,
                Ok(Some((phase, why))) => (verdict(*role, *phase), why),
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
            self.run.checks.push(phase::check(name, outcome, why.clone()));
        }
        self.run.notes.extend(seen.remark());
    }

    /// With `--retry-timeout`, waits for a phase in which no probe fails: there may be none yet, as long as init.d runs.
    /// Returns the signal that ended the wait, if one did.
    fn await_phase(&mut self, seen: &Seen, options: &Options) -> Result<Option<SignalNo>, Error> {
        if options.retry.is_none() {
            return Ok(None);
        }
        let mut pool = Pool::new().map_err(Error::Init)?;
        while self.run.failures() > 0 && pool.interrupted().is_none() {
            let end = self.limit.map(Limit::for_workers);
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            pool.pause(options.sleep.min(left));
            self.ask_phase(seen);
        }
        Ok(pool.interrupted())
    }

    fn find_files(&mut self, locations: &Locations, config: &Config) -> Result<(), Error> {
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
        let role =
            |suite: &str| config.test.suites.iter().any(|set| set.name == suite && set.probe.is_some());
        self.misplaced = misplaced::remarks(locations, &self.to_run, role);
        self.run.notes.extend(self.misplaced.iter().cloned());
        if !self.only.is_empty() {
            let only = &self.only;
            // Each of them was meant to run something.
            let matches = |pattern: &&CString| self.files.iter().any(|file| suites::is_meant(pattern, file));
            if let Some(pattern) = only.iter().find(|pattern| !matches(pattern) && !seen.is_empty()) {
                return Err(Error::Usage(format!(
                    "--only {}: no test file matches; there are: {}",
                    pattern.to_string_lossy(),
                    suites::first_of(&seen)
                )));
            }
            self.files.retain(|file| only.iter().any(|pattern| suites::is_meant(pattern, file)));
        }
        Ok(())
    }

    /// A failure of each suite that has tests to run.
    fn fail_all(&mut self, why: &str) {
        let mut suites: Vec<&str> = self.files.iter().map(|file| file.suite.as_str()).collect();
        suites.dedup();
        let failed = suites.into_iter().map(|suite| phase::check(suite, Outcome::Fail, why.to_owned()));
        self.run.checks.extend(failed.collect::<Vec<_>>());
        // It says why already.
        self.run.notes.clear();
        self.order();
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

    /// Suites as they were asked for; in each the order of the files stands.
    fn order(&mut self) {
        let suites = &self.run.suites;
        self.run.checks.sort_by_key(|check| suites.iter().position(|suite| *suite == check.suite));
    }
}

fn role(probe: Probe) -> Role {
    match probe {
        Probe::Startup => Role::Startup,
        Probe::Live => Role::Live,
        Probe::Ready => Role::Ready,
        Probe::None => Role::None,
    }
}
