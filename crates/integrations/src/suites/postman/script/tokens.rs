//! JavaScript cut into tokens.

/// A token, where it stands in the source, and its line from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) line: usize,
    /// Whether a line break stands before it.
    pub(super) begins_line: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Word(String),
    Number(f64),
    Text(String),
    /// The texts of a template literal, and the sources of the expressions between them.
    Template(Vec<String>, Vec<String>),
    Pattern(String, String),
    Sign(&'static str),
}

/// Signs, longer ones before those that they begin with.
const SIGNS: [&str; 50] = [
    "===", "!==", "...", "**=", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&", "||",
    "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "<<", ">>", "**", "{", "}", "(", ")",
    "[", "]", ";", ",", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", "?", ":", "=",
    ".",
];

struct Tokenizer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

/// The tokens of a script; an error has the line of what is no JavaScript.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, usize> {
    let mut tokenizer = Tokenizer { source, at: 0, line: 1, tokens: Vec::new() };
    let mut begins_line = true;
    loop {
        begins_line |= tokenizer.skip_blank();
        let (start, line) = (tokenizer.at, tokenizer.line);
        let Some(first) = tokenizer.rest().chars().next() else { return Ok(tokenizer.tokens) };
        let kind = tokenizer.one(first).ok_or(line)?;
        tokenizer.tokens.push(Token { kind, start, line, begins_line });
        begins_line = false;
    }
}

impl<'a> Tokenizer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.source[self.at..self.at + bytes];
        self.line += passed.matches('\n').count();
        self.at += bytes;
    }

    /// Passes blanks and comments; tells whether a line break was among them.
    fn skip_blank(&mut self) -> bool {
        let before = self.line;
        loop {
            let rest = self.rest();
            let blank = rest.len()
                - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            let comment = &rest[blank..];
            let length = if comment.starts_with("//") {
                comment.find('\n').unwrap_or(comment.len())
            } else if comment.starts_with("/*") {
                comment.find("*/").map_or(comment.len(), |end| end + 2)
            } else {
                0
            };
            if blank + length == 0 {
                return self.line > before;
            }
            self.advance(blank + length);
        }
    }

    fn one(&mut self, first: char) -> Option<TokenKind> {
        match first {
            '"' | '\'' => self.text(first).map(TokenKind::Text),
            '`' => self.template(),
            '0'..='9' => self.number(),
            '/' if self.takes_operand() => self.pattern(),
            c if c.is_alphabetic() || matches!(c, '_' | '$') => {
                let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
                let rest = self.rest();
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                self.advance(length);
                Some(TokenKind::Word(rest[..length].to_owned()))
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| self.rest().starts_with(**sign))?;
                self.advance(sign.len());
                Some(TokenKind::Sign(sign))
            }
        }
    }

    /// Whether an operand comes next, so that a slash begins a pattern and divides nothing.
    fn takes_operand(&self) -> bool {
        match self.tokens.last().map(|token| &token.kind) {
            None => true,
            Some(TokenKind::Sign(sign)) => !matches!(*sign, ")" | "]" | "}"),
            Some(TokenKind::Word(word)) => {
                matches!(word.as_str(), "return" | "typeof" | "in" | "of")
            }
            Some(_) => false,
        }
    }

    fn number(&mut self) -> Option<TokenKind> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let mut length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let is_signed = rest[..length].ends_with(['e', 'E']) && !rest.starts_with("0x");
        if is_signed && rest[length..].starts_with(['+', '-']) {
            let after = &rest[length + 1..];
            length += 1 + after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        }
        let digits = rest[..length].replace('_', "");
        let number = match digits.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok().map(f64::from),
            None => digits.parse().ok(),
        };
        self.advance(length);
        number.filter(|number: &f64| number.is_finite()).map(TokenKind::Number)
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.advance(at + 1);
                    return Some(out);
                }
                '\n' => return None,
                '\\' => escaped(&mut out, &mut chars)?,
                c => out.push(c),
            }
        }
        None
    }

    fn template(&mut self) -> Option<TokenKind> {
        let (mut texts, mut sources, mut out) = (Vec::new(), Vec::new(), String::new());
        let rest = self.rest();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '`' => {
                    texts.push(out);
                    self.advance(at + 1);
                    return Some(TokenKind::Template(texts, sources));
                }
                '\\' => escaped(&mut out, &mut chars)?,
                '$' if rest[at + 1..].starts_with('{') => {
                    let inner = &rest[at + 2..];
                    let end = inner.find('}')?;
                    // Braces or quotes within would need more than this.
                    let source = &inner[..end];
                    if source.contains(['{', '`']) {
                        return None;
                    }
                    texts.push(std::mem::take(&mut out));
                    sources.push(source.to_owned());
                    chars.find(|(_, c)| *c == '}')?;
                }
                c => out.push(c),
            }
        }
        None
    }

    fn pattern(&mut self) -> Option<TokenKind> {
        let rest = self.rest();
        let mut in_class = false;
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => return None,
                '\\' => drop(chars.next()?),
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    let after = &rest[at + 1..];
                    let is_flag = |c: char| c.is_ascii_alphabetic();
                    let length = after.find(|c| !is_flag(c)).unwrap_or(after.len());
                    self.advance(at + 1 + length);
                    let pattern = rest[1..at].to_owned();
                    return Some(TokenKind::Pattern(pattern, after[..length].to_owned()));
                }
                _ => {}
            }
        }
        None
    }
}

/// What stands behind a backslash in a text.
fn escaped(out: &mut String, chars: &mut impl Iterator<Item = (usize, char)>) -> Option<()> {
    let hex = |chars: &mut dyn Iterator<Item = (usize, char)>, n: usize| {
        let digits: String = chars.take(n).map(|(_, c)| c).collect();
        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
    };
    match chars.next()?.1 {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'v' => out.push('\u{b}'),
        '0' => out.push('\0'),
        'x' => out.push(hex(chars, 2)?),
        'u' => out.push(hex(chars, 4)?),
        '\n' => {}
        other => out.push(other),
    }
    Some(())
}
