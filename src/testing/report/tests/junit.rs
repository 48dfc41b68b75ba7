//! `junit`: read by an XML parser.

use super::{all_outcomes, goss, run, shell, text};
use crate::testing::check::{Check, Outcome, Run};
use crate::testing::report::Format;
use roxmltree::{Document, Node};

fn elements<'a, 'b>(node: Node<'a, 'b>, name: &'static str) -> impl Iterator<Item = Node<'a, 'b>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

#[test]
fn counts_are_those_of_the_cases() {
    let xml = text(&all_outcomes(), Format::Junit);
    let document = Document::parse(&xml).expect("XML");
    let suite = document.root_element();
    let expected = [
        ("name", "ready"),
        ("errors", "1"),
        ("tests", "8"),
        ("failures", "4"),
        ("skipped", "1"),
        ("time", "0.012"),
        ("timestamp", "2026-11-24T11:27:28Z"),
    ];
    let attributes: Vec<_> =
        suite.attributes().map(|attribute| (attribute.name(), attribute.value())).collect();
    assert_eq!(attributes, expected);
    let holding =
        |name| elements(suite, "testcase").filter(|case| elements(*case, name).count() == 1).count();
    assert_eq!(["error", "failure", "skipped", "system-out", "system-err"].map(holding), [1, 4, 1, 3, 5]);
    assert!(elements(suite, "testcase").all(|case| case.attribute("classname") == Some("ready")));
    assert_eq!(
        elements(suite, "system-out").next().unwrap().text(),
        Some("ready/README.md: not run: not a test")
    );
}

#[test]
fn a_failure_has_its_reason_and_all_its_lines() {
    let xml = text(&all_outcomes(), Format::Junit);
    let document = Document::parse(&xml).expect("XML");
    let case = elements(document.root_element(), "testcase").nth(1).unwrap();
    assert_eq!(case.attribute("name"), Some("Shell ready/20-http.sh exit-status"));
    assert_eq!((case.attribute("file"), case.attribute("time")), (Some("20-http.sh"), Some("0.012")));
    let failure = elements(case, "failure").next().unwrap();
    assert_eq!(failure.attribute("message"), Some("exited with code 1"));
    let lines = "Shell: ready/20-http.sh: exit-status: exited with code 1\n  curl: (7) refused\n  no answer";
    assert_eq!(failure.text(), Some(lines));
}

#[test]
fn no_two_cases_have_the_same_name() {
    let other = Check { file: "50-files.goss.yaml".into(), ..goss() };
    let xml = text(&run(vec![goss(), other, goss(), shell("a.sh", Outcome::Pass, "")]), Format::Junit);
    let document = Document::parse(&xml).expect("XML");
    let names: Vec<_> =
        elements(document.root_element(), "testcase").filter_map(|case| case.attribute("name")).collect();
    assert_eq!(
        names,
        [
            "File ready/40-files.goss.yaml: /nope exists",
            "File ready/50-files.goss.yaml: /nope exists",
            "File ready/40-files.goss.yaml: /nope exists (2)",
            "Shell ready/a.sh exit-status"
        ]
    );
}

#[test]
fn texts_come_back_as_they_were() {
    let hostile = "a\nb\tc \"q\" 'p' <x y=\"&amp;\"> ]]> <!-- --> <![CDATA[ \r é 🦀";
    let run = Run { suites: vec![hostile.into()], ..run(vec![shell(hostile, Outcome::Fail, hostile)]) };
    let xml = text(&run, Format::Junit);
    let document = Document::parse(&xml).expect("XML");
    assert_eq!(document.root_element().attribute("name"), Some(hostile));
    let case = elements(document.root_element(), "testcase").next().unwrap();
    assert_eq!(case.attribute("file"), Some(hostile));
    let failure = elements(case, "failure").next().unwrap();
    assert_eq!(failure.text(), Some(format!("Shell: ready/{hostile}: exit-status: {hostile}").as_str()));
}

#[test]
fn what_xml_cannot_hold_is_replaced() {
    let xml = text(&run(vec![shell("a\0b", Outcome::Pass, "\u{1b}[31m\u{ffff}")]), Format::Junit);
    let document = Document::parse(&xml).expect("XML");
    let case = elements(document.root_element(), "testcase").next().unwrap();
    assert_eq!(case.attribute("file"), Some("a\u{fffd}b"));
    assert!(elements(case, "system-out").next().unwrap().text().unwrap().ends_with("\u{fffd}[31m\u{fffd}"));
}

#[test]
fn a_clock_before_1970_or_after_9999_is_no_error() {
    use std::time::{Duration, SystemTime};
    for (started, expected) in [
        (SystemTime::UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00"),
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40), "9999-12-31T23:59:59"),
    ] {
        let mut run = Run { started, ..run(vec![shell("a.sh", Outcome::Pass, "")]) };
        run.checks[0].started = started;
        assert!(text(&run, Format::Junit).contains(&format!("timestamp=\"{expected}Z\"")));
        assert!(text(&run, Format::Json).contains(&format!("\"start-time\":\"{expected}.000000000Z\"")));
    }
}
