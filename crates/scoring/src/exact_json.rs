//! JSON whose numbers are what they say, however many digits they have.
//!
//! A number that 64 bits do not hold exactly is kept as a string of a mark and its own text; a string
//! that begins with the mark itself gets another one before it, so that no text passes for a number.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::{Error, Value};

/// Stands before a number's text: a code point that is no character.
const MARK: char = '\u{FDD0}';
const ESCAPE: char = '\u{FDD1}';

/// Digits that every 64-bit float keeps.
const SAFE_DIGITS: usize = 15;
/// Exponents that are far from its ends.
const SAFE_EXPONENT: usize = 2;

/// Reads a JSON text.
pub(crate) fn from_str(text: &str) -> Result<Value, Error> {
    serde_json::from_str(&marked(text))
}

/// The text of a number that 64 bits do not hold.
pub(crate) fn long_number(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(MARK)
}

/// Compact JSON, with every number as it was written.
pub(crate) fn to_string(value: &Value) -> String {
    let text = value.to_string();
    let mut pieces = text.split(MARK);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // Within a string that is none the mark is text.
        match piece.split_once('"') {
            Some((number, rest)) if out.ends_with('"') && !out.ends_with("\\\"") => {
                out.pop();
                out.push_str(number);
                out.push_str(rest);
            }
            _ => {
                out.push(MARK);
                out.push_str(piece);
            }
        }
    }
    out
}

/// A number in the one form that equal numbers share: its digits without zeros at either end, and a
/// power of ten.
pub(crate) fn canonical(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let power = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    });
    let power = power
        .saturating_sub_unsigned(fraction.len() as u64)
        .saturating_add_unsigned((digits.len() - significant.len()) as u64);
    match significant.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}e{power}"),
    }
}

/// How two numbers in their canonical forms compare.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let parts = |number: &str| -> (Ordering, String, i64) {
        let (number, sign) = match number.strip_prefix('-') {
            Some(rest) => (rest, Ordering::Less),
            None if number == "0" => (number, Ordering::Equal),
            None => (number, Ordering::Greater),
        };
        let (digits, power) = number.split_once('e').unwrap_or((number, "0"));
        let power: i64 = power.parse().unwrap_or_default();
        (sign, digits.to_owned(), power.saturating_add_unsigned(digits.len() as u64))
    };
    let ((sign, digits, size), (other, others, theirs)) = (parts(a), parts(b));
    sign.cmp(&other).then_with(|| {
        // The digits stand behind the decimal point, without zeros at either end.
        let order = size.cmp(&theirs).then_with(|| digits.cmp(&others));
        if sign == Ordering::Less { order.reverse() } else { order }
    })
}

/// The text with long numbers marked.
fn marked(text: &str) -> Cow<'_, str> {
    let (bytes, mut out, mut copied, mut at) = (text.as_bytes(), String::new(), 0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                if begins_with_a_mark(&text[at + 1..]) {
                    out.push_str(&text[copied..=at]);
                    out.push(ESCAPE);
                    copied = at + 1;
                }
                at = string_end(bytes, at + 1);
            }
            b'-' | b'0'..=b'9' => {
                let end = at + number_len(&bytes[at..]).max(1);
                if is_value(&bytes[end..]) && is_long(&text[at..end]) {
                    out.push_str(&text[copied..at]);
                    out.extend(['"', MARK]);
                    out.push_str(&text[at..end]);
                    out.push('"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn begins_with_a_mark(text: &str) -> bool {
    let is_escaped = || {
        let escape = text.get(..6);
        escape
            .is_some_and(|e| e.eq_ignore_ascii_case("\\ufdd0") || e.eq_ignore_ascii_case("\\ufdd1"))
    };
    text.starts_with([MARK, ESCAPE]) || text.starts_with("\\u") && is_escaped()
}

/// Where a string ends whose content begins at `at`, after its quote.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of the number that a text begins with, as JSON has it; 0 where there is none.
fn number_len(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(sign);
    if whole == 0 || whole > 1 && bytes[sign] == b'0' {
        return 0;
    }
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end += if fraction > 0 { fraction + 1 } else { 0 };
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let power = digits(end + 1 + sign);
        end += if power > 0 { 1 + sign + power } else { 0 };
    }
    end
}

/// Whether a number before this text is a value: not part of a longer word, and no key.
fn is_value(after: &[u8]) -> bool {
    let next = after.iter().find(|byte| !byte.is_ascii_whitespace());
    after.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b".+-_".contains(byte))
        && next != Some(&b':')
}

/// Whether 64 bits do not hold a number.
fn is_long(number: &str) -> bool {
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let power = power.trim_start_matches(['+', '-']);
    if mantissa.len() <= SAFE_DIGITS && power.len() <= SAFE_EXPONENT {
        return false;
    }
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return false;
    }
    match number.parse::<f64>() {
        Ok(float) if float.is_finite() => canonical(number) != canonical(&format!("{float:e}")),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_long_numbers_are_marked() {
        for (text, long) in [
            ("1", None),
            ("-0", None),
            ("1.50e2", None),
            ("9007199254740993", None),
            ("18446744073709551615", None),
            ("0.1234567890123456", None),
            ("18446744073709551616", Some("18446744073709551616")),
            ("18446744073709551617", Some("18446744073709551617")),
            ("0.12345678901234567890", Some("0.12345678901234567890")),
            ("1e400", Some("1e400")),
            ("1e-400", Some("1e-400")),
            ("\"18446744073709551617\"", None),
            ("\"\u{FDD0}5\"", None),
            ("\"\\ufDd05\"", None),
        ] {
            let value = from_str(text).expect("JSON");
            assert_eq!(long_number(&value), long, "{text}");
        }
        for text in
            ["01234567890123456789012", "{98765432109876543210: 1}", "98765432109876543210x"]
        {
            assert!(from_str(text).is_err(), "{text}");
        }
        let text = r#"{"a":[98765432109876543210,-1e400],"b":"x"}"#;
        assert_eq!(to_string(&from_str(text).expect("JSON")), text);
    }

    #[test]
    fn equal_numbers_have_one_form() {
        for (a, b) in
            [("1.0", "1"), ("1e2", "100"), ("-0", "0"), ("0.10", "1E-1"), ("-5e+1", "-50")]
        {
            assert_eq!(canonical(a), canonical(b), "{a} {b}");
        }
        assert_ne!(canonical("98765432109876543210"), canonical("98765432109876543211"));
        let ascending = ["-1e30", "-12", "-1.5", "0", "1e-9", "1.5", "12", "98765432109876543210"];
        let ascending = ascending.iter().chain(&["98765432109876543211", "1e30"]);
        let ascending: Vec<String> = ascending.map(|number| canonical(number)).collect();
        for pair in ascending.windows(2) {
            assert_eq!(compare(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(&pair[1], &pair[0]), Ordering::Greater, "{pair:?}");
            assert_eq!(compare(&pair[0], &pair[0]), Ordering::Equal, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_json_stays_json(text in "[\\[\\]{}:,\"\\\\ 0-9eE.+-]{0,40}") {
            let lossy = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(from_str(&text).is_ok(), lossy, "{}", text);
        }

        #[test]
        fn floats_are_never_long(float in any::<f64>()) {
            prop_assume!(float.is_finite());
            let (power, plain) = (format!("{float:e}"), format!("{float}"));
            prop_assert!(!is_long(&power) && !is_long(&plain));
        }
    }
}
