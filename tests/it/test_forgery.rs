//! A test cannot make another file's failure pass, nor its own, by what it says or does to the workers; and a suite cannot run
//! itself.

use crate::support::process::Finished;
use crate::support::suite::{outcomes, probe, probe_and_stay, signal_front, test, test_by, verdicts};
use crate::support::tools::programs;
use crate::support::{Init, Place, Tree, User, proc};

/// A check of the file of this index that passes, as a worker tells it.
fn forged(index: usize, file: &str) -> String {
    let time = "{\"secs_since_epoch\":1,\"nanos_since_epoch\":0}";
    format!(
        "{{\"Check\":[{index},{{\"suite\":\"image\",\"file\":\"{file}\",\"title\":\"\",\"outcome\":\"Pass\",\"message\":\"\",\
         \"started\":{time},\"duration\":{{\"secs\":0,\"nanos\":1}},\"origin\":\"File\"}}]}}"
    )
}

/// Writes these lines to every pipe of the test's worker: root may, by `SYS_PTRACE`.
fn write(lines: &[&str]) -> String {
    let quoted: Vec<String> = lines.iter().map(|line| format!("'{line}'")).collect();
    let quoted = quoted.join(" ");
    format!("for f in /proc/$PPID/fd/*; do [ -p $f ] && printf '%s\\n' {quoted} >$f; done 2>/dev/null")
}

#[track_caller]
fn all_fail(done: Finished) {
    let done = done.code(1);
    let names = ["image/10-forger.sh", "image/20-victim.sh"];
    for name in names {
        let found: Vec<_> = outcomes(&done).into_iter().filter(|(file, _)| file == name).collect();
        assert!(found.iter().any(|(_, outcome)| outcome == "fail"), "{name} does not fail\n{done}");
    }
}

#[test]
fn a_worker_is_believed_only_about_the_file_in_its_hand() {
    let tree = Tree::new();
    let (begun, new) = (tree.path("begun"), tree.path("new"));
    let lies = write(&[&forged(1, "20-victim.sh"), "{\"Done\":1}"]);
    let tree = tree
        .script("tests/image/20-victim.sh", &format!("echo $PPID >{new}; mv {new} {begun}; exec sleep 1000"))
        .script(
            "tests/image/10-forger.sh",
            &format!("until [ -s {begun} ]; do :; done\n{lies}\nkill -KILL $(cat {begun})"),
        );
    all_fail(test(&tree, &["image", "--format", "json"]));
}

#[test]
fn a_file_that_another_worker_has_cannot_be_begun_again() {
    let tree = Tree::new();
    let (begun, go) = (tree.path("begun"), tree.path("go"));
    let lies = write(&["{\"Done\":0}", "{\"Begin\":1}", &forged(1, "20-victim.sh"), "{\"Done\":1}"]);
    let tree = tree
        .script("tests/image/20-victim.sh", &format!("echo >{begun}; until [ -e {go} ]; do :; done; exit 1"))
        .script(
            "tests/image/10-forger.sh",
            &format!("until [ -e {begun} ]; do :; done\n{lies}\necho >{go}; exit 0"),
        );
    all_fail(test(&tree, &["image", "--format", "json"]));
}

#[test]
fn a_worker_that_dies_is_a_failure_whatever_it_said() {
    let lies = write(&[&forged(0, "10-a.sh"), "{\"Done\":0}"]);
    let tree =
        Tree::new().script("tests/image/10-a.sh", &format!("{lies}\nkill -KILL $PPID; exec sleep 1000"));
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let found = verdicts(&done);
    assert!(found.last().expect("a verdict").message.contains("its worker was killed"), "{done}");
}

/// Only the command that a worker works for ends it: any other process could send TERM too.
#[test]
fn a_worker_ends_by_no_test_s_signal() {
    let tree = Tree::new()
        .script("tests/image/10-sender.sh", "kill -TERM $PPID; kill -INT $PPID; exit 0")
        .script("tests/image/20-next.sh", "exit 0");
    let done = test(&tree, &["image", "--jobs", "1", "--format", "json"]).code(0);
    let expected =
        ["image/10-sender.sh", "image/20-next.sh"].map(|name| (name.to_owned(), "pass".to_owned()));
    assert_eq!(outcomes(&done), expected, "{done}");
}

