//! What a client believes: a state page is anybody's until it has been checked, and a descriptor that a page names is
//! written to only when it is a pipe.

use crate::support::process::Finished;
use crate::support::tools::{programs, tool};
use crate::support::{Init, Place, Running, Tree, User};
use rustix::fs::SealFlags;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use wrapper::status::layout;
use wrapper::sys::page;

const LENGTH: usize = page::length(layout::WORDS);

/// Every command that asks PID 1.
const ASKS: [&[&str]; 6] = [
    &["status"],
    &["stop"],
    &["restart"],
    &["maintenance", "on"],
    &["maintenance", "off"],
    &["maintenance", "status"],
];

fn sealed() -> SealFlags {
    SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL
}

/// The arguments of a probe that shows a page of a running app, with these further options.
fn page_of(options: &[&str]) -> Vec<String> {
    let mut words = vec![programs().probe.clone(), "page".to_owned()];
    let mut word = |index: usize, value: u64| {
        words.extend(["--word".to_owned(), index.to_string(), value.to_string()]);
    };
    word(layout::HEADER, layout::MAGIC);
    word(layout::MODE, 1);
    word(layout::STATE.start, 1);
    words.extend(options.iter().map(|option| (*option).to_owned()));
    words.extend([layout::NAME.to_owned(), LENGTH.to_string()]);
    words
}

/// Shows a page as a process of this user below a PID 1 that is no wrapper and runs as root.
fn shown(user: User, options: &[&str]) -> Running {
    let words = page_of(options);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut running = Init::wrapper().place(Place::Subreaper).user(user).without(&words);
    running.line("page ready");
    running
}

fn as_root(running: &Running, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter_as(User::Root, &argv)
}

fn seals(bits: SealFlags) -> String {
    bits.bits().to_string()
}

/// A page of another user names a file that only root can write to, and root asks.
#[test]
fn a_strangers_page_is_not_believed() {
    let tree = Tree::new().file("secret", 0o600, "only root's");
    let path = tree.path("secret");
    let pipe = layout::PIPE.to_string();
    for bits in [SealFlags::empty(), sealed()] {
        let running = shown(User::random(), &["--open", &pipe, &path, "--seals", &seals(bits)]);
        for command in ASKS {
            as_root(&running, command).code(69).printed(&[]).says(&["not believed", "uid"]);
        }
        assert_eq!(fs::read_to_string(&path).expect("the file"), "only root's");
        // As a probe it decides by the tests, and says why.
        let done = as_root(&running, &["test", "live"]);
        assert!(done.status.code() == Some(0), "{done}");
        running.stop();
    }
}

/// One's own page, or that of the user of PID 1, is believed; what it names is looked at all the same.
#[test]
fn only_a_pipe_is_written_to() {
    let tree = Tree::new().file("file", 0o600, "mine");
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("a fifo");
    let fifo = rustix::fs::open(
        tree.path("fifo"),
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK,
        rustix::fs::Mode::empty(),
    )
    .expect("its reader");
    let pipe = layout::PIPE.to_string();
    for name in ["file", "fifo"] {
        let options = ["--open", &pipe, &tree.path(name), "--seals", &seals(sealed())];
        let running = shown(User::Root, &options);
        for command in ASKS {
            as_root(&running, command).code(75).says(&["not a pipe"]);
        }
        running.stop();
    }
    assert_eq!(fs::read_to_string(tree.path("file")).expect("the file"), "mine");
    assert_eq!(rustix::io::read(&fifo, &mut [0_u8; 8]).expect("no bytes"), 0);
}

/// Without a pipe there is nobody to write to: descriptor 0 is the process's own stdin.
#[test]
fn a_page_without_a_pipe_takes_no_commands() {
    let mut running = shown(User::Root, &["--seals", &seals(sealed())]);
    for command in ASKS {
        as_root(&running, command).code(75).says(&["takes no commands"]);
    }
    running.close_stdin();
    running.stop();
}

/// A page that can shrink would end its reader by SIGBUS, whoever's it is.
#[test]
fn an_unsealed_page_is_not_believed() {
    for user in [User::Root, User::random()] {
        let without = [
            SealFlags::empty(),
            SealFlags::SHRINK,
            SealFlags::GROW | SealFlags::FUTURE_WRITE,
            SealFlags::SHRINK | SealFlags::FUTURE_WRITE,
            SealFlags::SHRINK | SealFlags::GROW,
        ];
        for bits in without {
            let running = shown(user, &["--seals", &seals(bits)]);
            running.enter(&[&programs().wrapper, "status"]).code(69).says(&["not believed", "not sealed"]);
            running.stop();
        }
    }
    let running = shown(User::Root, &["--shrinks"]);
    for _ in 0..50 {
        as_root(&running, &["status"]).code(69).printed(&[]);
    }
}

