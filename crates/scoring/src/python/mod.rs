//! Python's way with text, for the metrics that agree with other tools: those are written in Python,
//! and their numbers depend on what it calls a space, a word, a number and a regular expression.
//!
//! Checked against Python 3.11, whose tables are those of Unicode 14. Characters that Unicode has
//! added since count here as what they are now, where Python 3.11 did not know them.

mod float;
mod numeral;
mod regex;
mod text;

pub(crate) use float::{general, parse as parse_float, repr};
pub(crate) use numeral::{decimal, is_numeric, parse as parse_numeral};
pub(crate) use regex::{PythonRegex, TooLong};
pub(crate) use text::{
    LETTER, SPACE, blank_articles, casefold, is_space, is_word, lower, split, squeeze, strip,
    strip_end,
};
