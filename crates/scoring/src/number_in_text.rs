//! Numbers as people write them: signs, thousands separators, decimals, powers of ten, currencies.
//!
//! The point is the decimal sign; commas, apostrophes, underscores, and narrow or no-break blanks
//! separate groups of three digits: `1,234` is 1234, and `1,23` is 1 and 23. A hyphen is a minus where no letter, digit or closing bracket stands before it: `3-5`
//! is 3 and 5. Digits that hang on a word (`H2O`, `m2`, `GPT-4`, `item_5`) are no numbers; a unit
//! after them does no harm (`5km`). A percent sign is not part of the number: `5%` is 5.
//!
//! What is not understood: fractions (`1/2`), powers written out (`10^3`), a comma for the decimal
//! sign, which `number_notation.rs` rewrites on request, and digits other than 0 to 9. A list
//! without blanks (`100,200`) reads as one number.

use std::{iter, ops::Range};

/// A finite decimal number: its digits without zeros at either end, times ten to the exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// From the parts of a number; `None` beyond the range of a 64-bit float.
    fn new(negative: bool, body: &Body<'_>) -> Option<Self> {
        let mut digits: String = body.integer.chars().filter(char::is_ascii_digit).collect();
        digits.push_str(body.fraction);
        let significant = digits.trim_end_matches('0');
        let shift = digits.len() - significant.len();
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = body
            .exponent
            .saturating_add_unsigned(shift as u64)
            .saturating_sub_unsigned(body.fraction.len() as u64);
        let number = Self { negative, digits, exponent };
        number.to_f64().is_finite().then_some(number)
    }

    /// The number times ten to `by`.
    pub(crate) fn shifted(self, by: i64) -> Self {
        if self.digits.is_empty() {
            return self;
        }
        Self { exponent: self.exponent.saturating_add(by), ..self }
    }

    /// The nearest 64-bit float.
    pub(crate) fn to_f64(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0{}e{}", self.digits, self.exponent).parse().unwrap_or(f64::NAN)
    }
}

/// The numbers of a text, in order, each with the text after it; `None` for one beyond the range of
/// a 64-bit float.
pub(crate) fn numbers(text: &str) -> impl Iterator<Item = (Option<Decimal>, &str)> {
    tokens(text).map(|token| (token.value, &text[token.span.end..]))
}

/// The number that a text is, apart from white space, and a percent or currency sign after it.
pub(crate) fn whole(text: &str) -> Option<Decimal> {
    whole_with_sign(text).map(|(number, _)| number)
}

/// The same, with what stands after the number.
pub(crate) fn whole_with_sign(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let token = tokens(text).next()?;
    let after = &text[token.span.end..];
    let mut rest = after.trim_start().chars();
    let unit = rest.next().is_none_or(|c| c == '%' || is_currency(c));
    let value = token.value.filter(|_| token.span.start == 0 && unit && rest.next().is_none())?;
    Some((value, after))
}

/// The number that a text begins with, and nothing but a unit after it, which holds no other number.
pub(crate) fn with_unit(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let mut tokens = tokens(text);
    let token = tokens.next().filter(|token| token.span.start == 0)?;
    let value = token.value.filter(|_| tokens.next().is_none())?;
    Some((value, &text[token.span.end..]))
}

/// Unicode's currency signs (category Sc) of the living currencies.
pub(crate) fn is_currency(c: char) -> bool {
    matches!(
        c,
        '$' | '¢' | '£' | '¤' | '¥' | '֏' | '؋' | '৲' | '৳' | '૱' | '௹' | '฿' | '៛' | '\u{20A0}'
            ..='\u{20CF}'
                | '\u{FDFC}'
                | '\u{FE69}'
                | '\u{FF04}'
                | '\u{FFE0}'
                | '\u{FFE1}'
                | '\u{FFE5}'
                | '\u{FFE6}'
    )
}

/// A number in a text.
struct Token {
    /// From the sign or currency sign to the last digit.
    span: Range<usize>,
    value: Option<Decimal>,
}

fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut from = 0;
    iter::from_fn(move || {
        loop {
            let digit = from + text.get(from..)?.find(|c: char| c.is_ascii_digit())?;
            let start = if starts_with_point(&text[from..digit], &text[..digit]) {
                digit - 1
            } else {
                digit
            };
            let body = Body::read(&text[start..]);
            let prefix = Prefix::read(&text[..start]);
            from = start + body.len;
            if !prefix.is_word {
                let value = Decimal::new(prefix.negative, &body);
                return Some(Token { span: start - prefix.len..from, value });
            }
        }
    })
}

/// Whether the point before a digit is a decimal one: `.5`, but not the last of `1.2.5` or `No.5`.
fn starts_with_point(unread: &str, head: &str) -> bool {
    unread.ends_with('.')
        && !head[..head.len() - 1].ends_with(|c: char| c == '.' || c.is_alphanumeric())
}

/// What stands before a number's digits.
struct Prefix {
    /// Bytes of sign and currency sign.
    len: usize,
    negative: bool,
    /// The digits belong to a word.
    is_word: bool,
}

impl Prefix {
    /// At most a sign, a currency sign, and a sign on one side of it, read backwards.
    fn read(head: &str) -> Self {
        let (rest, mut sign) = split_last(head, is_sign);
        let (after_currency, currency) = split_last(rest, is_currency);
        let mut rest = after_currency;
        if sign.is_none() {
            (rest, sign) = split_last(rest, is_sign);
        }
        let touches_word = rest.ends_with(is_word);
        let touches_operand =
            touches_word || rest.ends_with(|c: char| c.is_numeric() || ")]}".contains(c));
        let hyphen = sign.is_none_or(|c| matches!(c, '-' | '\u{2010}' | '\u{2011}'));
        let negative = !touches_operand && sign.is_some_and(is_minus);
        let start = if touches_operand && sign.is_some() { head.len() } else { rest.len() };
        Self {
            len: head.len() - start,
            negative,
            is_word: touches_word && currency.is_none() && hyphen,
        }
    }
}

/// Takes a last character off that is as wanted.
fn split_last(text: &str, wanted: impl Fn(char) -> bool) -> (&str, Option<char>) {
    let last = text.chars().next_back().filter(|c| wanted(*c));
    (&text[..text.len() - last.map_or(0, char::len_utf8)], last)
}

/// Letters that make words. Those without case do not: Chinese has no blanks before a number.
fn is_word(c: char) -> bool {
    c == '_' || c.is_lowercase() || c.is_uppercase()
}

fn is_sign(c: char) -> bool {
    is_minus(c) || matches!(c, '+' | '\u{FF0B}')
}

fn is_minus(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}')
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | '\'' | '’' | '_' | '\u{A0}' | '\u{2009}' | '\u{202F}')
}

/// A number from its first digit or decimal point on.
struct Body<'a> {
    integer: &'a str,
    fraction: &'a str,
    exponent: i64,
    len: usize,
}

impl<'a> Body<'a> {
    fn read(text: &'a str) -> Self {
        let integer = &text[..integer_len(text)];
        let rest = &text[integer.len()..];
        let fraction = rest.strip_prefix('.').map_or("", |rest| &rest[..count_digits(rest)]);
        let point = usize::from(!fraction.is_empty());
        let mantissa = integer.len() + point + fraction.len();
        let (exponent, exponent_len) = read_exponent(&text[mantissa..]);
        Self { integer, fraction, exponent, len: mantissa + exponent_len }
    }
}

/// Digits, or groups of three with one and the same separator between them.
fn integer_len(text: &str) -> usize {
    let mut len = count_digits(text);
    let separator = text[len..].chars().next().filter(|c| is_separator(*c));
    if let Some(separator) = separator.filter(|_| len <= 3 && !text.starts_with('0')) {
        while let Some(group) = text[len..].strip_prefix(separator) {
            if count_digits(group) != 3 {
                break;
            }
            len += separator.len_utf8() + 3;
        }
    }
    len
}

/// The power of ten and its length in bytes; (0, 0) where there is none.
fn read_exponent(text: &str) -> (i64, usize) {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return (0, 0) };
    let signless = rest.strip_prefix(is_sign).unwrap_or(rest);
    let digits = &signless[..count_digits(signless)];
    if digits.is_empty() {
        return (0, 0);
    }
    let size = digits.parse().unwrap_or(i64::MAX / 2);
    let exponent = if rest.starts_with(is_minus) { -size } else { size };
    (exponent, text.len() - signless.len() + digits.len())
}

fn count_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
