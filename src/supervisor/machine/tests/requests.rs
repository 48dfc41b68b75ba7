//! What each request is answered in each state, and what the machine says of itself.

use super::*;

const REQUESTS: [Request; 5] =
    [Request::Ping, Request::Stop, Request::Restart, Request::MaintenanceOn, Request::MaintenanceOff];

/// How a state is reached, what it is called, and the answers in the order of `REQUESTS`.
type Row<'a> = (&'a str, &'a dyn Fn() -> World, [Answer; 5]);

fn answer(world: &mut World, request: Request) -> Answer {
    let actions = world.on(Event::Asked(request));
    let mut answers = actions.iter().filter_map(|action| match action {
        Action::Answer(answer) | Action::AnswerHeld(answer) => Some(*answer),
        _ => None,
    });
    answers.next().unwrap_or_else(|| panic!("no answer to {request:?}: {actions:?}"))
}

#[test]
fn every_request_has_its_answer_in_every_state() {
    use Answer::{Already, Done, Ending, Maintained, Unsupported};
    let asked = |request: Request| {
        move || {
            let mut world = World::new(policy());
            world.on(Event::Asked(request));
            world
        }
    };
    let rows: [Row<'_>; 8] = [
        ("running", &|| World::new(policy()), [Done, Done, Done, Done, Already]),
        (
            "ending",
            &|| {
                let mut world = World::new(policy());
                world.on(term());
                world
            },
            [Done, Already, Ending, Ending, Ending],
        ),
        (
            "ended by itself",
            &|| {
                let mut world = World::new(policy());
                world.app_ends(Exit::Code(0));
                world
            },
            [Done, Already, Ending, Ending, Ending],
        ),
        ("on the way to a restart", &asked(Request::Restart), [Done, Done, Done, Done, Already]),
        (
            "on the way into maintenance",
            &asked(Request::MaintenanceOn),
            [Done, Done, Maintained, Already, Done],
        ),
        (
            "maintenance",
            &|| World::new(Policy { maintenance: true, ..policy() }),
            [Done, Done, Maintained, Already, Done],
        ),
        (
            "a command",
            &|| World::new(Policy { can_maintain: false, ..policy() }),
            [Done, Done, Unsupported, Unsupported, Unsupported],
        ),
        (
            "a command that ends",
            &|| {
                let mut world = World::new(Policy { can_maintain: false, ..policy() });
                world.on(term());
                world
            },
            [Done, Already, Unsupported, Unsupported, Unsupported],
        ),
    ];
    for (state, reach, answers) in rows {
        for (request, expected) in REQUESTS.into_iter().zip(answers) {
            assert_eq!(answer(&mut reach(), request), expected, "{request:?} while {state}");
        }
    }
}

/// On the way into maintenance after a crash nobody is left to be told of a stop.
#[test]
fn a_stop_after_a_crash_only_changes_where_it_leads() {
    let mut world = World::new(Policy { maintenance_on_crash: true, ..policy() });
    world.app_ends(Exit::Code(4));
    assert_eq!(world.on(Event::Asked(Request::Stop)), [Action::Answer(Answer::Done)]);
    assert_eq!(world.nothing_left(), [Action::Exit(4)]);
}

#[test]
fn what_the_machine_says_of_itself() {
    let mut world = World::new(Policy { init_scripts: 1, ..policy() });
    assert_eq!(world.machine.deadline(), Some(world.start + INIT_SLOW), "a slow script is told");
    world.script_ends(Exit::Code(0));
    assert_eq!(world.machine.deadline(), None);
    world.on(Event::Asked(Request::MaintenanceOn));
    assert!(!world.machine.signalled(), "a request is no signal");
    assert!(!world.machine.killed());
    world.after(GRACE);
    assert!(world.machine.killed());
    world.app_ends(Exit::Signal(SignalNo::KILL));
    world.nothing_left();
    assert_eq!(world.machine.phase(), Phase::Maintenance);
    assert!(!world.machine.killed() && !world.machine.leaving());
    world.on(Event::Asked(Request::MaintenanceOff));
    assert!(world.machine.leaving(), "init.d runs on the way out");
    world.script_ends(Exit::Code(0));
    assert!(!world.machine.leaving(), "the app was started");
    world.on(term());
    assert!(world.machine.signalled());
}
