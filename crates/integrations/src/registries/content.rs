//! What a version of a prompt says in a registry, and the digest that two versions are compared by.

use serde_json::{Map, Value, json};

/// Digits of a digest.
const DIGITS: usize = 32;
/// Which numbers are the same as an integer: JSON of other programs writes 0.0 as 0.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// The text of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// One text.
    Text(String),
    /// Role and text of each message.
    Chat(Vec<(String, String)>),
}

impl Body {
    /// Every text of it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::Text(text) => (Some(text.as_str()), [].as_slice()),
            Self::Chat(messages) => (None, messages.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|(_, text)| text.as_str()))
    }

    /// The same with other texts.
    pub(super) fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::Chat(messages) => {
                let changed = messages.iter().map(|(role, text)| (role.clone(), change(text)));
                Self::Chat(changed.collect())
            }
        }
    }
}

/// What a version says: its text, and the configuration of the model as the registry writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub(super) body: Body,
    pub(super) config: Map<String, Value>,
}

impl Content {
    /// What two versions are compared by: 32 hexadecimal digits. Neither the order of keys nor how a number is written
    /// counts, since databases keep neither.
    pub(super) fn digest(&self) -> String {
        let body = match &self.body {
            Body::Text(text) => json!({ "text": text }),
            Body::Chat(messages) => json!({ "chat": messages }),
        };
        let config = canonical(&Value::Object(self.config.clone()));
        let whole = json!(["evalmark registry content 1", body, config]).to_string();
        blake3::hash(whole.as_bytes()).to_hex()[..DIGITS].to_owned()
    }
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.into_iter().map(|(key, value)| (key.clone(), canonical(value)));
            Value::Object(entries.collect())
        }
        Value::Array(list) => list.iter().map(canonical).collect(),
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
            Some(float) if float.fract() == 0.0 && float.abs() < WHOLE => (float as i64).into(),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

/// What a push leaves beside a version, so that a pull gives the file back byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PushRecord {
    /// The prompt's name in the library.
    pub(super) name: String,
    /// The hash of its content with all that it includes.
    pub(super) hash: String,
    /// The commit that it was pushed from; ends in `+changes` where the tree had changes.
    pub(super) commit: Option<String>,
    /// The digest of the [`Content`] that was sent.
    pub(super) sent: String,
    /// The file.
    pub(super) file: String,
}

impl PushRecord {
    /// The keys that it is kept under, without the registry's prefix.
    pub(super) const KEYS: [&str; 5] = ["name", "hash", "commit", "sent", "file"];

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let commit = self.commit.as_deref();
        let values = [
            Some(self.name.as_str()),
            Some(&self.hash),
            commit,
            Some(&self.sent),
            Some(&self.file),
        ];
        Self::KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?)))
    }

    /// The record of these entries; `None` where it is not whole.
    pub(super) fn read(get: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let [name, hash, commit, sent, file] = Self::KEYS.map(get);
        Some(Self { name: name?, hash: hash?, commit, sent: sent?, file: file? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_databases_change_is_the_same_content() {
        let content = |config: &str| Content {
            body: Body::Text("Hi {{ name }}".to_owned()),
            config: serde_json::from_str(config).expect("JSON"),
        };
        let check = |one: &str, other: &str, is_same: bool| {
            assert_eq!(content(one).digest() == content(other).digest(), is_same, "{one} {other}");
        };
        check(r#"{"a": 0.0, "b": [1]}"#, r#"{"b": [1.0], "a": 0}"#, true);
        check(r#"{"a": 0.5}"#, r#"{"a": 5e-1}"#, true);
        check(r#"{"a": 0}"#, r#"{"a": "0"}"#, false);
        check(r#"{"a": [1, 2]}"#, r#"{"a": [2, 1]}"#, false);
    }
}
