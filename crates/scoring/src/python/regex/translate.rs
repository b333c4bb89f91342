//! From Python's syntax to that of `fancy-regex`, which differ in what classes and anchors mean.

use std::{
    fmt::{Arguments, Write},
    iter::Peekable,
    str::Chars,
};

use super::super::text::{SPACE, WORD};

/// A pattern in the syntax of `fancy-regex`.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// Whether something in it is repeated.
    pub(super) repeats: bool,
}

/// A pattern that matches what `re.compile(pattern)` would, or what is wrong with it.
pub(super) fn translate(pattern: &str, ignore_case: bool) -> Result<Translated, String> {
    let mode = Mode { ignore_case, verbose: false, multi_line: false };
    let chars = pattern.chars().peekable();
    let (out, outer) = (String::new(), Vec::new());
    let mut translator = Translator { chars, out, repeats: false, mode, outer };
    while let Some(c) = translator.chars.next() {
        translator.step(c)?;
    }
    Ok(Translated { pattern: translator.out, repeats: translator.repeats })
}

/// The flags that change how a pattern is read.
#[derive(Clone, Copy)]
struct Mode {
    ignore_case: bool,
    verbose: bool,
    multi_line: bool,
}

struct Translator<'p> {
    chars: Peekable<Chars<'p>>,
    out: String,
    repeats: bool,
    mode: Mode,
    /// The modes of the groups around this place.
    outer: Vec<Mode>,
}

