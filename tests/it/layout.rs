//! The layout that the design promises, read from the source: imports go one way, unsafe stays in one room, every
//! file opens with its contract and none is long.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each part may import, directly. `exit` turns any outcome into a code; `commands` puts everything together.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("sys", &[]),
    ("process", &["words", "sys"]),
    ("reactor", &["words", "sys", "process"]),
    ("status", &["words", "sys", "process", "reactor"]),
    ("supervisor", &["words", "sys", "process", "reactor", "status"]),
    ("testing", &["words", "sys", "process", "reactor", "status"]),
    ("config", &["words", "sys"]),
    (
        "commands",
        &["words", "sys", "process", "reactor", "status", "supervisor", "testing", "config", "exit"],
    ),
    ("exit", &["sys"]),
    ("lib", &["commands", "exit"]),
    ("main", &["commands", "exit", "sys"]),
];

/// Files over this many lines have more than one thing to say.
const LONGEST: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below some directories, by their paths in the repository.
fn sources(directories: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut todo: Vec<_> = directories.iter().map(|directory| root().join(directory)).collect();
    while let Some(directory) = todo.pop() {
        for entry in
            fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display())).flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source in UTF-8");
                found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The program without comments, strings' contents included: what looks like code in a string is rare enough.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The parts of this crate that some code names: `crate::NAME`, `crate::{NAME, NAME::x}` and, from the binary,
/// `wrapper::NAME`.
fn imports(code: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        text.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned()
    };
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "wrapper::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            let Some(list) = rest.strip_prefix('{') else {
                found.insert(name(rest));
                continue;
            };
            let (mut depth, mut start) = (0, 0);
            for (at, c) in list.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth > 0 => depth -= 1,
                    ',' | '}' if depth == 0 => {
                        found.insert(name(&list[start..at]));
                        start = at + 1;
                        if c == '}' {
                            break;
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    found.remove("");
    found
}

/// The part that a file of `src` belongs to.
fn part(path: &Path) -> String {
    let below = path.strip_prefix("src").expect("a file of src");
    below
        .components()
        .next()
        .expect("a name")
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        let part = part(&path);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == part) else {
            wrong.push(format!("{}: {part} is no part of the layout", path.display()));
            continue;
        };
        for import in imports(&code(&text)) {
            // Names that are no parts are items of lib.rs, macros for example.
            let is_part = MAY_IMPORT.iter().any(|(name, _)| *name == import);
            if is_part && import != part && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: {part} must not import {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_in_every_spelling() {
    let found = imports(
        "use crate::sys::{fd, signal};\nuse crate::{process::{self, exit}, reactor};\nlet x = crate::status::page();",
    );
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["process", "reactor", "status", "sys"]);
}

#[test]
fn unsafe_stays_in_one_room() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src", "tests"]) {
        let room = path.starts_with("src/sys")
            || path == Path::new("src/main.rs")
            || path.ends_with("probe/src/sys.rs");
        let is_unsafe = |line: &str| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("]
                .iter()
                .any(|word| line.contains(word))
        };
        if !room && !path.ends_with("it/layout.rs") {
            let lines = code(&text);
            let found = lines.lines().enumerate().filter(|(_, line)| is_unsafe(line));
            wrong.extend(found.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())));
        }
    }
    assert!(wrong.is_empty(), "unsafe outside of src/sys:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_its_contract() {
    let silent: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! ") && !text.starts_with("#!/"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "these files do not open with a //! comment: {silent:?}");
}

#[test]
fn no_file_is_long() {
    let long: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "files of more than {LONGEST} lines: {long:?}");
}
