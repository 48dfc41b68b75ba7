//! The environment of the app: built anew at each start, and seen by whoever works beside it, whatever became of the files
//! that it was made of.

use std::borrow::Cow;
use std::fs;

use crate::support::cgroup::Cgroup;
use crate::support::process::{Finished, Process};
use crate::support::suite::probe;
use crate::support::tools::programs;
use crate::support::{Init, Place, Running, Tree, User, proc};
use rustix::fs::SealFlags;
use wrapper::status::kept;

/// An app that prints the secret `PIN`, which stands in the file `pin`.
fn with_secret() -> Tree {
    Tree::new().yaml("run: {file_env: [PIN]}\n").file("pin", 0o644, "first-pin\n").script(
        "run",
        "echo \"pin $PIN\"
        exec \"$PROBE\" catch",
    )
}

fn start(init: Init, tree: &Tree, arguments: &[&str]) -> Running {
    init.tree(tree).env("PIN_FILE", &tree.path("pin")).raw(arguments)
}

fn set_pin(tree: &Tree, pin: &str) {
    fs::write(tree.path("pin"), pin).expect("write the secret");
}

fn wrapper(running: &Running, arguments: &[&str]) -> Finished {
    let mut argv = vec![programs().wrapper.as_str()];
    argv.extend(arguments);
    running.enter(&argv)
}

/// What a command in the running container sees.
fn seen(running: &Running, text: &str) -> Vec<String> {
    wrapper(running, &["sh", "-c", &format!("echo \"{text}\"")]).code(0).stdout
}

#[test]
fn secrets_are_read_at_every_start_of_the_app() {
    let tree = with_secret().script("init.d/10-a", "echo \"init $PIN\"");
    let mut running = start(Init::wrapper(), &tree, &["run"]);
    running.line("init first-pin");
    running.line("pin first-pin");
    running.ready("app");
    set_pin(&tree, "second-pin");
    assert_eq!(seen(&running, "$PIN"), ["first-pin"], "the running app's, not the file's");
    wrapper(&running, &["restart"]).code(0);
    running.line("init second-pin");
    running.line("pin second-pin");
    running.ready("app");
    wrapper(&running, &["maintenance", "on"]).code(0);
    running.error("maintenance:");
    set_pin(&tree, "third-pin");
    assert_eq!(seen(&running, "$PIN"), ["second-pin"], "the last one that was built");
    wrapper(&running, &["maintenance", "off"]).code(0);
    running.line("init third-pin");
    running.line("pin third-pin");
    running.ready("app");
    assert_eq!(seen(&running, "$PIN $PIN_FILE"), ["third-pin "]);
    running.stop();
}

#[test]
fn hooks_see_the_environment_that_the_app_has() {
    let stop = "echo \"stop $PIN\"; until [ -e \"$GATE\" ]; do sleep 0.01; done; kill $WRAPPER_APP_PID";
    let tree = with_secret().script("stop", stop).script("finish.d/10-a", "echo \"finish $PIN\"");
    let mut running = start(Init::wrapper().env("GATE", &tree.path("gate")), &tree, &["run"]);
    running.ready("app");
    set_pin(&tree, "second-pin");
    wrapper(&running, &["restart"]).code(0);
    running.line("stop first-pin");
    assert_eq!(seen(&running, "$PIN"), ["first-pin"], "the next one is built, and not yet the app's");
    fs::write(tree.path("gate"), "").expect("open the gate");
    running.line("finish first-pin");
    running.line("pin second-pin");
    running.ready("app");
    assert_eq!(seen(&running, "$PIN"), ["second-pin"]);
    running.stop();
}

