//! Characters with a numeric value, and inspect-ai's reading of numbers in any script.
//!
//! Written after `unicode_number_to_float` of inspect-ai 0.3.285: vulgar fractions, superscript
//! exponents, Chinese numerals, digits of any script, separators of several locales.

use std::sync::LazyLock;

use super::text::{is_space, strip};

/// A run of characters whose values rise evenly.
struct Run {
    first: u32,
    len: u32,
    class: Class,
    value: f64,
    step: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Makes numbers by its place: 0 to 9.
    Decimal,
    /// Stands for a digit: a superscript, say.
    Digit,
    /// Has a value: a fraction, a Roman numeral.
    Number,
}

fn runs() -> &'static [Run] {
    static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| {
        let lines = include_str!("numeric.txt").lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(read_run).collect()
    });
    &RUNS
}

fn read_run(line: &str) -> Option<Run> {
    let mut words = line.split(' ');
    Some(Run {
        first: u32::from_str_radix(words.next()?, 16).ok()?,
        len: words.next()?.parse().ok()?,
        class: match words.next()? {
            "decimal" => Class::Decimal,
            "digit" => Class::Digit,
            _ => Class::Number,
        },
        value: read_fraction(words.next()?)?,
        step: words.next().map_or(Some(0.0), read_fraction)?,
    })
}

fn read_fraction(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?)
}

fn run_of(c: char) -> Option<(&'static Run, f64)> {
    let code = u32::from(c);
    let at = runs().partition_point(|run| run.first <= code).checked_sub(1)?;
    let run = &runs()[at];
    let offset = code - run.first;
    (offset < run.len).then(|| (run, run.value + run.step * f64::from(offset)))
}

/// `unicodedata.numeric`.
fn numeric(c: char) -> Option<f64> {
    run_of(c).map(|(_, value)| value)
}

/// `str.isnumeric` of one character.
pub(crate) fn is_numeric(c: char) -> bool {
    run_of(c).is_some()
}

/// The ASCII digit for a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    as_digit(c, Class::Decimal)
}

/// The ASCII digit for `unicodedata.digit`: decimals, superscripts, circled digits.
fn digit(c: char) -> Option<char> {
    as_digit(c, Class::Digit)
}

fn as_digit(c: char, class: Class) -> Option<char> {
    let (run, value) = run_of(c)?;
    let digit = ('0'..='9').find(|digit| digit.to_digit(10).map(f64::from) == Some(value));
    digit.filter(|_| run.class <= class)
}

/// A finite `unicode_number_to_float(text)`.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (negative, text) = take_signs(strip(text));
    let signed = |value: f64| if negative { -value } else { value };
    if let Some(value) = only_char(text).and_then(numeric) {
        return Some(signed(value));
    }
    let (base, exponent) = split_exponent(text)?;
    let base = signed(with_fraction(base)?);
    let value = match exponent {
        None => base,
        Some(exponent) if base == 0.0 && exponent < 0.0 => return None,
        Some(exponent) => base.powf(exponent),
    };
    Some(value).filter(|value| value.is_finite())
}

fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn take_signs(text: &str) -> (bool, &str) {
    let (mut text, mut negative) = (text.trim_start_matches(is_space), false);
    while let Some(c) = text.chars().next() {
        match c {
            _ if is_minus(c) || matches!(c, '负' | '負') => negative = !negative,
            _ if is_plus(c) || c == '正' => {}
            _ => break,
        }
        text = text[c.len_utf8()..].trim_start_matches(is_space);
    }
    (negative, text)
}

fn is_minus(c: char) -> bool {
    matches!(c, '-' | '−' | '﹣' | '－')
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '＋' | '﹢')
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ',' | '，'
            | '﹐'
            | '、'
            | '٬'
            | ' '
            | '\u{A0}'
            | '\u{202F}'
            | '\u{2009}'
            | '\u{2007}'
            | '\u{2008}'
            | '\''
            | '’'
            | 'ʼ'
            | '＇'
    )
}

