//! Every bad input, and the whole line that a person reads about it.

use super::Setup;
use crate::config::check_files;

/// Each file is wrong in one way.
const WRONG_FILES: &[(&str, &str)] = &[
    ("stop:\n  grce: 25s\n", "wrapper.yaml:2:3: unknown key stop.grce: did you mean stop.grace?"),
    ("stpo:\n  grace: 25s\n", "wrapper.yaml:1:1: unknown key stpo: did you mean stop?"),
    ("grace: 25s\n", "wrapper.yaml:1:1: unknown key grace: did you mean stop.grace?"),
    ("stop:\n  workdir: /srv\n", "wrapper.yaml:2:3: unknown key stop.workdir: did you mean run.workdir?"),
    (
        "# nothing like it\nzebra: 1\n",
        "wrapper.yaml:2:1: unknown key zebra: expected run, signals, stop, exit, maintenance, test, status",
    ),
    ("exit:\n  143: 0\n", "wrapper.yaml:2:3: unknown key exit.143: expected exit.map, exit.message_file"),
    ("stop.grace: 5s\n", "wrapper.yaml:1:1: unknown key stop.grace: expected `stop:` and below it `grace:`"),
    (
        "stop:\n  grace: 25\n",
        "wrapper.yaml:2:10: stop.grace: found \"25\", expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
    ),
    (
        "stop: {drain_delay: 5 s}\n",
        "wrapper.yaml:1:21: stop.drain_delay: found \"5 s\", expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
    ),
    (
        "stop:\n  leftovers: 99999h\n",
        "wrapper.yaml:2:14: stop.leftovers: found \"99999h\", expected a duration of at most 8784h, a year",
    ),
    (
        "status:\n  interval: 0\n",
        "wrapper.yaml:2:13: status.interval: found \"0\", expected a duration longer than 0, such as 500ms, 30s or 5m",
    ),
    (
        "stop:\n  grace: [1s, 2s]\n",
        "wrapper.yaml:2:10: stop.grace: found [1s, 2s], expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
    ),
    (
        "stop:\n  grace:\n    seconds: 5\n",
        "wrapper.yaml:3:5: stop.grace: found seconds: 5, expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
    ),
    (
        "stop:\n  signals: SIGTERM\n",
        "wrapper.yaml:2:12: stop.signals: found SIGTERM, expected a list, such as [a, b]",
    ),
    (
        "stop:\n  signals:\n  - SIGTERM\n  - SIGTREM\n",
        "wrapper.yaml:4:5: stop.signals: found \"SIGTREM\", expected a signal: a name (SIGTERM, TERM, SIGRTMIN+3) or a number from 1 to 64",
    ),
    (
        "stop: {signals: [TERM, KILL]}\n",
        "wrapper.yaml:1:24: stop.signals: found \"KILL\", expected a signal that can be caught: SIGKILL and SIGSTOP cannot",
    ),
    (
        "signals:\n  rewrite: {SIGSTOP: SIGTERM}\n",
        "wrapper.yaml:2:13: signals.rewrite: found \"SIGSTOP\", expected a signal that can be caught: SIGKILL and SIGSTOP cannot",
    ),
    (
        "signals:\n  rewrite: {15: drop}\n",
        "wrapper.yaml:2:17: signals.rewrite.SIGTERM: found \"drop\", expected a signal: a name (SIGINT, INT, SIGRTMIN+3) or a number from 1 to 64, or none to drop it",
    ),
    (
        "signals:\n  rewrite: [SIGTERM]\n",
        "wrapper.yaml:2:12: signals.rewrite: found [SIGTERM], expected a map, such as {name: value}",
    ),
    (
        "signals:\n  target: tree\n",
        "wrapper.yaml:2:11: signals.target: found \"tree\", expected pid, group or all",
    ),
    (
        "signals:\n  session: new\n",
        "wrapper.yaml:2:12: signals.session: found \"new\", expected pgrp or setsid",
    ),
    (
        "exit:\n  map: {256: 0}\n",
        "wrapper.yaml:2:9: exit.map: found \"256\", expected an exit code from 0 to 255",
    ),
    (
        "exit:\n  map: {143: ok}\n",
        "wrapper.yaml:2:14: exit.map.143: found \"ok\", expected an exit code from 0 to 255",
    ),
    (
        "run:\n  umask: 888\n",
        "wrapper.yaml:2:10: run.umask: found \"888\", expected an octal mask from 000 to 0777, such as \"022\"",
    ),
    (
        "run:\n  file_env: [A=B]\n",
        "wrapper.yaml:2:14: run.file_env: found \"A=B\", expected the name of a variable, such as DB_PASSWORD",
    ),
    (
        "run:\n  args: [\"a\\0b\"]\n",
        "wrapper.yaml:2:10: run.args: found \"a\\0b\", expected text without NUL characters",
    ),
    (
        "run:\n  env:\n    PASSWORD: [hunter2]\n",
        "wrapper.yaml:3:15: run.env.PASSWORD: found a list or a map, expected text",
    ),
    (
        "maintenance:\n  watch: yes\n",
        "wrapper.yaml:2:10: maintenance.watch: found \"yes\", expected true or false",
    ),
    ("test:\n  jobs: 0\n", "wrapper.yaml:2:9: test.jobs: found \"0\", expected a number from 1"),
    (
        "test:\n  suites:\n    live:\n      timeuot: 4s\n",
        "wrapper.yaml:4:7: unknown key test.suites.live.timeuot: expected timeout or probe",
    ),
    (
        "test:\n  suites:\n    live: {probe: liveness}\n",
        "wrapper.yaml:3:19: test.suites.live.probe: found \"liveness\", expected startup, live, ready or none",
    ),
    (
        "test:\n  suites: {../x: {}}\n",
        "wrapper.yaml:2:12: test.suites: found \"../x\", expected the name of a directory under tests, such as live",
    ),
    (
        "status:\n  listen: 9180\n",
        "wrapper.yaml:2:11: status.listen: found \"9180\", expected an address and a port, such as \"0.0.0.0:9180\" or \"[::]:9180\"",
    ),
    ("stop:\n  grace: 1s\n  grace: 2s\n", "wrapper.yaml:3:3: stop.grace is set twice in the same map"),
    ("stop: {}\nrun: {}\nstop: {}\n", "wrapper.yaml:3:1: stop is set twice in the same map"),
    (
        "signals:\n  rewrite: {TERM: INT, SIGTERM: HUP}\n",
        "wrapper.yaml:2:24: signals.rewrite.SIGTERM is set twice in the same map",
    ),
    ("hello\n", "wrapper.yaml:1:1: found hello, expected a map, such as {name: value}"),
    ("- a\n", "wrapper.yaml:1:1: found - a, expected a map, such as {name: value}"),
    ("run: 5\n", "wrapper.yaml:1:6: run: found 5, expected a map, such as {name: value}"),
    (
        "stop: {}\n---\nrun: {}\n",
        "wrapper.yaml:2:1: several YAML documents, expected one (remove the `---` between them)",
    ),
    (
        "stop:\n\tgrace: 5s\n",
        "wrapper.yaml:2:1: not valid YAML: found character that cannot start any token at line 2 column 1, while scanning for the next token",
    ),
    (
        "stop:\n  signals: [SIGTERM\n",
        "wrapper.yaml:3:1: not valid YAML: did not find expected ',' or ']' at line 3 column 1, while parsing a flow sequence at line 2 column 12",
    ),
    ("run: {user: *nobody}\n", "wrapper.yaml:1:13: not valid YAML: unknown anchor at line 1 column 13"),
    ("run:\n  user: a\u{1}b\n", "wrapper.yaml:2:10: not valid YAML: a character that cannot be printed"),
];

