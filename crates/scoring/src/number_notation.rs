//! Ways to write a number, rewritten into plain decimals before numbers are read.
//!
//! Always: LaTeX, digits of any script, `½`, and `3 × 10^8`. On request what means something else where
//! nobody asked for it: `1/2` may be a fraction or a score. Numerals that are words (`forty`, `四十`,
//! `XL`) are not read.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{latex::without_latex, number_in_text::Decimal, python::decimal};

/// A way to write numbers that is read on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notation {
    /// `1/2`, `2 1/2` and `1.5/2` are one number each, as `½`, `2½` and `\frac{1}{2}` always are. A
    /// date such as `1/2/2024` is none.
    Fractions,
    /// `10^3` and `10⁻³` are one number each, as `3 × 10^8`, `3*10^-2` and `3 \times 10^{8}` always
    /// are.
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
        text = with_ascii_digits(without_latex(text));
        if !text.is_ascii() && text.contains(|c| vulgar(c).is_some()) {
            text = without_vulgar(text);
        }
        if self.has(Notation::Fractions) && text.contains(['/', '⁄', '∕']) {
            text = without_slashes(text);
        }
        if text.contains("10^") || !text.is_ascii() && text.contains("10") {
            text = without_powers(text, self.has(Notation::PowersOfTen));
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

/// Digits of any script as ASCII ones, with the marks that stand between such digits.
fn with_ascii_digits(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(|c| other_digit(c).is_some()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let between = out.ends_with(is_digit)
            && chars.peek().is_some_and(|c| is_digit(*c) || other_digit(*c).is_some());
        out.push(match c {
            '٫' | '．' if between => '.',
            '٬' | '，' if between => ',',
            _ => other_digit(c).unwrap_or(c),
        });
    }
    out.into()
}

/// The ASCII digit for one of another script.
fn other_digit(c: char) -> Option<char> {
    let has_none = c < '\u{660}' || ('\u{3000}'..='\u{A61F}').contains(&c);
    if has_none { None } else { decimal(c) }
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

/// A character for a fraction, at most after a whole number.
fn without_vulgar(text: Cow<'_, str>) -> Cow<'_, str> {
    static VULGAR: LazyLock<Regex> = LazyLock::new(|| {
        let signs = "[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒]";
        let pattern = format!(r"(?:(?<whole>\d{{1,15}})[ \u{{A0}}\u{{202F}}]*)?(?<sign>{signs})");
        Regex::new(&pattern).expect("a valid pattern")
    });
    replaced(text, &VULGAR, |found, before, after| {
        let whole = found.name("whole").map_or(Some(0.0), |whole| whole.as_str().parse().ok())?;
        let value = whole + vulgar(found["sign"].chars().next()?)?;
        (!is_part(before, after)).then(|| value.to_string())
    })
}

/// Two numbers with a slash between them, at most after a whole number.
fn without_slashes(text: Cow<'_, str>) -> Cow<'_, str> {
    static SLASH: LazyLock<Regex> = LazyLock::new(|| {
        let number = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,15}(?:\.\d{1,15})?";
        let whole = r"(?:(?<whole>\d{1,15})[ \u{A0}\u{202F}]+)?";
        let pattern = format!("{whole}(?<above>{number}) ?[/⁄∕] ?(?<below>{number})");
        Regex::new(&pattern).expect("a valid pattern")
    });
    replaced(text, &SLASH, |found, before, after| {
        let number = |name| found.name(name)?.as_str().replace(',', "").parse::<f64>().ok();
        let (above, below) = (number("above")?, number("below")?);
        let whole = number("whole").unwrap_or(0.0);
        let is_mixed = whole == 0.0 || above.fract() == 0.0 && below.fract() == 0.0;
        let value = whole + above / below;
        (is_mixed && value.is_finite() && !is_part(before, after)).then(|| value.to_string())
    })
}

/// Whether what stands between these is part of something longer: of a date, a version.
fn is_part(before: &str, after: &str) -> bool {
    before.ends_with(|c: char| is_digit(c) || "./⁄∕,".contains(c))
        || after.starts_with(|c: char| is_digit(c) || "/⁄∕".contains(c))
        || after.strip_prefix('.').is_some_and(|after| after.starts_with(is_digit))
}

fn vulgar(sign: char) -> Option<f64> {
    let (above, below) = match sign {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    };
    Some(f64::from(above) / f64::from(below))
}

/// A power of ten after a number that it multiplies, and on request one that stands alone.
fn without_powers(text: Cow<'_, str>, alone: bool) -> Cow<'_, str> {
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
            None => !alone || before.ends_with(|c: char| is_digit(c) || ".,^{".contains(c)),
        };
        let goes_on = after.strip_prefix('.').unwrap_or(after).starts_with(is_digit);
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
