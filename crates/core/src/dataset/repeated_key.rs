//! A key that stands in an object twice: readers of JSON take one of the values, and drop the other.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

/// The first key that the object in `text` has again, where it has more entries than `n_keys`.
pub(super) fn find(text: &str, n_keys: usize) -> Option<String> {
    let entries = || serde_json::Deserializer::from_str(text);
    if entries().deserialize_map(Count).ok()? == n_keys {
        return None;
    }
    entries().deserialize_map(Again).ok()?
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

struct Again;

impl<'de> Visitor<'de> for Again {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        let (mut seen, mut again) = (HashSet::new(), None);
        while let Some((key, _)) = map.next_entry::<Cow<'_, str>, IgnoredAny>()? {
            if again.is_none() && seen.contains(&key) {
                again = Some(key.to_string());
            }
            seen.insert(key);
        }
        Ok(again)
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_key_that_stands_twice() {
        for (text, n_keys, expected) in [
            (r#"{"a": 1, "b": {"a": 2}}"#, 2, None),
            (r#"{"a": 1, "b": 2, "a": 3}"#, 2, Some("a")),
            (r#"{"a": [1, {"b": 1}], "\u0061": 3}"#, 1, Some("a")),
            (r#"{"a": 1, "b": 2, "b": 2, "a": 3}"#, 2, Some("b")),
            ("{}", 0, None),
        ] {
            assert_eq!(find(text, n_keys).as_deref(), expected, "{text}");
        }
    }
}
