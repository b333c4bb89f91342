//! inspect-ai's `match` and `includes`.

use super::{
    super::{
        Compare,
        options::{Location, Options},
    },
    words::{prepared, strip_punctuation},
};
use crate::python::{casefold, general, is_space, parse_float, parse_numeral};

/// `match`: the target stands at one place of the answer, as text or as a number.
#[derive(Debug)]
pub(super) struct Match {
    location: Location,
    ignore_case: bool,
    numeric: bool,
}

impl Match {
    pub(super) fn new(options: &mut Options) -> Self {
        Self {
            location: options.location.take().unwrap_or_default(),
            ignore_case: options.ignore_case.take().unwrap_or(true),
            numeric: options.numeric.take().unwrap_or_default(),
        }
    }

    /// Numbers are compared at five significant digits, so that 100001 is 100002 and -0 is not 0.
    fn holds_number(&self, answer: &str, target: &str) -> bool {
        let answer = without_money(answer);
        let mut numbers = answer.split(is_space).filter_map(shown);
        match self.location {
            Location::Begin => numbers.next().as_deref() == Some(target),
            Location::End => numbers.next_back().as_deref() == Some(target),
            Location::Any => numbers.any(|number| number == target),
            Location::Exact => parse(&answer).map_or(answer, |n| general(n, 5)) == target,
        }
    }
}

impl Compare for Match {
    fn value(&self, answer: &str, target: &str) -> f64 {
        let answer = prepared(answer, self.ignore_case);
        let mut target = prepared(target, self.ignore_case);
        if self.numeric {
            target = without_money(&target);
            if let Some(number) = shown(&target) {
                return f64::from(self.holds_number(&answer, &number));
            }
        }
        let (answer, target) = (strip_punctuation(&answer), strip_punctuation(&target));
        f64::from(match self.location {
            Location::Begin => answer.starts_with(target),
            Location::End => answer.ends_with(target),
            Location::Any => answer.contains(target),
            Location::Exact => answer == target,
        })
    }
}

/// `includes`: an empty target is in everything.
#[derive(Debug)]
pub(super) struct Includes {
    ignore_case: bool,
}

impl Includes {
    pub(super) fn new(options: &mut Options) -> Self {
        Self { ignore_case: options.ignore_case.take().unwrap_or(true) }
    }
}

impl Compare for Includes {
    fn value(&self, answer: &str, target: &str) -> f64 {
        f64::from(if self.ignore_case {
            casefold(answer).contains(&casefold(target))
        } else {
            answer.contains(target)
        })
    }
}

/// Drops currency signs, commas, asterisks and underscores, a backslash before one of them, and
/// every point without a digit after it.
fn without_money(text: &str) -> String {
    let dropped = |c: &char| matches!(c, '$' | ',' | '£' | '€' | '*' | '_');
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(dropped);
        if !escapes && !dropped(&c) {
            plain.push(c);
        }
    }
    let mut out = String::with_capacity(plain.len());
    let mut chars = plain.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '.' || chars.peek().copied().is_some_and(is_decimal) {
            out.push(c);
        }
    }
    out
}

/// `\d`: a decimal digit of any script.
fn is_decimal(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && parse_float(c.encode_utf8(&mut [0; 4])).is_some()
}

/// A word that is a number, apart from brackets and sentence marks around it, at five digits.
fn shown(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| "!?:;()[]{}'\"`".contains(c));
    parse(word).map(|number| general(number, 5))
}

fn parse(text: &str) -> Option<f64> {
    parse_float(text).or_else(|| parse_numeral(text))
}
