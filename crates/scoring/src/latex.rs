//! LaTeX as plain text, as far as the reading of numbers needs it: `2{,}500` becomes `2,500`,
//! `\frac{1}{2}` `0.5`, `3 \times 4` `3 × 4`, and `25\text{ cm}^2` `25 cm^2`.
//!
//! A root, a function or a fraction that is no number becomes a `√`, which tells the reader of numbers
//! that what follows is part of an expression. It is no parser: unknown commands become blanks.

mod commands;

use std::borrow::Cow;

use self::commands::{hides_its_argument, is_function, shows_its_argument, symbol};
use crate::number_in_text::whole;

/// Stands for whatever makes an expression of the number after it.
const EXPRESSION: char = '√';

/// The separator of thousands that LaTeX's spaces become.
const THIN: char = '\u{2009}';

/// How deep fractions may be nested.
const DEPTH: usize = 3;

/// How long the part of a fraction may be, in bytes.
const LONGEST_PART: usize = 120;

/// The text without LaTeX; borrowed where there is none.
pub(crate) fn without_latex(text: Cow<'_, str>) -> Cow<'_, str> {
    let may_hold = |byte: u8| matches!(byte, b'\\' | b'{' | b'<' | b'~');
    if !text.bytes().any(may_hold) {
        return text;
    }
    let commands = text.contains('\\');
    if !commands && !["{,}", "{.}", "<su", "$"].iter().any(|part| text.contains(part)) {
        return text;
    }
    Reader::new(&text, commands, 0).read().into()
}

/// What a dropped opening brace puts at its closing one.
type Closer = Option<char>;

struct Reader<'t> {
    rest: &'t str,
    out: String,
    closers: Vec<Closer>,
    /// Something was dropped since the last character: letters and digits around it do not touch.
    parted: bool,
    /// There are commands, so that braces group; otherwise they are braces.
    commands: bool,
    /// `~` is a space, and not "about".
    ties: bool,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, commands: bool, depth: usize) -> Self {
        let (out, ties) = (String::with_capacity(text.len()), commands || text.contains('$'));
        Self { rest: text, out, closers: Vec::new(), parted: false, commands, ties, depth }
    }

    fn read(mut self) -> String {
        while let Some(c) = self.rest.chars().next() {
            let whole = self.rest;
            self.rest = &whole[c.len_utf8()..];
            match c {
                '\\' => self.command(),
                '{' => self.open(whole),
                '}' => self.close(),
                '~' if self.ties => self.space(),
                '<' => self.tag(),
                _ => self.push(c),
            }
        }
        self.out
    }

    fn push(&mut self, c: char) {
        let last = self.last();
        let touches = last.is_some_and(char::is_alphanumeric) && c.is_alphanumeric();
        let digits = c.is_numeric() || last.is_some_and(char::is_numeric);
        if self.parted && touches && digits {
            self.out.push(' ');
        }
        self.parted = false;
        self.out.push(c);
    }

    fn last(&self) -> Option<char> {
        self.out.chars().next_back()
    }

    /// A space: between digits it may separate thousands.
    fn space(&mut self) {
        let between = self.last().is_some_and(|c| c.is_ascii_digit())
            && self.rest.starts_with(|c: char| c.is_ascii_digit());
        self.out.push(if between { THIN } else { ' ' });
        self.parted = false;
    }

    /// A brace: `{,}` is a comma, exponents and subscripts keep theirs, roots get brackets.
    fn open(&mut self, whole: &str) {
        for (mark, c) in [("{,}", ','), ("{.}", '.')] {
            if whole.starts_with(mark) {
                self.rest = &self.rest[2..];
                return self.push(c);
            }
        }
        let closer = match self.last() {
            Some('^' | '_') => Some('}'),
            Some(EXPRESSION) => Some(')'),
            Some(')') if self.commands && !self.parted => Some(')'),
            _ if self.commands => None,
            _ => Some('}'),
        };
        self.closers.push(closer);
        match closer {
            Some(')') => self.push('('),
            Some(_) => self.push('{'),
            None => self.parted = true,
        }
    }

    fn close(&mut self) {
        match self.closers.pop() {
            Some(Some(c)) => self.push(c),
            Some(None) => self.parted = true,
            None if self.commands => self.parted = true,
            None => self.push('}'),
        }
    }

    /// `<sup>2</sup>` is an exponent, `<sub>2</sub>` a subscript.
    fn tag(&mut self) {
        let tags = [("sup>", "^{"), ("sub>", "_{"), ("/sup>", "}"), ("/sub>", "}")];
        match tags.iter().find(|(tag, _)| self.rest.starts_with(tag)) {
            Some((tag, text)) => {
                self.rest = &self.rest[tag.len()..];
                self.out.push_str(text);
            }
            None => self.push('<'),
        }
    }

    fn command(&mut self) {
        let len = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, rest) = self.rest.split_at(len);
        if !name.is_empty() {
            self.rest = rest;
            return self.named(name);
        }
        let Some(c) = rest.chars().next() else { return };
        self.rest = &rest[c.len_utf8()..];
        match c {
            ',' | ';' | ':' | ' ' => self.space(),
            '!' | '/' => {}
            '(' | ')' | '[' | ']' => self.out.push(' '),
            // A new line, or a command that was escaped once too often.
            '\\' if self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.rest = rest;
            }
            '\\' => self.out.push('\n'),
            '{' => self.push('['),
            '}' => self.push(']'),
            _ => self.push(c),
        }
    }

    fn named(&mut self, name: &str) {
        if let Some(symbol) = symbol(name) {
            return self.push_symbol(symbol);
        }
        match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" | "nicefrac" | "sfrac" => self.fraction(),
            "thinspace" | "medspace" | "thickspace" | "enspace" | "space" | "nobreakspace" => {
                self.rest = self.rest.trim_start_matches(' ');
                self.space();
            }
            "left" | "right" => self.rest = self.rest.strip_prefix('.').unwrap_or(self.rest),
            "textsuperscript" => self.out.push('^'),
            "textsubscript" => self.out.push('_'),
            _ if is_function(name) => self.function(),
            _ if hides_its_argument(name) => self.skip_argument(),
            _ if shows_its_argument(name) => self.parted = true,
            _ => self.out.push(' '),
        }
    }

    /// A symbol ends the number before it and begins a new one, but joins no letters.
    fn push_symbol(&mut self, symbol: char) {
        self.parted = false;
        self.out.push(symbol);
    }

    /// A root or function, without what says which one.
    fn function(&mut self) {
        self.push_symbol(EXPRESSION);
        if let Some(index) = self.rest.strip_prefix('[') {
            self.rest =
                index.find(']').filter(|end| *end < 16).map_or(index, |end| &index[end + 1..]);
        }
        for _ in 0..2 {
            if let Some(rest) = self.rest.strip_prefix(['_', '^']) {
                self.rest = rest;
                let _ = self.argument();
            }
        }
    }

    fn skip_argument(&mut self) {
        if self.rest.starts_with('{') {
            let _ = self.argument();
        }
        self.parted = true;
    }

    /// Takes what a command applies to: a group, a command, or one character. `None` for a group that
    /// is too long to be part of a fraction, which stays.
    fn argument(&mut self) -> Option<&'t str> {
        let rest = self.rest.trim_start_matches(' ');
        let (argument, len) = match rest.chars().next()? {
            '{' => {
                let body = &rest[1..];
                let end = closing(body)?;
                (&body[..end], end + 2)
            }
            '\\' => {
                let len = 1 + rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
                (&rest[..len], len)
            }
            c => (&rest[..c.len_utf8()], c.len_utf8()),
        };
        self.rest = &rest[len..];
        Some(argument)
    }

    /// A fraction as a decimal number, after a whole number their sum: `2\frac{1}{2}` is 2.5.
    fn fraction(&mut self) {
        let parts = [self.argument(), self.argument()];
        if let [Some(above), Some(below)] = parts
            && parts.iter().flatten().all(|part| is_unit(part))
        {
            self.parted = true;
            let unit = |part| Reader::new(part, true, self.depth + 1).read();
            let unit = format!(" {}/{}", unit(above).trim(), unit(below).trim());
            return self.out.push_str(&unit);
        }
        let [above, below] = parts.map(|part| self.value(part?));
        let value = above.zip(below).map(|(above, below)| above / below);
        let Some(value) = value.filter(|value| value.is_finite()) else {
            self.push_symbol(EXPRESSION);
            return self.push('1');
        };
        let is_proper = value > 0.0 && value < 1.0;
        let blanks = self.out.len() - self.out.trim_end_matches(' ').len();
        match whole_number_at_end(&self.out[..self.out.len() - blanks]) {
            Some((at, number)) if is_proper => {
                self.out.truncate(at);
                self.out.push_str(&(number + value).to_string());
            }
            Some(_) => self.push_product(value),
            None if ends_in_operand(&self.out) => self.push_product(value),
            None => self.out.push_str(&value.to_string()),
        }
        self.parted = true;
    }

    fn push_product(&mut self, value: f64) {
        self.out.push('×');
        self.out.push_str(&value.to_string());
    }

    fn value(&self, part: &str) -> Option<f64> {
        if self.depth >= DEPTH {
            return None;
        }
        let plain = Reader::new(part, true, self.depth + 1).read();
        let number = whole(plain.trim())?.to_f64();
        number.is_finite().then_some(number)
    }
}

