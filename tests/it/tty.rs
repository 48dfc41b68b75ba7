//! Terminals: the app has the foreground, keys reach it once, and nobody else's terminal is taken.

use crate::support::terminal::Terminal;
use crate::support::tools::{programs, tool};
use crate::support::{Init, Running, Tree, matrix, portable, proc};

portable! {
    every: [the_app_is_in_the_foreground, ctrl_c_arrives_once, ctrl_z_stops_the_app,
        a_resized_window_sends_winch, a_background_start_leaves_the_terminal_alone,
        a_terminal_that_is_not_the_controlling_one, a_terminal_that_goes_away, job_control_in_a_shell],
    once: [],
}

/// Starts the init as the leader of a session with a terminal, the probe under it.
fn on_terminal(terminal: &Terminal, init: Init, app: &[&str]) -> Running {
    let mut words = vec![programs().probe.as_str()];
    words.extend(app);
    terminal.start(init.launch(&["--terminal"]), &words)
}

fn the_app_is_in_the_foreground(init: Init) {
    let terminal = Terminal::open();
    let mut running = on_terminal(&terminal, init, &["catch"]);
    let app = running.ready("app");
    assert_eq!(app.get("pgid"), app.get("pid"), "the app leads a group of its own");
    assert_eq!(app.get("tpgid"), app.get("pgid"), "its group is in the foreground");
    running.signal(&["TERM"]);
    running.finish().code(0);
}

/// A second INT would come by way of the init, which sends it before USR1.
fn ctrl_c_arrives_once(init: Init) {
    let terminal = Terminal::open();
    let mut running = on_terminal(&terminal, init, &["catch"]);
    running.ready("app");
    terminal.type_in("\x03");
    // The terminal echoes the key on the same line.
    running.part("app got 2 ");
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    running.signal(&["TERM"]);
    let done = running.finish().code(0);
    let times = done.stdout.iter().filter(|line| line.contains("app got 2 ")).count();
    assert_eq!(times, 1, "{done}");
}

fn ctrl_z_stops_the_app(init: Init) {
    let terminal = Terminal::open();
    let mut running = on_terminal(&terminal, init, &["plain", "4"]);
    let app = running.ready("app").get("pid");
    let app = running.host_pid(app);
    terminal.type_in("\x1a");
    proc::until("the app's stop", || proc::state(app) == Some('T'));
    running.signal(&["CONT"]);
    proc::until("the app's going on", || proc::state(app) != Some('T'));
    terminal.type_in("\n");
    running.finish().code(4);
}

fn a_resized_window_sends_winch(init: Init) {
    let terminal = Terminal::open();
    let mut running = on_terminal(&terminal, init, &["catch"]);
    running.ready("app");
    terminal.resize(50, 132);
    running.line("app got 28 ");
    running.signal(&["TERM"]);
    running.finish().code(0);
}

fn a_background_start_leaves_the_terminal_alone(init: Init) {
    let terminal = Terminal::open();
    let words = [programs().probe.as_str(), "state"];
    let done = terminal.start(init.launch(&["--terminal", "--background"]), &words).finish().code(0);
    let value = |name: &str| done.stdout.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    assert_ne!(value("tpgid "), value("pgid "), "the terminal was taken\n{done}");
    assert_ne!(value("tpgid "), "-1", "the session was left\n{done}");
}

fn a_terminal_that_is_not_the_controlling_one(init: Init) {
    let terminal = Terminal::open();
    let done = terminal.start(init, &[programs().probe.as_str(), "exit", "3"]).finish().code(3);
    assert!(done.stdout.is_empty(), "nobody complains\n{done}");
}