fn superscript(c: char) -> Option<char> {
    let digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().zip('0'..='9').find(|(form, _)| *form == c);
    digit.map(|(_, digit)| digit)
}

/// Takes superscript digits off the end, with a sign before them. The exponent as a float, since
/// that is what Python's `**` makes of it; `None` for one that Python cannot raise to.
fn split_exponent(text: &str) -> Option<(&str, Option<f64>)> {
    let shown = text.trim_end_matches(|c| is_space(c) || is_separator(c));
    let head = shown.trim_end_matches(|c| superscript(c).is_some());
    let base = head.strip_suffix(['⁻', '⁺']).unwrap_or(head);
    let base = base.trim_end_matches(is_space);
    if head.len() == shown.len() || base.is_empty() {
        return Some((strip(text), None));
    }
    let digits: String = shown[head.len()..].chars().filter_map(superscript).collect();
    let size: f64 = digits.parse().ok()?;
    let exponent = if head.ends_with('⁻') { -size } else { size };
    exponent.is_finite().then_some((base, Some(exponent)))
}

/// A number that may end in one vulgar fraction: `2½`.
fn with_fraction(text: &str) -> Option<f64> {
    let is_fraction = |c: char| numeric(c).is_some_and(|value| 0.0 < value && value < 1.0);
    let mut fractions = text.char_indices().filter(|(_, c)| is_fraction(*c));
    let Some((at, fraction)) = fractions.next() else { return core(text) };
    let tail = &text[at + fraction.len_utf8()..];
    if fractions.next().is_some() || !tail.chars().all(|c| is_space(c) || is_separator(c)) {
        return None;
    }
    let head = strip(&text[..at]);
    let whole = if head.is_empty() { 0.0 } else { core(head)? };
    Some(whole + numeric(fraction)?)
}

fn core(text: &str) -> Option<f64> {
    let text = strip(text);
    let chinese = text.chars().any(|c| {
        chinese_digit(c).is_some()
            || chinese_tens(c).is_some()
            || small_unit(c).is_some()
            || large_unit(c).is_some()
            || matches!(c, '点' | '點' | '负' | '負')
    });
    let read = if chinese { from_chinese(text) } else { None };
    read.or_else(|| from_digits(text)).or_else(|| only_char(text).and_then(numeric))
}

/// Digits of any script, with the separators of several locales.
fn from_digits(text: &str) -> Option<f64> {
    let point = decimal_point(text);
    let mut out = String::new();
    let (mut has_point, mut has_exponent) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(c, 'e' | 'E') && !has_exponent {
            if out.is_empty() {
                return None;
            }
            out.push(c);
            has_exponent = true;
            if let Some(sign) = chars.next_if(|c| is_plus(*c) || is_minus(*c)) {
                out.push(if is_plus(sign) { '+' } else { '-' });
            }
        } else if matches!(c, '٫' | '．') || point == Some(c) {
            if has_point {
                return None;
            }
            out.push('.');
            has_point = true;
        } else if is_separator(c) || is_space(c) || point.is_some() && c == '.' {
            // It separates groups.
        } else {
            out.push(any_digit(c)?);
        }
    }
    out.parse().ok()
}

/// The later one of point and comma where both stand; a comma alone where one to three digits
/// follow it.
fn decimal_point(text: &str) -> Option<char> {
    match (text.rfind('.'), text.rfind(',')) {
        (Some(point), Some(comma)) if comma > point => Some(','),
        (Some(_), _) => Some('.'),
        (None, Some(comma)) => {
            let digits = text[comma + 1..].chars().filter(|c| any_digit(*c).is_some()).count();
            (1..=3).contains(&digits).then_some(',')
        }
        (None, None) => None,
    }
}

/// A digit of any script or kind, Chinese ones among them.
fn any_digit(c: char) -> Option<char> {
    digit(c).or_else(|| chinese_digit(c).and_then(|digit| char::from_digit(digit, 10)))
}

