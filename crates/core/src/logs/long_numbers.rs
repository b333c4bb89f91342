//! Whole numbers of JSON that no 64-bit integer holds, such as ids of 20 digits: as numbers two of them become one, so
//! that they are read as texts with their digits.

use std::borrow::Cow;

/// So many digits may be too many: `i64` ends with 19, `u64` with 20.
const MANY: usize = 19;

/// A JSON document in which whole numbers that no 64-bit integer holds stand in quotes.
pub fn long_numbers_quoted(json: &[u8]) -> Cow<'_, [u8]> {
    if !has_many_digits(json) {
        return Cow::Borrowed(json);
    }
    let mut out = Vec::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(first) = rest.first() {
        let (len, is_long) = match first {
            b'"' => (text_len(rest), false),
            b'-' | b'0'..=b'9' => {
                let is_of_number = |byte: &u8| b"+-.eE0123456789".contains(byte);
                let len = rest.iter().take_while(|byte| is_of_number(byte)).count();
                (len, is_too_long(&rest[..len]))
            }
            _ => (1, false),
        };
        if is_long {
            out.push(b'"');
        }
        out.extend_from_slice(&rest[..len]);
        if is_long {
            out.push(b'"');
        }
        rest = &rest[len..];
    }
    Cow::Owned(out)
}

/// Whether so many digits may stand in a row somewhere: then one of every 19th byte is a digit.
fn has_many_digits(json: &[u8]) -> bool {
    let is_within = |at: usize| {
        let before = json[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let after = json[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        before + after >= MANY
    };
    (MANY - 1..json.len()).step_by(MANY).any(|at| json[at].is_ascii_digit() && is_within(at))
}

/// The bytes of a text that begins here, with its quotes.
fn text_len(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn is_too_long(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let is_whole = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    let text = std::str::from_utf8(number).unwrap_or_default();
    is_whole && !digits.is_empty() && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stay_as_they_are_written() {
        let check = |json: &str, expected: &str| {
            let found = long_numbers_quoted(json.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected);
        };
        check(r#"{"id":18446744073709551617,"n":1}"#, r#"{"id":"18446744073709551617","n":1}"#);
        check(r#"{"id":-9223372036854775809}"#, r#"{"id":"-9223372036854775809"}"#);
        let long = "1".repeat(60);
        check(&format!("[ {long} ,{long}]"), &format!("[ \"{long}\" ,\"{long}\"]"));
        for same in [
            r#"{"id":18446744073709551615}"#,
            r#"{"id":-9223372036854775808}"#,
            r#"{"id":"18446744073709551617"}"#,
            r#"{"id":"a\"18446744073709551617"}"#,
            r#"{"id":1844674407370955161.7}"#,
            r#"{"id":184467440737095516170e1}"#,
            r#"{"id":00000000000000000000001}"#,
            r#"{"18446744073709551617":1}"#,
            "\"18446744073709551617",
            "\"18446744073709551617\\",
            "",
        ] {
            check(same, same);
        }
    }

    /// Wherever in a line it stands, it is seen.
    #[test]
    fn no_place_hides_a_number() {
        for n in 0..60 {
            let json = format!("{}99999999999999999999", " ".repeat(n));
            assert!(long_numbers_quoted(json.as_bytes()).ends_with(b"\"99999999999999999999\""));
        }
    }
}
