//! What a YAML text may ask for, looked at before anything is built from it.
//!
//! Contract: a text under a mebibyte can nest so deep, hold so many nodes or repeat so much by aliases that reading
//! it takes minutes or all memory. Depth, nodes and the size with every alias expanded have a budget, far above what
//! a configuration needs; what is over it is an error with its place, found without reading on. Tags are errors too:
//! no value here has one.

use std::collections::BTreeMap;

use crate::sys::yaml::{Events, Kind};

/// Maps and lists inside each other; the configuration has four.
const DEPTH: usize = 64;
/// Keys, values and elements, those that aliases repeat included.
const NODES: usize = 10_000;
/// Bytes of all keys and values, those that aliases repeat included.
const SIZE: usize = 1 << 20;

/// A text that is over its budget, or has a tag.
#[derive(Debug)]
pub(super) struct Refused {
    /// Line and column, from 1.
    pub(super) at: (usize, usize),
    /// What is wrong, and what to do.
    pub(super) message: String,
}

/// Nodes and bytes so far, with aliases expanded.
#[derive(Clone, Copy, Default)]
struct Count {
    nodes: usize,
    bytes: usize,
}

/// Looks at the whole text. A fault of syntax ends it without a word: whoever reads the text finds it again.
pub(super) fn check(text: &str) -> Result<(), Refused> {
    let mut total = Count::default();
    let mut anchors: BTreeMap<Vec<u8>, Count> = BTreeMap::new();
    let mut open: Vec<(Option<Vec<u8>>, Count)> = Vec::new();
    for event in Events::new(text) {
        let refused = |message: String| Err(Refused { at: event.at, message });
        if event.tagged {
            return refused(
                "a tag, such as !name, is not supported: remove it, or quote the value".to_owned(),
            );
        }
        let before = total;
        match event.kind {
            Kind::Frame => {}
            Kind::Open => {
                total.nodes += 1;
                open.push((event.anchor, before));
                if open.len() > DEPTH {
                    return refused(format!("lists and maps inside each other, more than {DEPTH} deep"));
                }
            }
            Kind::Close => {
                if let Some((Some(anchor), before)) = open.pop() {
                    anchors.insert(anchor, since(before, total));
                }
            }
            Kind::Scalar(length) => {
                total = Count { nodes: total.nodes + 1, bytes: total.bytes + length };
                if let Some(anchor) = event.anchor {
                    anchors.insert(anchor, since(before, total));
                }
            }
            Kind::Alias(anchor) => {
                let again = anchors.get(&anchor).copied().unwrap_or_default();
                // Each part is inside its budget, so the sums cannot overflow.
                total = Count { nodes: total.nodes + again.nodes.max(1), bytes: total.bytes + again.bytes };
            }
        }
        if total.nodes > NODES {
            return refused(format!("more than {NODES} keys and values, aliases expanded"));
        }
        if total.bytes > SIZE {
            return refused(format!("more than {SIZE} bytes of keys and values, aliases expanded"));
        }
    }
    Ok(())
}

fn since(before: Count, total: Count) -> Count {
    Count { nodes: total.nodes - before.nodes, bytes: total.bytes - before.bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        check(text).expect_err("over its budget").message
    }

    #[test]
    fn depth() {
        assert!(check(&format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH))).is_ok());
        for text in ["[".repeat(20_000), "{a: ".repeat(20_000), "- ".repeat(20_000), "? ".repeat(20_000)] {
            assert!(message(&text).contains("64 deep"), "{}", message(&text));
        }
    }

    #[test]
    fn nodes() {
        let keys = |count: usize| (0..count).map(|n| format!("K{n}: v\n")).collect::<Vec<_>>().concat();
        assert!(check(&keys(4_999)).is_ok());
        for count in [8_000, 60_000] {
            let refused = check(&keys(count)).expect_err("too many");
            assert_eq!(refused.at.0, 5_000);
            assert!(refused.message.contains("10000 keys"), "{}", refused.message);
        }
    }

    #[test]
    fn aliases_count_as_what_they_repeat() {
        let scalar = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(1_000));
        assert!(message(&scalar).contains("1048576 bytes"));
        let small = format!("a: &a x\nb: [{}]\n", "*a, ".repeat(40_000));
        assert!(message(&small).contains("10000 keys"));
        let laughs =
            (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect::<Vec<_>>().concat();
        assert!(message(&format!("a0: &a0 [x, x]\n{laughs}")).contains("10000 keys"));
        assert!(check("a: &a [x, y]\nb: *a\nc: *unknown\n").is_ok());
    }

    #[test]
    fn tags() {
        for text in ["a: !!python/object:os.system x", "a: !foo x", "!!map {}", "[!x [a]]", "!!str a: b"] {
            assert!(message(text).contains("tag"), "{text}");
        }
        for text in ["a: '!foo'", "a: b!c", "# !foo", "a: |\n  !foo\n", "a: [", "\u{feff}a: b"] {
            assert!(check(text).is_ok(), "{text}");
        }
    }
}
