//! What holds for every configuration and for every file.

use std::ffi::CStr;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::Setup;
use crate::config::{
    Config, Engine, Loaded, NonZeroDuration, Probe, Rewrite, Session, Suite, Target, Umask, VarName,
    render_json, render_yaml,
};
use crate::sys::signal::SignalNo;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\0]{0,12}",
        proptest::sample::select(vec![
            "null",
            "~",
            "true",
            "022",
            "1.10",
            "-v",
            "",
            "# no",
            "a: b",
            "yes",
            "\u{feff}x"
        ])
        .prop_map(str::to_owned),
    ]
}

fn signal() -> impl Strategy<Value = SignalNo> {
    (1..=64).prop_filter_map("cannot be caught", |n| SignalNo::new(n).filter(|s| s.can_be_caught()))
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..600_000u64).prop_map(Duration::from_millis),
        (0..8784u64).prop_map(|h| Duration::from_secs(h * 3600))
    ]
}

fn positive() -> impl Strategy<Value = NonZeroDuration> {
    duration().prop_filter_map("zero", NonZeroDuration::new)
}

fn map<K: std::fmt::Debug + PartialEq, V: std::fmt::Debug>(
    key: impl Strategy<Value = K>,
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = Vec<(K, V)>> {
    proptest::collection::vec((key, value), 0..4).prop_map(|entries| {
        let mut unique: Vec<(K, V)> = Vec::new();
        for (key, value) in entries {
            if unique.iter().all(|(known, _)| *known != key) {
                unique.push((key, value));
            }
        }
        unique
    })
}

fn name() -> impl Strategy<Value = VarName> {
    "[^=\0]{1,8}".prop_map(|name| VarName::new(&name).unwrap())
}

prop_compose! {
    fn run()(
        args in proptest::collection::vec(text(), 0..4),
        env in map(name(), text()),
        file_env in proptest::collection::vec(name(), 0..3),
        user in proptest::option::of(text()),
        workdir in proptest::option::of("[^\0]{1,9}".prop_map(PathBuf::from)),
        umask in proptest::option::of((0..=0o777u32).prop_map(|bits| Umask::new(bits).unwrap())),
    ) -> crate::config::Run {
        crate::config::Run { args, env, file_env, group: user.clone(), user, workdir, umask }
    }
}

prop_compose! {
    fn config()(
        run in run(),
        rewrite in map(signal(), prop_oneof![Just(Rewrite::Drop), signal().prop_map(Rewrite::To)]),
        signals in proptest::collection::vec(signal(), 0..4),
        grace in proptest::option::of(duration()),
        (drain_delay, leftovers) in (duration(), duration()),
        exit in map(any::<u8>(), any::<u8>()),
        (timeout, interval) in (positive(), positive()),
        port in proptest::option::of(any::<u16>()),
        suite in ("[^./\0][^/\0]{0,5}", positive()),
        annotation in text(),
        flags in any::<[bool; 4]>(),
    ) -> Config {
        let mut config = Config { run, ..Config::default() };
        config.signals.rewrite = rewrite;
        // A delay that outlasts the grace is an error.
        let grace = grace.filter(|grace| drain_delay.is_zero() || drain_delay < *grace);
        config.stop = crate::config::Stop { signals, grace, drain_delay, leftovers };
        config.exit.map = exit;
        config.test.timeout = timeout;
        config.status.interval = interval;
        config.status.listen = port.map(|port| ([0, 0, 0, 0], port).into());
        config.maintenance.annotation = annotation;
        config.maintenance.watch = flags[0];
        config.maintenance.on_crash = flags[1];
        if flags[2] {
            config.signals.target = Target::Pid;
            config.signals.session = Session::Setsid;
            config.test.engine = Engine::Goss;
        }
        // What is effective is printed, so the suites that have defaults are always explicit.
        let own = if ["live", "ready", "startup"].contains(&suite.0.as_str()) { None } else { Some(suite) };
        let four = NonZeroDuration::new(Duration::from_secs(4));
        config.test.suites = [("live", Probe::Live), ("ready", Probe::Ready), ("startup", Probe::Startup)]
            .map(|(name, probe)| Suite { name: name.to_owned(), timeout: four, probe: Some(probe) })
            .into_iter()
            .chain(own.map(|(name, timeout)| Suite { name, timeout: Some(timeout), probe: Some(Probe::None) }))
            .collect();
        config
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_as_the_same(config in config()) {
        let loaded = Loaded::from(config.clone());
        let yaml = render_yaml(&loaded, true);
        let read = Setup::yaml(&yaml).load().map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        prop_assert_eq!(read.config, config, "{}", yaml);
    }

    #[test]
    fn json_is_json(config in config()) {
        let json = render_json(&Loaded::from(config), true);
        // Every JSON text is YAML; what is left to check is that it is one line and balanced.
        prop_assert_eq!(json.lines().count(), 1);
        prop_assert!(serde_yaml::from_str::<serde_yaml::Value>(&json).is_ok(), "{}", json);
    }

    #[test]
    fn no_bytes_in_a_file_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let setup = Setup::new().file("wrapper.yaml", &bytes);
        if let Err(error) = setup.load() {
            prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
        }
    }

    #[test]
    fn no_yaml_of_our_words_makes_it_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "run", "env", "stop", "grace", "test", "suites", "live", "timeout", ":", ": ", "\n", "\n  ", "\n    ", "- ",
            "[", "]", "{", "}", ",", "&a ", "*a", "!x ", "!!int ", "null", "5s", "'", "\"", "|\n", "? ", "---\n", "#", "<<",
        ]), 0..40),
    ) {
        let setup = Setup::yaml(&words.concat());
        if let Err(error) = setup.load() {
            prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
        }
    }

    #[test]
    fn no_variable_makes_it_panic(name in "(STOP_GRACE|RUN_ARGS|TEST_SUITES|RUN_ENV|[A-Z_]{0,9})", value in proptest::collection::vec(1u8.., 0..60)) {
        let variable = [format!("WRAPPER_{name}=").as_bytes(), &value, b"\0"].concat();
        let env = [CStr::from_bytes_with_nul(&variable).unwrap()];
        let setup = Setup::new();
        if let Err(error) = crate::config::load(&setup.locations(), env.into_iter(), None) {
            prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
        }
    }
}
