//! Which numbers of a text are parts of an expression: the 10 of `2^10` is no answer to anything, nor
//! is the 2 of `3√2`.
//!
//! What stands before and after a number decides, on the same line and a few characters far. In prose
//! the signs must be clear: `+` and `*` stand between two operands with the same space on both sides,
//! a hyphen with blanks on both; `3-5` is a range, `5!` is emphatic, and `2x` is twice as much. In a
//! `\boxed{…}` all is mathematics: lists, inequalities and variables count too.

use std::ops::Range;

/// How far around a number its operators may stand, in bytes.
const NEAR: usize = 48;

/// Whether the number at `span` is part of an expression; `strict` says that all is mathematics.
pub(crate) fn is_part(text: &str, span: &Range<usize>, strict: bool) -> bool {
    let before = Side::before(&text[..span.start]);
    let after = Side::after(&text[span.end..]);
    let is_date = is_date(text, span);
    before.joins(&after, strict, is_date) || after.joins(&before, strict, is_date)
}

/// What stands next to a number, on one side of it.
struct Side<'t> {
    /// The text next to it, up to so many bytes.
    near: &'t str,
    /// The first character that is neither blank nor a bracket.
    operator: Option<char>,
    /// Blanks between number and operator.
    inner_blank: bool,
    /// Blanks beyond the operator.
    outer_blank: bool,
    /// Beyond the operator, without blanks.
    outer: &'t str,
    /// Whether this is what comes after the number.
    is_after: bool,
}

impl<'t> Side<'t> {
    fn before(head: &'t str) -> Self {
        let near = &head[head.ceil_char_boundary(head.len().saturating_sub(NEAR))..];
        let inner = near.trim_end_matches(|c| is_blank(c) || matches!(c, '(' | '['));
        let operator = inner.chars().next_back();
        let rest = &inner[..inner.len() - operator.map_or(0, char::len_utf8)];
        Self {
            near,
            operator,
            inner_blank: near[inner.len()..].starts_with(is_blank),
            outer_blank: rest.ends_with(is_blank),
            outer: rest.trim_end_matches(is_blank),
            is_after: false,
        }
    }

    fn after(tail: &'t str) -> Self {
        let near = &tail[..tail.floor_char_boundary(NEAR)];
        let inner = near.trim_start_matches(|c| is_blank(c) || matches!(c, ')' | ']' | '%'));
        let operator = inner.chars().next();
        let rest = &inner[operator.map_or(0, char::len_utf8)..];
        Self {
            near,
            operator,
            inner_blank: near[..near.len() - inner.len()].ends_with(is_blank),
            outer_blank: rest.starts_with(is_blank),
            outer: rest.trim_start_matches(is_blank),
            is_after: true,
        }
    }

    /// The same space on both sides of the operator.
    fn is_even(&self) -> bool {
        self.inner_blank == self.outer_blank
    }

    fn is_glued(&self) -> bool {
        !self.inner_blank && !self.outer_blank
    }

    /// Whether a number, or a bracket with one, stands beyond the operator.
    fn has_number(&self) -> bool {
        if self.is_after {
            starts_with_number(self.outer)
        } else {
            self.outer.ends_with(|c: char| c.is_ascii_digit() || ")]%π°".contains(c))
        }
    }

    /// Whether something to calculate with stands there: before an operator that may be a word, such
    /// as a unit, and after it one letter.
    fn has_operand(&self) -> bool {
        self.has_number()
            || if self.is_after {
                starts_with_variable(self.outer)
            } else {
                self.outer.ends_with(|c: char| c.is_alphanumeric() || is_superscript(c))
            }
    }
}

