//! Layers on top of each other, and where a value is said to come from.

use std::path::PathBuf;
use std::time::Duration;

use super::Setup;
use crate::config::{Layer, Origin, Probe, Rewrite, Target, VarName, Warning, load_cli};
use crate::sys::signal::SignalNo;

#[test]
fn later_layers_win() {
    let setup = Setup::yaml("stop: {grace: 1s, leftovers: 1s, drain_delay: 1s}\nrun: {user: yaml}\n")
        .file("wrapper.d/10.yaml", "stop: {grace: 2s, leftovers: 2s, drain_delay: 2s}\n")
        .file("wrapper.d/9.yaml", "stop: {grace: 3s}\n")
        .env("WRAPPER_STOP_GRACE=4s")
        .env("WRAPPER_STOP_LEFTOVERS=4s")
        .cli("stop.grace", "--grace", "5s");
    let loaded = setup.load().unwrap();
    let (stop, seconds) = (&loaded.config.stop, Duration::from_secs);
    // 10.yaml sorts before 9.yaml: bytes, not numbers.
    assert_eq!(stop.grace, Some(seconds(5)));
    assert_eq!((stop.leftovers, stop.drain_delay), (seconds(4), seconds(2)));
    assert_eq!(loaded.origin("stop.grace", None), Origin::CommandLine);
    assert_eq!(loaded.origin("stop.leftovers", None), Origin::Variable("WRAPPER_STOP_LEFTOVERS".to_owned()));
    assert_eq!(
        loaded.origin("stop.drain_delay", None),
        Origin::File(setup.dir.path().join("wrapper.d/10.yaml"))
    );
    assert_eq!(loaded.origin("run.user", None), Origin::File(setup.dir.path().join("wrapper.yaml")));
    assert_eq!(loaded.origin("run.group", None), Origin::Default);
}

#[test]
fn maps_merge_by_entry_and_lists_replace() {
    let setup = Setup::yaml("run: {env: {A: yaml, B: yaml, C: yaml}, args: [a, b]}\nexit: {map: {143: 0}}\n")
        .file("wrapper.d/50.yaml", "run: {env: {B: drop-in, C: null}, args: [c]}\n")
        .env("WRAPPER_RUN_ENV={D: variable}")
        .cli("run.env", "--env", "E=a=b")
        .cli("exit.map", "--exit-map", "130=1");
    let config = setup.config();
    let env: Vec<(&str, &str)> = config.run.env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(env, [("A", "yaml"), ("B", "drop-in"), ("D", "variable"), ("E", "a=b")]);
    assert_eq!(config.run.args, ["c"]);
    assert_eq!((config.exit.mapped(143), config.exit.mapped(130), config.exit.mapped(7)), (0, 1, 7));
}

#[test]
fn null_brings_the_default_back() {
    let setup = Setup::yaml(
        "stop: {grace: 1s, signals: [HUP]}\nrun: {env: {A: b}}\ntest: {suites: {live: {timeout: 9s}}}\n",
    )
    .file(
        "wrapper.d/50.yaml",
        "stop: {grace: null, signals: ~}\nrun: {env: }\ntest: {suites: {live: null}}\n",
    );
    let loaded = setup.load().unwrap();
    assert_eq!(loaded.config, crate::config::Config::default());
    assert_eq!(loaded.origin("stop.signals", None), Origin::Default);
    let setup = Setup::yaml("stop: {leftovers: 1s}\n").env("WRAPPER_STOP_LEFTOVERS=null");
    assert_eq!(setup.config().stop.leftovers, Duration::from_secs(3));
}

#[test]
fn the_first_use_of_a_list_option_replaces_and_the_next_ones_add() {
    let setup = Setup::yaml("stop: {signals: [HUP]}\n").cli("stop.signals", "--stop-signal", "QUIT").cli(
        "stop.signals",
        "--stop-signal",
        "usr1",
    );
    let numbers: Vec<i32> = setup.config().stop.signals.iter().map(|signal| signal.get()).collect();
    assert_eq!(numbers, [libc::SIGQUIT, libc::SIGUSR1]);
}

