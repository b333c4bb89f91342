//! About how many tokens a text is, where no model has counted them.

/// How many characters a token has on average, in English.
pub(crate) const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// About how many tokens a text is.
pub(crate) fn estimated_tokens(text: &str) -> u64 {
    (text.chars().count() as f64 / CHARACTERS_PER_TOKEN).ceil() as u64
}
