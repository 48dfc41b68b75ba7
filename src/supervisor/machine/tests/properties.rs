//! What holds in any order of events, under any policy.

use super::*;
use proptest::prelude::*;

fn any_policy() -> impl Strategy<Value = Policy> {
    let scripts = (0..3_usize, any::<bool>(), 0..3_usize);
    let times = (proptest::option::of(0..30_u64), 0..10_u64, 0..5_u64);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (scripts, times, flags, any_tables()).prop_map(
        |((init, stop, finish), (grace, drain, leftovers), (maintenance, crash, can), tables)| Policy {
            grace: grace.map(Duration::from_secs),
            drain_delay: Duration::from_secs(drain),
            leftovers: Duration::from_secs(leftovers),
            init_scripts: init,
            stop_script: stop,
            finish_scripts: finish,
            maintenance: maintenance && can,
            maintenance_on_crash: crash,
            can_maintain: can,
            ..tables
        },
    )
}

/// Any signals that stop, any that become others or nothing, any codes that become others.
fn any_tables() -> impl Strategy<Value = Policy> {
    let signal = || {
        (1..=64_i32).prop_filter_map("one that can be caught", |number| {
            SignalNo::new(number).filter(|signal| signal.can_be_caught())
        })
    };
    let stops = prop::collection::vec(signal(), 1..4);
    let rewrite = prop::collection::vec((signal(), 0..=64_u8), 0..6);
    let map = prop::collection::vec((any::<u8>(), any::<u8>()), 0..6);
    (stops, rewrite, map).prop_map(|(stops, rewrite, map)| {
        let mut policy = Policy { stop_signal: stops[0], ..Policy::plain() };
        policy.stop_signals = stops.into_iter().collect();
        for (from, to) in rewrite {
            policy.rewrite[from.get() as usize] = to;
        }
        for (from, to) in map {
            policy.exit_map[usize::from(from)] = to;
        }
        policy
    })
}

/// What a world can come up with. Those that make no sense at the moment are left out by [`play`].
#[derive(Clone, Copy, Debug)]
enum Move {
    Stop,
    Signal(i32),
    AppEnds(u8),
    ScriptEnds(u8),
    NothingLeft,
    Wait(u64),
    Ask(usize),
    Built(bool),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        (1..=64).prop_map(Move::Signal),
        Just(Move::Signal(15)),
        Just(Move::Stop),
        any::<u8>().prop_map(Move::AppEnds),
        (0..2_u8).prop_map(Move::ScriptEnds),
        Just(Move::NothingLeft),
        (0..8_u64).prop_map(Move::Wait),
        (0..5_usize).prop_map(Move::Ask),
        any::<bool>().prop_map(Move::Built),
    ]
}

/// Built at once, refused at once, or under way until a move says so.
fn any_builds() -> impl Strategy<Value = Option<Result<(), u8>>> {
    prop_oneof![Just(Some(Ok(()))), Just(Some(Err(78))), Just(None), Just(None)]
}

fn play(world: &mut World, step: Move) {
    const REQUESTS: [Request; 5] =
        [Request::Ping, Request::Stop, Request::Restart, Request::MaintenanceOn, Request::MaintenanceOff];
    match step {
        Move::Stop => drop(world.on(Event::Signal(world.policy.stop_signal))),
        Move::Signal(number) => {
            if let Some(signal) = SignalNo::new(number).filter(|signal| signal.can_be_caught()) {
                world.on(Event::Signal(signal));
            }
        }
        Move::AppEnds(code) if world.app => drop(world.app_ends(Exit::Code(code))),
        Move::ScriptEnds(code) if world.script => drop(world.script_ends(Exit::Code(code))),
        Move::NothingLeft if !world.app && !world.script => drop(world.nothing_left()),
        Move::Wait(seconds) => drop(world.after(Duration::from_secs(seconds))),
        Move::Ask(request) => drop(world.on(Event::Asked(REQUESTS[request]))),
        Move::Built(well) if world.building => drop(world.built(if well { Ok(()) } else { Err(78) })),
        Move::AppEnds(_) | Move::ScriptEnds(_) | Move::NothingLeft | Move::Built(_) => {}
    }
}

proptest! {
    /// The invariants inside [`World::on`] hold in any order of events.
    #[test]
    fn any_order_of_events_is_taken(
        policy in any_policy(),
        builds in any_builds(),
        moves in prop::collection::vec(any_move(), 0..60),
    ) {
        let mut world = World::building(policy, builds);
        for step in moves {
            play(&mut world, step);
        }
    }

    /// With a grace period a stop always ends, within it and the last resort, however little ever reacts.
    #[test]
    fn a_stop_always_ends_within_its_grace(
        policy in any_policy(),
        builds in any_builds(),
        moves in prop::collection::vec(any_move(), 0..60),
    ) {
        prop_assume!(policy.grace.is_some());
        let grace = policy.grace.unwrap_or_default();
        let mut world = World::building(policy, builds);
        for step in moves {
            play(&mut world, step);
        }
        world.on(Event::Signal(world.policy.stop_signal));
        let asked = world.now;
        while world.exit.is_none() {
            let next = world.machine.deadline();
            prop_assert!(next.is_some(), "stuck in {:?}", world.machine);
            world.now = next.unwrap_or(world.now).max(world.now);
            world.on(Event::Tick);
            prop_assert!(world.now <= asked + grace + LAST_RESORT, "too late: {:?}", world.now - world.start);
        }
    }

    /// A world in which everything ends when it is told to: a stop ends, and the code is the app's.
    #[test]
    fn a_stop_ends_in_a_world_that_obeys(policy in any_policy(), code in any::<u8>()) {
        let (init, maintenance) = (policy.init_scripts, policy.maintenance);
        let stop = Event::Signal(policy.stop_signal);
        let mapped = policy.mapped(Exit::Code(code));
        let mut world = World::new(policy);
        while world.script {
            world.script_ends(Exit::Code(0));
        }
        world.on(stop);
        for _ in 0..20 {
            if world.exit.is_some() {
                break;
            }
            if world.script {
                world.script_ends(Exit::Code(0));
            } else if world.app {
                if world.machine.phase() == Phase::Draining {
                    world.on(stop);
                } else {
                    world.app_ends(Exit::Code(code));
                }
            } else {
                world.nothing_left();
            }
        }
        prop_assert_eq!(world.exit, Some(if maintenance { 0 } else { mapped }), "{} init scripts", init);
    }

    /// Only what a deadline stands for makes the machine act: before it, a tick does nothing.
    #[test]
    fn a_tick_before_the_deadline_does_nothing(
        policy in any_policy(),
        builds in any_builds(),
        moves in prop::collection::vec(any_move(), 0..40),
    ) {
        let mut world = World::building(policy, builds);
        for step in moves {
            play(&mut world, step);
        }
        if world.machine.deadline().is_none_or(|at| at > world.now) {
            prop_assert!(world.on(Event::Tick).is_empty());
        }
    }
}
