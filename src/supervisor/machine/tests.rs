//! The machine against worlds that do as they please: named scenarios, and properties over any order of events.

mod building;
mod properties;
mod requests;

use super::*;

const GRACE: Duration = Duration::from_secs(25);

fn policy() -> Policy {
    Policy { grace: Some(GRACE), can_maintain: true, ..Policy::plain() }
}

/// A machine and the processes that it believes in.
struct World {
    machine: Machine,
    policy: Policy,
    start: Instant,
    now: Instant,
    app: bool,
    script: bool,
    exit: Option<u8>,
    log: Vec<Action>,
    /// What becomes of a build at once; none leaves it under way.
    builds: Option<Result<(), u8>>,
    building: bool,
    /// Requests without an answer.
    held: usize,
}

impl World {
    /// Where the environment is built at once.
    fn new(policy: Policy) -> Self {
        Self::building(policy, Some(Ok(())))
    }

    fn building(policy: Policy, builds: Option<Result<(), u8>>) -> Self {
        let start = Instant::now();
        let mut world = Self {
            machine: Machine::new(policy.clone()),
            policy,
            start,
            now: start,
            app: false,
            script: false,
            exit: None,
            log: Vec::new(),
            builds,
            building: false,
            held: 0,
        };
        world.on(Event::Start);
        world
    }

    /// Feeds one event, and the result of a build when there is one at once. The actions without those of the build.
    fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.feed(event);
        if let Some(result) = self.builds.filter(|_| self.building) {
            actions.extend(self.feed(Event::Built(result)));
        }
        actions.retain(|action| !matches!(action, Action::Build | Action::Adopt | Action::Hold));
        actions
    }

    /// The build under way ends so.
    fn built(&mut self, result: Result<(), u8>) -> Vec<Action> {
        assert!(self.building);
        self.on(Event::Built(result))
    }

    /// Feeds one event and checks what must hold whatever happens.
    fn feed(&mut self, event: Event) -> Vec<Action> {
        if matches!(event, Event::Built(_)) {
            self.building = false;
        }
        let before = self.machine.phase();
        let actions: Vec<_> = self.machine.on(event, self.now).iter().collect();
        assert!(self.exit.is_none() || actions.is_empty(), "after the end: {actions:?}");
        let answers =
            actions.iter().filter(|action| matches!(action, Action::Answer(_) | Action::Hold)).count();
        let asked = matches!(event, Event::Asked(_)) && before != Phase::Ended;
        assert_eq!(answers, usize::from(asked), "answers to {event:?}: {actions:?}");
        for action in &actions {
            match *action {
                Action::StartApp => {
                    assert!(!self.app && !self.script, "started beside another: {actions:?}");
                    self.app = true;
                }
                Action::RunInit(_) | Action::RunFinish(_) => {
                    assert!(!self.app && !self.script, "a script beside another: {actions:?}");
                    self.script = true;
                }
                Action::RunStop => {
                    assert!(self.app && !self.script, "nothing to stop: {actions:?}");
                    self.script = true;
                }
                Action::Forward(signal) => {
                    assert!(self.app, "{signal} to nobody");
                    // What arrived, or what stands for the stop that time or a failed script goes on with.
                    let arrived = match event {
                        Event::Signal(arrived) => Some(arrived),
                        Event::Asked(_) => Some(self.policy.stop_signal),
                        _ => self.machine.stop_signal(),
                    };
                    assert_eq!(arrived.and_then(|arrived| self.policy.rewritten(arrived)), Some(signal));
                }
                Action::SignalScript(signal) => {
                    assert!(self.script, "{signal} to no script");
                    let arrived = match event {
                        Event::Signal(arrived) => arrived,
                        _ => self.policy.stop_signal,
                    };
                    assert_eq!(signal, arrived, "as it arrived, rewritten by nothing");
                }
                Action::Exit(code) => {
                    assert_eq!(self.held, 0, "the end leaves nobody without an answer");
                    self.exit = Some(code);
                }
                Action::Build => {
                    assert!(!self.building, "two builds at once: {actions:?}");
                    self.building = true;
                }
                Action::CancelBuild | Action::BuildIsLate => {
                    assert!(self.building, "nothing to cancel: {actions:?}");
                    self.building = false;
                }
                Action::Hold => self.held += 1,
                Action::AnswerHeld(_) => self.held = 0,
                _ => {}
            }
        }
        assert!(self.held == 0 || self.building, "{} wait for nothing: {:?}", self.held, self.machine);
        self.log.extend(&actions);
        actions
    }

    fn app_ends(&mut self, exit: Exit) -> Vec<Action> {
        self.app = false;
        self.on(Event::AppEnded(exit))
    }

    fn script_ends(&mut self, exit: Exit) -> Vec<Action> {
        self.script = false;
        self.on(Event::ScriptEnded(exit))
    }

    /// Everything that was killed or ended is reaped, and nothing is left.
    fn nothing_left(&mut self) -> Vec<Action> {
        assert!(!self.app);
        self.script = false;
        self.on(Event::Childless)
    }

    fn after(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.on(Event::Tick)
    }
}