/// The file was rotated, removed, or is unreadable for the probe: the app is what the probe is about.
#[test]
fn a_probe_sees_the_secret_of_the_app_and_not_the_file() {
    let tree = with_secret().script("tests/live/10-pin.sh", "test \"$PIN\" = first-pin");
    for user in [User::Root, User::random()] {
        set_pin(&tree, "first-pin");
        let mut running = start(Init::wrapper().user(user), &tree, &["run"]);
        running.ready("app");
        probe(&running, &tree, &["live"]).code(0);
        set_pin(&tree, "second-pin");
        probe(&running, &tree, &["live"]).code(0);
        fs::remove_file(tree.path("pin")).expect("remove the secret");
        probe(&running, &tree, &["live"]).code(0).quiet();
        running.stop();
    }
}

#[test]
fn a_secret_of_the_app_is_hidden_in_the_output_of_a_test() {
    let tree = with_secret().script("tests/live/10-pin.sh", "echo \"it is $PIN\"; exit 1");
    let mut running = start(Init::wrapper(), &tree, &["run"]);
    running.ready("app");
    fs::remove_file(tree.path("pin")).expect("remove the secret");
    let done = probe(&running, &tree, &["live"]).code(1);
    assert!(done.has("live: fail") && !done.has("first-pin"), "{done}");
    assert!(done.stdout.join("\n").contains("it is ***"), "{done}");
    running.stop();
}

#[test]
fn a_restart_without_its_secrets_is_refused_while_the_app_goes_on() {
    let tree = with_secret();
    let mut running = start(Init::wrapper(), &tree, &["run"]);
    let app = running.ready("app").get("pid");
    fs::remove_file(tree.path("pin")).expect("remove the secret");
    let path = tree.path("pin");
    wrapper(&running, &["restart"]).code(78).printed(&[]).says(&["the app goes on", "PIN_FILE", &path]);
    running.error("the restart is refused");
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    assert_eq!(proc::inner_pid(running.host_pid(app)), Some(app), "the same app");
    // In maintenance it is the end of maintenance that is refused.
    wrapper(&running, &["maintenance", "on"]).code(0);
    running.error("maintenance:");
    wrapper(&running, &["maintenance", "off"]).code(78).printed(&[]).says(&["maintenance holds", &path]);
    wrapper(&running, &["maintenance", "status"]).code(0);
    assert_eq!(seen(&running, "$PIN"), ["first-pin"], "the last one that was built");
    set_pin(&tree, "new-pin");
    wrapper(&running, &["maintenance", "off"]).code(0);
    running.line("pin new-pin");
    running.ready("app");
    running.stop();
}

/// A container that was started in maintenance, with and without its secrets.
#[test]
fn commands_in_maintenance_have_what_the_app_would_have() {
    let tree = with_secret();
    let mut running = start(Init::wrapper().env("OTHER", "x"), &tree, &["maintenance"]);
    running.error("maintenance:");
    assert_eq!(seen(&running, "$PIN $OTHER"), ["first-pin x"]);
    running.stop();
    fs::remove_file(tree.path("pin")).expect("remove the secret");
    let mut running = start(Init::wrapper().env("OTHER", "x"), &tree, &["maintenance"]);
    running.error("the app could not be started: PIN_FILE: ");
    let done = wrapper(&running, &["sh", "-c", "echo \"<$PIN> $OTHER\""]).code(0).says(&[&tree.path("pin")]);
    done.printed(&["<> x"]);
    set_pin(&tree, "mended-pin");
    wrapper(&running, &["maintenance", "off"]).code(0);
    running.line("pin mended-pin");
    running.ready("app");
    assert_eq!(seen(&running, "$PIN $OTHER"), ["mended-pin x"]);
    running.stop();
}

