//! The end of a command: its report, and its exit code.

use super::options::Options;
use super::{Session, phase, progress};
use crate::exit;
use crate::sys::fd::{self, BATCH, Polled, SignalFd, Wait};
use crate::sys::mask::SigSet;
use crate::sys::signal::SignalNo;
use crate::testing::check::{Check, Outcome};
use crate::testing::report::{self, Format};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

const STDOUT: i32 = 1;
/// How long after the command's limit its report may take: what a reader that is there needs.
const LATE: Duration = Duration::from_millis(30);

/// Reports, and makes the exit code.
pub(super) fn end(mut session: Session, options: &Options, interrupted: Option<SignalNo>) -> u8 {
    session.run.duration = session.clock.elapsed();
    if options.require && session.files.is_empty() && session.run.checks.is_empty() {
        let suite = session.run.suites.join(", ");
        let check = phase::check(&suite, Outcome::Fail, "no tests, and --require wants some".into());
        session.run.notes.clear();
        session.run.checks.push(Check { suite, ..check });
    }
    if options.require && !session.misplaced.is_empty() {
        let (misplaced, suite) = (std::mem::take(&mut session.misplaced), session.run.suites[0].clone());
        session.run.notes.retain(|note| !misplaced.contains(note));
        let checks = misplaced.into_iter().map(|why| phase::check(&suite, Outcome::Fail, why));
        session.run.checks.extend(checks);
    }
    let until = session.limit.map(|limit| limit.at.max(Instant::now()) + LATE);
    let mut out = BufWriter::with_capacity(8192, Stdout { until, signals: SignalFd::new(SigSet::ALL).ok() });
    let written =
        report::write(&session.run, session.format, progress::style(), &mut out).and_then(|()| out.flush());
    // What could not be written must not be tried again when the writer goes.
    let _ = out.into_parts();
    let code = code(&session, interrupted);
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tracing::error!("the report could not be written: {error}");
            // Who looks at the verdict alone has it in the exit code; who reads the report must know that it is cut.
            if code == 0 && session.format != Format::Probe { exit::FAILED } else { code }
        }
        // A reader that went away is no error of the tests.
        _ => code,
    }
}

fn code(session: &Session, interrupted: Option<SignalNo>) -> u8 {
    if let Some(signal) = interrupted {
        return 128 + signal.get() as u8;
    }
    let errors = session.run.count(|outcome| outcome == Outcome::Error);
    match (session.format, session.run.failures()) {
        (_, 0) => 0,
        (Format::Nagios, failures) if failures > errors => exit::NAGIOS_CRITICAL,
        (Format::Nagios, _) => exit::NAGIOS_UNKNOWN,
        _ if errors > 0 => exit::CONFIG,
        _ => exit::FAILED,
    }
}

/// Standard output that waits for a slow reader, but not beyond the command's time, and not when it is told to end.
struct Stdout {
    until: Option<Instant>,
    signals: Option<SignalFd>,
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(count) = fd::write_some(STDOUT, bytes)? {
                return Ok(count);
            }
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it"));
            }
            let signals = self.signals.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            let mut polled = [Polled::new(STDOUT, Wait::Write), Polled::new(signals, Wait::Read)];
            fd::poll_any(&mut polled, left)?;
            let mut batch = [None; BATCH];
            if polled[1].ready
                && let Some(signals) = &self.signals
            {
                signals.read(&mut batch);
            }
            let ends = [SignalNo::TERM, SignalNo::INT, SignalNo::HUP, SignalNo::QUIT];
            if let Some(info) = batch.iter().flatten().find(|info| ends.contains(&info.signal)) {
                return Err(io::Error::other(format!("ended by {}", info.signal)));
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