fn term() -> Event {
    Event::Signal(SignalNo::TERM)
}

#[test]
fn an_app_that_ends_by_itself_gives_its_code() {
    let mut world = World::new(policy());
    assert_eq!(world.app_ends(Exit::Code(3)), [Action::SignalTree(SignalNo::TERM)]);
    assert_eq!(world.nothing_left(), [Action::Exit(3)]);
}

#[test]
fn the_exit_map_is_applied_once() {
    let mut policy = policy();
    policy.exit_map[143] = 0;
    policy.exit_map[0] = 9;
    let mut world = World::new(policy);
    world.on(term());
    world.app_ends(Exit::Signal(SignalNo::TERM));
    assert_eq!(world.nothing_left(), [Action::Exit(0)]);
}

#[test]
fn a_stop_goes_through_drain_script_and_finish() {
    let policy = Policy {
        drain_delay: Duration::from_secs(5),
        stop_script: true,
        finish_scripts: 2,
        init_scripts: 1,
        ..policy()
    };
    let mut world = World::new(policy);
    assert_eq!(world.machine.phase(), Phase::Init(0));
    assert_eq!(world.script_ends(Exit::Code(0)), [Action::StartApp]);
    world.on(term());
    assert_eq!(world.machine.phase(), Phase::Draining);
    assert!(world.after(Duration::from_secs(4)).is_empty(), "not yet");
    assert_eq!(world.after(Duration::from_secs(1)), [Action::RunStop]);
    assert!(world.script_ends(Exit::Code(0)).is_empty(), "the script has told the app");
    world.app_ends(Exit::Code(0));
    assert_eq!(world.nothing_left(), [Action::RunFinish(0)]);
    let failed = world.script_ends(Exit::Code(1));
    assert_eq!(failed, [Action::Tell(Note::FinishFailed(0, Exit::Code(1))), Action::RunFinish(1)]);
    assert_eq!(world.script_ends(Exit::Code(0)), [Action::Exit(0)]);
}

/// A preStop hook may say `wrapper stop`; the runtime's signal, which follows, is the first one.
#[test]
fn a_request_is_no_stop_signal_and_leaves_the_delay_alone() {
    for request in [Request::Stop, Request::MaintenanceOn, Request::Restart] {
        let mut world = World::new(Policy { drain_delay: Duration::from_secs(60), ..policy() });
        world.on(Event::Asked(request));
        assert!(!world.on(term()).contains(&Action::Forward(SignalNo::TERM)), "{request:?}");
        assert_eq!(world.machine.phase(), Phase::Draining, "{request:?}");
        world.on(Event::Asked(Request::Stop));
        assert_eq!(world.machine.phase(), Phase::Draining, "{request:?}");
        assert_eq!(world.on(term()), [Action::Forward(SignalNo::TERM)], "{request:?}");
    }
}

#[test]
fn the_grace_counts_from_the_first_stop_signal() {
    let mut world = World::new(Policy { drain_delay: Duration::from_secs(10), ..policy() });
    world.on(term());
    world.after(Duration::from_secs(10));
    world.after(Duration::from_secs(10));
    world.on(Event::Signal(SignalNo::INT));
    world.on(term());
    assert_eq!(world.machine.deadline(), Some(world.start + GRACE));
    assert_eq!(world.after(Duration::from_secs(5)), [Action::Tell(Note::GraceOver), Action::KillAll]);
}

#[test]
fn a_second_stop_signal_skips_the_delay() {
    let mut world = World::new(Policy { drain_delay: Duration::from_secs(60), ..policy() });
    world.on(term());
    assert_eq!(world.on(term()), [Action::Forward(SignalNo::TERM)]);
}

#[test]
fn a_stop_script_that_fails_is_replaced_by_the_signal() {
    let mut world = World::new(Policy { stop_script: true, ..policy() });
    world.on(term());
    let told = world.script_ends(Exit::Code(1));
    assert_eq!(told, [Action::Tell(Note::StopFailed(Exit::Code(1))), Action::Forward(SignalNo::TERM)]);
}