#[test]
fn home_and_user_are_the_same_for_everybody() {
    let print = "echo \"$0 $HOME $USER $LOGNAME\"";
    let tree = Tree::new()
        .yaml("run: {user: nobody}\n")
        .script("init.d/10-a", "echo \"init $HOME $USER $LOGNAME\"")
        .script("run", "echo \"run $HOME $USER $LOGNAME\"; exec \"$PROBE\" catch")
        .script("tests/live/10-home.sh", "test \"$HOME $USER $LOGNAME\" = '/nonexistent nobody nobody'");
    let mut running = Init::wrapper().env("HOME", "/root").tree(&tree).raw(&["run"]);
    running.line("init /nonexistent nobody nobody");
    running.line("run /nonexistent nobody nobody");
    running.ready("app");
    let config = format!("WRAPPER_CONFIG_DIR={}", tree.path(""));
    let command = [programs().wrapper.as_str(), "sh", "-c", print, "command"];
    for before in [&["env"][..], &["env", &config], &["env", "HOME=/root"]] {
        let done = running.enter(&[before, &command].concat()).code(0);
        done.printed(&["command /nonexistent nobody nobody"]).quiet();
    }
    running.enter(&[&["env", "HOME=/mine"][..], &command].concat()).printed(&["command /mine nobody nobody"]);
    probe(&running, &tree, &["live"]).code(0);
    running.stop();
}

/// As with `docker exec -e`; what was set at the start of the container alone is no wish of the caller's.
#[test]
fn what_the_caller_sets_on_purpose_goes_on_top() {
    let tree = Tree::new().yaml("run: {env: {COLOUR: blue, SHAPE: round}}\n").app("catch");
    let mut running = Init::wrapper().env("COLOUR", "red").env("TERM", "dumb").tree(&tree).raw(&["run"]);
    running.ready("app");
    let text = "$COLOUR $SHAPE $TERM <$EXTRA>";
    assert_eq!(seen(&running, text), ["blue round dumb <>"]);
    let command = [programs().wrapper.as_str(), "sh", "-c", &format!("echo \"{text}\"")];
    let same = ["env", "COLOUR=red", "TERM=dumb"];
    running.enter(&[&same[..], &command].concat()).code(0).printed(&["blue round dumb <>"]);
    let other = ["env", "COLOUR=green", "TERM=xterm", "EXTRA=1"];
    running.enter(&[&other[..], &command].concat()).code(0).printed(&["green round xterm <1>"]);
    running.stop();
}

#[test]
fn exec_has_the_environment_of_who_types_it() {
    let tree = Tree::new().yaml("run: {env: {COLOUR: blue}}\n").app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    wrapper(&running, &["exec", "sh", "-c", "echo \"<$COLOUR>\""]).code(0).printed(&["<>"]);
    running.stop();
}

#[test]
fn tests_lose_what_would_change_their_verdict() {
    let tree = Tree::new()
        .yaml("run: {env: {BATS_TEST_PATTERN: x, GOSS_FILE: y, KEPT: z}}\n")
        .script(
            "tests/live/10-env.sh",
            "env | grep -E '^(BATS_|GOSS_|WRAPPER_APP)' && exit 1; test $KEPT = z",
        )
        .script(
            "tests/image/10-env.sh",
            "env | grep -E '^(BATS_|GOSS_|WRAPPER_APP)' && exit 1; test $KEPT = z",
        )
        .app("catch");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let config = format!("WRAPPER_CONFIG_DIR={}", tree.path(""));
    let argv = ["env", &config, "WRAPPER_APP_PID=7", "GOSS_X=1", &programs().wrapper, "test", "live"];
    running.enter(&argv).code(0);
    running.stop();
    Init::wrapper().tree(&tree).env("WRAPPER_APP_EXIT", "3").raw(&["test", "image"]).finish().code(0);
}

