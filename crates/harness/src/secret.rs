//! A provider's key: sent to the provider, and to nobody else.

use std::{borrow::Cow, fmt};

/// What stands where a key stood.
const REDACTED: &str = "[redacted]";
/// Shorter keys are the placeholders of local servers (`none`, `EMPTY`); hiding them would garble
/// answers and protect nothing.
const SHORTEST_SECRET: usize = 8;

/// A key that no message, log or file ever shows.
#[derive(Clone)]
pub struct Secret {
    text: String,
    /// How the key may appear in what a server sends back: as it is, or escaped in JSON.
    forms: Vec<String>,
}

impl Secret {
    /// A key, without the white space around it.
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        let mut forms = Vec::new();
        if text.len() >= SHORTEST_SECRET {
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            let escaped = quoted[1..quoted.len() - 1].to_owned();
            forms = vec![escaped.replace('/', "\\/"), escaped, text.clone()];
            forms.dedup();
        }
        Self { text, forms }
    }

    /// The key itself.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    /// `text` without the key. Keys under eight characters are placeholders and stay.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), REDACTED));
            }
        }
        text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, text: &str, expected: &str) {
        assert_eq!(Secret::new(key).redact(text), expected);
    }

    #[test]
    fn hides_the_key_in_every_form() {
        check("sk-12345678", "key sk-12345678 and sk-12345678", "key [redacted] and [redacted]");
        check(
            "sk/\"345678",
            r#"raw sk/"345678, json sk/\"345678 sk\/\"345678"#,
            "raw [redacted], json [redacted] [redacted]",
        );
        check(" sk-12345678\n", "sk-12345678", "[redacted]");
    }

    #[test]
    fn leaves_placeholders_alone() {
        check("none", "none of these", "none of these");
        check("", "text", "text");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("sk-12345678")), "Secret([redacted])");
    }
}
