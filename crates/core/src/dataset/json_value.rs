//! One JSON object as a row: numbers keep their digits, and what Python writes where JSON has
//! nothing (`NaN`, `Infinity`, half a character) is read and told.

use std::{fmt, marker::PhantomData};

use memchr::memchr2;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::python_json::{half_characters, in_original, mend};
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
    /// The first key of the row that stands there again.
    pub(super) repeated: Option<String>,
}

impl Read {
    /// The row, with remarks that `place` gives a place.
    pub(super) fn into_fields(mut self, place: impl Fn(usize) -> String) -> Fields {
        if let Some(key) = &self.repeated {
            let twice = format!("the key `{key}` appears twice; the last one counts");
            self.marks.remark(format!("{}: {twice}", place(0)));
        }
        for (at, what) in self.odd {
            self.marks.remark(format!("{}: {what}", place(at)));
        }
        Fields::new(self.values, self.marks)
    }
}

/// Reads an object.
pub(super) fn object(text: &str) -> Result<Read, Wrong> {
    if all_numbers_are_plain(text.as_bytes()) {
        let entries = serde_json::from_str::<Entries<Value>>(text);
        if let Ok(Entries(entries)) = entries {
            let (values, repeated) = distinct(entries);
            return Ok(Read { values, marks: Marks::default(), odd: Vec::new(), repeated });
        }
    }
    let ended = serde_json::from_str::<serde::de::IgnoredAny>(text);
    if ended.is_ok() && !half_characters(text) {
        return exact(text, Vec::new());
    }
    let (mended, odd) = mend(text);
    if odd.is_empty() {
        // Escaped halves that make a whole are as they should be.
        return ended.map_err(|error| describe(&error, text)).and_then(|_| exact(text, Vec::new()));
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
    let mut reader = Exact { start, nulls, marks: Marks::default(), repeated: None };
    let value = reader.value(text.trim(), &mut String::new(), 0);
    match value.map_err(|error| describe(&error, text))? {
        Value::Object(values) => {
            let Exact { marks, repeated, .. } = reader;
            Ok(Read { values, marks, odd: Vec::new(), repeated })
        }
        _ => Err(not_an_object(text)),
    }
}

struct Exact {
    /// Where the text lies in memory: its parts know their places by it.
    start: usize,
    nulls: Vec<usize>,
    marks: Marks,
    /// The first key of the object that was read last that stands there again.
    repeated: Option<String>,
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
                let Entries(raw_entries) = serde_json::from_str::<Entries<&RawValue>>(raw)?;
                let mut entries = Vec::with_capacity(raw_entries.len());
                for (key, raw) in raw_entries {
                    let below = pointer_to(pointer, &key);
                    entries.push((key, self.value(raw.get(), &mut { below }, depth + 1)?));
                }
                let (map, repeated) = distinct(entries);
                self.repeated = repeated;
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

/// The entries of an object, in order, whether or not a key stands there twice.
struct Entries<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// An object of these entries, and the first key that stands there again; the last of them counts.
fn distinct(entries: Vec<(String, Value)>) -> (Map<String, Value>, Option<String>) {
    let (mut map, mut repeated) = (Map::with_capacity(entries.len()), None);
    for (key, value) in entries {
        if repeated.is_none() && map.contains_key(&key) {
            repeated = Some(key.clone());
        }
        map.insert(key, value);
    }
    (map, repeated)
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
    use crate::dataset::python_json::NotJson;

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
        let told = |what: NotJson, at: usize| format!("{at}: {}", what.remark());
        assert_eq!(
            texts(r#"{"a": NaN, "b": [1, -Infinity], "c": "NaN", "d": 1.50}"#),
            [
                format!("`a` {nan}"),
                format!("`b.1` {nan}"),
                "NaN".to_owned(),
                "1.50".to_owned(),
                told(NotJson::NaN, 6),
                told(NotJson::Infinity, 20),
            ]
        );
        assert_eq!(
            texts(r#"{"a": "x\ud83d y \\ud83d \ud83d\ude00 \ude00", "b": 1}"#),
            [
                "x\u{fffd} y \\ud83d \u{1f600} \u{fffd}".to_owned(),
                "1".to_owned(),
                told(NotJson::HalfACharacter, 8),
                told(NotJson::HalfACharacter, 38),
            ]
        );
    }

    /// Python escapes a character beyond the first 65,536 as two halves.
    #[test]
    fn escaped_pairs_stand_beside_any_number() {
        for number in ["1", "0.5", "1.5e3", "0.3601468848511239", "1e400", "-0"] {
            let read = texts(&format!(r#"{{"a": "\ud83d\ude42", "b": {number}}}"#));
            assert_eq!(read, ["🙂", number]);
            let read = texts(&format!(r#"{{"a": "\ud83d\ude42 \ud83d", "b": {number}}}"#));
            let told = NotJson::HalfACharacter.remark();
            assert_eq!(read, ["🙂 \u{fffd}", number, &format!("{}: {told}", 20)]);
        }
        let wrong = object(r#"["\ud83d\ude42", 1.5e3]"#).err().expect("no object");
        assert!(wrong.message.contains("is not a JSON object"), "{wrong:?}");
        let wrong = object(r#"{"a": "\ud83d\ude42", "b": 1.5e3,}"#).err().expect("a comma");
        assert!(wrong.message.contains("comma"), "{wrong:?}");
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

    #[test]
    fn the_first_key_that_stands_twice() {
        for (text, expected) in [
            (r#"{"a": 1, "b": {"a": 2}}"#, None),
            (r#"{"a": 1, "b": 2, "a": 3}"#, Some("a")),
            (r#"{"a": [1, {"b": 1}], "\u0061": 3}"#, Some("a")),
            (r#"{"a": 1, "b": 2, "b": 2, "a": 3}"#, Some("b")),
            ("{}", None),
            // Read number by number; within an object, too, which is not told.
            (r#"{"a": 1.10, "b": 2, "a": 3.0}"#, Some("a")),
            (r#"{"a": {"b": 1.10, "b": 2}, "c": 3}"#, None),
        ] {
            assert_eq!(object(text).expect(text).repeated.as_deref(), expected, "{text}");
        }
    }
}