/// Whether part of a fraction is the name of a unit: `\text{m}`, `\mathrm{s}^2`.
fn is_unit(part: &str) -> bool {
    let name =
        ["\\text{", "\\mathrm{", "\\textrm{"].iter().find_map(|open| part.strip_prefix(*open));
    name.is_some_and(|name| name.trim_start().starts_with(char::is_alphabetic))
}

/// Where the brace that is open at the beginning of a short text is closed.
fn closing(body: &str) -> Option<usize> {
    let mut depth = 1_usize;
    let (end, _) = body.bytes().take(LONGEST_PART).enumerate().find(|(_, byte)| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(end)
}

/// The whole number at the end of a text, and where it begins; `None` where it belongs to a word or to
/// another number.
fn whole_number_at_end(text: &str) -> Option<(usize, f64)> {
    let digits = text.bytes().rev().take(15).take_while(u8::is_ascii_digit).count();
    let at = text.len() - digits;
    let is_part = text[..at].ends_with(|c: char| c.is_alphanumeric() || "._,^/{".contains(c));
    let number = text[at..].parse().ok()?;
    (!is_part).then_some((at, number))
}

/// Whether what a text ends in is multiplied by what comes next: a variable, a bracket or a number.
fn ends_in_operand(text: &str) -> bool {
    let mut chars = text.chars().rev();
    let (last, before) = (chars.next(), chars.next());
    last.is_some_and(|c| c == ')' || c.is_numeric())
        || last.is_some_and(char::is_alphabetic) && !before.is_some_and(char::is_alphabetic)
}
