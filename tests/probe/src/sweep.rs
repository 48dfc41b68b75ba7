//! `sweep KIND N -- INIT...`: starts the init N times, each in a PID namespace of its own, and compares how it
//! ends with what is right. It prints one line for each wrong run (the first few) and a summary:
//! `sweep ok N` or `sweep wrong W of N`.
//!
//! Kinds: `exits` and `signals` go through all exit codes and fatal signals (N is the number of rounds);
//! `race-term` sends TERM at a random moment of the start; `race-exit` at a random moment of the app's own end;
//! `twins` has the app and an orphan end in the same moment.

use std::ffi::OsString;

use crate::args::{Args, failed, usage};
use crate::output::say;
use crate::{crowd, sys};

/// The signal that asks an app whether it has missed its TERM.
const MARKER: i32 = 40;
/// What the app exits with when the marker came and TERM did not.
const LOST: i32 = 97;

struct Sweep {
    init: Vec<OsString>,
    probe: OsString,
    pid1: bool,
    blocked: bool,
    uid: Option<u32>,
    random: Random,
}

/// A small generator (xorshift), seeded by the clock.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How one run ended.
#[derive(PartialEq, Clone, Copy)]
enum End {
    Code(i32),
    Signal(i32),
    Hung,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(LOST) => f.write_str("lost the signal"),
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::Hung => f.write_str("hung"),
        }
    }
}

/// Runs a whole sweep; 0 when every run was right.
pub(crate) fn run(mut args: Args) -> i32 {
    let kind = args.value();
    let rounds: u32 = args.number();
    let (mut pid1, mut blocked, mut uid, mut spread) = (true, true, None, 2500);
    while let Some(option) = args.option() {
        match option.as_str() {
            "--not-pid1" => pid1 = false,
            // Starts it as a careless caller does: the signal may come before anything is blocked, and then it kills.
            "--unblocked" => blocked = false,
            "--uid" => uid = Some(args.number()),
            // The longest wait before the signal, in microseconds.
            "--spread" => spread = args.number(),
            _ => usage("sweep: unknown option"),
        }
    }
    let probe = args.program.clone();
    let random = Random(sys::microseconds() | 1);
    let mut sweep = Sweep { init: args.rest(), probe, pid1, blocked, uid, random };
    let (mut runs, mut wrong) = (0, 0);
    for round in 0..rounds {
        for (what, right, end) in sweep.round(&kind, spread) {
            runs += 1;
            if !right.contains(&end) {
                wrong += 1;
                if wrong <= 5 {
                    say!("wrong {what} in round {round}: {end}");
                }
            }
        }
        if wrong > 20 {
            break;
        }
    }
    if wrong == 0 {
        say!("sweep ok {runs}");
    } else {
        say!("sweep wrong {wrong} of {runs}");
    }
    i32::from(wrong > 0)
}

impl Sweep {
    fn round(&mut self, kind: &str, spread: u64) -> Vec<(String, Vec<End>, End)> {
        match kind {
            "exits" => (0..256)
                .map(|code| {
                    let end = self.start(&["exit".into(), code.to_string()], |_| {});
                    (format!("exit {code}"), vec![End::Code(code)], end)
                })
                .collect(),
            "signals" => (1..=64)
                .filter(|signal| !matches!(signal, 17..=23 | 28))
                .map(|signal| {
                    let end = self.start(&["die".into(), signal.to_string()], |_| {});
                    (format!("signal {signal}"), vec![End::Code(128 + signal)], end)
                })
                .collect(),
            "race-term" => {
                let wait = self.random.below(spread);
                let mut right = vec![End::Code(143)];
                if !self.blocked {
                    right.push(End::Signal(libc::SIGTERM));
                }
                vec![(format!("TERM after {wait} us"), right, self.race_term(wait))]
            }
            "race-exit" => {
                let wait = self.random.below(spread);
                let end = self.start(&["exit".into(), "7".into()], |init| {
                    busy(wait);
                    let _ = sys::kill(init, libc::SIGTERM);
                });
                vec![(format!("TERM after {wait} us"), vec![End::Code(7), End::Code(143)], end)]
            }
            "twins" => {
                let end = self.start(&["sweep-app".into(), "twin".into()], |_| {});
                vec![("twins".into(), vec![End::Code(7)], end)]
            }
            _ => usage("sweep: unknown kind"),
        }
    }

    /// TERM after some microseconds; once the app is up, and has not died of TERM already, the marker asks it.
    fn race_term(&mut self, wait: u64) -> End {
        let (reader, writer) = sys::pipe();
        let app = ["sweep-app".into(), "term".into(), writer.to_string()];
        let end = self.start(&app, |init| {
            sys::close(writer);
            busy(wait);
            let _ = sys::kill(init, libc::SIGTERM);
            let mut byte = [0];
            // One byte: the app is up. None: the app has died, and its end of the pipe with it.
            if sys::readable(reader, 10_000) && sys::read(reader, &mut byte).is_ok_and(|n| n == 1) {
                let _ = sys::kill(init, MARKER);
            }
        });
        sys::close(reader);
        end
    }

    /// Starts the init with signals blocked, as a careful caller does, so that none can be lost before its first
    /// system call; then waits for its end, for 10 seconds at most.
    fn start(&mut self, app: &[String], meanwhile: impl FnOnce(i32)) -> End {
        let mut command = self.init.clone();
        command.push(self.probe.clone());
        command.extend(app.iter().map(OsString::from));
        let mask = sys::set_mask(!0);
        let forked = if self.pid1 { sys::fork_pid1() } else { sys::try_fork() };
        let init = forked.unwrap_or_else(|e| failed("sweep: fork", e));
        if init == 0 {
            if !self.blocked {
                sys::set_mask(0);
            }
            if let Some(uid) = self.uid {
                sys::become_user(uid).unwrap_or_else(|e| failed("sweep: uid", e));
            }
            let e = sys::exec(&command);
            failed("sweep: exec", e);
        }
        sys::set_mask(mask);
        meanwhile(init);
        let ended = sys::pidfd(init).map(|fd| {
            let ended = sys::readable(fd, 10_000);
            sys::close(fd);
            ended
        });
        let hung = !ended.unwrap_or(true);
        if hung {
            let _ = sys::kill(init, libc::SIGKILL);
        }
        match sys::wait(init, 0) {
            _ if hung => End::Hung,
            Ok((_, status)) if libc::WIFEXITED(status) => End::Code(libc::WEXITSTATUS(status)),
            Ok((_, status)) => End::Signal(libc::WTERMSIG(status)),
            Err(e) => failed("sweep: wait", e),
        }
    }
}

/// Burns some microseconds: a sleep is far too coarse to hit a moment of a start.
fn busy(microseconds: u64) {
    let end = sys::microseconds() + microseconds;
    while sys::microseconds() < end {
        std::hint::spin_loop();
    }
}

/// `sweep-app term FD|twin`: the app of a sweep.
pub(crate) fn app(args: &mut Args) -> i32 {
    match args.value().as_str() {
        "term" => {
            let fd = args.number();
            // Everything but the marker keeps its default: TERM kills.
            sys::set_mask(sys::bit(MARKER));
            let _ = sys::write(fd, b"r");
            sys::take_signal(sys::bit(MARKER), true);
            LOST
        }
        "twin" => {
            let (reader, writer) = sys::pipe();
            crowd::orphan(|| {
                sys::close(writer);
                // Ends when the last writer, the app, does.
                sys::readable(reader, -1);
            });
            7
        }
        _ => usage("sweep-app: unknown kind"),
    }
}
