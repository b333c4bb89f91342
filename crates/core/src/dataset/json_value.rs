//! One JSON object as a row: numbers keep their digits, and what Python writes where JSON has
//! nothing (`NaN`, `Infinity`, half a character) is read and told.

use std::fmt;

use memchr::memchr2;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::fields::{Fields, Marks, pointer_to};

/// How deep values may lie within each other, as in `serde_json`.
const MAX_DEPTH: usize = 127;

/// What is wrong with an object, and where in its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Bytes before it.
    pub(super) at: usize,
    pub(super) message: String,
}

/// A row, and what in it was no JSON: bytes before it, and what was made of it.
pub(super) struct Read {
    pub(super) values: Map<String, Value>,
    pub(super) marks: Marks,
    pub(super) odd: Vec<(usize, &'static str)>,
}

impl Read {
    /// The row, with remarks that `place` gives a place.
    pub(super) fn into_fields(mut self, place: impl Fn(usize) -> String) -> Fields {
        for (at, what) in self.odd {
            self.marks.remark(format!("{}: {what}", place(at)));
        }
        Fields::new(self.values, self.marks)
    }
}

/// Reads an object.
pub(super) fn object(text: &str) -> Result<Read, Wrong> {
    if all_numbers_are_plain(text.as_bytes()) {
        match serde_json::from_str(text) {
            Ok(Value::Object(values)) => {
                return Ok(Read { values, marks: Marks::default(), odd: Vec::new() });
            }
            Ok(_) => return Err(not_an_object(text)),
            Err(_) => {}
        }
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) if !half_characters(text) => exact(text, Vec::new()),
        ended => {
            let (mended, odd) = mend(text);
            if odd.is_empty() {
                let error = ended.err().or_else(|| serde_json::from_str::<Value>(text).err());
                return Err(error.map_or_else(|| not_an_object(text), |e| describe(&e, text)));
            }
            let places = odd.iter().map(|odd| odd.in_mended).collect::<Vec<_>>();
            let mut read = exact(&mended, places).map_err(|_| {
                // Wrong elsewhere, too: that is told, as of the text that was read.
                let error = serde_json::from_str::<serde::de::IgnoredAny>(&mended).err();
                error.map_or_else(
                    || not_an_object(text),
                    |error| {
                        let wrong = describe(&error, &mended);
                        Wrong { at: in_original(&odd, wrong.at), ..wrong }
                    },
                )
            })?;
            read.odd = odd.iter().map(|odd| (odd.at, odd.what.remark())).collect();
            Ok(read)
        }
    }
}

fn not_an_object(text: &str) -> Wrong {
    let at = text.len() - text.trim_start().len();
    Wrong { at, message: "is not a JSON object".to_owned() }
}

/// Whether every number in the text is one that a `Value` writes as it stands.
fn all_numbers_are_plain(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = after_string(text, at),
            b'-' | b'0'..=b'9' => {
                let number =
                    |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = text[at..].iter().take_while(|byte| number(byte)).count();
                if !is_plain(&text[at..at + length]) {
                    return false;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    true
}

/// The place behind the string that begins at `at`.
fn after_string(text: &[u8], at: usize) -> usize {
    let mut from = at + 1;
    while let Some(found) = text.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if text[from + found] == b'"' {
            return from + found + 1;
        }
        from += found + 2;
    }
    text.len()
}

/// Whether a number surely comes back as it stands: few digits, no exponent, no zero at its end.
fn is_plain(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let Some(point) = digits.iter().position(|byte| !byte.is_ascii_digit()) else {
        return digits.len() <= 18 && number != b"-0";
    };
    let (whole, fraction) = (&digits[..point], &digits[point + 1..]);
    let is_small = whole == b"0" && fraction.starts_with(b"000");
    digits[point] == b'.'
        && digits.len() <= 16
        && !is_small
        && fraction.iter().all(u8::is_ascii_digit)
        && (fraction == b"0" || fraction.last().is_some_and(|last| *last != b'0'))
}

/// Reads an object number by number. At `nulls`, what stands there was no JSON.
fn exact(text: &str, nulls: Vec<usize>) -> Result<Read, Wrong> {
    let start = text.as_ptr() as usize;
    let mut reader = Exact { start, nulls, marks: Marks::default() };
    let value = reader.value(text.trim(), &mut String::new(), 0);
    match value.map_err(|error| describe(&error, text))? {
        Value::Object(values) => Ok(Read { values, marks: reader.marks, odd: Vec::new() }),
        _ => Err(not_an_object(text)),
    }
}

struct Exact {
    /// Where the text lies in memory: its parts know their places by it.
    start: usize,
    nulls: Vec<usize>,
    marks: Marks,
}

impl Exact {
    fn value(
        &mut self,
        raw: &str,
        pointer: &mut String,
        depth: usize,
    ) -> Result<Value, serde_json::Error> {
        if depth > MAX_DEPTH {
            return Err(serde::de::Error::custom("values lie too deep within each other"));
        }
        match raw.as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(raw)?;
                let mut map = Map::with_capacity(entries.len());
                for (key, raw) in entries {
                    let below = pointer_to(pointer, &key);
                    let value = self.value(raw.get(), &mut { below }, depth + 1)?;
                    map.insert(key, value);
                }
                Ok(Value::Object(map))
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(raw)?;
                let elements = elements.iter().enumerate().map(|(i, raw)| {
                    self.value(raw.get(), &mut format!("{pointer}/{i}"), depth + 1)
                });
                elements.collect::<Result<_, _>>().map(Value::Array)
            }
            Some(b'-' | b'0'..=b'9') => Ok(self.number(raw, pointer)),
            Some(b'n') => {
                let at = (raw.as_ptr() as usize).wrapping_sub(self.start);
                if self.nulls.contains(&at) {
                    let problem = "is NaN or infinite, which is not JSON; write a number or null";
                    self.marks.unusable(pointer, problem, "NaN");
                }
                Ok(Value::Null)
            }
            _ => serde_json::from_str(raw),
        }
    }

    fn number(&mut self, raw: &str, pointer: &str) -> Value {
        // One larger than any float stands there as its text.
        let value: Value = serde_json::from_str(raw).unwrap_or_else(|_| raw.into());
        let near = if value.is_number() { value.to_string() } else { String::new() };
        if near != raw {
            self.marks.number(pointer, raw);
        }
        value
    }
}

