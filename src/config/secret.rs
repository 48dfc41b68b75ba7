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

/// The values in an environment that must not be shown: of variables that look secret, of `run.file_env`, and passwords in
/// addresses.
pub fn secret_values<'e>(run: &Run, env: impl Iterator<Item = &'e CStr>) -> Vec<&'e [u8]> {
    env.filter_map(|variable| {
        let bytes = variable.to_bytes();
        let at = bytes.iter().position(|b| *b == b'=')?;
        let (name, value) = (std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 1..]);
        let names_a_place =
            ["_FILE", "_DIR", "_PATH"].iter().any(|end| name.to_ascii_uppercase().ends_with(end));
        let secret =
            run.file_env.iter().any(|known| known.as_str() == name) || looks_secret(name) && !names_a_place;
        if secret { Some(value).filter(|value| !PLAIN.contains(value)) } else { password_of_url(value) }
    })
    .collect()
}

/// The password in `scheme://user:password@host`.
fn password_of_url(value: &[u8]) -> Option<&[u8]> {
    let start = value.windows(3).position(|part| part == b"://")? + 3;
    let end = value[start..]
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#'))
        .map_or(value.len(), |at| start + at);
    let user = &value[start..start + value[start..end].iter().rposition(|b| *b == b'@')?];
    let colon = user.iter().position(|b| *b == b':')?;
    Some(&user[colon + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_an_environment() {
        let run =
            Run { file_env: vec![super::super::VarName::new("PIN").expect("a name")], ..Run::default() };
        let env = [
            c"DB_PASSWORD=hunter22",
            c"PIN=8642",
            c"API_TOKEN_FILE=/run/secrets/token",
            c"DISABLE_KEY_CHECK=false",
            c"DATABASE_URL=postgres://app:s3cr3t@pw@db:5432/x?sslmode=off",
            c"PAGE=https://example.com/a:b@c",
            c"HOME=/root",
        ];
        let found = secret_values(&run, env.into_iter());
        assert_eq!(found, [&b"hunter22"[..], b"8642", b"s3cr3t@pw"]);
    }
}
