//! Settings from the environment: one pass over the variables that start with `WRAPPER_`.
//!
//! Contract: borrowed, never copied; an empty variable counts as absent, since that is what `X=${Y:-}` gives in
//! compose files and charts; unknown ones only warn. Scalars are their raw text, lists and maps YAML.

use std::ffi::CStr;

use super::draft::{Draft, Fault, Source};
use super::error::{ConfigError, Place};
use super::keys::{KEYS, Key, OTHER_VARIABLES, PREFIX, nearest};
use super::schema::KeyValue;
use super::slot::Slot;
use super::warning::Warning;
use super::yaml;

/// Applies every variable of ours.
pub(super) fn apply<'e>(
    draft: &mut Draft,
    env: impl Iterator<Item = &'e CStr>,
    warnings: &mut Vec<Warning>,
    errors: &mut Vec<ConfigError>,
) {
    for variable in env {
        let Some(suffix) = variable.to_bytes().strip_prefix(PREFIX.as_bytes()) else { continue };
        let Some(equals) = suffix.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (&suffix[..equals], &suffix[equals + 1..]);
        if let Some(key) = Key::of_variable(name) {
            // As getenv: the first of two counts.
            let again = draft.set.is_set(key.name, Some(Source::Variable));
            if !value.is_empty() && !again {
                errors.extend(set(draft, key, value));
            }
        } else if !OTHER_VARIABLES.iter().any(|other| other.as_bytes()[PREFIX.len()..] == *name) {
            warnings.push(unknown(&String::from_utf8_lossy(name)));
        }
    }
}

fn set(draft: &mut Draft, key: &'static Key, value: &[u8]) -> Vec<ConfigError> {
    let place = || Place::Variable(key.variable());
    let Ok(text) = std::str::from_utf8(value) else {
        let found = String::from_utf8_lossy(value);
        return vec![Fault::value(key.name, Some(&found), "UTF-8 text").at(place(), "")];
    };
    if let Slot::Scalar(_) = (key.slot)(&mut draft.config) {
        let text = Some(text).filter(|text| !matches!(*text, "null" | "~"));
        let set = draft.scalar(key, text, Source::Variable);
        set.err().into_iter().map(|fault| fault.at(place(), "")).collect()
    } else {
        yaml::apply(draft, Source::Variable, text, KeyValue(key), &|_| Place::Variable(key.variable()))
    }
}

/// What to say about a variable that we do not know.
fn unknown(suffix: &str) -> Warning {
    let name = format!("{PREFIX}{suffix}");
    if is_service_link(suffix) {
        return Warning::ServiceLink { name };
    }
    let ours: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let known = ours.iter().map(String::as_str).chain(OTHER_VARIABLES);
    let nearest = nearest(&name, known).map(str::to_owned);
    Warning::UnknownVariable { name, nearest }
}

/// What Kubernetes injects for a Service called `wrapper` or `wrapper-…`: `…SERVICE_HOST`, `…PORT_80_TCP_ADDR`.
fn is_service_link(suffix: &str) -> bool {
    let words: Vec<&str> = suffix.split('_').collect();
    words.windows(2).any(|pair| matches!(pair, ["SERVICE", "HOST" | "PORT"]))
        || words.last() == Some(&"PORT")
        || words.windows(3).any(|three| {
            three[0] == "PORT"
                && three[1].parse::<u16>().is_ok()
                && matches!(three[2], "TCP" | "UDP" | "SCTP")
        })
}