/// Whoever has the same uid and no `SYS_PTRACE` reaches neither worker nor front; what a test starts is open as ever.
#[test]
fn workers_are_closed_to_their_tests() {
    let tree = Tree::new().script(
        "tests/image/10-look.sh",
        "read -r _ _ _ front _ </proc/$PPID/stat || exit 2
        for pid in $PPID $front; do
            readlink /proc/$pid/fd/0 && exit 3
            cat /proc/$pid/environ && exit 4
            head -c 0 /proc/$pid/mem && exit 5
        done 2>/dev/null
        ls /proc/$$/fd /proc/self/fd >/dev/null && tr '\\0' ' ' </proc/$$/environ >/dev/null",
    );
    let init = Init::wrapper().place(Place::Subreaper).user(User::random());
    test_by(init, &tree, &["image"]).code(0);
    // Docker's root has neither SYS_PTRACE nor what comes near it.
    let program = &programs().wrapper;
    let line = format!(
        "exec setpriv --inh-caps=-all --bounding-set=-all,+chown,+dac_override,+fowner,+kill,+setuid,+setgid {program} test image"
    );
    let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
    init.without(&["sh", "-c", &line]).finish().code(0);
}

#[test]
fn a_suite_that_runs_itself_is_refused() {
    let program = &programs().wrapper;
    let ways = [
        format!("{program} test image"),
        format!("exec env -i WRAPPER_CONFIG_DIR=$WRAPPER_CONFIG_DIR {program} test other image"),
        // An orphan in a session of its own still has the worker above it.
        format!("out=$WRAPPER_CONFIG_DIR/out; (setsid sh -c '{program} test image >'$out'.new 2>&1; echo $? >>'$out'.new; mv '$out'.new '$out &)
         until [ -e $out ]; do :; done; cat $out; exit $(tail -n 1 $out)"),
        // By way of another suite.
        format!("{program} test other --format silent"),
    ];
    for way in &ways {
        let tree = Tree::new().script("tests/image/10-self.sh", way);
        let tree = tree.script(
            "tests/other/10-back.sh",
            &format!("exec {program} test image 2>$WRAPPER_CONFIG_DIR/why"),
        );
        let done = test(&tree, &["image", "--format", "json"]).code(1);
        let why = std::fs::read_to_string(tree.path("why")).unwrap_or_default();
        let told = verdicts(&done)[0].message.clone() + &why;
        assert!(
            told.contains("test image: refused, because a test of this suite started"),
            "{way}\n{told}\n{done}"
        );
    }
}

#[test]
fn another_suite_may_be_run_by_a_test() {
    let program = &programs().wrapper;
    let tree = Tree::new()
        .script(
            "tests/image/10-other.sh",
            &format!("{program} test a-suite-with-a-long-name-1 && {program} test image --list"),
        )
        .script(
            "tests/a-suite-with-a-long-name-1/10-more.sh",
            &format!("exec {program} test a-suite-with-a-long-name-2"),
        )
        .script("tests/a-suite-with-a-long-name-2/10-good.sh", "exit 0");
    test(&tree, &["image"]).code(0);
}

/// Wrappers in wrappers, deeper than anybody would nest them: the outermost one ends them all.
#[test]
fn nested_wrappers_end_with_the_outermost() {
    const DEPTH: usize = 90;
    let program = &programs().wrapper;
    let mut tree = Tree::new().app("catch");
    let mark = tree.path("mark");
    for level in 0..DEPTH {
        let next = level + 1;
        let body =
            format!("{program} test level{next} --timeout 1h &\nexec {program} test side{next} --timeout 1h");
        tree = tree
            .script(&format!("tests/level{level}/10-next.sh"), &body)
            .script(&format!("tests/side{next}/10-hang.sh"), "exec sleep 1000");
    }
    let tree =
        tree.script(&format!("tests/level{DEPTH}/10-last.sh"), &format!("echo >{mark}; exec sleep 1000"));
    let mut running = Init::wrapper().tree(&tree).raw(&["run"]);
    running.ready("app");
    let outermost = probe_and_stay(&running, &tree, &["level0", "--format", "json"]);
    proc::until("the innermost runs", || std::fs::exists(&mark).is_ok_and(|there| there));
    signal_front(&running, "TERM");
    let done = outermost.finish().code(143);
    assert!(verdicts(&done)[0].message.contains("cut short by a signal"), "{done}");
    let wrappers =
        running.enter(&["sh", "-c", "cat /proc/[0-9]*/comm | grep -c -e '^wrapper' -e ^test: -e ^sleep"]);
    assert_eq!(wrappers.stdout, ["1"], "the init alone is left\n{done}");
    probe(&running, &tree, &["image"]).code(0);
    running.stop();
}