#[test]
fn at_the_end_of_the_grace_everything_is_killed_once() {
    let mut world = World::new(Policy { finish_scripts: 1, ..policy() });
    world.on(term());
    assert_eq!(world.after(GRACE), [Action::Tell(Note::GraceOver), Action::KillAll]);
    assert!(world.after(Duration::ZERO).is_empty());
    world.app_ends(Exit::Signal(SignalNo::KILL));
    assert_eq!(world.nothing_left(), [Action::Exit(137)], "no time for finish.d");
}

#[test]
fn what_even_kill_does_not_end_is_not_waited_for() {
    let mut world = World::new(policy());
    world.on(term());
    world.after(GRACE);
    assert_eq!(world.after(LAST_RESORT), [Action::Tell(Note::Unkillable), Action::Exit(137)]);
}

#[test]
fn a_leftover_that_kill_does_not_end_keeps_nobody_out_of_maintenance() {
    for (request, kept) in [(Request::MaintenanceOn, true), (Request::Restart, false)] {
        let mut world = World::new(Policy { grace: None, ..policy() });
        world.on(Event::Asked(request));
        world.app_ends(Exit::Code(0));
        assert!(world.after(Duration::from_secs(60)).contains(&Action::KillAll), "the leftovers are late");
        world.after(Duration::from_secs(60));
        assert_eq!(world.exit.is_none(), kept, "{request:?}");
        assert_eq!(world.machine.phase() == Phase::Maintenance, kept, "{request:?}");
    }
}

#[test]
fn without_a_grace_nothing_escalates() {
    let mut world = World::new(Policy { grace: None, ..policy() });
    world.on(term());
    assert_eq!(world.machine.deadline(), None, "nothing to wake up for");
    assert!(world.after(Duration::from_secs(100_000)).is_empty());
}

#[test]
fn leftovers_are_killed_and_finish_runs_all_the_same() {
    let mut world = World::new(Policy { finish_scripts: 1, ..policy() });
    world.app_ends(Exit::Code(0));
    let killed = world.after(Duration::from_secs(3));
    assert_eq!(killed, [Action::Tell(Note::LeftoversKilled), Action::KillAll]);
    assert_eq!(world.nothing_left(), [Action::RunFinish(0)]);
}

#[test]
fn finish_has_five_seconds_without_a_grace() {
    let mut world = World::new(Policy { grace: None, finish_scripts: 2, ..policy() });
    world.app_ends(Exit::Code(4));
    world.nothing_left();
    assert_eq!(world.after(FINISH), [Action::Tell(Note::FinishCut(0)), Action::KillAll]);
    assert_eq!(world.script_ends(Exit::Signal(SignalNo::KILL)), [Action::Exit(4)]);
}

/// With one they have what is left of it, however much more than five seconds that is.
#[test]
fn finish_has_the_rest_of_the_grace() {
    for by_itself in [true, false] {
        let mut world = World::new(Policy { finish_scripts: 1, ..policy() });
        if !by_itself {
            world.on(term());
        }
        world.app_ends(Exit::Code(4));
        world.nothing_left();
        assert!(world.after(GRACE.saturating_sub(Duration::from_millis(1))).is_empty(), "it has until then");
        let cut = world.after(Duration::from_millis(1));
        assert_eq!(cut, [Action::Tell(Note::GraceOver), Action::KillAll], "by itself: {by_itself}");
    }
}

#[test]
fn a_failed_init_script_keeps_the_app_from_starting() {
    let mut world = World::new(Policy { init_scripts: 2, finish_scripts: 1, ..policy() });
    world.script_ends(Exit::Code(7));
    assert_eq!(world.nothing_left(), [Action::Exit(7)], "finish.d follows an app, and there was none");
}

#[test]
fn a_stop_during_init_goes_to_the_script() {
    let mut world = World::new(Policy { init_scripts: 2, ..policy() });
    for number in (1..=64).filter(|number| ![2, 9, 15, 18, 19, 20, 28].contains(number)) {
        let Some(signal) = SignalNo::new(number) else { continue };
        let dropped = world.on(Event::Signal(signal));
        assert_eq!(dropped, [Action::Tell(Note::SignalDropped(signal))], "no stop signal, and no app");
    }
    for signal in [SignalNo::CONT, SignalNo::TSTP, SignalNo::WINCH] {
        assert_eq!(world.on(Event::Signal(signal)), [Action::SignalScript(signal)]);
    }
    assert!(world.on(term()).contains(&Action::SignalScript(SignalNo::TERM)));
    world.script_ends(Exit::Code(0));
    assert_eq!(world.nothing_left(), [Action::Exit(143)], "it ended well, and the app never started");
}

