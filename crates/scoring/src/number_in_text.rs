//! Numbers as people write them: signs, thousands separators, decimals, powers of ten, currencies.
//!
//! The point is the decimal sign; commas, apostrophes, underscores, and narrow or no-break blanks
//! separate groups of three digits: `1,234` is 1234, and `1,23` is 1 and 23. So do a single blank after
//! one or two digits or before zeros (`1 234`, `100 000`), and India's commas (`1,00,000`). A hyphen is
//! a minus where no letter, digit or closing bracket stands before it: `3-5` is 3 and 5. Digits that
//! hang on a word (`H2O`, `m2`, `m^2`, `GPT-4`, `item_5`) are no numbers; a unit after them does no harm
//! (`5km`). A percent sign is not part of the number: `5%` is 5.
//!
//! `number_notation.rs` rewrites into such numbers what is written otherwise: LaTeX, digits of other
//! scripts, fractions. `number_expression.rs` tells which numbers are parts of an expression. A list
//! without blanks (`100,200`) reads as one number.

use std::{iter, ops::Range};

use crate::number_expression::is_part;

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
        let integers = digits.len();
        digits.extend(body.fraction.chars().filter(char::is_ascii_digit));
        let decimals = (digits.len() - integers) as u64;
        let significant = digits.trim_end_matches('0');
        let shift = digits.len() - significant.len();
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent =
            body.exponent.saturating_add_unsigned(shift as u64).saturating_sub_unsigned(decimals);
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

/// The numbers of a text, in order. Times, dates and versions (`10:30`, `2024-05-01`, `1.2.3`) are no
/// numbers, nor are exponents of units and variables.
pub(crate) fn numbers(text: &str) -> impl Iterator<Item = Found<'_>> {
    tokens(text).map(|token| Found { text, token })
}

/// The number that a text is, apart from white space, and a percent or currency sign after it.
pub(crate) fn whole(text: &str) -> Option<Decimal> {
    whole_with_sign(text).map(|(number, _)| number)
}

/// The same, with what stands after the number.
pub(crate) fn whole_with_sign(text: &str) -> Option<(Decimal, &str)> {
    let found = numbers(text.trim()).next().filter(|found| found.span().start == 0)?;
    let after = found.after();
    let mut rest = after.trim_start().chars();
    let unit = rest.next().is_none_or(|c| is_percent(c) || is_currency(c));
    Some((found.value().filter(|_| unit && rest.next().is_none())?, after))
}

/// The number that a text begins with, and nothing but a unit after it, which holds no other number.
pub(crate) fn with_unit(text: &str) -> Option<(Decimal, &str)> {
    let mut numbers = numbers(text.trim());
    let found = numbers.next().filter(|found| found.span().start == 0)?;
    let is_alone = numbers.next().is_none() && !found.is_part(false);
    Some((found.value().filter(|_| is_alone)?, found.after()))
}

/// The percent signs of several scripts.
fn is_percent(c: char) -> bool {
    matches!(c, '%' | '٪' | '％')
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
pub(crate) struct Found<'t> {
    text: &'t str,
    token: Token<'t>,
}

impl<'t> Found<'t> {
    /// `None` beyond the range of a 64-bit float.
    pub(crate) fn value(&self) -> Option<Decimal> {
        Decimal::new(self.token.negative, &self.token.body)
    }

    /// From the sign or currency sign to the last digit.
    pub(crate) fn span(&self) -> Range<usize> {
        self.token.span.clone()
    }

    /// The text after the number.
    pub(crate) fn after(&self) -> &'t str {
        &self.text[self.token.span.end..]
    }

    /// Whether it is part of an expression, and so says nothing alone; `strict` where all is
    /// mathematics.
    pub(crate) fn is_part(&self, strict: bool) -> bool {
        self.token.is_part || is_part(self.text, &self.token.span, strict)
    }
}

/// How far a result and its expression may be apart, in bytes.
const NEAR: usize = 16;

