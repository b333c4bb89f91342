//! Translation edit rate (Snover et al. 2006) as sacrebleu 2.6.0 counts it: words as Tercom cuts
//! them.

use super::{
    TooLong, shifts,
    tokens13a::{numbers_and_points, pad, punctuation, unescape},
};
use crate::{
    python::{split, strip_end},
    similarity::words,
};

/// How a text becomes words.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the tool's switches, each by its name")]
pub(crate) struct Tercom {
    /// Cuts off punctuation and undoes entities.
    pub(crate) normalized: bool,
    /// Drops punctuation.
    pub(crate) no_punct: bool,
    /// The two above are done to East Asian characters too.
    pub(crate) asian_support: bool,
    /// Keeps case.
    pub(crate) case_sensitive: bool,
}

impl Tercom {
    /// The text with a blank between words.
    pub(crate) fn cut(self, text: &str) -> String {
        let text = strip_end(text);
        let mut text = if self.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        if self.normalized && !text.is_empty() {
            text = western(&text);
            if self.asian_support {
                text = asian(&text);
            }
        }
        if self.no_punct {
            text.retain(|c| !matches!(c, '.' | ',' | '?' | ':' | ';' | '!' | '"' | '(' | ')'));
            if self.asian_support {
                text.retain(|c| !is_asian_mark(c));
            }
        }
        split(&text).collect::<Vec<_>>().join(" ")
    }

    /// The same of a reference, which the tool cuts twice: white space other than a blank has become
    /// a blank by then, so that a possessive before it is cut off too.
    pub(crate) fn cut_reference(self, text: &str) -> String {
        self.cut(&self.cut(text))
    }
}

/// The fewest edits over the references, and their mean length.
pub(crate) fn counts(answer: &str, references: &[String]) -> Result<[f64; 2], TooLong> {
    let (mut edits, mut length) = (f64::INFINITY, 0.0);
    for reference in references {
        let both = words(split(answer), split(reference));
        edits = edits.min(shifts::edits(&both.a, &both.b)? as f64);
        length += both.b.len() as f64;
    }
    Ok([edits, length / references.len() as f64])
}

/// The rate in percent; 100 where there is something against nothing.
pub(crate) fn rate([edits, length]: [f64; 2]) -> f64 {
    if length > 0.0 {
        100.0 * (edits / length)
    } else if edits > 0.0 {
        100.0
    } else {
        0.0
    }
}

fn western(text: &str) -> String {
    let text = text.replace("\n-", "").replace('\n', " ");
    let text = punctuation(&format!(" {} ", unescape(&text)));
    numbers_and_points(&text.replace("'s ", " 's "))
}

/// Cuts ideographs and marks off one by one. The ranges are the tool's, its odd last one of letters
/// in circles included; it never cuts kana, since it looks for them only where a text begins, and by
/// then a text begins with a blank.
fn asian(text: &str) -> String {
    let cuts: [fn(char) -> bool; 5] = [
        |c| matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}'),
        |c| matches!(c, '\u{31c0}'..='\u{31ef}' | '\u{2e80}'..='\u{2eff}'),
        |c| matches!(c, '\u{3300}'..='\u{33ff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'),
        |c| matches!(c, '\u{3200}'..='\u{3f22}'),
        is_asian_mark,
    ];
    cuts.iter().fold(text.to_owned(), |text, is_cut| pad(&text, is_cut))
}

fn is_asian_mark(c: char) -> bool {
    matches!(
        c,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}'
            | '\u{ff61}'..='\u{ff65}' | '\u{ff0e}' | '\u{ff0c}' | '\u{ff1f}' | '\u{ff1a}'
            | '\u{ff1b}' | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}'
    )
}
