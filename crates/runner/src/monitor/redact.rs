//! What is taken out of the texts of production before they are stored.

use std::{borrow::Cow, ops::Range};

use evalmark_core::{
    logs::{Redaction, RedactionKind},
    suite::key_ranges,
};
use evalmark_scoring::personal_data_ranges;
use serde_json::Value;

use crate::redacted_keys::hide;

/// A text without what the suite wants out of it, nor the keys of this process.
pub(crate) fn redacted<'a>(text: &'a str, rules: &[Redaction]) -> Cow<'a, str> {
    let mut places: Vec<(Range<usize>, &str)> = Vec::new();
    for rule in rules {
        let found = match &rule.kind {
            RedactionKind::Key => key_ranges(text),
            RedactionKind::Pattern(pattern) => {
                pattern.find_iter(text).map(|found| found.range()).collect()
            }
            known => personal_data_ranges(known, text),
        };
        places.extend(found.into_iter().filter(|at| !at.is_empty()).map(|at| (at, &*rule.name)));
    }
    if places.is_empty() {
        return hide(text);
    }
    places.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
    let (mut clean, mut end) = (String::with_capacity(text.len()), 0);
    for (at, name) in places {
        if at.start >= end {
            clean.push_str(&text[end..at.start]);
            clean.push('[');
            clean.push_str(name);
            clean.push(']');
        }
        end = end.max(at.end);
    }
    clean.push_str(&text[end..]);
    Cow::Owned(hide(&clean).into_owned())
}

/// A value with its texts redacted; names of keys stay.
pub(super) fn redact_value(value: &mut Value, rules: &[Redaction]) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = redacted(text, rules) {
                *text = clean;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| redact_value(value, rules)),
        Value::Object(map) => map.values_mut().for_each(|value| redact_value(value, rules)),
        // A card or a phone number may be written as a number.
        Value::Number(number) => {
            if let Cow::Owned(clean) = redacted(&number.to_string(), rules) {
                *value = Value::String(clean);
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;
    use serde_json::json;

    use super::*;

    fn rules() -> Vec<Redaction> {
        let ticket = Regex::new(r"T-\d+").expect("a pattern");
        let known = [
            ("email", RedactionKind::Email),
            ("phone", RedactionKind::Phone),
            ("card", RedactionKind::Card),
            ("ip", RedactionKind::Ip),
            ("key", RedactionKind::Key),
            ("ticket", RedactionKind::Pattern(ticket)),
        ];
        known.map(|(name, kind)| Redaction { name: name.to_owned(), kind }).into()
    }

    #[test]
    fn what_is_named_is_taken_out_and_nothing_else() {
        let check = |text: &str, expected: &str| {
            assert_eq!(redacted(text, &rules()), expected, "{text}");
        };
        check("nothing of it: 12 apples, 2026-01-02", "nothing of it: 12 apples, 2026-01-02");
        check("mail ann@example.org, or bob@example.com!", "mail [email], or [email]!");
        check("pay 4111 1111 1111 1111 now", "pay [card] now");
        check("pay 4111 1111 1111 1112 now", "pay 4111 1111 1111 1112 now");
        check("from 192.168.1.44 at T-12", "from [ip] at [ticket]");
        check("key sk-abcdefgh12345678abcd.", "key [key].");
        check("Authorization: Bearer abcdefghij0123456789xyz", "Authorization: Bearer [key]");
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlMTIz";
        check(&format!("token={jwt};"), "token=[key];");
        check("a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b", "a [key] b");
        check("größe ann@example.org ü", "größe [email] ü");
    }

    #[test]
    fn values_are_redacted_wherever_they_stand() {
        let mut value = json!({"a": ["ann@example.org", 4_111_111_111_111_111_u64, true], "b": 7});
        redact_value(&mut value, &rules());
        assert_eq!(value, json!({"a": ["[email]", "[card]", true], "b": 7}));
    }

    #[test]
    fn hostile_texts_end() {
        let digits = "1 ".repeat(200_000);
        assert!(redacted(&digits, &rules()).len() <= digits.len() + 100);
        let keys = "Bearer ".repeat(50_000);
        assert_eq!(redacted(&keys, &rules()), keys);
    }
}