impl Found<'_> {
    /// Whether an expression directly after the number says where it comes from: `8 = 5 + 3`, `8 (5 +
    /// 3)`.
    pub(crate) fn is_explained_by(&self, part: &Found<'_>) -> bool {
        let between = self.text.get(self.token.span.end..part.token.span.start);
        between.filter(|between| between.len() <= NEAR).is_some_and(|between| {
            let between = between.trim_matches(|c: char| c.is_whitespace() || "%°√$".contains(c));
            matches!(between, "=" | "(" | "=(" | "= (" | "≈")
        })
    }

    /// Whether an equals sign stands before the number.
    pub(crate) fn is_result(&self) -> bool {
        let head =
            self.text[..self.token.span.start].trim_end_matches([' ', '\u{A0}', '$', '<', '>']);
        head.ends_with(['=', '≈'])
    }
}

struct Token<'t> {
    span: Range<usize>,
    negative: bool,
    body: Body<'t>,
    /// It is an exponent, or too odd for a number: `1.234.567`.
    is_part: bool,
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut from = 0;
    iter::from_fn(move || {
        loop {
            let at = from + text[from..].find(|c: char| c.is_ascii_digit() || c == '^')?;
            if text[at..].starts_with('^') {
                from = at + exponent_len(&text[at..]);
                if let Some(token) = Token::of_exponent(text, at..from) {
                    return Some(token);
                }
                continue;
            }
            let point = usize::from(starts_with_point(&text[from..at], &text[..at]));
            let start = at - point;
            let body = Body::read(&text[start..], is_listed(&text[..start]));
            let prefix = Prefix::read(&text[..start]);
            let end = start + body.len;
            let (more, is_part) = odd_len(&text[..start], &body, &text[end..]);
            from = end + more;
            if !prefix.is_word && (more == 0 || is_part) {
                let (span, negative) = (start - prefix.len..from, prefix.negative);
                return Some(Token { span, negative, body, is_part });
            }
        }
    })
}

impl<'t> Token<'t> {
    /// What stands after a `^`, where that belongs to a number: the exponent of a unit or variable is
    /// none of the numbers of a text.
    fn of_exponent(text: &'t str, span: Range<usize>) -> Option<Self> {
        let base = text[..span.start].trim_end_matches(' ');
        let digits = base.len() - base.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let is_number = base.ends_with([')', ']'])
            || digits > 0 && !base[..base.len() - digits].ends_with(is_word);
        let digit = text[span.clone()].find(|c: char| c.is_ascii_digit())?;
        let body = Body::read(&text[span.start + digit..span.end], true);
        is_number.then_some(Self { span, negative: false, body, is_part: true })
    }
}

/// The length of an exponent, with its `^`: a group in braces or brackets, or a signed number.
fn exponent_len(text: &str) -> usize {
    let rest = text[1..].trim_start_matches(' ');
    let blanks = text.len() - 1 - rest.len();
    let close = match rest.chars().next() {
        Some('{') => '}',
        Some('(') => ')',
        _ => {
            let signless = rest.strip_prefix(is_sign).unwrap_or(rest);
            let digits = count_digits(signless);
            let sign = if digits > 0 { rest.len() - signless.len() } else { 0 };
            return 1 + if digits > 0 { blanks + sign + digits } else { 0 };
        }
    };
    let near = &rest[..rest.floor_char_boundary(LONGEST_EXPONENT)];
    1 + near.find(close).map_or(0, |end| blanks + end + 1)
}

/// How long an exponent may be, in bytes.
const LONGEST_EXPONENT: usize = 64;

/// How much longer than its number something is that is no number, and whether it says something all
/// the same, which is not understood: a time, a date, a version, a subscript in braces; digits that
/// points separate into groups of three.
fn odd_len(head: &str, body: &Body<'_>, tail: &str) -> (usize, bool) {
    if head.ends_with("_{") {
        return (
            tail.find('}').filter(|end| *end < LONGEST_EXPONENT).map_or(0, |end| end + 1),
            false,
        );
    }
    let plain = body.len == body.integer.len();
    if plain && body.len <= 2 {
        return (clock_len(tail), false);
    }
    if plain && body.len == 4 {
        return (date_len(tail), false);
    }
    if body.fraction.is_empty() {
        return (0, false);
    }
    let mut len = 0;
    let mut threes = body.fraction.len() == 3 && body.integer.len() <= 3;
    while let Some(group) = tail[len..].strip_prefix('.').map(count_digits).filter(|n| *n > 0) {
        threes = threes && group == 3;
        len += 1 + group;
    }
    (len, threes && len > 0)
}

