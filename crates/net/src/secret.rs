//! A key: sent to whom it belongs to, and to nobody else.

use std::{borrow::Cow, fmt};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// What stands where a key stood.
const REDACTED: &str = "[redacted]";
/// Shorter keys are the placeholders of local servers (`none`, `EMPTY`); hiding them would garble
/// answers and protect nothing.
const SHORTEST_SECRET: usize = 8;

/// A key that no message, log or file ever shows.
#[derive(Clone)]
pub struct Secret {
    text: String,
    /// Finds the key as it is, and in the forms that it may have in what a server sends back.
    finder: Option<AhoCorasick>,
}

impl Secret {
    /// A key, without the white space around it.
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        let is_secret = text.len() >= SHORTEST_SECRET;
        let finder = is_secret.then(|| {
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostLongest).build(forms(&text)).ok()
        });
        Self { text, finder: finder.flatten() }
    }

    /// The key itself, for those who sign with it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// `text` without the key. Keys under eight characters are placeholders and stay.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.finder {
            Some(finder) if finder.is_match(text) => {
                let mut hidden = String::with_capacity(text.len());
                finder.replace_all_with(text, &mut hidden, |_, _, hidden| {
                    hidden.push_str(REDACTED);
                    true
                });
                Cow::Owned(hidden)
            }
            _ => Cow::Borrowed(text),
        }
    }
}

/// A key as it is, escaped in JSON (once or twice), in an address, and in base64 wherever in a longer
/// text it begins.
fn forms(key: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let (once, twice) = (escaped(key), escaped(&escaped(key)));
    let mut forms = vec![once.replace('/', "\\/"), once, twice, percent(key), key.to_owned()];
    for skipped in 0..3 {
        let bytes = [&[0; 2][..skipped], key.as_bytes()].concat();
        // What comes before and after decides the first and the last characters.
        let (first, last) = ((skipped * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&bytes)[first..last].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// As it stands in an address.
fn percent(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
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
        check("a+b/c=d\"e", "?key=a%2Bb%2Fc%3Dd%22e&x", "?key=[redacted]&x");
        check("sk/\"345678", r#""{\"k\":\"sk/\\\"345678\"}""#, r#""{\"k\":\"[redacted]\"}""#);
    }

    #[test]
    fn hides_the_key_in_base64() {
        for before in ["", "a", "ab", "abc", "user:"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}sk-12345678:x"));
            let hidden = Secret::new("sk-12345678").redact(&text).into_owned();
            assert!(hidden.contains(REDACTED), "{before}: {hidden}");
        }
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
