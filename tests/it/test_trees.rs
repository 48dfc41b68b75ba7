//! The promise of `wrapper test`: whatever a test starts is over when it is, whoever is killed, and nobody else's pipes
//! are held open by it.

use std::time::Duration;

use crate::support::process::Finished;
use crate::support::suite::{outcomes, probe, probe_and_stay, signal_front, test_by, verdicts};
use crate::support::tools::programs;
use crate::support::{Init, Place, Running, Tree, User, matrix, proc};

/// A test that hangs, with descendants in the same group, in a session of their own, and forked twice.
const HANGS: &str = "
    sleep 1000 &
    setsid sleep 1000 &
    (setsid sh -c 'sleep 1000 & exec sleep 1000' &)
    (trap '' TERM INT HUP; sleep 1000) &
    echo begun >\"$MARK\"
    sleep 1000";

/// An init with an app, and a tree with a hanging test that says in the file `mark` that everything is there.
fn hanging() -> (Running, Tree) {
    started(Init::wrapper())
}

fn started(init: Init) -> (Running, Tree) {
    let tree = Tree::new().app("catch --code 3");
    let mark = tree.path("mark");
    let tree = tree
        .file("mark", 0o666, "")
        .script("tests/hang/10-hang.sh", &format!("MARK={mark}\n{HANGS}"))
        .script("tests/hang/20-fine.sh", "exit 0");
    let mut running = init.tree(&tree).raw(&["run"]);
    running.ready("app");
    (running, tree)
}

fn wait_for_mark(tree: &Tree) {
    let mark = tree.path("mark");
    proc::until("the test began", || std::fs::read_to_string(&mark).is_ok_and(|text| text == "begun\n"));
}

/// The processes of the namespace that are neither the init nor its app; zombies count.
fn others(running: &Running) -> Vec<String> {
    let list = "for p in /proc/[0-9]*; do
        [ ${p#/proc/} != $$ ] && read -r name <$p/comm && echo \"$name\"
    done 2>/dev/null; true";
    let all = running.enter(&["sh", "-c", list]);
    let mut names = all.code(0).stdout;
    names.retain(|name| name != "wrapper" && name != "probe");
    names
}

fn nothing_is_left(running: &Running) {
    let names = others(running);
    assert!(names.is_empty(), "left behind: {names:?}");
    let wrappers = running.enter(&["sh", "-c", "grep -lx wrapper /proc/[0-9]*/comm | wc -l"]).code(0).stdout;
    assert_eq!(wrappers, ["1"], "the init is the only wrapper left");
}

fn timed_out(done: &Finished) {
    let found = verdicts(done);
    assert_eq!(outcomes(done)[0], ("hang/10-hang.sh".to_owned(), "timeout".to_owned()), "{done}");
    assert!(found[0].message.contains("timed out after 500ms"), "{done}");
}

#[test]
fn a_hanging_test_is_killed_with_all_its_descendants() {
    matrix(|init| {
        // As neither, the container's own init cannot adopt what it does not need to: the worker does.
        let (running, tree) = started(init);
        let done = probe(&running, &tree, &["hang", "--timeout", "500ms", "--format", "json"]).code(1);
        timed_out(&done);
        nothing_is_left(&running);
        running.stop();
    });
}

#[test]
fn as_the_containers_own_command_too() {
    for user in [User::Root, User::random()] {
        let (running, tree) = hanging();
        running.stop();
        let done = Init::wrapper()
            .user(user)
            .tree(&tree)
            .raw(&["test", "hang", "--timeout", "500ms", "--format", "json"])
            .finish()
            .code(1);
        timed_out(&done);
    }
}

#[test]
fn a_signal_ends_it_the_same_way() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (running, tree) = hanging();
        let test = probe_and_stay(&running, &tree, &["hang", "--format", "json"]);
        wait_for_mark(&tree);
        signal_front(&running, signal);
        let done = test.finish().code(code);
        assert!(verdicts(&done)[0].message.contains("cut short by a signal"), "{done}");
        nothing_is_left(&running);
        running.stop();
    }
}

/// Kubernetes' runtimes kill the process that they started, and nothing else; then they wait for its pipes.
#[test]
fn killed_itself_it_leaves_nothing_and_holds_no_pipe() {
    matrix(|init| {
        let (running, tree) = started(init);
        let test = probe_and_stay(&running, &tree, &["hang"]);
        wait_for_mark(&tree);
        signal_front(&running, "KILL");
        // Ends with the last holder of its output.
        test.finish();
        proc::until("everything ended", || others(&running).is_empty());
        proc::until("the workers ended", || {
            running.enter(&["sh", "-c", "grep -lx wrapper /proc/[0-9]*/comm | wc -l"]).stdout == ["1"]
        });
        running.stop();
    });
}

