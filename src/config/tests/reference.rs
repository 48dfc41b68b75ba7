//! `docs/reference.md` and the printed configuration agree with the table of keys.

use super::Setup;
use crate::config::{KEYS, Key, OTHER_VARIABLES, check_files, render_json, render_yaml};

const REFERENCE: &str = include_str!("../../../docs/reference.md");

/// Each key has its row: name, default and example of the table, to the letter.
#[test]
fn the_reference_has_every_key_with_default_and_example() {
    let defaults = render_json(&Setup::new().load().unwrap(), true);
    for Key { name, example, .. } in KEYS {
        let row = REFERENCE.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/reference.md has no row for {name}"));
        assert!(row.contains(&format!("`{example}`")), "{name}: the example is {example}, not as in {row}");
        let cells: Vec<&str> = row.split(" | ").collect();
        let default = cells[1].trim_matches('`');
        if *name != "test.suites" {
            let quoted = if default == "none" { "null".to_owned() } else { default.to_owned() };
            let value = |text: &str| defaults.contains(&format!("\"{name}\":{{\"value\":{text},"));
            let list = quoted.replace('[', "[\"").replace(']', "\"]").replace(", ", "\", \"");
            assert!(
                value(&quoted) || value(&format!("\"{quoted}\"")) || value(&list),
                "{name}: the default is not {default}: {defaults}"
            );
        }
    }
}

#[test]
fn the_reference_has_every_variable() {
    for name in OTHER_VARIABLES {
        assert!(REFERENCE.contains(&format!("`{name}")), "docs/reference.md does not explain {name}");
    }
}

/// The examples of the table are right, in files and in variables.
#[test]
fn every_example_is_valid() {
    for key in KEYS {
        let (section, field) = key.name.split_once('.').unwrap();
        let file = Setup::yaml(&format!("{section}:\n  {field}: {}\n", key.example)).config();
        let text = key.example.trim_matches('"');
        let variable = Setup::new().env(&format!("{}={text}", key.variable())).config();
        assert_eq!(file, variable, "{}", key.name);
    }
}

/// Every block of YAML in the document is a valid configuration.
#[test]
fn the_yaml_of_the_reference_is_valid() {
    let blocks: Vec<&str> =
        REFERENCE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let setup = Setup::yaml(block);
        let (_, errors) = check_files(&[setup.dir.path().join("wrapper.yaml")]);
        assert!(errors.is_empty(), "{}\n{block}", errors[0]);
    }
}

#[test]
fn each_printed_line_says_where_it_is_from_and_secrets_are_masked() {
    let setup = Setup::yaml("run:\n  env: {LANG: C.UTF-8, DB_PASSWORD: hunter2}\n  args: [-v, \"a b\"]\n")
        .env("WRAPPER_STOP_GRACE=25s")
        .cli("test.jobs", "--jobs", "2");
    let loaded = setup.load().unwrap();
    let yaml = setup.shorten(&render_yaml(&loaded, false));
    let line = |text: &str| {
        let line = yaml
            .lines()
            .find(|line| line.trim_start().starts_with(text))
            .unwrap_or_else(|| panic!("{text}: {yaml}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("args:"), "args: [\"-v\", \"a b\"] # from wrapper.yaml");
    assert_eq!(line("LANG:"), "LANG: C.UTF-8 # from wrapper.yaml");
    assert_eq!(line("DB_PASSWORD:"), "DB_PASSWORD: \"***\" # from wrapper.yaml");
    assert_eq!(line("grace:"), "grace: 25s # from WRAPPER_STOP_GRACE");
    assert_eq!(line("jobs:"), "jobs: 2 # from the command line");
    assert_eq!(line("session:"), "session: pgrp # default");
    assert_eq!(line("listen:"), "listen: null # default");
    let hidden = Setup::yaml("run:\n  env: {DB_PWD: hunter2, URL: \"pg://app:hunter2@db\"}\n  args: [--password=hunter2, --token, hunter2]\n").load();
    let hidden = hidden.unwrap();
    for text in [render_yaml(&hidden, false), render_json(&hidden, false)] {
        assert!(
            !text.contains("hunter2") && text.contains("pg://app:***@db") && text.contains("--password=***"),
            "{text}"
        );
    }
    assert!(!yaml.contains("hunter2") && !render_json(&loaded, false).contains("hunter2"));
    assert!(render_yaml(&loaded, true).contains("hunter2"));
}
