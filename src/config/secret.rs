//! Which variables hold secrets: by the look of their names, and all that is read from a file for that purpose.

use super::Run;
use std::ffi::CStr;

/// Values that look like no secret, whatever the name in front of them.
const PLAIN: [&[u8]; 3] = [b"false", b"always", b"never"];

/// Whether the name of a variable suggests that its value is a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

/// The values in an environment that must not be shown: of variables that look secret, and of `run.file_env`.
pub fn secret_values<'e>(run: &Run, env: impl Iterator<Item = &'e CStr>) -> Vec<&'e [u8]> {
    env.filter_map(|variable| {
        let bytes = variable.to_bytes();
        let at = bytes.iter().position(|b| *b == b'=')?;
        let (name, value) = (std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 1..]);
        let names_a_place =
            ["_FILE", "_DIR", "_PATH"].iter().any(|end| name.to_ascii_uppercase().ends_with(end));
        let secret =
            run.file_env.iter().any(|known| known.as_str() == name) || looks_secret(name) && !names_a_place;
        (secret && !PLAIN.contains(&value)).then_some(value)
    })
    .collect()
}
