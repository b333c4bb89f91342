//! How much of a text stands in another: n-grams and edits of words, as the tools of translation,
//! summarising and speech recognition count them. Pure functions; the kinds stand in `kinds/`.

pub(crate) mod bleu;
pub(crate) mod chrf;
pub(crate) mod ngrams;
pub(crate) mod porter;
pub(crate) mod rouge;
mod shifts;
pub(crate) mod ter;
pub(crate) mod tokens13a;
pub(crate) mod union;
pub(crate) mod wer;

/// An answer too long for a bounded amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;