#[test]
fn a_wrong_file_is_told_by_line_key_and_expectation() {
    for (yaml, message) in WRONG_FILES {
        assert_eq!(Setup::yaml(yaml).error(), *message, "for {yaml:?}");
    }
}

#[test]
fn a_file_that_is_not_utf8_is_told_by_position() {
    let setup = Setup::new().file("wrapper.yaml", b"run:\n  user: caf\xe9\n");
    assert_eq!(setup.error(), "wrapper.yaml:2:12: not valid YAML: not UTF-8 text");
}

#[test]
fn long_values_are_cut() {
    let setup = Setup::yaml(&format!("stop: {{grace: {}}}\n", "x".repeat(500)));
    let expected = "expected a duration with its unit, such as 500ms, 30s, 5m or 1h";
    assert_eq!(
        setup.error(),
        format!("wrapper.yaml:1:15: stop.grace: found \"{}…\", {expected}", "x".repeat(60))
    );
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    for (variable, message) in [
        (
            "WRAPPER_STOP_GRACE=25",
            "WRAPPER_STOP_GRACE: found \"25\", expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
        ),
        (
            "WRAPPER_STOP_SIGNALS=SIGTERM",
            "WRAPPER_STOP_SIGNALS: found SIGTERM, expected a list, such as [a, b]",
        ),
        (
            "WRAPPER_SIGNALS_REWRITE={TERM: SIGFOO}",
            "WRAPPER_SIGNALS_REWRITE: signals.rewrite.SIGTERM: found \"SIGFOO\", expected a signal: a name (SIGINT, INT, SIGRTMIN+3) or a number from 1 to 64, or none to drop it",
        ),
        (
            "WRAPPER_RUN_ARGS=[a, b",
            "WRAPPER_RUN_ARGS: not valid YAML: did not find expected ',' or ']' at line 2 column 1, while parsing a flow sequence",
        ),
        (
            "WRAPPER_TEST_SUITES={live: {timeout: 0}}",
            "WRAPPER_TEST_SUITES: test.suites.live.timeout: found \"0\", expected a duration longer than 0, such as 500ms, 30s or 5m",
        ),
    ] {
        assert_eq!(Setup::new().env(variable).error(), message);
    }
}