#[test]
fn maintenance_ends_at_once() {
    let mut world = World::new(Policy { maintenance: true, ..policy() });
    assert_eq!(world.machine.phase(), Phase::Maintenance);
    assert!(world.on(Event::Signal(SignalNo::HUP)).is_empty());
    assert_eq!(world.on(term()), [Action::Exit(0)]);
}

#[test]
fn maintenance_comes_and_goes_live() {
    let mut world = World::new(policy());
    world.on(Event::Asked(Request::MaintenanceOn));
    assert_eq!(world.machine.phase(), Phase::Stopping);
    world.app_ends(Exit::Code(0));
    world.nothing_left();
    assert_eq!(world.machine.phase(), Phase::Maintenance);
    let off = world.on(Event::Asked(Request::MaintenanceOff));
    assert_eq!(
        off,
        [Action::Tell(Note::MaintenanceOver), Action::StartApp, Action::AnswerHeld(Answer::Done)]
    );
    assert_eq!(world.app_ends(Exit::Code(0)), [Action::SignalTree(SignalNo::TERM)]);
    assert_eq!(world.nothing_left(), [Action::Exit(0)]);
}

/// Whoever switched maintenance on was told so: a restart by somebody else does not take it back.
#[test]
fn a_restart_is_refused_in_maintenance_and_on_the_way_into_it() {
    let mut world = World::new(policy());
    world.on(Event::Asked(Request::MaintenanceOn));
    assert_eq!(world.on(Event::Asked(Request::Restart)), [Action::Answer(Answer::Maintained)]);
    world.app_ends(Exit::Code(0));
    world.nothing_left();
    assert_eq!(world.machine.phase(), Phase::Maintenance);
    assert_eq!(world.on(Event::Asked(Request::Restart)), [Action::Answer(Answer::Maintained)]);
    assert_eq!(world.machine.phase(), Phase::Maintenance);
}

#[test]
fn a_stop_on_the_way_into_maintenance_ends_the_container() {
    let mut world = World::new(policy());
    world.on(Event::Asked(Request::MaintenanceOn));
    assert!(world.on(term()).contains(&Action::Forward(SignalNo::TERM)));
    world.app_ends(Exit::Code(0));
    assert_eq!(world.nothing_left(), [Action::Exit(0)]);
}

#[test]
fn a_crash_leads_into_maintenance_when_configured() {
    let mut world = World::new(Policy { maintenance_on_crash: true, ..policy() });
    world.app_ends(Exit::Code(1));
    assert_eq!(world.nothing_left(), [Action::Tell(Note::MaintenanceBegan(Some(Crash::App)))]);
    assert_eq!(world.machine.crash(), Some(Crash::App));
    world.on(Event::Asked(Request::MaintenanceOff));
    assert_eq!(world.machine.crash(), None, "the app has its second chance");
    world.on(Event::Asked(Request::MaintenanceOn));
    world.app_ends(Exit::Code(1));
    let by_hand = world.nothing_left();
    assert_eq!(by_hand, [Action::Tell(Note::MaintenanceBegan(None))], "whatever the code was");
}

#[test]
fn a_failed_start_leads_into_maintenance_when_configured() {
    let mut world = World::new(Policy { maintenance_on_crash: true, init_scripts: 1, ..policy() });
    world.script_ends(Exit::Code(1));
    assert_eq!(world.nothing_left(), [Action::Tell(Note::MaintenanceBegan(Some(Crash::Init)))]);
}

/// A failure is what is one after `exit.map`.
#[test]
fn a_code_that_is_mapped_to_0_is_no_crash_and_one_that_is_mapped_from_it_is() {
    for (from, to) in [(3, 0), (0, 3)] {
        let mut policy = Policy { maintenance_on_crash: true, ..policy() };
        policy.exit_map[from] = to;
        let mut world = World::new(policy);
        world.app_ends(Exit::Code(from as u8));
        world.nothing_left();
        assert_eq!(world.machine.phase() == Phase::Maintenance, to != 0, "{from} is {to}");
        assert_eq!(world.exit, (to == 0).then_some(0), "{from} is {to}");
    }
}

#[test]
fn a_rewritten_signal_starts_the_stop_and_is_forwarded_as_the_other() {
    let mut policy = policy();
    policy.rewrite[SignalNo::TERM.get() as usize] = SignalNo::INT.get() as u8;
    policy.rewrite[SignalNo::HUP.get() as usize] = 0;
    let mut world = World::new(policy);
    assert!(world.on(Event::Signal(SignalNo::HUP)).is_empty(), "dropped");
    assert!(world.on(term()).contains(&Action::Forward(SignalNo::INT)));
}
