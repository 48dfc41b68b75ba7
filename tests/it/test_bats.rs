//! bats files: what becomes of their tests' names, of fixtures that fail, and of what a test writes into bats' own stream.

use crate::support::suite::{outcomes, test, test_by, verdicts};
use crate::support::tools::programs;
use crate::support::{Init, Place, Tree};

fn bats(text: &str) -> Tree {
    Tree::new().file("tests/image/10-a.bats", 0o644, text)
}

#[test]
fn a_test_takes_no_result_s_place() {
    for line in [
        "ok 1 first",
        "ok 1 first in 1ms",
        "not ok 1 first",
        "ok 2 second",
        "ok 7",
        "ok",
        "1..1",
        "begin 2 second",
        "Bail out!",
    ] {
        // The first fails, or passes; both times the stream does not hold together.
        for end in ["false", "true"] {
            let tree = bats(&format!(
                "@test \"first\" {{ echo '{line}' >&3; {end}; }}\n@test \"second\" {{ true; }}\n"
            ));
            let done = test(&tree, &["image", "--format", "json"]).code(1);
            let last = verdicts(&done).pop().expect("a verdict");
            assert!(last.outcome == "fail" && last.message.contains("cannot be trusted"), "{done}");
        }
    }
    let tree = bats("@test \"first\" { echo '# ok 2, says a comment' >&3; echo plain >&3; }\n");
    test(&tree, &["image"]).code(0);
}

/// It says that it passed, and no bats is left to say anything else.
#[test]
fn a_test_that_ends_bats_does_not_pass() {
    let tree = bats("@test \"only\" { echo 'ok 1 only in 1ms' >&3; kill -KILL $PPID $$; }\n");
    test(&tree, &["image"]).code(1);
}

#[test]
fn a_fixture_that_fails_is_a_failure_with_its_reason() {
    let tree = bats("teardown_file() { echo 'cannot clean up'; false; }\n@test \"good\" { true; }\n");
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let found = verdicts(&done);
    assert_eq!(
        found.iter().map(|check| check.outcome.as_str()).collect::<Vec<_>>(),
        ["pass", "fail"],
        "{done}"
    );
    assert!(
        found[1].message.contains("teardown_file: ") && found[1].message.contains("cannot clean up"),
        "{done}"
    );

    let tree = bats(
        "setup_file() { echo 'no database'; false; }\n@test \"one\" { true; }\n@test \"two\" { true; }\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let found = verdicts(&done);
    assert!(found.len() == 1 && found[0].message.contains("setup_file: "), "{done}");
    assert!(found[0].message.contains("no database"), "{done}");
}

#[test]
fn what_run_has_caught_is_shown() {
    let tree = bats("@test \"asks\" { run sh -c 'echo the reason; exit 3'; [ \"$status\" = 0 ]; }\n");
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    assert!(verdicts(&done)[0].message.contains("the reason"), "{done}");
}

#[test]
fn a_name_is_the_test_s_own() {
    let tree = bats(
        "@test \"good # skip me\" { true; }\n@test \"ends in 28ms\" { skip 'not now'; }\n\
         @test \"hangs\" { BATS_TEST_TIMEOUT=1; sleep 1000; }\nsetup_file() { export BATS_TEST_TIMEOUT=1; }\n",
    );
    let done = test(&tree, &["image", "--format", "json"]).code(1);
    let value: serde_json::Value = serde_json::from_str(&done.stdout[0]).expect("JSON");
    let told: Vec<_> = value["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|check| (check["title"].as_str().unwrap(), check["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("good # skip me", "pass"), ("ends in 28ms", "skip"), ("hangs", "timeout")], "{done}");
    assert!(verdicts(&done)[2].message.contains("timed out after 1s"), "{done}");
}

/// `BATS_TEST_RETRIES` of the app's environment would make a pass of a failure.
#[test]
fn the_app_s_environment_does_not_steer_the_tools() {
    let mut tree = bats("@test \"fails at first\" { [ \"$BATS_TEST_TRY_NUMBER\" = 2 ]; }\n").script(
        "tests/image/20-env.sh",
        "env | grep -e ^GOSS_ -e ^BATS_ -e ^WRAPPER_APP_ && exit 1; test \"$WRAPPER_LOG\" = info",
    );
    // As it is inherited, and as the configuration has it.
    for yaml in ["", "run: {env: {GOSS_FMT: tap}}\n"] {
        tree = tree.yaml(yaml);
        let init = Init::wrapper().place(Place::Subreaper);
        let init = init
            .env("BATS_TEST_RETRIES", "3")
            .env("GOSS_VARS", "/x")
            .env("WRAPPER_APP_PID", "7")
            .env("WRAPPER_LOG", "info");
        let done = test_by(init, &tree, &["image", "--format", "json"]).code(1);
        let expected = [("image/10-a.bats", "fail"), ("image/20-env.sh", "pass")];
        assert_eq!(
            outcomes(&done),
            expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())),
            "{done}"
        );
    }
}

#[test]
fn bats_is_found_without_a_path() {
    let tree = bats("@test \"good\" { true; }\n").script("tests/image/20-b.sh", "exit 0");
    let init = Init::wrapper().place(Place::Subreaper).tree(&tree);
    init.without(&["env", "-u", "PATH", &programs().wrapper, "test", "image"]).finish().code(0);
}
