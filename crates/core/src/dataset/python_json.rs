//! What Python's `json.dumps` writes where JSON has nothing: `NaN`, `Infinity`, half a character.

use memchr::memchr2;

/// What JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotJson {
    NaN,
    Infinity,
    HalfACharacter,
}

impl NotJson {
    /// What to tell.
    pub(super) fn remark(self) -> &'static str {
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
pub(super) struct Odd {
    /// Bytes before it in the text.
    pub(super) at: usize,
    /// Bytes before it in the mended text.
    pub(super) in_mended: usize,
    /// Bytes up to its end, in both.
    ends: (usize, usize),
    pub(super) what: NotJson,
}

/// The text as JSON: `null` for numbers that are none and U+FFFD for half characters; `None` where it holds nothing
/// of the kind.
pub fn as_json(text: &str) -> Option<String> {
    let (mended, odd) = mend(text);
    (!odd.is_empty()).then_some(mended)
}

/// The text with `null` for numbers that are none and U+FFFD for half characters.
pub(super) fn mend(text: &str) -> (String, Vec<Odd>) {
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
        if what == NotJson::HalfACharacter {
            // On within the same string.
            at = half_in_string(bytes, at - 1);
        }
    }
    mended.push_str(text.get(kept..).unwrap_or_default());
    (mended, odd)
}

/// What begins at `at` and is not JSON: its length, and what takes its place.
fn oddity(bytes: &[u8], at: usize) -> Option<(usize, NotJson, &'static str)> {
    let words: [(&[u8], NotJson); 3] = [
        (b"NaN", NotJson::NaN),
        (b"Infinity", NotJson::Infinity),
        (b"-Infinity", NotJson::Infinity),
    ];
    let rest = &bytes[at..];
    if let Some((word, what)) = words.iter().find(|(word, _)| rest.starts_with(word)) {
        return Some((word.len(), *what, "null"));
    }
    is_half(bytes, at).then_some((6, NotJson::HalfACharacter, "\\ufffd"))
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

/// Whether a surrogate is escaped somewhere.
pub(super) fn half_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, b"\\u").any(|at| surrogate(bytes, at).is_some())
}

/// The place in the text of one in the mended text.
pub(super) fn in_original(odd: &[Odd], at: usize) -> usize {
    let before = odd.iter().rev().find(|odd| odd.ends.1 <= at);
    before.map_or(at, |Odd { ends: (original, mended), .. }| original + (at - mended))
}
