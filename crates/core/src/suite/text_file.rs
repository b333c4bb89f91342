//! Text files that a suite names: prompts, schemas, lists of words, the suite itself.

use std::borrow::Cow;

/// The text of a file as it is on every system: no byte order mark, and lines that end in `\n`. An
/// error says what the file is instead.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err("it is UTF-16; save it as UTF-8".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let byte = error.as_bytes().get(before.len()).copied().unwrap_or_default();
        format!(
            "line {line}: the byte 0x{byte:02X} is not UTF-8; if the file is Windows-1252 or \
             Latin-1, convert it: `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`"
        )
    })?;
    Ok(match even(&text) {
        Cow::Borrowed(same) if same.len() == text.len() => text,
        other => other.into_owned(),
    })
}

/// The text without a byte order mark, its lines ending in `\n`.
fn even(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_on_every_system() {
        let check =
            |bytes: &[u8], expected: Result<&str, &str>| match (decode(bytes.to_vec()), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(told), Err(words)) => assert!(told.contains(words), "{told}"),
                (read, _) => panic!("{read:?}"),
            };
        check(b"a\nb\n", Ok("a\nb\n"));
        check(b"\xEF\xBB\xBFa\r\nb\r\n", Ok("a\nb\n"));
        check(b"a\rb", Ok("a\rb"));
        check(b"\xEF\xBB\xBF", Ok(""));
        check(b"a\nb\xE9\n", Err("line 2: the byte 0xE9 is not UTF-8"));
        check(b"\xFF\xFEa\0", Err("UTF-16"));
    }
}
