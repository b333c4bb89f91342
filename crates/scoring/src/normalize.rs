//! Making two texts comparable: named steps, applied to the answer and to the target alike.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{
    number_in_text::is_currency,
    word_edge::{is_word, runs_on},
};

/// One step of `normalize`.
///
/// Whatever order a suite lists them in, steps run in the order below, so that no step leaves behind
/// what an earlier one should have removed (a blank before a full stop, say).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Unicode normal form C: composed and decomposed accents become equal.
    Nfc,
    /// Unicode normal form KC: also full-width forms, ligatures, superscripts (`x²` becomes `x2`).
    Nfkc,
    /// Full Unicode case folding: `Straße` equals `STRASSE`. It is not lower-casing.
    Casefold,
    /// Drops punctuation (Unicode category P, and the backtick), but keeps what makes a number: any
    /// run between two digits, a hyphen or a point before a number, a percent sign after a digit.
    /// Words that it stands between become two (`Answer:Paris`), unless hyphens, apostrophes,
    /// underscores, `&` or the points of an abbreviation join them (`don't` becomes `dont`). Symbols
    /// such as `$` and `+` stay, and a text of nothing but punctuation stays as it is.
    StripPunctuation,
    /// Drops the English words a, an, the, in any case, where another word follows: the answer `A`
    /// stays `A`.
    StripArticles,
    /// Every run of white space becomes one blank.
    CollapseWhitespace,
    /// Drops white space at both ends.
    Trim,
}

/// The steps of a metric that does not say.
pub(crate) fn default_steps() -> Vec<Step> {
    vec![Step::Nfc, Step::Trim]
}

/// Checked steps, in the order in which they run.
#[derive(Clone, Debug)]
pub(crate) struct Chain(Vec<Step>);

impl Chain {
    /// Puts the steps in order. After folding or dropping something, a text may have to be put into
    /// its normal form again: that is done once more at the end, and makes the chain idempotent.
    pub(crate) fn new(steps: &[Step]) -> Self {
        let mut chain = steps.to_vec();
        chain.sort_unstable();
        chain.dedup();
        let form = chain.iter().copied().filter(|step| *step <= Step::Nfkc).max();
        if let (Some(form), Some(folding)) =
            (form, chain.iter().position(|step| *step == Step::Casefold))
        {
            chain.splice(folding..=folding, [Step::Casefold, form, Step::Casefold, form]);
        }
        if chain.contains(&Step::StripPunctuation) {
            chain.extend(form);
        }
        Self(chain)
    }

    /// The text in comparable form.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, step| step.apply(text))
    }
}

impl Step {
    fn apply(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Nfc | Self::Nfkc if text.is_ascii() => text,
            Self::Nfc if unicode_normalization::is_nfc(&text) => text,
            Self::Nfc => text.nfc().collect(),
            Self::Nfkc if unicode_normalization::is_nfkc(&text) => text,
            Self::Nfkc => text.nfkc().collect(),
            Self::Casefold => casefold(&text).into(),
            Self::StripPunctuation => strip_punctuation(&text).into(),
            Self::StripArticles => strip_articles(&text).into(),
            Self::CollapseWhitespace => collapse_whitespace(&text).into(),
            Self::Trim => match text {
                Cow::Borrowed(text) => text.trim().into(),
                Cow::Owned(text) => text.trim().to_owned().into(),
            },
        }
    }
}

/// Full Unicode case folding.
pub(crate) fn casefold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(text)
}

fn collapse_whitespace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_space = false;
    for c in text.chars() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !in_space {
            out.push(' ');
        }
        in_space = c.is_whitespace();
    }
    out
}

/// Drops `a`, `an` and `the`, in any case, as words between white space, where another word
/// follows. An article at the end is none: "vitamin A", or the answer "A" to a question of choice.
fn strip_articles(text: &str) -> String {
    let mut words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let last = words.iter().rposition(|word| !word.trim().is_empty()).unwrap_or(0);
    let mut index = 0;
    words.retain(|word| {
        let bare = word.trim();
        let article = ["a", "an", "the"].iter().any(|a| bare.eq_ignore_ascii_case(a));
        index += 1;
        index > last || !article
    });
    words.concat()
}