/// `:30`, `:30:05`: what makes a time of the hour before it.
fn clock_len(tail: &str) -> usize {
    let mut len = 0;
    while let Some(two) = tail[len..].strip_prefix(':')
        && count_digits(two) == 2
        && two < "6"
    {
        len += 3;
    }
    len
}

/// `-05-01`: what makes a date of the year before it.
fn date_len(tail: &str) -> usize {
    let mut len = 0;
    for mark in [tail.chars().next().filter(|c| matches!(c, '-' | '/')); 2] {
        let part = mark.and_then(|mark| tail[len..].strip_prefix(mark));
        let digits = part.map_or(0, count_digits);
        if !(1..=2).contains(&digits) {
            return 0;
        }
        len += 1 + digits;
    }
    len
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
#[derive(Clone, Copy)]
struct Body<'a> {
    integer: &'a str,
    /// Perhaps with narrow blanks between its groups.
    fraction: &'a str,
    exponent: i64,
    len: usize,
}

impl<'a> Body<'a> {
    /// In a list of numbers blanks separate no thousands.
    fn read(text: &'a str, is_listed: bool) -> Self {
        let integer = &text[..integer_len(text, is_listed)];
        let rest = &text[integer.len()..];
        let fraction = rest.strip_prefix('.').map_or("", |rest| &rest[..fraction_len(rest)]);
        let point = usize::from(!fraction.is_empty());
        let mantissa = integer.len() + point + fraction.len();
        let (exponent, exponent_len) = read_exponent(&text[mantissa..]);
        Self { integer, fraction, exponent, len: mantissa + exponent_len }
    }
}

/// Digits, or groups of three with one and the same separator between them.
fn integer_len(text: &str, is_listed: bool) -> usize {
    let len = count_digits(text);
    if len == 0 || len > 3 || text.starts_with('0') {
        return len;
    }
    match text[len..].chars().next() {
        Some(' ') if !is_listed => blank_groups_len(text, len),
        Some(separator) if is_separator(separator) => {
            let in_threes = groups_len(text, len, separator);
            let in_india = if separator == ',' && len < 3 { lakhs_len(text, len) } else { len };
            in_threes.max(in_india)
        }
        _ => len,
    }
}

/// A length and all groups of three after it.
fn groups_len(text: &str, mut len: usize, separator: char) -> usize {
    while let Some(group) = text[len..].strip_prefix(separator)
        && count_digits(group) == 3
    {
        len += separator.len_utf8() + 3;
    }
    len
}

/// A blank may as well separate two numbers: it counts after one or two digits, and before a zero.
fn blank_groups_len(text: &str, first: usize) -> usize {
    let len = groups_len(text, first, ' ');
    let goes_on = text[len..].strip_prefix(' ').is_some_and(|rest| count_digits(rest) > 0);
    let separates = !goes_on && (first < 3 || text[first..len].contains(" 0"));
    if separates { len } else { first }
}

/// Whether a blank and another number stand before.
fn is_listed(head: &str) -> bool {
    head.strip_suffix(' ').is_some_and(|head| head.ends_with(|c: char| c.is_ascii_digit()))
}

/// Groups of two after the first one, and one of three: `1,00,000`.
fn lakhs_len(text: &str, first: usize) -> usize {
    let mut len = first;
    while let Some(group) = text[len..].strip_prefix(',')
        && count_digits(group) == 2
    {
        len += 3;
    }
    let end = text[len..].strip_prefix(',').filter(|group| len > first && count_digits(group) == 3);
    end.map_or(first, |_| len + 4)
}

/// Digits, with narrow blanks between groups of three.
fn fraction_len(text: &str) -> usize {
    let len = count_digits(text);
    if len != 3 {
        return len;
    }
    ['\u{2009}', '\u{202F}']
        .map(|blank| groups_len(text, len, blank))
        .into_iter()
        .max()
        .unwrap_or(len)
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