impl Translator<'_> {
    fn step(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.group()?,
            ')' => {
                self.mode = self.outer.pop().unwrap_or(self.mode);
                self.out.push(')');
            }
            '{' => self.braces(),
            '^' => self.out.push_str(if self.mode.multi_line { "(?m:^)" } else { r"\A" }),
            '$' => {
                self.out.push_str(if self.mode.multi_line { "(?m:$)" } else { r"(?=\n?\z)" });
            }
            '#' if self.mode.verbose => self.skip_past('\n'),
            '.' | '|' | '*' | '+' | '?' => {
                self.repeats |= matches!(c, '*' | '+');
                self.out.push(c);
            }
            _ if self.mode.verbose && c.is_ascii_whitespace() => {}
            _ => self.literal(c),
        }
        Ok(())
    }

    fn write(&mut self, text: Arguments<'_>) {
        let _ = self.out.write_fmt(text);
    }

    fn skip_past(&mut self, last: char) {
        let _ = self.chars.by_ref().find(|c| *c == last);
    }

    /// One character, whatever it means elsewhere. Python's `I` has a dot or not, as it likes.
    fn literal(&mut self, c: char) {
        if self.mode.ignore_case && is_some_i(c) {
            self.out.push_str("[iIıİ]");
        } else {
            push_literal(&mut self.out, c);
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.chars.next().ok_or("a backslash at the end")?;
        match c {
            'A' => self.out.push_str(r"\A"),
            'Z' => self.out.push_str(r"\z"),
            'b' => {
                self.write(format_args!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"));
            }
            'B' => self.write(format_args!(
                r"(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}])(?s:(?<=.)|(?=.)))"
            )),
            '1'..='9' => self.back_reference(c),
            _ => {
                if let Some(class) = class_escape(c) {
                    self.out.push_str(&class);
                } else {
                    let c = self.escaped_char(c)?;
                    self.literal(c);
                }
            }
        }
        Ok(())
    }

    /// `\1` to `\99`; Python's octal numbers of three digits are left out.
    fn back_reference(&mut self, first: char) {
        self.write(format_args!(r"(?:\{first}"));
        if let Some(second) = self.chars.next_if(char::is_ascii_digit) {
            self.out.push(second);
        }
        self.out.push(')');
    }

    /// The character that an escape stands for.
    fn escaped_char(&mut self, c: char) -> Result<char, String> {
        Ok(match c {
            'a' => '\x07',
            'f' => '\x0C',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0B',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0' => self.octal()?,
            'N' => return Err(r"character names (`\N{…}`) are not read here".to_owned()),
            _ if c.is_ascii_alphanumeric() => return Err(format!(r"bad escape \{c}")),
            _ => c,
        })
    }

    fn code(&mut self, len: usize) -> Result<char, String> {
        let digits: String = self.chars.by_ref().take(len).collect();
        let whole = digits.chars().count() == len && digits.chars().all(|c| c.is_ascii_hexdigit());
        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| whole);
        code.and_then(char::from_u32).ok_or_else(|| format!("bad escape of a code: {digits}"))
    }

    fn octal(&mut self) -> Result<char, String> {
        let mut code = 0;
        for _ in 0..2 {
            let Some(digit) = self.chars.next_if(|c| c.is_digit(8)) else { break };
            code = code * 8 + digit.to_digit(8).unwrap_or(0);
        }
        char::from_u32(code).ok_or_else(|| "bad octal escape".to_owned())
    }

    /// A counted repetition, or braces that mean themselves.
    fn braces(&mut self) {
        let body: String = self.chars.clone().take_while(|c| *c != '}').collect();
        let closed = self.chars.clone().nth(body.chars().count()) == Some('}');
        let (low, high) = body.split_once(',').unwrap_or((&body, &body));
        let is_count = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !closed || body.is_empty() || !is_count(low) || !is_count(high) {
            self.out.push_str(r"\{");
            return;
        }
        let low = if low.is_empty() { "0" } else { low };
        let comma = if body.contains(',') { "," } else { "" };
        let high = if comma.is_empty() { "" } else { high };
        self.write(format_args!("{{{low}{comma}{high}}}"));
        self.repeats = true;
        self.skip_past('}');
    }

    fn group(&mut self) -> Result<(), String> {
        if self.chars.next_if_eq(&'?').is_none() {
            self.open("(");
            return Ok(());
        }
        let rest: String = self.chars.clone().take(3).collect();
        let plain =
            ["P<", "<=", "<!", ":", "=", "!", ">"].into_iter().find(|m| rest.starts_with(m));
        if let Some(mark) = plain {
            self.chars.nth(mark.len() - 1);
            self.open(&format!("(?{mark}"));
            if mark == "P<" {
                self.copy_through('>');
            }
        } else if rest.starts_with("P=") {
            self.out.push_str("(?");
            self.copy_through(')');
        } else if rest.starts_with('#') {
            self.skip_past(')');
        } else if rest.starts_with('(') {
            self.open("(?");
            self.copy_through(')');
        } else {
            return self.flags();
        }
        Ok(())
    }

    fn open(&mut self, text: &str) {
        self.outer.push(self.mode);
        self.out.push_str(text);
    }

    /// What needs no translation, up to and with `last`.
    fn copy_through(&mut self, last: char) {
        for c in self.chars.by_ref() {
            self.out.push(c);
            if c == last {
                break;
            }
        }
    }

    /// `(?i)` for all that follows, or `(?i:` for a group.
    fn flags(&mut self) -> Result<(), String> {
        let (mut mode, mut on, mut kept) = (self.mode, true, String::new());
        loop {
            let c = self.chars.next().ok_or("flags without an end")?;
            match c {
                'i' => mode.ignore_case = on,
                'm' => mode.multi_line = on,
                'x' => mode.verbose = on,
                's' | 'u' => {}
                '-' => on = false,
                ')' => {
                    self.mode = mode;
                    self.out.push_str(&flag_group(&kept, ")"));
                    return Ok(());
                }
                ':' => {
                    self.open(&flag_group(&kept, ":"));
                    self.mode = mode;
                    return Ok(());
                }
                _ => return Err(format!("the flag or group `(?{c}` is not supported")),
            }
            if matches!(c, 'i' | 's' | '-') {
                kept.push(c);
            }
        }
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let (mut first, mut has_i) = (true, false);
        loop {
            let c = self.chars.next().ok_or("a class without an end")?;
            if c == ']' && !first {
                break;
            }
            first = false;
            has_i |= self.class_item(c)?;
        }
        if has_i && self.mode.ignore_case {
            self.out.push_str("iIıİ");
        }
        self.out.push(']');
        Ok(())
    }

    /// A character, a range or a class in a class; whether some form of `i` is in it.
    fn class_item(&mut self, c: char) -> Result<bool, String> {
        let Some(low) = self.class_char(c)? else { return Ok(false) };
        push_literal(&mut self.out, low);
        let mut ahead = self.chars.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
        if !is_range {
            return Ok(is_some_i(low));
        }
        self.chars.next();
        let c = self.chars.next().ok_or("a class without an end")?;
        let high = self.class_char(c)?.ok_or("a range ends in a class")?;
        self.out.push('-');
        push_literal(&mut self.out, high);
        Ok(['i', 'I', 'ı', 'İ'].into_iter().any(|i| (low..=high).contains(&i)))
    }

    /// One character of a class; `None` where a class such as `\w` has been written out.
    fn class_char(&mut self, c: char) -> Result<Option<char>, String> {
        if c != '\\' {
            return Ok(Some(c));
        }
        let c = self.chars.next().ok_or("a backslash at the end")?;
        if let Some(class) = class_escape(c) {
            self.out.push_str(&class);
            return Ok(None);
        }
        if c == 'b' { Ok(Some('\x08')) } else { self.escaped_char(c).map(Some) }
    }
}

/// `(?i)` or `(?i:`; nothing at all where no flag is left that needs saying.
fn flag_group(flags: &str, end: &str) -> String {
    match (flags.trim_end_matches('-'), end) {
        ("", ")") => String::new(),
        (flags, _) => format!("(?{flags}{end}"),
    }
}

/// `\w` and the like, as a class that may stand in another one.
fn class_escape(c: char) -> Option<String> {
    Some(match c {
        'd' => r"\p{Nd}".to_owned(),
        'D' => r"\P{Nd}".to_owned(),
        's' => format!("[{SPACE}]"),
        'S' => format!("[^{SPACE}]"),
        'w' => format!("[{WORD}]"),
        'W' => format!("[^{WORD}]"),
        _ => return None,
    })
}

fn is_some_i(c: char) -> bool {
    matches!(c, 'i' | 'I' | 'ı' | 'İ')
}

fn push_literal(out: &mut String, c: char) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        let _ = write!(out, r"\x{{{:x}}}", u32::from(c));
    } else {
        out.push(c);
    }
}