/// Drops runs of punctuation: every character of Unicode's category P, and the backtick.
///
/// Symbols (category S: `$ € + < = > ^ | ~`, and the minus sign U+2212) are never touched.
/// Of punctuation this much stays, since it makes a number:
/// - a run between two digits: `1.5`, `1,234`, `12:30`, `3-4`, `1/2`;
/// - a hyphen or dash, a decimal point, or both, before a number: `-5`, `.5`, `-.5`, `-$5`;
/// - a percent or per-mille sign after a digit: `5%`.
///
/// Words on both sides become two, unless the run joins them: hyphens, apostrophes, underscores, `&`, or
/// the point of an abbreviation. A text of nothing but punctuation stays as it is, so that `+` or `?`
/// remains an answer.
fn strip_punctuation(text: &str) -> String {
    static RUN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{P}`]+").expect("a valid pattern"));
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for run in RUN.find_iter(text) {
        out.push_str(&text[end..run.start()]);
        push_kept(&mut out, &text[..run.start()], run.as_str(), &text[run.end()..]);
        end = run.end();
    }
    out.push_str(&text[end..]);
    if out.trim().is_empty() { text.to_owned() } else { out }
}

/// What stays of a run of punctuation between `head` and `rest`.
fn push_kept(out: &mut String, head: &str, run: &str, rest: &str) {
    let after_digit = head.ends_with(char::is_numeric);
    if after_digit && rest.starts_with(char::is_numeric) {
        out.push_str(run);
        return;
    }
    let percent = run.chars().next().filter(|c| after_digit && matches!(c, '%' | '‰' | '٪'));
    let run = &run[percent.map_or(0, char::len_utf8)..];
    let sign = kept_sign(run, rest);
    out.extend(percent);
    if parts_words(head, &run[..run.len() - sign.len()], sign, rest) {
        out.push(' ');
    }
    out.push_str(sign);
}

/// The sign and point of a number after a run of punctuation.
fn kept_sign<'r>(run: &'r str, rest: &str) -> &'r str {
    if rest.starts_with(char::is_numeric) {
        let sign = run.strip_suffix('.').unwrap_or(run);
        if sign.ends_with('.') { "" } else { &run[start_of_sign(sign)..] }
    } else if starts_with_money(rest) {
        &run[start_of_sign(run)..]
    } else {
        ""
    }
}

/// Whether marks that go stand between two words, or between a word and the sign of a number.
fn parts_words(head: &str, dropped: &str, sign: &str, rest: &str) -> bool {
    let joins = |c: char| {
        matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{FE63}' | '\u{FF0D}')
            || matches!(c, '\'' | '‘' | '’' | '＇' | '_' | '&' | '·' | '‧')
    };
    let (Some(before), Some(after)) = (head.chars().next_back(), rest.chars().next()) else {
        return false;
    };
    is_word(before)
        && (is_word(after) || !sign.is_empty())
        && !dropped.chars().all(joins)
        && !(runs_on(before) && runs_on(after))
        && !(dropped == "." && sign.is_empty() && is_abbreviation(head, rest))
}

/// Whether a point between these is that of an abbreviation: `U.S`, `Ph.D`, `e.g`.
fn is_abbreviation(head: &str, rest: &str) -> bool {
    let before = head.chars().rev().take(3).take_while(|c| c.is_alphabetic()).count();
    let after = rest.chars().take(2).take_while(|c| is_word(*c)).count();
    (1..=2).contains(&before) && after == 1
}

/// Where a last dash of `run` begins; the end where there is none.
fn start_of_sign(run: &str) -> usize {
    let dash = run.char_indices().next_back().filter(|(_, c)| is_dash(*c));
    dash.map_or(run.len(), |(at, _)| at)
}

/// Hyphens and dashes that are written for a minus.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
}

/// A currency sign and then a number.
fn starts_with_money(text: &str) -> bool {
    text.strip_prefix(is_currency)
        .map(|number| number.strip_prefix('.').unwrap_or(number))
        .is_some_and(|number| number.starts_with(char::is_numeric))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Step; 7] = [
        Step::Nfc,
        Step::Nfkc,
        Step::Casefold,
        Step::StripPunctuation,
        Step::StripArticles,
        Step::CollapseWhitespace,
        Step::Trim,
    ];

    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            r"[-‐–−+$€.,:%/()`5٥a \u{301}]{0,8}",
            "(a|an|The|cat|[ .]){0,6}",
            "[ΐßﬁİ\u{345}\u{301}\u{308}αΑᾳ…\u{a0}]{0,6}",
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_chain_is_idempotent(
            text in text(),
            steps in prop::sample::subsequence(ALL.to_vec(), 0..=7),
        ) {
            let chain = Chain::new(&steps);
            let once = chain.apply(&text).into_owned();
            prop_assert_eq!(&chain.apply(&once), &once, "{:?}", steps);
        }

        #[test]
        fn the_order_of_steps_does_not_matter(
            text in text(),
            steps in Just(ALL.to_vec()).prop_shuffle(),
        ) {
            prop_assert_eq!(Chain::new(&steps).apply(&text), Chain::new(&ALL).apply(&text));
        }
    }
}
