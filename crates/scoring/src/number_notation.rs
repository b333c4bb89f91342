//! Ways to write a number that mean something else where nobody asked for them: `1/2` may be a
//! fraction or two numbers. On request they are rewritten into plain decimals before numbers are
//! read.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number_in_text::Decimal;

/// A way to write numbers that is read on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notation {
    /// `1/2`, `2 1/2`, `½`, `2½` and `\frac{1}{2}` are one number each. A date such as `1/2/2024` is
    /// none.
    Fractions,
    /// `3 × 10^8`, `3*10^-2`, `10⁻³` and `3 \times 10^{8}` are one number each.
    PowersOfTen,
    /// `5%` is 0.05 and `5‰` is 0.005; otherwise both are 5.
    Percentages,
    /// The comma is the decimal sign, and points separate thousands, in answer and target alike:
    /// `1.234,5` is 1234.5.
    DecimalComma,
    /// A target may have a unit, which is left out: `5 km/h` is 5. The number in an answer may
    /// always have one.
    Units,
}

/// The notations that a suite asks for.
#[derive(Debug, Default)]
pub(crate) struct Notations(Vec<Notation>);

impl Notations {
    pub(crate) fn new(notations: Vec<Notation>) -> Self {
        Self(notations)
    }

    pub(crate) fn has(&self, notation: Notation) -> bool {
        self.0.contains(&notation)
    }

    /// The text with its numbers as plain decimals.
    pub(crate) fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        if self.has(Notation::DecimalComma) {
            text = swapped(&text).into();
        }
        if self.has(Notation::Fractions) {
            text = without_fractions(text);
        }
        if self.has(Notation::PowersOfTen) {
            text = without_powers(text);
        }
        text
    }

    /// A number as what follows it has it.
    pub(crate) fn scaled(&self, number: Decimal, after: &str) -> Decimal {
        if !self.has(Notation::Percentages) {
            return number;
        }
        match after.trim_start_matches([' ', '\u{A0}', '\u{202F}', '\\']).chars().next() {
            Some('%' | '٪' | '％') => number.shifted(-2),
            Some('‰') => number.shifted(-3),
            _ => number,
        }
    }
}

fn swapped(text: &str) -> String {
    let swap = |c| match c {
        ',' => '.',
        '.' => ',',
        other => other,
    };
    text.chars().map(swap).collect()
}

/// Rewrites the matches for which `rewrite` has something better, given what stands before and after.
fn replaced<'t>(
    text: Cow<'t, str>,
    pattern: &Regex,
    rewrite: impl Fn(&Captures<'_>, &str, &str) -> Option<String>,
) -> Cow<'t, str> {
    let new = pattern.replace_all(&text, |found: &Captures<'_>| {
        let whole = found.get_match();
        rewrite(found, &text[..whole.start()], &text[whole.end()..])
            .unwrap_or_else(|| whole.as_str().to_owned())
    });
    match new {
        Cow::Owned(new) => Cow::Owned(new),
        Cow::Borrowed(_) => text,
    }
}

/// Two integers, a LaTeX fraction or a character, at most after a whole number.
fn without_fractions(text: Cow<'_, str>) -> Cow<'_, str> {
    static FRACTION: LazyLock<Regex> = LazyLock::new(|| {
        let blank = r"[ \u{A0}\u{202F}]";
        let latex = r"\\[dt]?frac\s*\{\s*(?<c>\d{1,15})\s*\}\s*\{\s*(?<d>\d{1,15})\s*\}";
        let vulgar = r"(?<vulgar>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒])";
        let slash =
            format!(r"(?:(?<w>\d{{1,15}}){blank}+)?(?<a>\d{{1,15}}) ?[/⁄] ?(?<b>\d{{1,15}})");
        let pattern = format!(r"(?:(?<v>\d{{1,15}}){blank}*)?(?:{latex}|{vulgar})|{slash}");
        Regex::new(&pattern).expect("a valid pattern")
    });
    replaced(text, &FRACTION, |found, before, after| {
        let number = |name| found.name(name)?.as_str().parse::<f64>().ok();
        let is_part = before.ends_with(|c: char| c.is_ascii_digit() || "./⁄,".contains(c))
            || after.starts_with(|c: char| c.is_ascii_digit() || "/⁄".contains(c))
            || after.strip_prefix('.').is_some_and(|after| after.starts_with(is_digit));
        let fraction = match found.name("vulgar") {
            Some(sign) => vulgar(sign.as_str())?,
            None => number("a").or(number("c"))? / number("b").or(number("d"))?,
        };
        let value = number("v").or(number("w")).unwrap_or(0.0) + fraction;
        (!is_part && value.is_finite()).then(|| value.to_string())
    })
}

fn vulgar(sign: &str) -> Option<f64> {
    let (above, below) = match sign {
        "½" => (1, 2),
        "⅓" => (1, 3),
        "⅔" => (2, 3),
        "¼" => (1, 4),
        "¾" => (3, 4),
        "⅕" => (1, 5),
        "⅖" => (2, 5),
        "⅗" => (3, 5),
        "⅘" => (4, 5),
        "⅙" => (1, 6),
        "⅚" => (5, 6),
        "⅐" => (1, 7),
        "⅛" => (1, 8),
        "⅜" => (3, 8),
        "⅝" => (5, 8),
        "⅞" => (7, 8),
        "⅑" => (1, 9),
        "⅒" => (1, 10),
        _ => return None,
    };
    Some(f64::from(above) / f64::from(below))
}

/// A power of ten, at most after a number that it multiplies.
fn without_powers(text: Cow<'_, str>) -> Cow<'_, str> {
    static POWER: LazyLock<Regex> = LazyLock::new(|| {
        let times = r"(?:(?<digit>\d)\s*(?:[×xX*·⋅]|\\times|\\cdot)\s*)?";
        let plain = r"\^\s*[{(]?\s*(?<plain>[-−+]?\d{1,6})\s*[})]?";
        let raised = r"(?<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,6})";
        Regex::new(&format!(r"{times}10(?:{plain}|{raised})")).expect("a valid pattern")
    });
    replaced(text, &POWER, |found, before, after| {
        let exponent = match (found.name("plain"), found.name("raised")) {
            (Some(plain), _) => plain.as_str().replace('−', "-"),
            (None, raised) => raised?.as_str().chars().map(lowered).collect(),
        };
        let digit = found.name("digit").map(|digit| digit.as_str());
        let is_part = match digit {
            Some(_) => ends_in_exponent(before),
            None => before.ends_with(|c: char| is_digit(c) || ".,".contains(c)),
        };
        let goes_on = after.starts_with(is_digit);
        (!is_part && !goes_on).then(|| format!("{}e{exponent}", digit.unwrap_or("1")))
    })
}

/// Whether a number that has a power of ten already ends here.
fn ends_in_exponent(text: &str) -> bool {
    let head = text.trim_end_matches(is_digit).trim_end_matches(['-', '+']);
    head.strip_suffix(['e', 'E']).is_some_and(|number| number.ends_with(is_digit))
}

fn lowered(c: char) -> char {
    match c {
        '⁻' => '-',
        '⁺' => '+',
        other => {
            let digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().zip('0'..='9').find(|(raised, _)| *raised == other);
            digit.map_or(other, |(_, digit)| digit)
        }
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