/// What people do in `docker run -it IMAGE bash`.
fn job_control_in_a_shell(init: Init) {
    let terminal = Terminal::open();
    let shell = [&tool("bash"), "--norc", "--noprofile", "-i"];
    let mut running =
        terminal.start(init.launch(&["--terminal"]).env("PS1", "> ").env("P", &programs().probe), &shell);
    terminal.type_in("$P plain 4\n");
    running.part("app ready");
    terminal.type_in("\x1a");
    running.part("Stopped");
    terminal.type_in("fg\n");
    terminal.type_in("\n");
    terminal.type_in("echo it was $?\n");
    running.part("it was 4");
    terminal.type_in("exit 6\n");
    let done = running.finish().code(6);
    assert!(!done.stdout.iter().any(|line| line.contains("no job control")), "{done}");
}

/// A hangup reaches the app, and nobody spins or waits on the dead terminal.
fn a_terminal_that_goes_away(init: Init) {
    let terminal = Terminal::open();
    let probe = programs().probe.as_str();
    let words = [probe, "catch", "--last", "HUP", "--code", "5"];
    let mut running = terminal.start_as_stdin(init.launch(&["--terminal"]), &words);
    running.ready("app");
    drop(terminal);
    running.line("app got 1 ");
    running.finish().code(5);
}

/// In a session of its own too, the app has the terminal: keys reach it.
#[test]
fn a_session_of_its_own_on_a_terminal() {
    matrix(|init| {
        let terminal = Terminal::open();
        let mut running = on_terminal(&terminal, init.flag("--session").flag("setsid"), &["catch"]);
        let app = running.ready("app");
        assert_eq!(app.get("sid"), app.get("pid"));
        assert_eq!(app.get("tpgid"), app.get("pgid"), "its group is in the foreground");
        terminal.type_in("\x03");
        running.part("app got 2 ");
        running.signal(&["TERM"]);
        let done = running.finish().code(0);
        assert!(!done.stdout.iter().any(|line| line.contains("app got 1 ")), "a hangup\n{done}");
    });
}

/// Keys reach a script of init.d too; what it leaves behind does not keep the terminal from the app.
#[test]
fn an_init_script_has_the_terminal_before_the_app() {
    matrix(|init| {
        let tree = Tree::new().script("init.d/10-a", "exec \"$PROBE\" catch --last INT").app("catch");
        let terminal = Terminal::open();
        let mut running = terminal.start_raw(init.launch(&["--terminal"]).tree(&tree), &["run"]);
        let script = running.ready("app");
        assert_eq!(script.get("tpgid"), script.get("pgid"));
        terminal.type_in("\x03");
        running.part("app got 2 ");
        let app = running.ready("app");
        assert_eq!(app.get("tpgid"), app.get("pgid"));
        running.signal(&["TERM"]);
        running.finish().code(0);
    });
}

/// When the session that had the terminal has ended, what comes after it has the terminal again.
#[test]
fn the_terminal_comes_back_after_a_session() {
    matrix(|init| {
        let tree = Tree::new()
            .yaml("signals: {session: setsid}\n")
            .script("finish.d/10-a", "exec \"$PROBE\" state")
            .script("run", "exit 3");
        let terminal = Terminal::open();
        let done = terminal.start_raw(init.launch(&["--terminal"]).tree(&tree), &["run"]).finish().code(3);
        let value =
            |name: &str| done.stdout.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        assert!(value("tpgid ") == value("pgid ") && !value("pgid ").is_empty(), "{done}");
    });
}

/// The stop script runs beside the app, which goes on reading from the terminal. A script that fails shows that its end
/// was dealt with: then the signal is forwarded.
#[test]
fn a_stop_script_leaves_the_terminal_to_the_app() {
    let terminal = Terminal::open();
    let tree = Tree::new()
        .script("stop", "exit 1")
        .script("run", "trap 'echo told' TERM; echo reading\nuntil read -r line; do :; done\nexit 4");
    let mut running = terminal.start_raw(Init::wrapper().launch(&["--terminal"]).tree(&tree), &["run"]);
    running.part("reading");
    running.signal(&["TERM"]);
    running.part("told");
    terminal.type_in("\n");
    running.finish().code(4);
}
