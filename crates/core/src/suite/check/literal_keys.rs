//! Keys that stand in a suite as they are: found by their shape, and by what they are called.

use std::ops::Range;

use serde_json::Value;

use crate::suite::{
    document::{Document, escape},
    misfits::SECRET_KEYS,
    mistake::Mistake,
};

/// How the keys of well-known services begin, and how long the rest of them is at least.
const PREFIXES: [(&str, usize); 25] = [
    ("sk-", 16),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("hf_", 30),
    ("gsk_", 30),
    ("xai-", 30),
    ("nvapi-", 30),
    ("pplx-", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
];

/// Names of what holds a secret, beside [`SECRET_KEYS`]; they are compared without `-` and `_`.
const SECRET_NAMES: [&str; 14] = [
    "accesskey",
    "accesstoken",
    "apitoken",
    "authtoken",
    "bearer",
    "bearertoken",
    "clientsecret",
    "cookie",
    "passwd",
    "privatekey",
    "proxyauthorization",
    "secret",
    "secretkey",
    "xapikey",
];

/// Whether a text holds what looks like a key.
pub(in crate::suite) fn is_in_text(text: &str) -> bool {
    holds_a_key(text, Place::Prose)
}

/// Where a text holds what looks like a key: the words themselves, and a private key from its first line to
/// its last.
pub(in crate::suite) fn ranges_in_text(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    if let Some(begin) = text.find("-----BEGIN ").filter(|_| text.contains("PRIVATE KEY-----")) {
        let end = text.rfind("PRIVATE KEY-----").map_or(text.len(), |at| at + 16);
        ranges.push(begin.min(end)..end);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let word_or_part = words(text, is_part).flat_map(|range| {
        let word = &text[range.clone()];
        if jwt(word) {
            return vec![range];
        }
        let parts = words(word, |c| is_part(c) && c != '.');
        let keys = parts.filter(|part| is_key(&word[part.clone()], Place::Prose));
        keys.map(|part| range.start + part.start..range.start + part.end).collect()
    });
    ranges.extend(word_or_part);
    let plain: Vec<_> = words(text, |c| !c.is_whitespace()).collect();
    for two in plain.windows(2) {
        let (scheme, token) = (&text[two[0].clone()], &text[two[1].clone()]);
        if holds_credentials(&format!("{scheme} {token}"), Place::Prose) {
            ranges.push(two[1].clone());
        }
    }
    ranges
}

/// Where words stand that consist of such characters.
fn words(text: &str, is_part: impl Fn(char) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(&is_part)?;
        let len = text[start..].find(|c| !is_part(c)).unwrap_or(text.len() - start);
        from = start + len;
        Some(start..from)
    })
}

/// How far what is said of a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where people write sentences: a shape must be certain.
    Prose,
    /// An address: no sentence, and no name.
    Address,
    /// Parameters, which have names.
    Params,
    /// How a model is asked: the same, and a placeholder is no key.
    Form,
    /// Headers there, whose values are seldom long.
    Header,
}

/// Every place where a key seems to stand. It is never repeated.
pub(in crate::suite) fn find(document: &Document) -> Vec<Mistake> {
    let mut finder = Finder { document, found: Vec::new() };
    finder.look(&document.value, "", Place::Prose);
    finder.found
}

struct Finder<'a> {
    document: &'a Document,
    found: Vec<Mistake>,
}

impl Finder<'_> {
    fn look(&mut self, value: &Value, pointer: &str, place: Place) {
        match value {
            Value::String(text) if holds_a_key(text, place) => self.complain(pointer, None),
            Value::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    self.look(value, &format!("{pointer}/{i}"), place);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    let at = format!("{pointer}/{}", escape(key));
                    // The first level of parameters is looked at where models are checked.
                    let is_named = match place {
                        Place::Params => !pointer.ends_with("/params") && is_literal(value),
                        Place::Form | Place::Header => {
                            is_literal(value) && !holds_a_placeholder(value)
                        }
                        Place::Prose | Place::Address => false,
                    };
                    if is_named && is_secret(key) {
                        self.complain(&at, Some(key));
                    } else if holds_a_key(key, Place::Prose) {
                        self.complain(&at, None);
                    } else {
                        self.look(value, &at, below(pointer, key, value.is_object(), place));
                    }
                }
            }
            _ => {}
        }
    }

    fn complain(&mut self, pointer: &str, name: Option<&str>) {
        let (message, advice) = match name {
            Some(name) => (format!("`{name}`: a suite must not contain a key"), ""),
            None => (
                "this looks like a key, and a suite must not contain a key".to_owned(),
                "; a made-up one can be written in two parts: `{{ 'sk-' ~ '…' }}`",
            ),
        };
        let hint = format!(
            "put it into an environment variable, and the variable's NAME here: `api_key_env: \
             OPENAI_API_KEY`; if it was real, revoke it{advice}"
        );
        self.found.push(Mistake::at(self.document.position(pointer), message).hint(hint));
    }
}