#[test]
fn scalars_are_the_text_that_was_written() {
    let yaml = "run:\n  args: [1.10, 0x10, yes, \"\", ~x]\n  env: {V: 1.10, T: True, E: ''}\n  umask: 022\n  user: 1000\n";
    let run = Setup::yaml(yaml).config().run;
    assert_eq!(run.args, ["1.10", "0x10", "yes", "", "~x"]);
    assert_eq!(run.env.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["1.10", "True", ""]);
    assert_eq!((run.umask.unwrap().bits(), run.user.as_deref()), (0o22, Some("1000")));
    for umask in ["\"022\"", "0022", "22", "0o22"] {
        let run = Setup::yaml(&format!("run: {{umask: {umask}}}\n")).config().run;
        assert_eq!(run.umask.unwrap().bits(), 0o22, "{umask}");
    }
}

#[test]
fn durations_have_units() {
    for (text, millis) in
        [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0", 0), ("0s", 0)]
    {
        let config = Setup::new().env(&format!("WRAPPER_STOP_GRACE={text}")).config();
        assert_eq!(config.stop.grace, Some(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "5",
        "-5s",
        "1.5s",
        "s",
        "5S",
        "5sec",
        "1m30s",
        " 5s",
        "18446744073709551615h",
        "99999999999999999999s",
    ] {
        assert!(Setup::new().env(&format!("WRAPPER_STOP_GRACE={text}")).load().is_err(), "{text}");
    }
}

#[test]
fn signals_are_rewritten_or_dropped() {
    let signals = Setup::yaml("signals: {rewrite: {SIGTERM: int, 1: none, RTMIN+3: KILL}, target: all}\n")
        .config()
        .signals;
    let signal = |name: &str| name.parse::<SignalNo>().unwrap();
    assert_eq!(signals.rewrite[1], (SignalNo::HUP, Rewrite::Drop));
    assert_eq!(signals.rewritten(SignalNo::TERM), Some(SignalNo::INT));
    assert_eq!(signals.rewritten(SignalNo::HUP), None);
    assert_eq!(signals.rewritten(signal("37")), Some(SignalNo::KILL));
    assert_eq!(signals.rewritten(SignalNo::QUIT), Some(SignalNo::QUIT));
    assert_eq!(signals.target, Target::All);
}

#[test]
fn suites_have_defaults_by_their_name() {
    let test = Setup::yaml("test: {timeout: 9s, suites: {live: {timeout: 2s}, smoke: {probe: startup}}}\n")
        .config()
        .test;
    let suite = |name: &str| (test.suite(name).0.get().as_secs(), test.suite(name).1);
    assert_eq!(suite("live"), (2, Probe::Live));
    assert_eq!(suite("ready"), (4, Probe::Ready));
    assert_eq!(suite("startup"), (4, Probe::Startup));
    assert_eq!(suite("image"), (9, Probe::None));
    assert_eq!(suite("smoke"), (9, Probe::Startup));
}

#[test]
fn an_empty_variable_is_as_good_as_none_and_the_first_of_two_counts() {
    let setup = Setup::yaml("stop: {grace: 9s}\n").env("WRAPPER_STOP_GRACE=").env("WRAPPER_STOP_SIGNALS=");
    assert_eq!(setup.config().stop.grace, Some(Duration::from_secs(9)));
    let setup = Setup::new().env("WRAPPER_RUN_USER=first").env("WRAPPER_RUN_USER=second");
    assert_eq!(setup.config().run.user.as_deref(), Some("first"));
}

#[test]
fn unknown_variables_warn_with_the_nearest_known_one() {
    let setup = Setup::new()
        .env("WRAPPER_STOP_GARCE=1s")
        .env("WRAPPER_LOGS=debug")
        .env("WRAPPER_ZEBRA=1")
        .env("WRAPPER_PORT_80_TCP_ADDR=10.0.0.1")
        .env("WRAPPER_SERVICE_HOST=10.0.0.1")
        .env("WRAPPER_MODE=maintenance")
        .env("WRAPPER_CONFIG_DIR=/x")
        .env("wrapper_stop_grace=1s")
        .env("WRAPPERX=1");
    let unknown = |name: &str, near: Option<&str>| Warning::UnknownVariable {
        name: name.to_owned(),
        nearest: near.map(str::to_owned),
    };
    let link = |name: &str| Warning::ServiceLink { name: name.to_owned() };
    let warnings = setup.load().unwrap().warnings;
    assert_eq!(
        warnings,
        [
            unknown("WRAPPER_STOP_GARCE", Some("WRAPPER_STOP_GRACE")),
            unknown("WRAPPER_LOGS", Some("WRAPPER_LOG")),
            unknown("WRAPPER_ZEBRA", None),
            link("WRAPPER_PORT_80_TCP_ADDR"),
            link("WRAPPER_SERVICE_HOST"),
        ]
    );
    assert_eq!(
        warnings[0].to_string(),
        "WRAPPER_STOP_GARCE: no such setting: did you mean WRAPPER_STOP_GRACE?"
    );
}

#[test]
fn exec_sees_its_options_only() {
    let mut layer = Layer::cli([("run.user", "app".to_owned())]);
    layer.add("run.file_env", "--file-env", "A").add("maintenance.flag_files", "--flag", "/m");
    let config = load_cli(&layer).unwrap();
    assert_eq!(config.run.user.as_deref(), Some("app"));
    assert_eq!(config.run.file_env, [VarName::new("A").unwrap()]);
    assert_eq!(config.maintenance.flag_files, [PathBuf::from("/m")]);
}

#[test]
fn anchors_and_aliases_work() {
    let yaml = "run: {env: {A: &a one, B: *a}, args: &list [x], file_env: *list}\n";
    let run = Setup::yaml(yaml).config().run;
    assert_eq!((run.env[1].1.as_str(), run.file_env[0].as_str()), ("one", "x"));
}

#[test]
fn a_delay_that_outlasts_the_grace_is_an_error_that_names_who_set_it() {
    let error = |setup: &Setup| setup.error();
    assert_eq!(
        error(&Setup::yaml("stop: {grace: 5s, drain_delay: 5s}\n")),
        "wrapper.yaml: stop.drain_delay (5s) is not below stop.grace (5s): the app would be killed without a stop signal; \
         make the grace longer or the delay shorter"
    );
    let told = error(&Setup::yaml("stop: {grace: 5s}\n").env("WRAPPER_STOP_DRAIN_DELAY=1m"));
    assert!(told.starts_with("WRAPPER_STOP_DRAIN_DELAY: stop.drain_delay (1m) is not below"), "{told}");
    // Nothing is killed without a grace, and nothing is delayed without a delay.
    Setup::yaml("stop: {drain_delay: 5s}\n").config();
    Setup::yaml("stop: {grace: 5s, drain_delay: 4999ms}\n").config();
}

#[test]
fn a_key_without_effect_is_named_once_with_who_set_it() {
    let setup = Setup::yaml("maintenance: {flag_files: [/a, /b], on_crash: true}\n")
        .file("wrapper.d/50.yaml", "maintenance: {flag_files: [/c]}\n")
        .env("WRAPPER_STATUS_LISTEN=127.0.0.1:1");
    let told: Vec<String> =
        setup.load().unwrap().warnings.iter().map(|warning| setup.shorten(&warning.to_string())).collect();
    assert_eq!(
        told,
        [
            "wrapper.d/50.yaml: maintenance.flag_files has no effect in this version",
            "WRAPPER_STATUS_LISTEN: status.listen has no effect in this version"
        ]
    );
}

#[test]
fn what_pid_1_sets_for_its_scripts_is_known() {
    let setup =
        Setup::new().env("WRAPPER_APP_PID=7").env("WRAPPER_APP_EXIT=143").env("WRAPPER_STOP_SIGNAL=SIGTERM");
    assert_eq!(setup.load().unwrap().warnings, []);
}
