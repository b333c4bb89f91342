//! About how many tokens a text is, where no model has counted them.

/// How many characters a token has on average, in English.
pub(crate) const CHARACTERS_PER_TOKEN: u32 = 4;

/// About how many tokens a text is.
pub(crate) fn estimated_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARACTERS_PER_TOKEN.into())
}