/// What stands below a key of a suite.
fn below(pointer: &str, key: &str, is_mapping: bool, place: Place) -> Place {
    let is_of_model = pointer.strip_prefix("/models/").is_some_and(|rest| !rest.contains('/'));
    match key {
        "params" if is_of_model => Place::Params,
        "headers" if place == Place::Form && is_mapping => Place::Header,
        "base_url" if is_of_model => Place::Address,
        "url" if pointer.starts_with("/dataset/source/") || place == Place::Form => Place::Address,
        "url" if pointer.starts_with("/notify/") || pointer.starts_with("/export/") => {
            Place::Address
        }
        // What else a model has that is a mapping says how it is asked.
        _ if is_of_model && is_mapping && !["limits", "price", "recorded"].contains(&key) => {
            Place::Form
        }
        _ => place,
    }
}

/// Whether this is a name that goes with a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    let plain: String = lower.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    let endings = ["apikey", "secret", "password", "accesskey", "accesstoken", "authtoken"];
    SECRET_KEYS.contains(&lower.as_str())
        || SECRET_NAMES.contains(&plain.as_str())
        || endings.iter().any(|ending| plain.ends_with(ending))
}

/// Whether a value can be a key: text, or a list of nothing else. A schema has a mapping here.
fn is_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty() && values.iter().all(Value::is_string),
        _ => false,
    }
}

/// Whether a text is filled with something when it is used.
fn holds_a_placeholder(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("{{"))
}

/// Whether a text holds what looks like a key.
fn holds_a_key(text: &str, place: Place) -> bool {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return true;
    }
    if place == Place::Address {
        let plain = decoded(text);
        let is_hidden =
            || plain != text && (names_a_key(&plain) || holds_a_key(&plain, Place::Params));
        if names_a_key(text) || is_hidden() {
            return true;
        }
    }
    if place == Place::Header && text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random) {
        return true;
    }
    let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    text.split(part).any(|word| is_key(word, place)) || holds_credentials(text, place) || jwt(text)
}

/// An address without percent-encoding.
fn decoded(address: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), address.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `key=…` or `token/…` in an address.
fn names_a_key(address: &str) -> bool {
    let mut parts = address.split(['/', ';', '&', '?']).peekable();
    while let Some(part) = parts.next() {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let next = parts.peek().copied().unwrap_or_default();
        if is_secret(name) && (!value.is_empty() || next.len() >= 8) {
            return true;
        }
    }
    false
}

fn is_key(word: &str, place: Place) -> bool {
    PREFIXES.iter().any(|(prefix, least)| {
        word.strip_prefix(prefix).is_some_and(|rest| match place {
            Place::Prose => rest.len() >= *least && rest.bytes().any(|b| b.is_ascii_digit()),
            Place::Address | Place::Params | Place::Form | Place::Header => {
                rest.len() >= (*least).min(8)
            }
        })
    })
}

/// Whether a word reads like random letters and digits, as no word of a language, date or UUID does.
fn is_random(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 20 && digits >= 3 && digits + 3 <= word.len()
}

/// `Bearer …` and `Basic …`, as headers have them.
fn holds_credentials(text: &str, place: Place) -> bool {
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let scheme = word.rsplit([':', '"', '\'']).next().unwrap_or_default();
        let is_scheme =
            scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic");
        let Some(next) = words.peek().filter(|_| is_scheme) else { continue };
        let next = next.trim_end_matches(['"', '\'', ',', '.']);
        let is_token = next.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+/=~".contains(&b));
        let has_digit = next.bytes().any(|b| b.is_ascii_digit());
        // "Basic arithmetic": base64 is never small letters alone.
        let is_word = scheme.eq_ignore_ascii_case("basic")
            && next.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let least = if place == Place::Prose { 20 } else { 6 };
        if is_token && !is_word && next.len() >= least && (has_digit || place != Place::Prose) {
            return true;
        }
    }
    false
}

/// A signed token: three parts of base64, of which the first is a JSON object.
fn jwt(text: &str) -> bool {
    let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    text.split(part).filter(|word| word.starts_with("eyJ")).any(|word| {
        let parts: Vec<_> = word.split('.').collect();
        parts.len() >= 3 && parts[..3].iter().all(|part| part.len() >= 10)
    })
}
