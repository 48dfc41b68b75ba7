//! `status`: what PID 1 is doing, for people and as JSON. It asks PID 1 too, so that one that hangs is told from one
//! that is quiet.

use super::console::{parse, print};
use super::memory::{self, Memory};
use super::{Error, board};
use crate::exit;
use crate::process::exit::Exit;
use crate::status::ask::{self, AskError};
use crate::status::find;
use crate::status::layout::Mode;
use crate::supervisor::board::Snapshot;
use crate::supervisor::state::{Crash, Goal, Phase, Request};
use crate::sys::signal::SignalNo;
use clap::{Arg, ArgAction, Command};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The parser, which is the help text too.
pub(super) fn parser() -> Command {
    Command::new("wrapper status")
        .about("What PID 1 of this container is doing")
        .after_help(
            "Exit codes: 0; 1 maintenance after a failure (maintenance.on_crash); 69 no wrapper runs here; 75 PID 1 does not answer within 500ms; 77 not allowed.",
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("One JSON object, for programs"))
}

/// Runs it.
pub(super) fn main(args: &[&OsStr]) -> Result<u8, Error> {
    let Some(matches) = parse(parser(), args)? else { return Ok(0) };
    let init = find::find()?;
    let answer = ask::ask(&init, board::verb(Request::Ping));
    let mut crashed = false;
    let state = ask::state(&init).and_then(board::decode);
    if state.is_none() && answer.is_ok() {
        return Err(AskError::State(init.pid).into());
    }
    if let Some(state) = state {
        let seen = Seen {
            pid: init.pid,
            mode: ask::mode(&init),
            state,
            signals: ask::signals(&init).collect(),
            answers: answer.is_ok(),
            version: ask::release(&init),
            memory: memory::of(init.pid),
        };
        crashed = seen.state.phase == Phase::Maintenance && seen.state.crash.is_some();
        print(&if matches.get_flag("json") { seen.json() } else { seen.text() });
    }
    answer.map(|_| if crashed { exit::FAILED } else { 0 }).map_err(Error::from)
}

struct Seen {
    pid: i32,
    mode: Mode,
    state: Snapshot,
    signals: Vec<(i32, u64)>,
    answers: bool,
    version: Option<String>,
    memory: Memory,
}

impl Seen {
    fn phase(&self) -> String {
        match (self.state.phase, self.state.goal) {
            (Phase::Init(index), _) => format!("init (script {} of init.d)", index + 1),
            (Phase::Finish(index), _) => format!("finishing (script {} of finish.d)", index + 1),
            (Phase::Running | Phase::Maintenance | Phase::Ended, _) => {
                phase_name(self.state.phase).to_owned()
            }
            (phase, Goal::Exit) => phase_name(phase).to_owned(),
            (phase, Goal::Maintain) => format!("{}, on the way into maintenance", phase_name(phase)),
            (phase, Goal::Restart) => format!("{}, to start again", phase_name(phase)),
        }
    }

