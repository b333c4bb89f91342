//! Where the letters of the options stand in a text, and which of them can be meant.

use std::borrow::Cow;

use unicode_normalization::char::decompose_compatible;

use crate::word_edge::{is_edge, is_in_number, is_word, runs_on};

/// What the options are called.
#[derive(Debug)]
pub(super) struct Labels {
    names: Vec<String>,
    /// The same in any case.
    folded: Vec<String>,
    /// Places in `names`, longer ones first.
    order: Vec<usize>,
}

/// A letter that stands alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) option: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Written as the suite has it, and not in the other case.
    pub(super) as_named: bool,
    /// In brackets, asterisks or the like.
    pub(super) marked: bool,
    /// Between letters of a script without blanks, to which the name belongs itself: `乙` in `甲乙丙`. It
    /// counts only where something says that it is the answer.
    pub(super) glued: bool,
}

impl Labels {
    pub(super) fn new(names: Vec<String>) -> Result<Self, String> {
        let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
        for (i, name) in names.iter().enumerate() {
            if !(1..=4).contains(&name.chars().count()) || !name.chars().all(char::is_alphanumeric)
            {
                return Err(format!(
                    "`{name}` is not a valid option name: 1 to 4 letters or digits"
                ));
            }
            if folded[..i].contains(&folded[i]) {
                return Err(format!("two options are called `{name}`"));
            }
        }
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|&option| std::cmp::Reverse(names[option].len()));
        Ok(Self { names, folded, order })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The option that a text names, by its letter or by its own text.
    pub(super) fn position(&self, text: &str, texts: &[String]) -> Option<usize> {
        let folded = fold(bare(text));
        let by_name = self.folded.iter().position(|name| *name == folded);
        by_name.or_else(|| texts.iter().position(|text| fold(bare(text)) == folded))
    }

    /// Every letter that stands alone: not in `A-level`, `I'm`, `C++`, `U.S.A.` or `1.5`.
    pub(super) fn hits(&self, text: &str, count: usize) -> Vec<Hit> {
        let mut before = None;
        let mut hits = Vec::new();
        for (start, c) in text.char_indices() {
            if c.is_alphanumeric() && is_edge(before, Some(c)) {
                hits.extend(self.hit(text, start, count));
            }
            before = Some(c);
        }
        hits
    }

    /// The option whose name begins here and stands alone, the longest one.
    fn hit(&self, text: &str, start: usize, count: usize) -> Option<Hit> {
        let (option, len) = self.order.iter().find_map(|&option| {
            let len = prefix_len(&text[start..], &self.names[option])?;
            let after = text[start + len..].chars().next();
            is_edge(self.names[option].chars().next_back(), after).then_some((option, len))
        })?;
        let end = start + len;
        let (head, tail) = (&text[..start], &text[end..]);
        let (before, after) = (head.chars().next_back(), tail.chars().next());
        let is_part = is_joined_before(head)
            || is_joined_after(tail)
            || is_in_number(text, &(start..end))
            || matches!(after, Some('+' | '#'));
        let marked = before.zip(after).is_some_and(|(before, after)| encloses(before, after));
        let touched = |c: Option<char>| c.is_some_and(|c| runs_on(c) && is_word(c));
        let glued = text[start..end].contains(runs_on) && (touched(before) || touched(after));
        let as_named = text[start..end] == self.names[option];
        (!is_part && option < count).then_some(Hit { option, start, end, as_named, marked, glued })
    }
}

/// The length of a name, in any case, that a text begins with.
fn prefix_len(text: &str, name: &str) -> Option<usize> {
    let head = &text[..name.chars().zip(text.chars()).map(|(_, c)| c.len_utf8()).sum()];
    let same = head == name
        || head.eq_ignore_ascii_case(name)
        || !head.is_ascii() && !name.is_ascii() && fold(head) == fold(name);
    same.then_some(head.len())
}

impl Hit {
    /// An article, a pronoun or a count: what stands before a word on its line, as `A dog` or `I think`
    /// or `3 reasons` do. `A is`, `A because` and the like are no such thing, nor is `A 选项`.
    pub(super) fn is_prose(&self, text: &str) -> bool {
        let name = &text[self.start..self.end];
        let rest = &text[self.end..];
        let word = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        if self.marked || word.len() == rest.len() || !word.starts_with(char::is_alphabetic) {
            return false;
        }
        let is_count = name.chars().all(char::is_numeric);
        let has_articles = word.starts_with(|c: char| c.is_lowercase() || c.is_uppercase());
        if !is_count && !has_articles {
            return false;
        }
        let word = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let goes_on: &[&str] = match name {
            "A" => AFTER_A,
            "I" => &["is", "because", "since", "seems", "or"],
            "a" | "i" => &[],
            _ if is_count => {
                &["is", "because", "since", "or", "and", "입니다", "이다", "번", "です"]
            }
            _ => return false,
        };
        !goes_on.contains(&word)
    }
}