impl Side<'_> {
    /// Whether this side makes the number part of an expression; the other side tells a product from
    /// emphasis, and a difference from a label.
    fn joins(&self, other: &Side<'_>, strict: bool, is_date: bool) -> bool {
        if if self.is_after { self.is_factor(strict) } else { self.is_argument(other) } {
            return true;
        }
        match self.operator {
            Some('√' | '∓') => true,
            Some('±') => !self.is_after || self.has_number(),
            Some('×' | '÷' | '·' | '⋅' | '∙') => self.has_operand(),
            Some('+') => self.is_even() && self.has_operand(),
            Some('*') => self.is_even() && self.has_operand() && !other.is_emphatic(),
            Some('/' | '⁄' | '∕') => {
                !is_date && self.is_even() && (self.has_number() || strict && self.has_operand())
            }
            Some(minus @ ('−' | '-')) => self.subtracts(other, minus, strict),
            Some(':') => {
                (self.is_glued() || strict) && self.has_number() && !self.is_after_label(other)
            }
            Some('x' | 'X') => self.is_even() && self.has_number(),
            Some(',' | ';') => strict && self.has_operand(),
            Some('<' | '>' | '≤' | '≥' | '≠' | '∈' | '∪' | '∩') => strict,
            Some(_) => self.is_named(),
            None => false,
        }
    }

    fn subtracts(&self, other: &Side<'_>, minus: char, strict: bool) -> bool {
        let operand = if strict { self.has_operand() } else { self.has_number() };
        let spaced = self.inner_blank && self.outer_blank && !self.is_after_label(other);
        operand && (spaced || self.is_glued() && (strict || minus == '−'))
    }

    /// Whether the number at the left of the operator is what something is called: `Day 2 - 7 miles`,
    /// `Q1:5`.
    fn is_after_label(&self, other: &Side<'_>) -> bool {
        let before = if self.is_after {
            other.near
        } else {
            self.outer.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
        };
        let word = before.trim_end_matches(is_blank);
        let start = word.trim_end_matches(char::is_alphabetic).len();
        let is_capital = word[start..].starts_with(char::is_uppercase);
        is_capital && (word.len() == before.len() || word.len() - start > 1)
    }

    fn is_emphatic(&self) -> bool {
        if self.is_after { self.near.starts_with('*') } else { self.near.ends_with('*') }
    }

    /// `f(3)`, `sqrt(2)`, `3(5)`, `2**10`.
    fn is_argument(&self, other: &Side<'_>) -> bool {
        if let Some(base) = self.near.strip_suffix("**") {
            return base.ends_with(|c: char| c.is_ascii_digit() || c == ')')
                && !other.near.starts_with("**");
        }
        let Some(head) = self.near.strip_suffix('(') else { return false };
        let name = &head[head.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()..];
        let names =
            ["f", "g", "h", "P", "sqrt", "log", "ln", "sin", "cos", "tan", "exp", "gcd", "lcm"];
        names.contains(&name) || head.ends_with(|c: char| c.is_ascii_digit() || c == ')')
    }

    /// `2^10`, `2(3)`, `5²`, `2π`, in mathematics also `3x` and `5!`.
    fn is_factor(&self, strict: bool) -> bool {
        let mut chars = self.near.chars();
        let first = chars.next();
        let second = chars.next();
        match first {
            Some('^') => !is_degree(&self.near[1..]),
            Some('(') => {
                starts_with_number(&self.near[1..])
                    || strict && starts_with_variable(&self.near[1..])
            }
            Some('!') => strict && second != Some('='),
            Some('*') if second == Some('*') => {
                let exponent = &self.near[2..];
                let digits = exponent.bytes().take_while(u8::is_ascii_digit).count();
                digits > 0 && !exponent[digits..].starts_with("**")
            }
            Some(c) if is_superscript(c) || is_vulgar(c) => true,
            Some(c) => strict && starts_with_unknown(self.near, is_blank(c)),
            None => false,
        }
    }

    /// `2 π`, `2 pi`, `17 mod 5`.
    fn is_named(&self) -> bool {
        let rest = if self.is_after { self.near.trim_start_matches(is_blank) } else { "" };
        if let Some(after) = rest.strip_prefix('π') {
            return !after.starts_with(|c: char| ('\u{370}'..='\u{3FF}').contains(&c));
        }
        if let Some(after) = rest.strip_prefix("pi") {
            return !after.starts_with(char::is_alphanumeric);
        }
        if self.is_after {
            let argument = ["mod ", "choose "].iter().find_map(|word| rest.strip_prefix(word));
            return argument.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        }
        let head = self.near.trim_end_matches(is_blank);
        let head = ["mod", "choose"].iter().find_map(|word| head.strip_suffix(word));
        head.is_some_and(|head| {
            let number = head.trim_end_matches(is_blank);
            number.len() < head.len() && number.ends_with(|c: char| c.is_ascii_digit())
        })
    }
}

/// One letter that is not the beginning of a word, nor the article.
fn starts_with_variable(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() && !matches!(c, 'a' | 'A' | 'I'))
        && !chars.next().is_some_and(char::is_alphanumeric)
}

/// A letter that is no unit but an unknown: `3x`, `2n`; after blanks only the usual ones.
fn starts_with_unknown(text: &str, is_apart: bool) -> bool {
    let mut chars = text.trim_start_matches(is_blank).chars();
    let first = chars.next();
    let alone = !chars.next().is_some_and(char::is_alphanumeric);
    match first {
        Some('x' | 'y' | 'z' | 'n') => alone,
        Some('a' | 'b' | 'i' | 'r' | 'e' | 'q') => alone && !is_apart,
        _ => false,
    }
}

/// A number, a root or a constant, at most after a sign or a bracket.
fn starts_with_number(text: &str) -> bool {
    let bare = text.trim_start_matches(['(', '-', '−', '+', '$']);
    text.len() - bare.len() <= 2
        && bare.starts_with(|c: char| c.is_ascii_digit() || "√π".contains(c))
}

/// What makes degrees and ordinals of a number, and no power: `^\circ`, `^{th}`.
fn is_degree(exponent: &str) -> bool {
    let exponent = exponent.trim_start_matches(['{', ' ']);
    let end = exponent.find('}').unwrap_or(exponent.len());
    exponent.starts_with(['°', '′', '∘', 'o'])
        || ["th", "st", "nd", "rd"].contains(&exponent[..end].trim())
}

fn is_superscript(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹' | '⁻' | 'ⁿ')
}

fn is_vulgar(c: char) -> bool {
    matches!(c, '¼'..='¾' | '⅐'..='⅞')
}

/// White space that does not end a line.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '\u{3000}')
}

/// Whether the number is the day, month or year of a date with slashes.
fn is_date(text: &str, span: &Range<usize>) -> bool {
    let is_of_date = |byte: &u8| byte.is_ascii_digit() || *byte == b'/';
    let bytes = text.as_bytes();
    let before = bytes[..span.start].iter().rev().take(12).take_while(|b| is_of_date(b)).count();
    let after = bytes[span.end..].iter().take(12).take_while(|b| is_of_date(b)).count();
    let mut parts = text[span.start - before..span.end + after].split('/').map(str::len);
    let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
    matches!(parts, [Some(1 | 2), Some(1 | 2), Some(2 | 4), None])
}