    fn text(&self) -> String {
        let state = &self.state;
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<10} {value}");
        };
        line("phase", format!("{}, for {}", self.phase(), age(state.phase_since)));
        if let Some(signal) = state.stop_signal {
            line("stopping", format!("by {signal}"));
        }
        if let Some(why) = board::crash(state) {
            line("reason", why);
        }
        match (state.app, state.app_since) {
            (Some(pid), Some(since)) => line("app", format!("pid {pid}, up {}", age(since))),
            _ => line("app", "not running".into()),
        }
        if state.starts > 1 {
            line("restarts", (state.starts - 1).to_string());
        }
        if let Some(exit) = state.last_exit {
            let what = if state.crash == Some(Crash::Init) { "the start" } else { "the app" };
            line("last end", format!("{what} {exit}"));
        }
        let by_name: Vec<_> = self.signals.iter().map(|(n, count)| format!("{} {count}", name(*n))).collect();
        let detail = if by_name.is_empty() { String::new() } else { format!(" ({})", by_name.join(", ")) };
        line("forwarded", format!("{}{detail}", counted(state.forwarded, "signal")));
        if state.undelivered > 0 {
            line(
                "error",
                format!(
                    "{} could not be delivered to the app: KILL is missing",
                    counted(state.undelivered, "signal")
                ),
            );
        }
        line("reaped", counted(state.orphans, "orphan"));
        if let Some(current) = self.memory.current {
            let limit = self.memory.limit.map_or(String::new(), |limit| format!(" of {}", mebibytes(limit)));
            let kills = self.memory.oom_kills.filter(|kills| *kills > 0);
            let kills = kills.map_or(String::new(), |kills| format!(", {}", counted(kills, "OOM kill")));
            line("memory", format!("{}{limit}{kills}", mebibytes(current)));
        }
        if let Some(version) = &self.version {
            line("version", version.clone());
        }
        if !self.answers {
            line("init", format!("PID {} does not answer", self.pid));
        }
        out
    }

    fn json(&self) -> String {
        let state = &self.state;
        let number = |value: Option<u64>| value.map_or("null".to_owned(), |n| n.to_string());
        let signals: Vec<_> =
            self.signals.iter().map(|(n, count)| format!("\"{}\":{count}", name(*n))).collect();
        let (code, signal) = match state.last_exit {
            Some(exit @ Exit::Signal(signal)) => (Some(exit.code()), Some(signal)),
            Some(exit) => (Some(exit.code()), None),
            None => (None, None),
        };
        let text = |value: Option<String>| value.map_or("null".to_owned(), |text| format!("\"{text}\""));
        format!(
            "{{\"init_pid\":{},\"answers\":{},\"mode\":\"{}\",\"phase\":\"{}\",\"goal\":\"{}\",\"phase_since\":{},\
             \"stop_signal\":{},\"app_pid\":{},\"app_since\":{},\"restarts\":{},\"last_exit_code\":{},\
             \"last_exit_signal\":{},\"signals_forwarded\":{},\"signals\":{{{}}},\"signals_undelivered\":{},\
             \"orphans_reaped\":{},\"maintenance\":{},\"crash\":{},\"version\":{},\"memory_bytes\":{},\
             \"memory_limit_bytes\":{},\"oom_kills\":{}}}\n",
            self.pid,
            self.answers,
            if self.mode == Mode::Run { "run" } else { "command" },
            phase_name(state.phase),
            match state.goal {
                Goal::Exit => "exit",
                Goal::Maintain => "maintenance",
                Goal::Restart => "restart",
            },
            seconds(state.phase_since),
            text(state.stop_signal.map(|signal| signal.to_string())),
            number(state.app.map(|pid| pid as u64)),
            state.app_since.map_or("null".to_owned(), seconds),
            state.starts.saturating_sub(1),
            number(code.map(u64::from)),
            text(signal.map(|signal| signal.to_string())),
            state.forwarded,
            signals.join(","),
            state.undelivered,
            state.orphans,
            state.phase == Phase::Maintenance,
            text(board::crash(state)),
            text(self.version.clone()),
            number(self.memory.current),
            number(self.memory.limit),
            number(self.memory.oom_kills),
        )
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Init(_) => "init",
        Phase::Running => "running",
        Phase::Draining => "draining",
        Phase::Stopping => "stopping",
        Phase::Leftovers | Phase::LeftoversKilled => "leftovers",
        Phase::Finish(_) => "finishing",
        Phase::Maintenance => "maintenance",
        Phase::Ended => "ended",
    }
}

fn name(signal: i32) -> String {
    SignalNo::new(signal).map_or_else(|| signal.to_string(), |signal| signal.to_string())
}

/// Seconds since 1970, with milliseconds.
fn seconds(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:03}", since.as_secs(), since.subsec_millis())
}

/// `48 MiB`, rounded up.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// `1 signal`, `2 signals`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `3d4h`, `2h5m`, `7m12s`, `4s`.
fn age(since: SystemTime) -> String {
    let seconds = SystemTime::now().duration_since(since).unwrap_or(Duration::ZERO).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        () if days > 0 => format!("{days}d{}h", hours % 24),
        () if hours > 0 => format!("{hours}h{}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}
