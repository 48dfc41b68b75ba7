//! Many clients at once: each gets its answer, and what is done is never reported as not done.

use crate::support::process::Finished;
use crate::support::tools::programs;
use crate::support::{Init, Running, Tree, proc};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Starts clients behind a barrier, lets them go together, and prints how each ended: `TIMES:ARGUMENTS` words.
const CROWD: &str = r#"
cd "$1"; wrapper=$2; shift 2
for kind; do
    i=0
    while [ $i -lt "${kind%%:*}" ]; do
        (: < barrier; "$wrapper" ${kind#*:} > /dev/null 2>> errors; echo "end $? ${kind#*:}") &
        i=$((i + 1))
    done
done
echo ready
wait
"#;

/// A safety net alone: a thousand starts take their time on a busy machine.
const CROWDED: Duration = Duration::from_secs(120);

/// How often clients of each kind ended with which code.
type Ends = BTreeMap<(String, i32), usize>;

fn crowd(running: &Running, tree: &Tree, kinds: &[&str]) -> Ends {
    let barrier = tree.path("barrier");
    mknodat(CWD, &barrier, FileType::Fifo, Mode::from(0o600), 0).expect("a barrier");
    let mut argv = vec!["sh", "-c", CROWD, "sh"];
    let directory = tree.path("");
    argv.extend([directory.as_str(), programs().wrapper.as_str()]);
    argv.extend(kinds);
    let mut clients = running.enter_and_stay_within(&argv, CROWDED);
    clients.line("ready");
    // Open for reading too, so that the open does not wait for the first client.
    let open = open(&barrier, OFlags::RDWR, Mode::empty()).expect("the barrier");
    let wanted: usize = kinds
        .iter()
        .map(|kind| kind.split(':').next().expect("a number").parse::<usize>().expect("a number"))
        .sum();
    let mut ends = Ends::new();
    for _ in 0..wanted {
        let line = clients.line("end ");
        let mut words = line.splitn(3, ' ').skip(1);
        let code = words.next().and_then(|code| code.parse().ok()).expect("a code");
        *ends.entry((words.next().expect("a kind").to_owned(), code)).or_default() += 1;
    }
    drop(open);
    ends
}

fn errors(tree: &Tree) -> String {
    fs::read_to_string(tree.path("errors")).unwrap_or_default()
}

fn wrapper(running: &Running, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

/// A thousand, with every order among them.
#[test]
fn a_thousand_clients_get_their_answers() {
    let tree = Tree::new().app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).deadline(CROWDED).raw(&["run"]);
    running.ready("app");
    let kinds =
        ["700:status", "100:restart", "60:maintenance on", "60:maintenance off", "80:maintenance status"];
    let ends = crowd(&running, &tree, &kinds);
    for ((kind, code), count) in &ends {
        let allowed: &[i32] = match kind.as_str() {
            // 1: in maintenance, or not.
            "restart" | "maintenance status" => &[0, 1],
            _ => &[0],
        };
        assert!(allowed.contains(code), "{count} of {kind}: {code}\n{ends:?}\n{}", errors(&tree));
    }
    // PID 1 is well, and what it was asked last is what is.
    wrapper(&running, &["maintenance", "off"]).code(0);
    wrapper(&running, &["status"]).code(0);
    running.stop();
}

/// Each restart that was done was reported as done: the app starts no oftener than clients were told.
#[test]
fn no_order_is_done_that_was_reported_as_not_done() {
    let tree = Tree::new().app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let ends = crowd(&running, &tree, &["40:restart", "40:status"]);
    let told = ends.get(&("restart".to_owned(), 0)).copied().unwrap_or_default();
    assert_eq!(told, 40, "{ends:?}\n{}", errors(&tree));
    assert_eq!(ends.get(&("status".to_owned(), 0)), Some(&40), "{ends:?}\n{}", errors(&tree));
    let done = wrapper(&running, &["status", "--json"]).code(0);
    let restarts = done.stdout[0].split("\"restarts\":").nth(1).expect("a count").split(',').next();
    let restarts: usize = restarts.and_then(|text| text.parse().ok()).expect("a number");
    assert!((1..=told).contains(&restarts), "{restarts} restarts, {told} reported");
    running.stop();
}

/// A client that stands still while PID 1 answers it, and many others, finds its answer when it goes on.
#[test]
fn a_client_that_wakes_late_hears_what_was_done() {
    let tree = Tree::new().app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    running.signal(&["STOP"]);
    let client = running.enter_and_stay(&[&programs().wrapper, "restart"]);
    let waits = |pid: i32| {
        let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        call.starts_with(&format!("{} ", libc::SYS_futex))
    };
    let mut pid = 0;
    proc::until("a client that waits", || {
        // nsenter forks for the PID namespace.
        pid = proc::children(client.pid()).first().copied().unwrap_or(client.pid());
        waits(pid)
    });
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it stops");
    running.signal(&["CONT"]);
    // Every one of them is answered behind it.
    for _ in 0..40 {
        wrapper(&running, &["status"]).code(0);
    }
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).expect("it goes on");
    // nsenter stops with its child.
    let nsenter = rustix::process::Pid::from_raw(client.pid()).expect("a pid");
    rustix::process::kill_process(nsenter, rustix::process::Signal::CONT).expect("it goes on");
    client.finish().code(0).printed(&["restarting"]);
    running.line("app got 15 ");
    running.ready("app");
    let done = wrapper(&running, &["status", "--json"]).code(0);
    assert!(done.stdout[0].contains("\"restarts\":1,"), "{done}");
    running.stop();
}
