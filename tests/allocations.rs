//! The signal path allocates nothing: signalfd → state machine → kill → state page, for every target.
//!
//! A program of its own, since it must be alone in its process: it blocks every signal and reaps every child.

use std::path::PathBuf;
use wrapper::process::Pid;
use wrapper::process::command::{Attributes, Command};
use wrapper::status::page::Page;
use wrapper::supervisor::board::{Board, Snapshot};
use wrapper::supervisor::children::Programs;
use wrapper::supervisor::environment::Fixed;
use wrapper::supervisor::policy::{Policy, Target};
use wrapper::supervisor::run::Supervisor;
use wrapper::supervisor::state::{Answer, Phase, Request};
use wrapper::supervisor::terminal::Terminal;
use wrapper::sys::fork::Report;
use wrapper::sys::mask::{self, SigSet};
use wrapper::sys::signal::SignalNo;

/// A board on a real page that remembers what it was told last.
struct Watched {
    page: Page,
    seen: Option<Snapshot>,
}

impl Board for Watched {
    fn publish(&mut self, state: &Snapshot) {
        self.page.write([state.forwarded; 12]);
        self.seen = Some(*state);
    }

    fn count_signal(&mut self, signal: SignalNo) {
        self.page.count_signal(signal);
    }

    fn descriptor(&self) -> Option<i32> {
        self.page.descriptor()
    }

    fn next_request(&mut self) -> Option<(u64, Request)> {
        self.page.next_command().map(|(id, _)| (id, Request::Ping))
    }

    fn answer(&mut self, id: u64, _: Answer) {
        self.page.answer(id, 0);
    }

    fn app_report(&self) -> Report {
        self.page.report(0)
    }

    fn script_report(&self) -> Report {
        self.page.report(1)
    }
}

fn main() {
    let before = mask::set_mask(SigSet::ALL);
    for target in [Target::Pid, Target::Group, Target::All] {
        signals_are_forwarded_without_allocating(target, before);
    }
    println!("1 passed, 0 failed");
}

fn signals_are_forwarded_without_allocating(target: Target, before: SigSet) {
    const SIGNALS: u64 = 1000;
    let own = std::process::id() as Pid;
    // WINCH is ignored by default, so the app lives on.
    let winch = SignalNo::new(28).expect("SIGWINCH");
    let programs = Programs {
        app: Command::new("sleep", vec!["1000".into()]),
        broken: None,
        init: Vec::<PathBuf>::new(),
        stop: None,
        finish: Vec::new(),
        attributes: Attributes {
            mask: before,
            ignore_chld: false,
            session: false,
            foreground: false,
            umask: None,
            stdio: None,
            start: None,
            dies_with_us: false,
            borrows_us: false,
        },
        target,
        message: None,
    };
    let mut board = Watched { page: Page::create(wrapper::status::layout::Mode::Command).0, seen: None };
    let terminal = Terminal::inherited(true);
    let mut supervisor =
        Supervisor::new(Policy::plain(), programs, Box::new(Fixed(None)), terminal, &mut board)
            .expect("a signalfd");
    supervisor.start();
    let mut send_one = || {
        mask::kill(own, winch).expect("we may signal ourselves");
        supervisor.turn();
    };
    send_one();
    let counted = allocation_counter::measure(|| {
        for _ in 0..SIGNALS {
            send_one();
        }
    });
    mask::kill(own, SignalNo::TERM).expect("we may signal ourselves");
    while supervisor.code().is_none() {
        supervisor.turn();
    }
    drop(supervisor);
    assert_eq!(counted.count_total, 0, "allocations in {SIGNALS} signals, target {target:?}");
    let seen = board.seen.expect("published");
    assert_eq!(seen.phase, Phase::Ended);
    assert_eq!(seen.forwarded, SIGNALS + 2, "every one of them was forwarded, target {target:?}");
}
