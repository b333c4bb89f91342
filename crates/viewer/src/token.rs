//! The secret in the viewer's address: whoever has it may look.

use std::fmt::Write;

use rand::Rng;

/// 128 random bits.
#[derive(Clone)]
pub(crate) struct Token {
    text: String,
    hash: blake3::Hash,
}

impl Token {
    /// A new one.
    pub(crate) fn random() -> Self {
        let mut bytes = [0_u8; 16];
        rand::rng().fill_bytes(&mut bytes);
        let mut text = String::with_capacity(32);
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self::of(&text)
    }

    /// One that the user chose.
    pub(crate) fn of(text: &str) -> Self {
        Self { hash: blake3::hash(text.as_bytes()), text: text.to_owned() }
    }

    /// As it stands in an address.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this is it. It takes as long, however much of it is right.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.hash == blake3::hash(given.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_are_long_and_differ() {
        let [one, other] = [Token::random(), Token::random()];
        assert_eq!(one.text().len(), 32);
        assert!(one.is(one.text()) && !one.is(other.text()) && !one.is("") && !one.is("0"));
    }
}
