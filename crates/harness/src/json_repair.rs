//! JSON that is not quite JSON, as some servers write it and most clients read it: half characters,
//! `NaN`, numbers beyond all bounds, raw control characters in texts, keys that come twice, values within
//! values without end. Looked at only where the strict way has failed.

use std::borrow::Cow;

use serde_json::Value;

/// Values within values that [`shallow`] reads. The strict reader has 128.
const DEEPEST: usize = 100;
/// Bytes of U+FFFD.
const REPLACEMENT: [u8; 3] = [0xef, 0xbf, 0xbd];

/// The same JSON as every reader reads it, or `None` where that cannot be told.
///
/// Of a key that comes twice, the last one counts.
pub(crate) fn mended(json: &str) -> Option<String> {
    value(json, usize::MAX).map(|value| value.to_string())
}

/// The value of a JSON text, with `null` for what lies too deep: for what is told beside an answer.
pub(crate) fn shallow(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok().or_else(|| value(json, DEEPEST))
}

fn value(json: &str, deepest: usize) -> Option<Value> {
    let json = json.trim_start_matches('\u{feff}');
    serde_json::from_str(&loose(json, deepest)).ok()
}

/// Puts U+FFFD for each half of a surrogate pair, `null` for what is no finite number or lies deeper than is said,
/// and escapes for control characters.
fn loose(json: &str, deepest: usize) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut loose, mut copied, mut in_text, mut at, mut depth) = (String::new(), 0, false, 0, 0);
    while at < bytes.len() {
        let (width, instead) = match bytes[at] {
            b'"' => {
                in_text = !in_text;
                (1, None)
            }
            b'\\' if in_text => escape(&bytes[at..]),
            0..0x20 if in_text => (1, Some(control(bytes[at]))),
            b'[' | b'{' if !in_text && depth >= deepest => (nested(&bytes[at..]), Some("null")),
            b'[' | b'{' if !in_text => {
                depth += 1;
                (1, None)
            }
            b']' | b'}' if !in_text => {
                depth = depth.saturating_sub(1);
                (1, None)
            }
            b'N' | b'I' | b'-' | b'0'..=b'9' if !in_text => number(&json[at..]),
            _ => (1, None),
        };
        if let Some(instead) = instead {
            loose.push_str(&json[copied..at]);
            loose.push_str(instead);
            copied = at + width;
        }
        at += width;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    loose.push_str(&json[copied..]);
    Cow::Owned(loose)
}

/// The width of a list or a mapping, with all that it holds.
fn nested(bytes: &[u8]) -> usize {
    let (mut depth, mut in_text, mut at) = (0_usize, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_text = !in_text,
            b'\\' if in_text => at += 1,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// The width of an escape, and what stands for it where it is half a character.
fn escape(bytes: &[u8]) -> (usize, Option<&'static str>) {
    match unit(bytes) {
        Some(0xd800..=0xdbff) => match bytes.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (12, None),
            _ => (6, Some("\u{fffd}")),
        },
        Some(0xdc00..=0xdfff) => (6, Some("\u{fffd}")),
        Some(_) => (6, None),
        None => (2, None),
    }
}

/// The unit of UTF-16 that an escape stands for.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?;
    u32::from_str_radix(digits, 16).ok()
}

fn control(byte: u8) -> &'static str {
    match byte {
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        _ => "\\ufffd",
    }
}

/// The width of a number, and what stands for it where it is none that is finite.
fn number(json: &str) -> (usize, Option<&'static str>) {
    let words = ["NaN", "Infinity", "-Infinity", "-NaN"];
    if let Some(word) = words.iter().find(|word| json.starts_with(**word)) {
        return (word.len(), Some("null"));
    }
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let width = json.bytes().take_while(is_digit).count().max(1);
    let is_infinite = json[..width].parse::<f64>().is_ok_and(f64::is_infinite);
    (width, is_infinite.then_some("null"))
}

/// Text that is UTF-8 but for halves of characters, as some languages write surrogates; the bytes
/// again where it is not.
pub(crate) fn text(mut bytes: Vec<u8>) -> Result<String, std::string::FromUtf8Error> {
    if std::str::from_utf8(&bytes).is_err() {
        let mut at = 0;
        while at + 3 <= bytes.len() {
            let is_half = bytes[at] == 0xed && (0xa0..=0xbf).contains(&bytes[at + 1]);
            if is_half && (0x80..=0xbf).contains(&bytes[at + 2]) {
                bytes[at..at + 3].copy_from_slice(&REPLACEMENT);
                at += 2;
            }
            at += 1;
        }
    }
    String::from_utf8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        assert_eq!(mended(json).as_deref(), Some(expected), "{json}");
    }

    #[test]
    fn half_a_character_is_replaced_and_a_whole_one_is_kept() {
        check(r#""a\ud83db""#, "\"a\u{fffd}b\"");
        check(r#""\ud83d\ude00""#, "\"\u{1f600}\"");
        check(r#""\ude00\ud83d""#, "\"\u{fffd}\u{fffd}\"");
        check(r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}\u{1f600}\"");
        check(r#""\\ud83d""#, r#""\\ud83d""#);
        check(r#"{"\uD83D":1}"#, "{\"\u{fffd}\":1}");
        check(r#""\ud83d\n""#, "\"\u{fffd}\\n\"");
    }

    #[test]
    fn what_is_no_json_is_read_as_others_do() {
        check(
            r#"{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN -"}"#,
            r#"{"a":null,"b":[null,null],"c":"NaN -"}"#,
        );
        check(
            r#"{"a":[-1e400,1e999,-1.5e-3,12],"b":"1e400","c":-1e400}"#,
            r#"{"a":[null,null,-0.0015,12],"b":"1e400","c":null}"#,
        );
        check("{\"a\":\"x\ny\tz\"}", r#"{"a":"x\ny\tz"}"#);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
        check("\u{feff}{\"a\":-1}", r#"{"a":-1}"#);
        for json in ["", "{", "{\"a\":\"\\u12\"", "Nano", "<p>", "{}x", "\"\\u+123\""] {
            assert_eq!(mended(json), None, "{json}");
        }
    }

    #[test]
    fn what_lies_too_deep_is_left_out() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let deep = format!(r#"{{"a":{},"b":[1,"]\"["]}}"#, nested(100_000));
        assert_eq!(mended(&deep), None);
        let read = shallow(&deep).expect("JSON");
        assert_eq!(read["b"], serde_json::json!([1, "]\"["]));
        assert!(read["a"].to_string().ends_with(&format!("null{}", "]".repeat(99))));
        for broken in ["[".repeat(300), "[".repeat(300) + "\"", nested(150) + "]"] {
            assert_eq!(shallow(&broken), None);
        }
        assert_eq!(shallow(&nested(100)).map(|value| value.to_string()), Some(nested(100)));
    }

    #[test]
    fn halves_of_characters_are_no_obstacle_to_text() {
        let read = |bytes: &[u8]| text(bytes.to_vec()).ok();
        assert_eq!(read(b"a\xed\xa0\xbdb"), Some("a\u{fffd}b".into()));
        assert_eq!(read("한".as_bytes()), Some("한".into()));
        assert_eq!(read(b"\xff\xed\xa0\xbd"), None);
        assert_eq!(read(b"\xed\xa0"), None);
    }
}