/// The entries of an object, its values unread. Of a key that stands there twice the last counts.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// What JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    NaN,
    Infinity,
    HalfACharacter,
}

impl What {
    fn remark(self) -> &'static str {
        match self {
            Self::NaN => "NaN is not JSON and was read as null; write null",
            Self::Infinity => "Infinity is not JSON and was read as null; write null",
            Self::HalfACharacter => {
                "half a character (a lone surrogate such as \\ud83d) was read as U+FFFD; \
                 write the whole character"
            }
        }
    }
}

/// Something that is not JSON.
struct Odd {
    /// Bytes before it in the text.
    at: usize,
    /// Bytes before it in the mended text.
    in_mended: usize,
    /// Bytes up to its end, in both.
    ends: (usize, usize),
    what: What,
}

/// The text with `null` for numbers that are none and U+FFFD for half characters.
fn mend(text: &str) -> (String, Vec<Odd>) {
    let bytes = text.as_bytes();
    let (mut mended, mut odd, mut at, mut kept) = (String::new(), Vec::new(), 0, 0);
    while at < bytes.len() {
        let Some((length, what, instead)) = oddity(bytes, at) else {
            at = match bytes[at] {
                b'"' => half_in_string(bytes, at),
                _ => at + 1,
            };
            continue;
        };
        mended.push_str(text.get(kept..at).unwrap_or_default());
        let ends = (at + length, mended.len() + instead.len());
        odd.push(Odd { at, in_mended: mended.len(), ends, what });
        mended.push_str(instead);
        at += length;
        kept = at;
        if what == What::HalfACharacter {
            // On within the same string.
            at = half_in_string(bytes, at - 1);
        }
    }
    mended.push_str(text.get(kept..).unwrap_or_default());
    (mended, odd)
}

/// What begins at `at` and is not JSON: its length, and what takes its place.
fn oddity(bytes: &[u8], at: usize) -> Option<(usize, What, &'static str)> {
    let words: [(&[u8], What); 3] =
        [(b"NaN", What::NaN), (b"Infinity", What::Infinity), (b"-Infinity", What::Infinity)];
    let rest = &bytes[at..];
    if let Some((word, what)) = words.iter().find(|(word, _)| rest.starts_with(word)) {
        return Some((word.len(), *what, "null"));
    }
    is_half(bytes, at).then_some((6, What::HalfACharacter, "\\ufffd"))
}

/// The place of the first half character in the string whose quote (or any byte of which) is at
/// `at`, or behind the string.
fn half_in_string(bytes: &[u8], at: usize) -> usize {
    let mut from = at + 1;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        let place = from + found;
        if bytes[place] == b'"' {
            return place + 1;
        }
        if is_half(bytes, place) {
            return place;
        }
        let whole = surrogate(bytes, place).is_some();
        from = place + if whole { 12 } else { 2 };
    }
    bytes.len()
}

/// Whether half a character is escaped at `at`.
fn is_half(bytes: &[u8], at: usize) -> bool {
    match surrogate(bytes, at) {
        Some(0xD800..=0xDBFF) => !matches!(surrogate(bytes, at + 6), Some(0xDC00..=0xDFFF)),
        Some(_) => true,
        None => false,
    }
}

/// The surrogate that is escaped at `at`.
fn surrogate(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&code).then_some(code)
}

fn half_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, b"\\u").any(|at| surrogate(bytes, at).is_some())
}

fn in_original(odd: &[Odd], at: usize) -> usize {
    let before = odd.iter().rev().find(|odd| odd.ends.1 <= at);
    before.map_or(at, |Odd { ends: (original, mended), .. }| original + (at - mended))
}

