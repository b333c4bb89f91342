//! Where the letters of the options stand in a text, and which of them can be meant.

use regex::Regex;

use super::super::word_edge::{is_free, is_word, word_before};

/// What the options are called.
#[derive(Debug)]
pub(super) struct Labels {
    names: Vec<String>,
    /// The same in any case.
    folded: Vec<String>,
    pattern: Regex,
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
        let pattern = format!(r"(?i)\b(?:{})\b", names.join("|"));
        let pattern = Regex::new(&pattern).map_err(|error| error.to_string())?;
        Ok(Self { names, folded, pattern })
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
        let found = self.pattern.find_iter(text);
        found.filter_map(|found| self.hit(text, found.start(), found.end(), count)).collect()
    }

    fn hit(&self, text: &str, start: usize, end: usize, count: usize) -> Option<Hit> {
        let (head, name, tail) = (&text[..start], &text[start..end], &text[end..]);
        let known = self.names.iter().position(|known| known == name);
        let option = known.or_else(|| {
            let name = fold(name);
            self.folded.iter().position(|known| *known == name)
        })?;
        let (before, after) = (head.chars().next_back(), tail.chars().next());
        let free = is_free(name.chars().next(), before)
            && is_free(name.chars().next_back(), after)
            && !is_joined(head.chars().rev())
            && !is_joined(tail.chars())
            && !after.is_some_and(|c| matches!(c, '+' | '#'));
        let marked = before.zip(after).is_some_and(|(before, after)| encloses(before, after));
        (free && option < count).then(|| Hit {
            option,
            start,
            end,
            as_named: self.names[option] == name,
            marked,
        })
    }
}

impl Hit {
    /// An article, a pronoun or a count: what stands before a word, as `A dog` or `I think` or `3
    /// reasons` do. `A is`, `A because` and the like are no such thing.
    pub(super) fn is_prose(&self, text: &str) -> bool {
        let name = &text[self.start..self.end];
        let rest = &text[self.end..];
        let word = rest.trim_start();
        if self.marked || word.len() == rest.len() || !word.starts_with(char::is_alphabetic) {
            return false;
        }
        let word = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let goes_on: &[&str] = match name {
            "A" => &[
                "is", "was", "because", "since", "as", "and", "or", "but", "due", "given", "which",
                "seems", "would", "for", "Because", "Since", "The", "This",
            ],
            "I" => &["is", "because", "since", "seems", "or"],
            "a" | "i" => &[],
            _ if name.chars().all(char::is_numeric) => &["is", "because", "since", "or", "and"],
            _ => return false,
        };
        !goes_on.contains(&word)
    }

    /// Whether the word before denies it: `not B`.
    pub(super) fn is_denied(&self, text: &str) -> bool {
        let word = fold(word_before(&text[..self.start]));
        matches!(&*word, "not" | "no" | "never" | "neither" | "nor") || word.ends_with("n't")
    }
}

/// Whether a mark that joins words comes next, and then a word.
fn is_joined(mut chars: impl Iterator<Item = char>) -> bool {
    let joins = |c: char| matches!(c, '-' | '\'' | '’' | '.' | ',');
    chars.next().is_some_and(joins) && chars.next().is_some_and(is_word)
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
    )
}

/// A text without white space and marks around it.
pub(super) fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "*_`$()[]{}<>\"'“”‘’.,:;!（）".contains(c))
}

/// In any case, with single blanks.
pub(super) fn fold(text: &str) -> String {
    let folded = caseless::default_case_fold_str(text).replace('’', "'");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
