//! Commands that ask or print something: signals end them, they say whom they asked, and what they know of it.

use crate::support::process::Finished;
use crate::support::tools::{programs, tool};
use crate::support::{Init, Place, Running, Tree, User, proc};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;

fn wrapper(running: &Running, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

/// A client that is held by a full pipe has the mask that it was started with, and TERM ends it.
#[test]
fn signals_end_a_client() {
    let tree = Tree::new().app("catch");
    let fifo = tree.path("full");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from(0o600), 0).expect("a fifo");
    let full = open(&fifo, OFlags::RDWR | OFlags::NONBLOCK, Mode::empty()).expect("the fifo");
    while rustix::io::write(&full, &[b'.'; 4096]).is_ok() {}
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    for command in ["config", "help", "status", "status --json", "maintenance status", "maintenance --help"] {
        let script = format!("exec {} {command} > {fifo}", programs().wrapper);
        let probe = programs().probe.as_str();
        let client = running.enter_and_stay(&[probe, "launch", "--block", "USR1", "--", "sh", "-c", &script]);
        let mut pid = 0;
        proc::until("a client that writes", || {
            // nsenter forks for the PID namespace.
            pid = proc::children(client.pid()).first().copied().unwrap_or_default();
            let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
            [libc::SYS_write, libc::SYS_writev].iter().any(|number| call.starts_with(&format!("{number} ")))
                && proc::status(pid, "Name").as_deref() == Some("wrapper")
        });
        let blocked = proc::status(pid, "SigBlk").expect("its mask");
        assert_eq!(blocked, format!("{:016x}", 1 << (libc::SIGUSR1 - 1)), "{command}");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
        let done = client.finish();
        assert_eq!(done.status.signal(), Some(libc::SIGTERM), "{command}\n{done}");
    }
    running.stop();
}

#[test]
fn status_has_version_and_memory() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    let done = wrapper(&running, &["status", "--json"]).code(0);
    let version = env!("CARGO_PKG_VERSION");
    assert!(done.stdout[0].contains(&format!("\"version\":\"{version}\"")), "{done}");
    for key in ["memory_bytes", "memory_limit_bytes", "oom_kills"] {
        let value = done.stdout[0].split_once(&format!("\"{key}\":")).expect(key).1;
        let value = value.split([',', '}']).next().expect("a value");
        assert!(value == "null" || value.parse::<u64>().is_ok(), "{key}\n{done}");
    }
    let done = wrapper(&running, &["status"]).code(0);
    assert!(done.stdout.iter().any(|line| *line == format!("version    {version}")), "{done}");
    running.stop();
}

/// Which init was asked is told when it is not PID 1 with the run script, or when there is none.
#[test]
fn a_test_says_whom_it_asked() {
    let tree = Tree::new().script("tests/live/10-a.sh", "exit 0").app("catch");
    let env = format!("WRAPPER_CONFIG_DIR={}", tree.path(""));
    let test = |running: &Running, user: User, options: &[&str]| {
        let mut argv = vec!["env", &env, programs().wrapper.as_str(), "test", "live"];
        argv.extend(options);
        running.enter_as(user, &argv)
    };
    // None: PID 1 is another program.
    let mut running = Init::wrapper().tree(&tree).without(&[&programs().probe, "catch"]);
    running.line("app ready");
    let done = test(&running, User::Root, &[]).code(0);
    assert!(says(&done, "there is no init to ask"), "{done}");
    test(&running, User::Root, &["--pid", "1"]).code(69).says(&["PID 1 is no wrapper", "--pid"]);
    test(&running, User::Root, &["--pid", "9999999"]).code(69).says(&["no process 9999999"]);
    running.stop();
    // Not PID 1.
    let mut running = Init::wrapper().tree(&tree).place(Place::Subreaper).raw(&["run"]);
    running.ready("app");
    let pid = proc::inner_pid(running.init_pid()).expect("its pid").to_string();
    let done = test(&running, User::Root, &[]).code(0);
    assert!(says(&done, &format!("asked PID {pid}")), "{done}");
    // From another container that shares the PID namespace, only when it is named.
    let mut foreign = vec![tool("unshare"), "--mount".into(), "env".into(), env.clone()];
    foreign.extend([programs().wrapper.clone(), "test".into(), "live".into()]);
    let words: Vec<&str> = foreign.iter().map(String::as_str).collect();
    let done = running.enter(&words).code(0);
    assert!(says(&done, "there is no init to ask"), "{done}");
    let done = running.enter(&[&words[..], &["--pid", &pid]].concat()).code(0);
    assert!(says(&done, &format!("asked PID {pid}")), "{done}");
    let User::Uid(uid) = User::random() else { unreachable!() };
    test(&running, User::Uid(uid), &["--pid", &pid]).code(77).says(&["not allowed"]);
    running.stop();
    // A command's init.
    let mut running = Init::wrapper().tree(&tree).app(&["catch"]);
    running.ready("app");
    let done = test(&running, User::Root, &[]).code(0);
    assert!(says(&done, "asked PID 1, which runs a command"), "{done}");
    running.stop();
    // The usual case needs no word.
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let done = test(&running, User::Root, &[]).code(0);
    assert!(!says(&done, "asked"), "{done}");
    running.stop();
}

fn says(done: &Finished, what: &str) -> bool {
    done.stdout.iter().chain(&done.stderr).any(|line| line.contains(what))
}