#[test]
fn a_wrong_option_is_told_by_its_name() {
    for (key, option, text, message) in [
        (
            "stop.signals",
            "--stop-signal",
            "FOO",
            "--stop-signal: found \"FOO\", expected a signal: a name (SIGTERM, TERM, SIGRTMIN+3) or a number from 1 to 64",
        ),
        ("exit.map", "--exit-map", "143", "--exit-map: found \"143\", expected NAME=VALUE"),
        ("run.env", "--env", "=x", "--env: found \"\", expected the name of a variable, such as DB_PASSWORD"),
    ] {
        assert_eq!(Setup::new().cli(key, option, text).error(), message);
    }
}

#[test]
fn check_lists_what_is_wrong_in_every_file() {
    let setup = Setup::yaml("stop: {grace: 1}\n").file("b.yaml", "run: {}\n").file("c.yaml", "rum: {}\n");
    let paths = ["wrapper.yaml", "b.yaml", "c.yaml", "d.yaml"].map(|name| setup.dir.path().join(name));
    let errors: Vec<String> = check_files(&paths).1.iter().map(|e| setup.shorten(&e.to_string())).collect();
    assert_eq!(
        errors,
        [
            "wrapper.yaml:1:15: stop.grace: found \"1\", expected a duration with its unit, such as 500ms, 30s, 5m or 1h",
            "c.yaml:1:1: unknown key rum: did you mean run?",
            "d.yaml: cannot be read: No such file or directory (os error 2)",
        ]
    );
}

/// No message about a wrong value shows a secret, whatever shape it was given in.
#[test]
fn messages_show_no_secret() {
    let files = [
        "run:\n  env: DB_PASSWORD=hunter22\n",
        "run:\n  env: [DB_PASSWORD=hunter22]\n",
        "run:\n  env: {DB_PASSWORD: [hunter22]}\n",
        "run:\n  args: --password=hunter22\n",
        "run:\n  args: {--password: hunter22}\n",
        "run:\n  args: [[--token, hunter22]]\n",
        "run: DB_PASSWORD=hunter22\n",
        "MYSQL_PWD=hunter22\n",
        "stop:\n  grace: postgres://app:hunter22@db\n",
    ];
    for text in files {
        let error = Setup::yaml(text).error();
        assert!(error.contains("expected") && !error.contains("hunter22"), "{text}: {error}");
    }
    for variable in [
        "WRAPPER_RUN_ENV=DB_PASSWORD=hunter22",
        "WRAPPER_RUN_ENV=hunter22",
        "WRAPPER_RUN_ENV=[hunter22]",
        "WRAPPER_RUN_ARGS=--password=hunter22",
        "WRAPPER_STOP_GRACE=TOKEN=hunter22",
    ] {
        let error = Setup::new().env(variable).error();
        assert!(error.contains("expected") && !error.contains("hunter22"), "{variable}: {error}");
    }
    let error = Setup::new().cli("run.env", "--env", "hunter22").error();
    assert!(!error.contains("hunter22"), "{error}");
}

/// One look finds everything that can be told, each with its place; what is right counts all the same.
#[test]
fn every_error_of_a_file_is_found() {
    let text = "run:\n  usr: app\n  umask: \"999\"\n  args: {a: b}\n  env: {A: good, B: [bad], A: again}\n  workdir: /srv\n\
                stop:\n  grace: soon\n  signals: [TERM, TREM, HPU]\nstpo: {}\nexit: {map: {143: x}}\n\
                test: {suites: {live: {timeout: 0s, prob: live}}}\n";
    let setup = Setup::yaml(text).env("WRAPPER_TEST_JOBS=none").env("WRAPPER_RUN_FILE_ENV={A: b}");
    let (loaded, errors) = crate::config::load_tolerant(&setup.locations(), setup.variables(), None);
    let found: Vec<String> = errors.iter().map(|error| setup.shorten(&error.to_string())).collect();
    let starts = [
        "wrapper.yaml:2:3: unknown key run.usr",
        "wrapper.yaml:3:10: run.umask: found",
        "wrapper.yaml:4:9: run.args: found",
        "wrapper.yaml:5:21: run.env.B: found",
        "wrapper.yaml:5:28: run.env.A is set twice",
        "wrapper.yaml:8:10: stop.grace: found \"soon\"",
        "wrapper.yaml:9:19: stop.signals: found \"TREM\"",
        "wrapper.yaml:10:1: unknown key stpo",
        "wrapper.yaml:11:19: exit.map.143: found",
        "wrapper.yaml:12:33: test.suites.live.timeout: found",
        "wrapper.yaml:12:37: unknown key test.suites.live.prob",
        "WRAPPER_TEST_JOBS: found",
        "WRAPPER_RUN_FILE_ENV: found",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}\nis not: {start}");
    }
    assert_eq!(loaded.config.run.workdir.as_deref(), Some(std::path::Path::new("/srv")));
    // Behind a fault of syntax nothing is known, and as many faults as there can be end.
    let errors = Setup::yaml("stop:\n  grce: 1s\n  leftovers: ]\nrun: {usr: a}\n").all_errors();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(texts.len() == 2 && texts[1].contains("not valid YAML"), "{texts:#?}");
    let many = (0..4_000).map(|n| format!("k{n}: v\n")).collect::<Vec<_>>().concat();
    assert_eq!(Setup::yaml(&many).all_errors().len(), 50);
}
