//! One round: what is done at the same time, and what must have come of it.

use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Ended, Kind, ORDERS, READERS};
use super::container::{APP_CODE, Container, Rest};
use super::random::Random;
use crate::support::proc;
use crate::support::tools::programs;

/// Signals that start no stop, by number: HUP, QUIT, USR1, USR2, PIPE, ALRM, CONT, TSTP, TTIN, TTOU, URG, XFSZ, WINCH, IO
/// and real-time ones.
const HARMLESS: [i32; 17] = [1, 3, 10, 12, 13, 14, 18, 20, 21, 22, 23, 25, 28, 29, 35, 50, 64];
/// The real-time signal whose arrivals are counted.
const COUNTED: u32 = 40;
/// A stop of PID 1 that was longer than this, on a busy machine, can cost a client its patience of 500 ms.
const SHORT: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// Up to 40 clients, some of them orders.
    Burst,
    /// A few orders, one after the other.
    Orders,
    /// Signals while clients ask: each reaches the app.
    Count,
    /// Signals of all kinds while clients ask and order.
    Signals,
    /// Orphans by the dozen: each is reaped.
    Orphans,
    /// PID 1 stands still for less than a client's patience.
    Pause,
    /// The app is killed.
    KillApp,
    /// A stop signal, or `wrapper stop`.
    Stop,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    what: What,
    clients: u64,
    /// Clients out of a hundred that are killed, or stopped for a while.
    harmed: u64,
}

/// What became of the container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Lives,
    Ended,
}

impl Round {
    pub(super) fn draw(random: &mut Random) -> Self {
        let what = match random.below(100) {
            0..25 => What::Burst,
            25..45 => What::Orders,
            45..60 => What::Count,
            60..75 => What::Signals,
            75..83 => What::Orphans,
            83..91 => What::Pause,
            91..98 => What::KillApp,
            _ => What::Stop,
        };
        let clients = match what {
            What::Burst => 20 + random.below(21),
            What::Orders => 1 + random.below(3),
            _ => random.below(6),
        };
        Self { what, clients, harmed: random.pick(&[0, 0, 20, 50]) }
    }