#[test]
fn a_page_of_another_layout_names_both_versions() {
    let version = layout::VERSION + 7;
    let magic = layout::MAGIC - u64::from(layout::VERSION) + u64::from(version);
    let header = layout::HEADER.to_string();
    for length in [LENGTH, 4096, 1 << 20] {
        let mut words = page_of(&["--word", &header, &magic.to_string(), "--seals", &seals(sealed())]);
        words.pop();
        words.push(length.to_string());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut running = Init::wrapper().place(Place::Subreaper).without(&words);
        running.line("page ready");
        for command in ASKS {
            let ours = format!("layout {}", layout::VERSION);
            as_root(&running, command).code(69).says(&[&format!("layout {version}"), &ours]);
        }
    }
}

/// A page that is not believed, or is none, does not hide the one that is.
#[test]
fn the_search_goes_on_behind_a_false_page() {
    let header = layout::HEADER.to_string();
    let sealed = seals(sealed());
    for (user, options) in [
        (User::random(), &["--seals", &sealed][..]),
        (User::Root, &[]),
        (User::Root, &["--word", &header, "7", "--seals", &sealed]),
    ] {
        let false_page = shown(user, options);
        let real = [
            tool("nsenter"),
            format!("--target={}", false_page.init_pid()),
            "--pid".to_owned(),
            "--mount".to_owned(),
            programs().wrapper.clone(),
            "exec".to_owned(),
            "--".to_owned(),
            programs().probe.clone(),
            "catch".to_owned(),
        ];
        let mut real = crate::support::process::Process::start(
            crate::support::process::Process::command(&real),
            crate::support::process::DEADLINE,
        );
        let ready = real.line("app ready");
        let done = as_root(&false_page, &["status"]).code(0).quiet();
        let pid = ready.split(' ').find(|word| word.starts_with("pid=")).expect("its pid").replace('=', " ");
        assert!(done.stdout.iter().any(|line| line.contains(&pid)), "the app with {pid}\n{done}");
    }
}

/// The name of a process is its own to choose, and is shown escaped.
#[test]
fn the_name_of_pid_1_is_escaped() {
    let tree = Tree::new();
    let name = tree.path("a\x1b[2J\u{202e}");
    fs::copy(&programs().probe, &name).expect("a copy of the probe");
    fs::set_permissions(&name, fs::Permissions::from_mode(0o755)).expect("chmod");
    let mut running = Init::wrapper().without(&[&name, "catch"]);
    running.line("app ready");
    let done = as_root(&running, &["status"]).code(69);
    let line = &done.stderr[0];
    assert!(line.contains(r"a\u{1b}[2J\u{202e}") && !line.contains(['\x1b', '\u{202e}']), "{done}");
}

/// What PID 1 shows is sealed: nobody else can change it, and no reader can be hurt by it.
#[test]
fn the_page_of_pid_1_is_sealed() {
    let mut running = Init::wrapper().app(&["catch"]);
    running.ready("app");
    let list = format!("/proc/{}/fd", running.init_pid());
    let wanted = format!("/memfd:{} (deleted)", layout::NAME);
    let entry = fs::read_dir(list)
        .expect("its descriptors")
        .flatten()
        .find(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.to_str() == Some(&wanted)))
        .expect("the page");
    let file = fs::File::open(entry.path()).expect("the page");
    assert!(rustix::fs::fcntl_get_seals(&file).expect("its seals").contains(sealed()));
    let file = fs::File::options().write(true).open(entry.path()).expect("the page, to be written to");
    assert!(file.set_len(0).is_err() && file.set_len(1 << 20).is_err(), "its length is final");
    assert!(rustix::io::pwrite(&file, b"x", 0).is_err(), "nobody else can write to it");
    running.stop();
}

/// Without a page PID 1 goes on and says so, and a client names the reason.
#[test]
fn without_a_page_the_container_runs_and_clients_say_why() {
    // RLIMIT_FSIZE; the signal that comes with it is another test's.
    let tree = Tree::new().yaml("signals: {rewrite: {SIGXFSZ: none}}\n").app("catch --code 3");
    let mut running = Init::wrapper().tree(&tree).launch(&["--limit", "1", "2048"]).raw(&["run"]);
    running.error("the state page or its command pipe cannot be made");
    running.ready("app");
    for command in ASKS {
        as_root(&running, command).code(69).says(&["without a state page", "file size limit", "2048"]);
    }
    running.signal(&["TERM"]);
    running.finish().code(3);
}

/// A wrapper of another mount namespace is that of another container, though it is seen in a shared PID namespace.
#[test]
fn the_wrapper_of_another_container_is_not_asked() {
    let mut running = Init::wrapper().place(Place::Subreaper).app(&["catch"]);
    running.ready("app");
    as_root(&running, &["status"]).code(0);
    let done = running.enter(&[&tool("unshare"), "--mount", &programs().wrapper, "status"]).code(69);
    assert!(done.stderr[0].contains("no wrapper runs as init here"), "{done}");
    running.stop();
}