fn chinese_digit(c: char) -> Option<u32> {
    Some(match c {
        '零' | '〇' | '○' => 0,
        '一' | '壹' | '幺' => 1,
        '二' | '贰' | '貳' | '两' | '兩' => 2,
        '三' | '叁' | '參' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

fn chinese_tens(c: char) -> Option<i128> {
    "廿卅卌".chars().zip([20, 30, 40]).find(|(form, _)| *form == c).map(|(_, value)| value)
}

fn small_unit(c: char) -> Option<i128> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        _ => return None,
    })
}

fn large_unit(c: char) -> Option<i128> {
    Some(match c {
        '万' | '萬' => 10_000,
        '亿' | '億' => 100_000_000,
        '兆' => 1_000_000_000_000,
        _ => return None,
    })
}

fn from_chinese(text: &str) -> Option<f64> {
    let point = ['点', '點', '．', '.'].into_iter().find(|point| text.contains(*point));
    let (whole, fraction) = point.and_then(|point| text.split_once(point)).unwrap_or((text, ""));
    let has_units =
        |c: char| small_unit(c).is_some() || large_unit(c).is_some() || chinese_tens(c).is_some();
    let whole = if whole.contains(has_units) { with_units(whole)? } else { without_units(whole)? };
    let (mut sum, mut place) = (0.0, 0.1);
    for c in fraction.chars().filter(|c| !is_space(*c)) {
        sum += f64::from(any_digit(c)?.to_digit(10)?) * place;
        place /= 10.0;
    }
    Some(whole + sum)
}

/// Python turns at most 4300 digits into an integer.
const MAX_DIGITS: usize = 4300;

fn without_units(text: &str) -> Option<f64> {
    let digits: Option<String> = text.chars().filter(|c| !is_space(*c)).map(any_digit).collect();
    let digits = digits.filter(|digits| digits.len() <= MAX_DIGITS)?;
    if digits.is_empty() { Some(0.0) } else { digits.parse().ok() }
}

fn with_units(text: &str) -> Option<f64> {
    let (mut total, mut section, mut number) = (0_i128, 0_i128, 0_i128);
    for c in text.chars().filter(|c| !is_space(*c)) {
        if let Some(tens) = chinese_tens(c) {
            section += tens;
        } else if matches!(c, '零' | '〇' | '○') {
        } else if let Some(digit) = any_digit_value(c) {
            number = digit;
        } else if let Some(unit) = small_unit(c) {
            section += number.max(1) * unit;
            number = 0;
        } else {
            total += (section + number) * large_unit(c)?;
            (section, number) = (0, 0);
        }
    }
    Some((total + section + number) as f64)
}

fn any_digit_value(c: char) -> Option<i128> {
    any_digit(c).and_then(|digit| digit.to_digit(10)).map(i128::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_scripts() {
        for (text, expected) in [
            ("½", Some(0.5)),
            ("−2½", Some(-2.5)),
            ("3²", Some(9.0)),
            ("1.5⁻¹", Some(1.0 / 1.5)),
            ("-2²", Some(4.0)),
            ("0⁻¹", None),
            ("十二", Some(12.0)),
            ("二〇二五", Some(2025.0)),
            ("三万五千", Some(35_000.0)),
            ("三点五", Some(3.5)),
            ("负五", Some(-5.0)),
            ("１２", Some(12.0)),
            ("٣٫٥", Some(3.5)),
            ("1.234,5", Some(1234.5)),
            ("1,234", Some(1.234)),
            ("Ⅻ", Some(12.0)),
            ("²", Some(2.0)),
            ("--5", Some(5.0)),
            ("1e−3", Some(1e-3)),
            ("5 km", None),
            ("½½", None),
            ("", None),
            ("-", None),
            ("9⁹⁹⁹⁹⁹", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_table_is_read_whole() {
        assert_eq!(runs().iter().map(|run| run.len).sum::<u32>(), 1872);
        assert!(runs().is_sorted_by_key(|run| run.first));
    }
}