    pub(super) fn name(self) -> &'static str {
        match self.what {
            What::Burst => "bursts",
            What::Orders => "orders",
            What::Count => "counted signals",
            What::Signals => "signals",
            What::Orphans => "orphans",
            What::Pause => "pauses",
            What::KillApp => "killed apps",
            What::Stop => "stops",
        }
    }

    /// Clients out of a hundred that are orders.
    fn orders(self) -> u64 {
        match self.what {
            What::Burst => 10,
            What::Orders => 100,
            What::Signals | What::Stop => 30,
            _ => 0,
        }
    }

    /// Plays it from rest to rest; an error is a broken promise.
    pub(super) fn play(self, container: &mut Container, random: &mut Random) -> Result<Outcome, String> {
        let Some(before) = container.settle()? else { return Err("ended between two rounds".to_owned()) };
        let mut clients = Vec::new();
        for _ in 0..self.clients {
            let order = random.percent(self.orders());
            let kind = if order { random.pick(&ORDERS) } else { random.pick(&READERS) };
            clients.push(container.client(kind)?);
        }
        let may_end = self.disturb(container, random, &before, &mut clients)?;
        self.harm(random, &mut clients);
        let mut ended = Vec::new();
        for client in clients {
            ended.push(client.finish()?);
            if container.apps() > 1 {
                return Err("two apps at once".to_owned());
            }
        }
        if self.what == What::Signals {
            // A script that a TSTP stopped goes on.
            container.signal(libc::SIGCONT);
        }
        let after = self.rest(container, &before, &may_end)?;
        let lost = ended.iter().find_map(|done| done.fault(after.is_none()));
        if let Some(fault) = lost {
            return Err(fault);
        }
        let Some(after) = after else { return Ok(Outcome::Ended) };
        container.check(&after)?;
        match self.what {
            What::KillApp if before.runs() && after.runs() => Err("the app was killed, and runs".to_owned()),
            What::Signals | What::Stop | What::KillApp => Ok(()),
            _ => compare(&before, &after, &ended),
        }
        .map(|()| Outcome::Lives)
    }

    /// Where the container comes to rest; none when it ended in a way that this round allows.
    fn rest(self, container: &mut Container, before: &Rest, may_end: &[i32]) -> Result<Option<Rest>, String> {
        let must_end =
            self.what == What::Stop || self.what == What::KillApp && before.runs() && !container.on_crash;
        if must_end {
            // It may look at rest before the stop has come to it.
            proc::until("the end of the container", || container.exit_code().is_some());
        }
        let after = container.settle()?;
        match container.exit_code() {
            Some(code) if !may_end.contains(&code) => {
                Err(format!("ended with {code}, allowed: {may_end:?}, before: {before:?}"))
            }
            _ => Ok(after),
        }
    }

    /// Does what the round is named for; the result is the exit codes with which the container may end by it.
    fn disturb(
        self,
        container: &mut Container,
        random: &mut Random,
        before: &Rest,
        clients: &mut [Client],
    ) -> Result<Vec<i32>, String> {
        let ordered = clients.iter().any(|client| ORDERS.contains(&client.kind));
        match self.what {
            What::Burst | What::Orders => {}
            What::Count => {
                let times = 1 + random.below(50) as u32;
                let wanted = container.got(COUNTED) + if before.runs() { times } else { 0 };
                container.running.signal_times(times, &[&COUNTED.to_string()]);
                container.until_got(COUNTED, wanted)?;
            }
            What::Signals => {
                let sent: Vec<_> = (0..=random.below(7)).map(|_| random.pick(&HARMLESS)).collect();
                for signal in &sent {
                    container.signal(*signal);
                }
                // An app that has just started dies of what it does not handle yet.
                return Ok(if ordered {
                    sent.iter().map(|signal| 128 + signal).collect()
                } else {
                    Vec::new()
                });
            }
            What::Orphans => {
                let count = (1 + random.below(100)).to_string();
                let argv = [programs().probe.as_str(), "orphans", &count, "--reaper", "1"];
                container.running.enter(&argv).code(0);
            }
            What::Pause => {
                let since = Instant::now();
                container.signal(libc::SIGSTOP);
                thread::sleep(Duration::from_millis(random.below(150)));
                container.signal(libc::SIGCONT);
                if since.elapsed() > SHORT {
                    clients.iter_mut().for_each(Client::excuse);
                }
            }
            What::KillApp => {
                if let Some(app) = before.app {
                    container.running.signal_process(app as i32, &["KILL"]);
                }
                return Ok(if container.on_crash { Vec::new() } else { vec![128 + libc::SIGKILL] });
            }
            What::Stop => {
                container.stopping = true;
                if random.percent(50) {
                    container.signal(libc::SIGTERM);
                } else if let Some(fault) = container.client(Kind::Stop)?.finish()?.fault(true) {
                    return Err(fault);
                }
                return Ok(match (ordered, before.runs()) {
                    // The app, init.d or the run script gets the signal, or nothing runs.
                    (true, _) => vec![APP_CODE, 0, 128 + libc::SIGTERM],
                    (false, true) => vec![APP_CODE],
                    (false, false) => vec![0],
                });
            }
        }
        Ok(Vec::new())
    }

    /// Kills some of the clients, and stops some for a while.
    fn harm(self, random: &mut Random, clients: &mut [Client]) {
        for client in clients.iter_mut() {
            if random.percent(self.harmed) {
                thread::sleep(Duration::from_millis(random.below(4)));
                if random.percent(50) { client.kill() } else { client.stop() }
            }
        }
        thread::sleep(Duration::from_millis(if self.harmed > 0 { random.below(700) } else { 0 }));
        clients.iter().for_each(Client::go_on);
    }
}

/// What the clients were told is what happened.
fn compare(before: &Rest, after: &Rest, ended: &[Ended]) -> Result<(), String> {
    let orders = || ended.iter().filter(|done| ORDERS.contains(&done.kind));
    if orders().any(|done| done.done().is_none()) {
        return Ok(());
    }
    let done = |kind| orders().filter(|one| one.kind == kind && one.done() == Some(true)).count() as i64;
    let (restarts, on, off) = (done(Kind::Restart), done(Kind::On), done(Kind::Off));
    let started = after.restarts - before.restarts;
    let broken = match (before.runs(), after.runs()) {
        _ if restarts + on + off == 0 && before != after => "something was done that no client asked for",
        _ if !(0..=restarts + off).contains(&started) => "the app was started more often than asked for",
        (true, false) if on == 0 => "nobody switched maintenance on",
        (false, true) if off == 0 => "nobody switched maintenance off",
        (true, true) if on > 0 && off == 0 => "maintenance was switched on, and the app runs",
        (false, false) if off > 0 && on == 0 => "maintenance was switched off, and the app does not run",
        (true, _) if restarts > 0 && on == 0 && started == 0 => "a restart was accepted and not done",
        _ => return Ok(()),
    };
    Err(format!("{broken}: {before:?}, then {after:?}; {ended:#?}"))
}
