//! Profiles that name a program which prints credentials: `credential_process`.

use reqsign_aws_v4::Credential;
use reqsign_core::{CommandOutput, Context, Error, ProvideCredential, Result, time::Timestamp};
use serde::Deserialize;

use super::profile;
use crate::{Secret, credentials::context::Programs, one_line};

/// What may run the programs of profiles; `None` where nothing may.
pub(super) type AllowedPrograms = Option<Programs>;

/// A profile, where it names a program.
#[derive(Debug)]
pub(super) struct ProcessProfile {
    /// Its name; `None` for the one that the environment names.
    pub(super) profile: Option<String>,
    pub(super) programs: AllowedPrograms,
}

impl ProvideCredential for ProcessProfile {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let name = self.profile.clone().unwrap_or_else(|| profile::current(context));
        let Some(keys) = profile::section(context, &name).await? else { return Ok(None) };
        let Some(command) = keys.get("credential_process") else { return Ok(None) };
        let Some(programs) = &self.programs else {
            return Err(Error::config_invalid(format!(
                "profile `{name}` gets credentials from a program, and programs run only with \
                 `--allow-exec`"
            )));
        };
        let words = words(command).ok_or_else(|| {
            Error::config_invalid(format!(
                "`credential_process` of profile `{name}` leaves a quote open"
            ))
        })?;
        let [program, arguments @ ..] = words.as_slice() else {
            let message = format!("`credential_process` of profile `{name}` names no program");
            return Err(Error::config_invalid(message));
        };
        let output = programs.run(program, arguments).await?;
        credential(&output).map(Some).map_err(|why| {
            Error::config_invalid(format!("`{program}`, which profile `{name}` names, {why}"))
        })
    }
}

/// What a program of a profile prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: Option<i64>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// The credentials that a program printed, or what is wrong with it. No error repeats what it printed, but
/// for the last line of its own complaint.
fn credential(output: &CommandOutput) -> std::result::Result<Credential, String> {
    let printed = serde_json::from_slice::<Printed>(&output.stdout);
    if output.status != 0 {
        let secrets =
            printed.ok().map(|printed| [printed.secret_access_key, printed.session_token]);
        let secrets: Vec<_> = secrets.into_iter().flatten().flatten().collect();
        let status = output.status;
        return Err(match last_line(&output.stderr, &secrets) {
            Some(line) => format!("ended with status {status}: {line}"),
            None => format!("ended with status {status}, and says nothing on stderr"),
        });
    }
    let printed = printed.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("prints no JSON with credentials (line {line}, column {column} of what it prints)")
    })?;
    if printed.version != Some(1) {
        return Err("prints a `Version` other than 1".to_owned());
    }
    let has = |text: Option<String>, key: &str| {
        text.filter(|text| !text.is_empty()).ok_or_else(|| format!("prints no `{key}`"))
    };
    let expires_in = printed.expiration.map(|time| time.parse::<Timestamp>()).transpose();
    Ok(Credential {
        access_key_id: has(printed.access_key_id, "AccessKeyId")?,
        secret_access_key: has(printed.secret_access_key, "SecretAccessKey")?,
        session_token: printed.session_token,
        expires_in: expires_in
            .map_err(|_| "prints an `Expiration` that is not a time".to_owned())?,
    })
}

/// The last line of a complaint, without what was printed as a secret and without words that may be one.
fn last_line(stderr: &[u8], secrets: &[String]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?.to_owned();
    let hide = |line: String, secret: &String| Secret::new(secret).redact(&line).into_owned();
    let line = secrets.iter().fold(line, hide);
    let hidden =
        line.split_whitespace().map(|word| if may_be_key(word) { "[redacted]" } else { word });
    Some(one_line(&hidden.collect::<Vec<_>>().join(" ")))
}

/// Whether a word may be a key or a token of AWS: long, of base64's characters in both cases and digits.
fn may_be_key(word: &str) -> bool {
    const SHORTEST: usize = 32;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let longest = word.as_bytes().split(|byte| !is_base64(*byte) || *byte == b'=');
    longest.into_iter().any(|part| {
        let has = |of: fn(&u8) -> bool| part.iter().any(of);
        part.len() >= SHORTEST
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
    })
}