#[test]
fn what_a_passing_test_leaves_behind_is_ended_and_told() {
    let tree = Tree::new().app("catch").script("tests/image/10-leaves.sh", "(setsid sleep 1000 &)\nexit 0");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let done = probe(&running, &tree, &["image", "--format", "json"]).code(0);
    assert!(verdicts(&done)[0].message.contains("left a process behind"), "{done}");
    nothing_is_left(&running);
    running.stop();
}

/// Its output in the hands of somebody who is not its child: nobody to kill, and nothing to wait for.
#[test]
fn an_output_that_somebody_else_holds_is_told() {
    let tree = Tree::new().app("catch");
    let (pid, held) = (tree.path("pid"), tree.path("held"));
    let tree = tree
        .file("pid", 0o666, "")
        .script("tests/image/10-held.sh", &format!("echo $$ >{pid}; mkfifo {held}; read -r line <{held}"));
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let test = probe_and_stay(&running, &tree, &["image", "--format", "json"]);
    proc::until("the test began", || std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    let holds = format!(
        "exec 3>/proc/$(cat {pid})/fd/1; until [ -p {held} ]; do :; done; echo go >{held}; exec sleep 1000"
    );
    let holder = running.enter_and_stay(&["sh", "-c", &holds]);
    let done = test.finish().code(0);
    assert!(verdicts(&done)[0].message.contains("holds its output open"), "{done}");
    drop(holder);
    running.stop();
}

#[test]
fn a_test_that_kills_its_worker_fails_alone() {
    let tree = Tree::new()
        .app("catch")
        .script("tests/image/10-killer.sh", "setsid sleep 1000 &\nkill -KILL $PPID; exec sleep 1000")
        .script("tests/image/20-fine.sh", "exit 0");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let done = probe(&running, &tree, &["image", "--jobs", "1", "--format", "json"]).code(1);
    let found = verdicts(&done);
    assert!(found[0].message.contains("its worker was killed"), "{done}");
    assert_eq!(found[1].outcome, "pass", "the next worker runs what is left\n{done}");
    nothing_is_left(&running);
    running.stop();
}

/// A worker that is stopped cannot keep anybody's time: the front does.
#[test]
fn a_test_that_stops_its_worker_is_ended_all_the_same() {
    let tree = Tree::new()
        .app("catch")
        .yaml("test: {timeout: 300ms}\n")
        .script("tests/image/10-stopper.sh", "setsid sleep 1000 &\nkill -STOP $PPID; exec sleep 1000")
        .script("tests/image/20-fine.sh", "exit 0");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    for (limit, next) in [(&["--jobs", "1"][..], "pass"), (&["--jobs", "1", "--timeout", "500ms"], "timeout")]
    {
        let arguments = [&["image", "--format", "json"], limit].concat();
        let done = probe(&running, &tree, &arguments).code(1);
        let outcome: Vec<_> = verdicts(&done).into_iter().map(|check| check.outcome).collect();
        assert_eq!(outcome, ["timeout", next], "{done}");
        nothing_is_left(&running);
    }
    running.stop();
}

#[test]
fn a_byte_in_the_workers_pipe_hides_no_failure() {
    let write = "for f in /proc/$PPID/fd/*; do [ -p $f ] && printf 'x' >$f; done 2>/dev/null; exit 1";
    let tree = Tree::new().script("tests/image/10-writer.sh", write);
    let done =
        test_by(Init::wrapper().place(Place::Subreaper), &tree, &["image", "--format", "json"]).code(1);
    let message = &verdicts(&done)[0].message;
    assert!(message.contains("disturbed") || message.contains("told nothing"), "{done}");
}

#[test]
fn a_reader_that_does_not_read_holds_nobody_up() {
    let mut tree = Tree::new();
    for n in 10..99 {
        tree =
            tree.script(&format!("tests/image/{n}-loud.sh"), "head -c 2000 /dev/zero | tr '\\0' x; exit 1");
    }
    let program = &programs().wrapper;
    // The pipe has a reader, which never reads.
    let fifo = tree.path("fifo");
    let line = format!(
        "mkfifo {fifo} && exec 9<>{fifo} && {program} test image --format json --timeout 3s >{fifo}; echo ended $?"
    );
    let done = Init::wrapper().place(Place::Subreaper).tree(&tree).without(&["sh", "-c", &line]).finish();
    assert!(done.has("ended 1"), "{done}");
    done.says(&["the report could not be written", "nobody reads it"]);
}

#[test]
fn a_signal_ends_the_report_and_the_pause_too() {
    let tree = Tree::new().app("catch").script("tests/image/10-bad.sh", "exit 1");
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let arguments = ["image", "--retry-timeout", "2h", "--sleep", "1h"];
    let test = probe_and_stay(&running, &tree, &arguments);
    proc::until("it pauses", || {
        running.enter(&["sh", "-c", "grep -lx wrapper /proc/[0-9]*/comm | wc -l"]).stdout == ["2"]
    });
    signal_front(&running, "TERM");
    let done = test.finish().code(143);
    assert!(done.stdout.join("\n").contains("ended by SIGTERM after"), "{done}");
    running.stop();
}

/// Without `/dev/null` no worker can begin: that is told once, and nothing is tried over and over.
#[test]
fn without_dev_null_it_says_so() {
    let tree = Tree::new().script("tests/image/10-a.sh", "exit 0").script("tests/image/20-b.sh", "exit 0");
    let program = &programs().wrapper;
    let line = format!("mount -t tmpfs none /dev && exec {program} test image --format json");
    let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
    let done = init.without(&["unshare", "--mount", "sh", "-c", &line]).finish().code(1);
    assert!(verdicts(&done).iter().all(|check| check.message.contains("no test can be run")), "{done}");
}

/// What had passed before the deadline is told, and the working files of bats go.
#[test]
fn a_bats_file_that_hangs_leaves_no_working_files() {
    let tree = Tree::new()
        .file("tests/hang/10-h.bats", 0o644, "@test \"one\" { true; }\n@test \"two\" { sleep 1000; }\n")
        .file("scratch/.keep", 0o644, "");
    let scratch = tree.path("scratch");
    // On a busy machine bats itself needs seconds before its first test has passed.
    let passed = ["3s", "12s", "50s"].into_iter().any(|limit| {
        let init = Init::wrapper()
            .place(Place::Subreaper)
            .env("TMPDIR", &scratch)
            .deadline(Duration::from_secs(100));
        let done = test_by(init, &tree, &["hang", "--timeout", limit, "--format", "json"]).code(1);
        let found = verdicts(&done);
        let last = found.last().expect("a verdict");
        let told = format!("timed out after {limit}");
        assert!(last.outcome == "timeout" && last.message.contains(&told), "{done}");
        let left: Vec<_> =
            std::fs::read_dir(&scratch).expect("the directory").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, [".keep"], "{done}");
        found[0].outcome == "pass"
    });
    assert!(passed, "what had passed by then is not told");
}