/// Shows an environment with `EVIL=x` as a process of this user below a PID 1 that is no wrapper and runs as root.
fn shown(user: User, change: impl Fn(&mut Vec<u8>), seals: SealFlags) -> Running {
    let evil = [Cow::Owned(c"EVIL=x".to_owned())];
    let fill = |text: &str| kept::encode(std::iter::empty(), Some(&evil), text);
    let mut bytes = fill(&".".repeat(8 - fill("").len() % 8));
    change(&mut bytes);
    let mut words = vec![programs().probe.clone(), "page".into(), "--seals".into(), seals.bits().to_string()];
    for (index, word) in bytes.chunks_exact(8).enumerate() {
        let value = u64::from_ne_bytes(word.try_into().expect("eight bytes"));
        words.extend(["--word".into(), index.to_string(), value.to_string()]);
    }
    words.extend([kept::NAME.to_owned(), bytes.len().to_string()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut running = Init::wrapper().place(Place::Subreaper).user(user).without(&words);
    running.line("page ready");
    running
}

type Change = fn(&mut Vec<u8>);

/// A stranger's variables would make root run a stranger's code (`LD_PRELOAD`, `PATH`).
#[test]
fn an_environment_is_believed_only_after_it_was_checked() {
    let constant = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    let evil = |running: Running| {
        let command = [programs().wrapper.as_str(), "sh", "-c", "echo \"<$EVIL>\""];
        let stdout = running.enter_as(User::Root, &command).code(0).stdout;
        running.stop();
        stdout
    };
    assert_eq!(evil(shown(User::Root, |_| {}, constant)), ["<x>"], "what the others are measured by");
    assert_eq!(evil(shown(User::random(), |_| {}, constant)), ["<>"], "a stranger's");
    let page_like = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
    for seals in [SealFlags::empty(), page_like] {
        assert_eq!(evil(shown(User::Root, |_| {}, seals)), ["<>"], "{seals:?}: it could still change");
    }
    let wrong: [(&str, Change); 4] = [
        ("another version", |bytes| bytes[7] += 1),
        ("too long a list", |bytes| bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes())),
        ("an unknown tag", |bytes| bytes[24] = 0),
        ("no end", |bytes| {
            let end = bytes[24..].iter().position(|b| *b == 0).expect("a NUL");
            bytes[24 + end] = b'x';
        }),
    ];
    for (what, change) in wrong {
        assert_eq!(evil(shown(User::Root, change, constant)), ["<>"], "{what}");
    }
}

#[test]
fn who_may_not_read_it_gets_77() {
    let tree = with_secret();
    let mut running = start(Init::wrapper(), &tree, &["run"]);
    running.ready("app");
    let done = running.enter_as(User::random(), &[&programs().wrapper, "sh", "-c", "echo $PIN"]);
    done.code(77).printed(&[]).says(&["environment", "docker exec --user 0:0"]);
    running.stop();
}

/// Root without `SYS_PTRACE` reads it all the same, and stays root.
#[test]
fn root_reads_that_of_an_init_of_another_user() {
    let tree = with_secret();
    let mut running = start(Init::wrapper().user(User::random()), &tree, &["run"]);
    running.ready("app");
    let script = "echo \"$PIN $(id -u):$(id -g)\"";
    let command = [programs().wrapper.as_str(), "sh", "-c", script];
    running.enter_as(User::Root, &command).code(0).printed(&["first-pin 0:0"]);
    let probe = programs().probe.as_str();
    let launch = [probe, "launch", "--drop-capability", "19", "--"];
    running.enter_as(User::Root, &[&launch[..], &command].concat()).code(0).printed(&["first-pin 0:0"]);
    running.stop();
}

/// One memfd whatever happens, and none in a child.
#[test]
fn nothing_of_it_is_left_open() {
    let tree = with_secret()
        .script("run", "ls -l /proc/self/fd | grep -c wrapper- | sed 's/^/fds /'; exec \"$PROBE\" catch");
    let mut running = start(Init::wrapper(), &tree, &["run"]);
    running.line("fds 0");
    running.ready("app");
    for _ in 0..3 {
        wrapper(&running, &["restart"]).code(0);
        running.line("fds 0");
        running.ready("app");
    }
    let fds = format!("/proc/{}/fd", running.init_pid());
    let names = fs::read_dir(&fds).expect("the descriptors").flatten();
    let names = names.filter_map(|entry| fs::read_link(entry.path()).ok());
    let kept = names.filter(|name| name.to_string_lossy().contains("memfd:wrapper-env")).count();
    assert_eq!(kept, 1);
    running.stop();
}

/// An environment as large as the kernel takes, and as many entries as fit.
#[test]
fn a_large_environment_is_passed_on_whole() {
    let tree = with_secret().script("run", "echo pin; exec \"$PROBE\" catch");
    let mut init = Init::wrapper();
    for number in 0..4000 {
        init = init.env(&format!("VARIABLE_{number:05}"), &"x".repeat(100));
    }
    let init = init.env("LARGE", &"y".repeat(100_000)).env_bytes(b"BYTES", b"\xff\n=");
    let mut running = start(init, &tree, &["run"]);
    running.ready("app");
    let script =
        "env | grep -c '^VARIABLE_.*=x*$'; echo ${#LARGE}; printf %s \"$BYTES\" | od -An -tx1; echo $PIN";
    let done = wrapper(&running, &["sh", "-c", script]).code(0);
    done.printed(&["4000", "100000", " ff 0a 3d", "first-pin"]);
    running.stop();
}

#[test]
fn without_a_process_for_its_files_there_is_no_start() {
    let tree = with_secret().script("init.d/10-a", "echo init").script("finish.d/10-a", "echo finish");
    let cgroup = Cgroup::with_pids(1);
    let running = start(Init::wrapper().launch(&["--cgroup", cgroup.path()]), &tree, &["run"]);
    running.finish().code(126).printed(&[]).says(&["cannot start the app", "run.file_env", "pids.max"]);
}

/// A file system that never answers, mounted where the secret is: the process that holds it, and its pid inside.
fn hang(running: &Running, tree: &Tree) -> (Process, String) {
    let mut dead = running.enter_and_stay(&[&programs().probe, "dead", &tree.path("volume")]);
    let line = dead.line("dead ready pid=");
    (dead, line["dead ready pid=".len()..].to_owned())
}

fn on_a_volume() -> Tree {
    Tree::new().yaml("run: {file_env: [PIN]}\n").file("volume/pin", 0o644, "first-pin\n")
}

fn start_on_a_volume(tree: &Tree, arguments: &[&str]) -> Running {
    Init::wrapper().tree(tree).env("PIN_FILE", &tree.path("volume/pin")).raw(arguments)
}

/// A dead network file system holds whoever reads from it: that must not be PID 1.
#[test]
fn secrets_on_a_dead_file_system_hold_nobody() {
    let tree =
        on_a_volume().script("tests/live/10-pin.sh", "test \"$PIN\" = first-pin").app("catch --code 7");
    let mut running = start_on_a_volume(&tree, &["run"]);
    running.ready("app");
    let _dead = hang(&running, &tree);
    wrapper(&running, &["restart"]).code(75).printed(&[]).says(&["still being read"]);
    wrapper(&running, &["restart"]).code(75);
    wrapper(&running, &["status"]).code(0);
    probe(&running, &tree, &["live"]).code(0);
    running.signal(&["USR1"]);
    running.line("app got 10 ");
    // Neither the app's signals nor the end wait for the helper.
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    running.finish().code(7);
}

#[test]
fn maintenance_with_secrets_on_a_dead_file_system_can_be_ended() {
    let tree = on_a_volume().app("catch");
    let mut running = start_on_a_volume(&tree, &["maintenance"]);
    running.error("maintenance:");
    assert_eq!(seen(&running, "$PIN"), ["first-pin"]);
    let (_dead, pid) = hang(&running, &tree);
    wrapper(&running, &["maintenance", "off"]).code(75).printed(&[]);
    wrapper(&running, &["maintenance", "status"]).code(0);
    // Another request comes first.
    wrapper(&running, &["maintenance", "on"]).code(0);
    wrapper(&running, &["maintenance", "off"]).code(75);
    // Whoever waits for its answers gets an error now.
    running.enter(&["sh", "-c", &format!("kill -KILL {pid}")]).code(0);
    running.error("the end of maintenance is refused, maintenance holds: PIN_FILE: ");
    running.signal(&["TERM"]);
    running.finish().code(0);
}
