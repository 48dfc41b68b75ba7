//! What is secret, decided here and nowhere else: by the look of a name, and all that is read from a file for that purpose.
//! Used by `config`, by the messages about a configuration, and by `test`, which hides the values in what tests print.

use super::Run;
use std::ffi::CStr;

/// What stands in a secret's place.
pub(super) const MASK: &str = "***";
/// Values that look like no secret, whatever the name in front of them.
const PLAIN: [&[u8]; 3] = [b"false", b"always", b"never"];

/// Whether the name of a variable or an option (`DB_PASSWORD`, `--api-key`) suggests that its value is a secret. `PWD` counts
/// as one word of several: `MYSQL_PWD` is one, `PWD` is the working directory.
fn looks_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_uppercase().replace(['-', '.'], "_");
    if ["_FILE", "_DIR", "_PATH"].iter().any(|end| name.ends_with(end)) {
        return false;
    }
    ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
        || (name != "PWD" && name.split('_').any(|word| word == "PWD"))
}

/// The values that must not be shown: in an environment those of variables that look secret, of `run.file_env`, and passwords in
/// addresses; in `run.args` those of options that look secret.
pub fn secret_values<'v>(run: &'v Run, env: impl Iterator<Item = &'v CStr>) -> Vec<&'v [u8]> {
    let of_variable = |variable: &'v CStr| {
        let bytes = variable.to_bytes();
        let at = bytes.iter().position(|b| *b == b'=')?;
        let (name, value) = (std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 1..]);
        secret_of(run.file_env.iter().any(|known| known.as_str() == name) || looks_secret(name), value)
    };
    let words = run.args.iter().enumerate();
    let of_word = |(at, word): (usize, &'v String)| secret_of_word(&run.args, at, word).map(str::as_bytes);
    env.filter_map(of_variable).chain(words.filter_map(of_word)).collect()
}

fn secret_of(secret: bool, value: &[u8]) -> Option<&[u8]> {
    if secret { Some(value).filter(|value| !PLAIN.contains(value)) } else { password_of_url(value) }
}

/// The secret in one word of a command line: behind `--password=`, the whole word behind `--password`, or in an address.
fn secret_of_word<'w>(words: &[String], at: usize, word: &'w str) -> Option<&'w str> {
    let behind_option = at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|option| {
        option.starts_with('-') && !option.contains('=') && looks_secret(option) && !word.starts_with('-')
    });
    let (secret, value) = match word.split_once('=') {
        Some((name, value)) if !behind_option => (looks_secret(name), value),
        _ => (behind_option, word),
    };
    // A part of a text at the borders of its characters: an `@` and a `:` are.
    std::str::from_utf8(secret_of(secret, value.as_bytes())?).ok().filter(|value| !value.is_empty())
}

/// The value of a variable as it may be shown.
pub(super) fn shown_value(name: &str, value: &str) -> String {
    match secret_of(looks_secret(name), value.as_bytes()).and_then(|secret| std::str::from_utf8(secret).ok())
    {
        Some(secret) if !secret.is_empty() => value.replace(secret, MASK),
        _ => value.to_owned(),
    }
}

/// The words of a command line as they may be shown.
pub(super) fn shown_words(words: &[String]) -> Vec<String> {
    let shown = |(at, word): (usize, &String)| match secret_of_word(words, at, word) {
        // Behind its name: an option's name may hold the same letters.
        Some(secret) => {
            let start = word.rfind(secret).unwrap_or(0);
            format!("{}{MASK}{}", &word[..start], &word[start + secret.len()..])
        }
        None => word.clone(),
    };
    words.iter().enumerate().map(shown).collect()
}

/// A piece of a configuration's text as a message may quote it: what stands behind a name that looks secret is left out to
/// its end, since nobody knows where the value ends in a text that is not understood.
pub(super) fn shown_source(text: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '=' | ':' | ' ' | ',')) {
        let before = text[..at].trim_end_matches(['"', '\'']);
        let start =
            before.char_indices().rev().find(|(_, c)| !is_name(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        let name = &before[start..];
        // Behind a blank or a comma only an option has a value.
        let has_value = matches!(sign, '=' | ':') || name.starts_with('-');
        if has_value && looks_secret(name) {
            return format!("{}{MASK}", &text[..=at]);
        }
    }
    shown_value("", text)
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
            c"PWD=/srv",
            c"OLDPWD=/tmp",
            c"MYSQL_PWD=pw1",
        ];
        let found = secret_values(&run, env.into_iter());
        assert_eq!(found, [&b"hunter22"[..], b"8642", b"s3cr3t@pw", b"pw1"]);
    }

    #[test]
    fn what_is_secret_in_a_command_line() {
        let words = [
            "--password=hunter22",
            "--token",
            "t0k3n",
            "--api-key",
            "--verbose",
            "--db.secret",
            "s3",
            "DB_PWD=pw2",
            "--key-file=/k",
            "postgres://app:s3cr3t@db/x",
            "--url=https://u:w0rd@h",
            "--keypass=key",
            "-v",
        ];
        let words = words.map(str::to_owned);
        assert_eq!(
            shown_words(&words),
            [
                "--password=***",
                "--token",
                "***",
                "--api-key",
                "--verbose",
                "--db.secret",
                "***",
                "DB_PWD=***",
                "--key-file=/k",
                "postgres://app:***@db/x",
                "--url=https://u:***@h",
                "--keypass=***",
                "-v",
            ]
        );
        let run = Run { args: words.to_vec(), ..Run::default() };
        let found = secret_values(&run, std::iter::empty());
        assert_eq!(found, [&b"hunter22"[..], b"t0k3n", b"s3", b"pw2", b"s3cr3t", b"w0rd", b"key"]);
    }

    #[test]
    fn what_a_message_may_quote() {
        for (text, shown) in [
            ("DB_PASSWORD=hunter2 and more", "DB_PASSWORD=***"),
            ("{LANG: C, \"api_key\": hunter2}", "{LANG: C, \"api_key\":***"),
            ("[--token, hunter2]", "[--token,***"),
            ("--password hunter2", "--password ***"),
            ("postgres://app:hunter2@db", "postgres://app:***@db"),
            ("a: b, PWD=/srv", "a: b, PWD=/srv"),
        ] {
            assert_eq!(shown_source(text), shown);
        }
    }
}
