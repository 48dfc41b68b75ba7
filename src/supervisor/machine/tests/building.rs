//! The environment in a world that takes its time to build it, or cannot.

use super::*;

/// Builds that end when the test says so.
fn slow(policy: Policy) -> World {
    World::building(policy, None)
}

fn running() -> World {
    let mut world = slow(policy());
    world.built(Ok(()));
    assert!(world.app);
    world
}

#[test]
fn nothing_starts_before_its_environment_is_built() {
    let mut world = slow(Policy { init_scripts: 1, ..policy() });
    assert!(!world.app && !world.script && world.building);
    assert_eq!(world.feed(Event::Built(Ok(()))), [Action::Adopt, Action::RunInit(0)]);
    assert_eq!(world.script_ends(Exit::Code(0)), [Action::StartApp]);
    assert!(world.log.iter().filter(|action| **action == Action::Build).count() == 1, "once for each start");
}

#[test]
fn a_first_start_without_it_is_none() {
    let mut world = slow(Policy { finish_scripts: 1, ..policy() });
    let told = world.built(Err(78));
    assert_eq!(told, [Action::Tell(Note::NotBuilt(78)), Action::SignalTree(SignalNo::TERM)]);
    assert_eq!(world.nothing_left(), [Action::Exit(78)]);
    let mut world = slow(Policy { maintenance_on_crash: true, ..policy() });
    world.built(Err(78));
    assert_eq!(
        world.nothing_left(),
        [Action::Tell(Note::MaintenanceBegan(Some(Crash::Init)))],
        "a start that failed is a crash"
    );
}

#[test]
fn a_stop_meanwhile_ends_at_once() {
    let mut world = slow(Policy { init_scripts: 1, ..policy() });
    assert!(world.on(term()).contains(&Action::CancelBuild));
    assert_eq!(world.nothing_left(), [Action::Exit(143)]);
}

#[test]
fn a_restart_is_refused_while_the_app_goes_on() {
    let mut world = running();
    assert_eq!(world.feed(Event::Asked(Request::Restart)), [Action::Hold, Action::Build]);
    let refused = world.built(Err(78));
    assert_eq!(refused, [Action::Tell(Note::Refused(Request::Restart)), Action::AnswerHeld(Answer::Refused)]);
    assert!(world.app && world.machine.phase() == Phase::Running && world.machine.stop_signal().is_none());
}

#[test]
fn a_restart_stops_the_app_when_the_next_environment_is_there() {
    let mut world = running();
    world.on(Event::Asked(Request::Restart));
    assert_eq!(world.machine.phase(), Phase::Running, "not before");
    let told = world.built(Ok(()));
    assert!(told.contains(&Action::Forward(SignalNo::TERM)), "{told:?}");
    assert!(told.contains(&Action::AnswerHeld(Answer::Done)), "{told:?}");
    world.app_ends(Exit::Code(0));
    assert_eq!(world.feed(Event::Childless), [Action::Adopt, Action::StartApp], "it is not built twice");
}

#[test]
fn an_environment_for_a_start_that_does_not_come_is_forgotten() {
    let mut world = running();
    world.on(Event::Asked(Request::Restart));
    world.built(Ok(()));
    world.on(Event::Asked(Request::MaintenanceOn));
    world.app_ends(Exit::Code(0));
    let told = world.nothing_left();
    assert_eq!(told.first(), Some(&Action::Discard), "{told:?}");
    assert_eq!(world.machine.phase(), Phase::Maintenance);
}

#[test]
fn maintenance_holds_when_the_environment_cannot_be_built() {
    let mut world = World::new(policy());
    world.on(Event::Asked(Request::MaintenanceOn));
    world.app_ends(Exit::Code(0));
    world.nothing_left();
    world.builds = Some(Err(78));
    let refused = world.on(Event::Asked(Request::MaintenanceOff));
    assert_eq!(
        refused,
        [Action::Tell(Note::Refused(Request::MaintenanceOff)), Action::AnswerHeld(Answer::Refused)]
    );
    assert!(world.machine.phase() == Phase::Maintenance && !world.machine.leaving());
}

#[test]
fn who_asks_hears_when_it_takes_long_and_it_is_done_all_the_same() {
    let mut world = running();
    world.on(Event::Asked(Request::Restart));
    let wait = world.machine.deadline().expect("a deadline") - world.now;
    assert!(wait < Duration::from_millis(500), "before a client gives up: {wait:?}");
    assert_eq!(world.after(wait), [Action::AnswerHeld(Answer::Building)]);
    let again = world.on(Event::Asked(Request::Restart));
    assert_eq!(again, [Action::Answer(Answer::Building)]);
    assert!(world.built(Ok(())).contains(&Action::Forward(SignalNo::TERM)));
}

#[test]
fn files_that_take_for_ever_are_given_up() {
    let mut world = running();
    world.on(Event::Asked(Request::Restart));
    let told = world.after(Duration::from_secs(60));
    assert!(told.contains(&Action::BuildIsLate), "{told:?}");
    assert!(world.app && world.machine.deadline().is_none());
    let mut world = slow(policy());
    world.after(Duration::from_secs(60));
    assert_eq!(world.nothing_left(), [Action::Exit(78)], "so is a first start");
}

#[test]
fn what_leads_elsewhere_meanwhile_wins() {
    let ask = |request| {
        let mut world = running();
        world.on(Event::Asked(Request::Restart));
        let told = world.on(Event::Asked(request));
        assert!(told.contains(&Action::CancelBuild), "{told:?}");
        (world, told)
    };
    let (mut world, told) = ask(Request::MaintenanceOn);
    assert!(told.contains(&Action::AnswerHeld(Answer::Maintained)), "{told:?}");
    world.app_ends(Exit::Code(0));
    world.nothing_left();
    assert_eq!(world.machine.phase(), Phase::Maintenance);
    let (mut world, told) = ask(Request::Stop);
    assert!(told.contains(&Action::AnswerHeld(Answer::Ending)), "{told:?}");
    world.app_ends(Exit::Code(0));
    assert_eq!(world.nothing_left(), [Action::Exit(0)]);
    let mut world = running();
    world.on(Event::Asked(Request::Restart));
    let told = world.app_ends(Exit::Code(5));
    assert!(told.contains(&Action::AnswerHeld(Answer::Ending)), "{told:?}");
    assert_eq!(world.nothing_left(), [Action::Exit(5)]);
}

#[test]
fn maintenance_from_the_start_has_an_environment_for_people() {
    let mut world = slow(Policy { maintenance: true, ..policy() });
    assert!(world.building && world.machine.phase() == Phase::Maintenance);
    assert_eq!(world.feed(Event::Asked(Request::MaintenanceOff)), [Action::Hold], "one build is enough");
    assert!(world.built(Ok(())).contains(&Action::StartApp));
    let mut world = slow(Policy { maintenance: true, ..policy() });
    assert_eq!(world.built(Err(78)), [Action::Tell(Note::Incomplete)]);
    assert_eq!(world.on(term()), [Action::Exit(0)]);
}