/// The words of a command line as AWS's tools have them; `None` where a quote is left open.
#[cfg(not(windows))]
fn words(command: &str) -> Option<Vec<String>> {
    shlex::split(command)
}

/// The words of a command line as AWS's tools have them; `None` where a quote is left open.
#[cfg(windows)]
fn words(command: &str) -> Option<Vec<String>> {
    words_on_windows(command)
}

/// Windows' rule: blanks divide words, double quotes group them, and a backslash is itself unless it
/// stands before a double quote.
#[cfg(any(windows, test))]
fn words_on_windows(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut rest = command.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' => {
                let mut n = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    n += 1;
                }
                let escapes = rest.peek() == Some(&'"');
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', if escapes { n / 2 } else { n }));
                if escapes && n % 2 == 1 {
                    word.extend(rest.next());
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: Option<&[String]>, expected: Option<&[&str]>) {
        let words = words.map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(words.as_deref(), expected);
    }

    #[cfg(not(windows))]
    #[test]
    fn words_are_those_of_a_shell() {
        for (command, expected) in [
            ("/bin/tool --profile a", Some(&["/bin/tool", "--profile", "a"][..])),
            (r#""/opt/my tools/get" 'a b' c\ d"#, Some(&["/opt/my tools/get", "a b", "c d"])),
            (r#"x "say \"it\"" "C:\dir" ''"#, Some(&["x", r#"say "it""#, r"C:\dir", ""])),
            ("x 'a #b' c#d", Some(&["x", "a #b", "c#d"])),
            ("x $HOME `id` ; y | z", Some(&["x", "$HOME", "`id`", ";", "y", "|", "z"])),
            ("  ", Some(&[])),
            (r#"x "open"#, None),
            ("x 'open", None),
        ] {
            check(words(command).as_deref(), expected);
        }
    }

    #[test]
    fn or_those_of_windows() {
        for (command, expected) in [
            (r"C:\tools\get.exe --a  b", Some(&[r"C:\tools\get.exe", "--a", "b"][..])),
            (r#""C:\my tools\get.exe" 'a b'"#, Some(&[r"C:\my tools\get.exe", "'a", "b'"])),
            (r#"x "a \"b\" c" "d\\" e\\f """#, Some(&["x", r#"a "b" c"#, r"d\", r"e\\f", ""])),
            (r#"x "open"#, None),
            ("", Some(&[])),
        ] {
            check(words_on_windows(command).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_what_was_printed() {
        const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let whole = format!(r#"{{"Version":1,"AccessKeyId":"A","SecretAccessKey":"{KEY}"}}"#);
        let long = "no ".repeat(400);
        for (status, stdout, stderr, expected) in [
            (1, "", "one\n  sign in first \n\n", "ended with status 1: sign in first"),
            (2, "", " ", "ended with status 2, and says nothing on stderr"),
            (1, whole.as_str(), &format!("bad key={KEY}"), "bad key=[redacted]"),
            (1, "", &format!("bad \"{KEY}\" here"), "bad [redacted] here"),
            (1, "", &long, "no no …"),
            (0, "no JSON", "", "prints no JSON with credentials (line 1, column 2"),
            (0, &format!(r#"{{"Version":"{KEY}"}}"#), "", "prints no JSON with credentials"),
            (0, "{}", "", "a `Version` other than 1"),
            (0, r#"{"Version":1,"AccessKeyId":"A"}"#, "", "prints no `SecretAccessKey`"),
            (
                0,
                r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"soon"}"#,
                "",
                "an `Expiration` that is not a time",
            ),
        ] {
            let output = CommandOutput { status, stdout: stdout.into(), stderr: stderr.into() };
            let error = credential(&output).map(drop).expect_err(stdout);
            assert!(error.contains(expected) || error.ends_with("no…"), "{error}");
            assert!(!error.contains(KEY) && error.chars().count() < 400, "{error}");
        }
    }
}