/// What goes on after the option A, where the article would not stand.
const AFTER_A: &[&str] = &[
    "is",
    "was",
    "because",
    "since",
    "as",
    "and",
    "or",
    "but",
    "due",
    "given",
    "which",
    "seems",
    "would",
    "for",
    "Because",
    "Since",
    "The",
    "This",
    "not",
    "rather",
    "instead",
    "so",
    "if",
    "according",
    "based",
    "est",
    "ist",
    "es",
    "é",
    "è",
    "et",
    "und",
    "oder",
    "ou",
    "y",
    "car",
    "parce",
    "puisque",
    "weil",
    "denn",
    "porque",
    "pois",
    "perché",
    "non",
    "nicht",
    "pas",
    "no",
    "não",
];

/// Whether a mark stands before that joins words, and then a word: `vitamin-B`, `U.S`.
fn is_joined_before(head: &str) -> bool {
    let mut chars = head.chars().rev();
    let (mark, word, before) = (chars.next(), chars.next(), chars.next());
    match mark {
        Some('-' | '\'' | '’') => {
            let named = ["option", "choice", "answer"].iter().any(|name| {
                let at = head.len().checked_sub(1 + name.len());
                at.and_then(|at| head.get(at..)).is_some_and(|end| {
                    end.get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name))
                })
            });
            word.is_some_and(|word| is_word(word) && !runs_on(word)) && !named
        }
        Some('.') => is_initial(word, before),
        // `N/A`
        Some('/') => matches!(word, Some('N' | 'n')) && !before.is_some_and(is_word),
        _ => false,
    }
}

/// The same after a name: `A-level`, `I'm`, `A.I`.
fn is_joined_after(tail: &str) -> bool {
    let mut chars = tail.chars();
    let (mark, word, after) = (chars.next(), chars.next(), chars.next());
    match mark {
        // In Turkish `B'dir` says that it is B.
        Some('\'' | '’') if after.is_some_and(|c| "iıuü".contains(c)) => {
            !matches!(word, Some('d' | 't')) || tail.chars().nth(3) != Some('r')
        }
        Some('-' | '\'' | '’') => word.is_some_and(|word| is_word(word) && !runs_on(word)),
        Some('.') => is_initial(word, after),
        _ => false,
    }
}

/// One letter alone, and no word.
fn is_initial(letter: Option<char>, beyond: Option<char>) -> bool {
    letter.is_some_and(|c| c.is_alphabetic() && !runs_on(c)) && !beyond.is_some_and(is_word)
}

fn encloses(before: char, after: char) -> bool {
    matches!(
        (before, after),
        ('(' | '（', ')' | '）')
            | ('[', ']')
            | ('{', '}')
            | ('*', '*')
            | ('_', '_')
            | ('`', '`')
            | ('$', '$')
            | ('"', '"')
            | ('\'', '\'')
            | ('“', '”')
            | ('‘', '’')
            | ('<', '>')
            | ('【', '】')
            | ('「', '」')
            | ('『', '』')
            | ('〈', '〉')
            | ('《', '》')
            | ('〔', '〕')
            | ('［', '］')
    )
}

/// A text without white space and marks around it.
pub(super) fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || "*_`$()[]{}<>\"'“”‘’.,:;!（）【】「」『』〈〉《》［］。．、，：；！".contains(c)
    })
}

/// In any case, with single blanks.
pub(super) fn fold(text: &str) -> String {
    let folded = crate::normalize::casefold(&plain_letters(text)).replace('’', "'");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with plain letters and digits for full-width, circled and mathematical ones: `Ｂ`, `Ⓑ`, `𝐁`.
pub(super) fn plain_letters(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_dressed) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ 0x1F170..=0x1F189 => out.extend(char::from_u32(code - 0x1F170 + 0x41)),
            _ if is_dressed(c) => decompose_compatible(c, |c| out.push(c)),
            _ => out.push(c),
        }
    }
    out.into()
}

fn is_dressed(c: char) -> bool {
    matches!(c,
        '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' // full-width
        | '\u{2460}'..='\u{2473}' | '\u{249C}'..='\u{24E9}' // circled, in brackets
        | '\u{1D400}'..='\u{1D7FF}' // mathematical
        | '\u{1F110}'..='\u{1F129}' | '\u{1F130}'..='\u{1F149}' // in brackets, squared
        | '\u{1F170}'..='\u{1F189}' // squared, white on black
    )
}