#[test]
fn no_process_can_be_made() {
    let tree = Tree::new().script("tests/image/10-a.sh", "exit 0");
    let program = &programs().wrapper;
    let init = Init::wrapper().place(Place::Subreaper).user(User::random()).tree(&tree);
    let line = format!("ulimit -u 0 && exec {program} test image --format json");
    let done = init.without(&["bash", "-c", &line]).finish().code(1);
    assert!(verdicts(&done)[0].message.contains("cannot start a process"), "{done}");
}

/// Without /proc the tree cannot be seen: the group is killed all the same, and what cannot be found is told.
#[test]
fn without_proc_it_still_ends() {
    let tree = Tree::new()
        .script("tests/hang/10-hang.sh", "setsid sleep 1000 &\nsleep 1000")
        .script("tests/hang/20-leaves.sh", "setsid sleep 1000 &\nexit 0");
    let program = &programs().wrapper;
    let line = format!("mount -t tmpfs none /proc && exec {program} test hang --timeout 500ms --format json");
    let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
    let done = init.without(&["unshare", "--mount", "sh", "-c", &line]).finish().code(1);
    let found = verdicts(&done);
    assert!(found[0].message.contains("timed out after 500ms"), "{done}");
    assert!(found.iter().all(|check| check.outcome != "pass"), "what cannot be found is told\n{done}");
}

/// A test reads nothing of ours and holds no descriptor of whoever started us.
#[test]
fn a_test_has_an_empty_stdin_and_only_its_own_descriptors() {
    let tree = Tree::new().script(
        "tests/image/10-fds.sh",
        "read -r line && exit 1\nfor f in /proc/self/fd/*; do readlink \"$f\"; done\nls -l /proc/$$/fd; exit 1",
    );
    let program = &programs().wrapper;
    let line = format!("exec {program} test image --format json 7<{}", tree.path(""));
    let done =
        Init::wrapper().place(Place::Subreaper).tree(&tree).without(&["sh", "-c", &line]).finish().code(1);
    let message = &verdicts(&done)[0].message;
    assert!(message.contains("/dev/null") && message.contains("pipe:"), "{message}");
    assert!(!message.contains("wrapper-tree\n") && !message.contains("memfd"), "{message}");
}

#[test]
fn files_run_at_the_same_time() {
    // Each waits for the other: one after the other they would hang.
    let tree = Tree::new();
    let (one, two) = (tree.path("one"), tree.path("two"));
    let pair = |write: &str, read: &str| {
        format!("[ -p {write} ] || mkfifo {write} 2>/dev/null\n[ -p {read} ] || mkfifo {read} 2>/dev/null\n")
    };
    let tree = tree
        .script("tests/image/10-a.sh", &format!("{}echo x >{one}; read -r y <{two}", pair(&one, &two)))
        .script("tests/image/20-b.sh", &format!("{}read -r y <{one}; echo x >{two}", pair(&one, &two)));
    let init = Init::wrapper().place(Place::Subreaper);
    test_by(init, &tree, &["image", "--jobs", "2", "--timeout", "10s"]).code(0);
}