/// What is wrong, in a user's words.
fn describe(error: &serde_json::Error, text: &str) -> Wrong {
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len);
    let at = (line_start.sum::<usize>() + error.column().saturating_sub(1)).min(text.len());
    let rest = text.get(at..).unwrap_or_default();
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let at = if error.is_eof() { text.trim_end().len() } else { at };
    let message = if error.is_eof() {
        "is cut off: the JSON ends before it is complete".to_owned()
    } else if let Some(python) = ["True", "False", "None"].iter().find(|w| rest.starts_with(**w)) {
        let json = if *python == "None" { "null".to_owned() } else { python.to_lowercase() };
        format!("is not JSON: `{python}` is Python; JSON writes `{json}`")
    } else if rest.starts_with('\'') {
        "is not JSON: texts and keys stand in double quotes".to_owned()
    } else if said.contains("trailing comma")
        || rest.starts_with(['}', ']']) && text[..at].trim_end().ends_with(',')
    {
        "is not JSON: a comma before the closing bracket".to_owned()
    } else if said.contains("trailing characters") {
        "goes on after the object; one line holds one object".to_owned()
    } else if said.contains("control character") {
        "is not JSON: a line break, tab or other control character within a text is written `\\n`, \
         `\\t` or `\\u00…`"
            .to_owned()
    } else {
        format!("is not valid JSON: {said}")
    };
    Wrong { at, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str) -> Vec<String> {
        let read = object(json).expect(json);
        let fields = read.into_fields(|at| at.to_string());
        let text = |name: &String| {
            let cell = fields.cell(name).expect("a cell");
            cell.text().map_or_else(|error| error, |text| text.unwrap_or("-".into()).into_owned())
        };
        fields.keys().map(text).chain(fields.remarks().iter().cloned()).collect()
    }

    #[test]
    fn numbers_stay_as_they_stand() {
        for number in [
            "0",
            "-0",
            "1",
            "-7",
            "1.0",
            "1.10",
            "0.5",
            "100.250",
            "1e3",
            "1E+3",
            "1e-05",
            "1e400",
            "-1e400",
            "0.000012",
            "0.0001",
            "0.001",
            "123456789012345678",
            "1234567890123456789",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "98765432109876543210",
            "-170141183460469231731687303715884105728",
            "999999999999999999999999999999999999999999",
            "12345678901234567890.12",
            "0.1",
            "3.141592653589793238462643383279",
            "1.7976931348623157e308",
            "5e-324",
            "12345678901234.5",
            "123456789012345.6",
            "0.30000000000000004",
            "-0.0",
            "0.00",
        ] {
            assert_eq!(texts(&format!("{{\"n\": {number} }}")), [number], "{number}");
            let nested = format!("{{\"n\":{{\"a\":[1,{number}]}}}}");
            assert_eq!(texts(&nested), [format!("{{\"a\":[1,{number}]}}")]);
        }
        assert_eq!(texts(r#"{"t": "1.10 and \"98765432109876543210\" \\", "n": 2.50}"#)[1], "2.50");
    }

    #[test]
    fn what_python_writes_is_read_and_told() {
        let nan = "is NaN or infinite, which is not JSON; write a number or null";
        let told = |what: What, at: usize| format!("{at}: {}", what.remark());
        assert_eq!(
            texts(r#"{"a": NaN, "b": [1, -Infinity], "c": "NaN", "d": 1.50}"#),
            [
                format!("`a` {nan}"),
                format!("`b.1` {nan}"),
                "NaN".to_owned(),
                "1.50".to_owned(),
                told(What::NaN, 6),
                told(What::Infinity, 20),
            ]
        );
        assert_eq!(
            texts(r#"{"a": "x\ud83d y \\ud83d \ud83d\ude00 \ude00", "b": 1}"#),
            [
                "x\u{fffd} y \\ud83d \u{1f600} \u{fffd}".to_owned(),
                "1".to_owned(),
                told(What::HalfACharacter, 8),
                told(What::HalfACharacter, 38),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let check = |json: &str, at: usize, expected: &str| match object(json) {
            Ok(_) => panic!("{json} was read"),
            Err(wrong) => {
                assert!(wrong.message.contains(expected), "{json}: {wrong:?}");
                assert_eq!(wrong.at, at, "{json}: {wrong:?}");
            }
        };
        check("[1]", 0, "is not a JSON object");
        check("{\"a\": ", 5, "cut off");
        check("{\"a\": True}", 6, "`True` is Python; JSON writes `true`");
        check("{\"a\": None, \"b\": NaN}", 6, "JSON writes `null`");
        check("{'a': 1}", 1, "double quotes");
        check("{\"a\": 1,}", 8, "comma");
        check("{\"a\": 1} {\"a\": 2}", 9, "goes on");
        check("{\"a\": NaN, \"b\": }", 16, "expected value");
        check(&format!("{{\"a\": {}1e400{}}}", "[".repeat(200), "]".repeat(200)), 0, "too deep");
    }
}
