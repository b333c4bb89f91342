//! A fence around texts that must not be taken for instructions, with a token they cannot contain.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// A fence for some texts. The same texts always get the same fence.
#[derive(Debug)]
pub(crate) struct Fence {
    token: String,
}

impl Fence {
    /// A fence that stands in none of `texts`: its token is a hash of all of them, so that whoever
    /// writes one of them cannot know it; should it occur all the same, the next one is taken.
    pub(crate) fn around(texts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark judge fence v1");
        for text in texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        loop {
            let token = hasher.finalize().to_hex()[..16].to_owned();
            if !texts.iter().any(|text| text.contains(&token)) {
                return Self { token };
            }
            hasher.update(token.as_bytes());
        }
    }

    /// `text` between its lines, without look-alikes of them.
    pub(crate) fn wrap(&self, name: &str, text: &str) -> String {
        format!("{}\n{}\n{}", self.open(name), neutral(text), self.close(name))
    }

    pub(crate) fn open(&self, name: &str) -> String {
        format!("<<<evalmark-fence {} BEGIN {name}>>>", self.token)
    }

    pub(crate) fn close(&self, name: &str) -> String {
        format!("<<<evalmark-fence {} END {name}>>>", self.token)
    }
}

/// Takes the hyphen out of every `evalmark-fence`, in any case and however spaced.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    static LOOK_ALIKE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(evalmark)[\s\p{P}\p{Cf}]*(fence)").expect("a valid pattern")
    });
    LOOK_ALIKE.replace_all(text, "$1 ($2)")
}
