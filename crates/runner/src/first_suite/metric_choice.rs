//! The metrics of a first suite, by what its right answers are.

use std::collections::BTreeSet;

use evalmark_core::number_format::counted;

use super::{
    column_profile::ColumnProfile,
    guess::{Guess, all_quoted},
    target_shape::TargetShape,
    yaml_text::list,
};

/// What the guess of an answer's length is called.
pub(super) const MAX_TOKENS: &str = "max_tokens";

/// The metrics of a first suite.
pub(super) struct MetricChoice {
    /// The one that is gated.
    pub(super) gated: &'static str,
    /// All of them as lines of YAML, two blanks in.
    pub(super) lines: Vec<String>,
    /// Whether a judge would be nearer to what is meant.
    pub(super) wants_judge: bool,
    /// Tokens that an answer may have.
    pub(super) max_tokens: u64,
    pub(super) guesses: Vec<Guess>,
}

/// Metrics with why they fit.
struct Fit {
    gated: &'static str,
    lines: Vec<String>,
    kind: &'static str,
    because: String,
}

impl MetricChoice {
    /// The metrics that fit right answers of this shape.
    pub(super) fn of(shape: &TargetShape, target: &ColumnProfile) -> Self {
        let fit = fit(shape, target);
        let several = if target.n_lists > 0 {
            "; where a row has several right answers, any of them counts"
        } else {
            ""
        };
        let max_tokens = max_tokens(shape, target);
        let guesses = vec![
            Guess::new(
                "metric",
                fit.kind,
                format!("{}{several}", fit.because),
                "`metrics`; `evalmark schema suite` lists all kinds",
            ),
            Guess::new(
                MAX_TOKENS,
                max_tokens.to_string(),
                format!(
                    "the longest right answer has {}",
                    counted(target.most_chars as u64, "character")
                ),
                "the model's `params`; a model that reasons first needs more",
            ),
        ];
        let wants_judge = matches!(shape, TargetShape::Prose { .. });
        Self { gated: fit.gated, lines: fit.lines, wants_judge, max_tokens, guesses }
    }
}

fn fit(shape: &TargetShape, target: &ColumnProfile) -> Fit {
    match shape {
        TargetShape::Classes(classes) => of_classes(classes, target),
        TargetShape::Letter(options) => of_letters(*options),
        TargetShape::Number { whole } => of_numbers(*whole),
        TargetShape::Json => of_json(),
        TargetShape::ShortText => of_short_text(target.n_distinct()),
        TargetShape::Prose { has_words } => of_prose(*has_words),
    }
}

fn of_letters(options: usize) -> Fit {
    Fit {
        gated: "choice",
        kind: "choice",
        because: format!("right answers are letters of {options} options"),
        lines: lines(&[
            "# The option that the answer chooses, by its letter.",
            "- name: choice",
            &format!("  choice: {{ options: {options} }}"),
        ]),
    }
}

fn of_json() -> Fit {
    Fit {
        gated: "fields",
        kind: "json_fields and json_equal",
        because: "right answers are JSON".to_owned(),
        lines: lines(&[
            "# How many of the right answer's fields the answer got right.",
            "- name: fields",
            "  json_fields: { fence: true }",
            "# Whether all of it is right.",
            "- name: equal",
            "  json_equal: { fence: true }",
        ]),
    }
}

fn of_short_text(n_distinct: u64) -> Fit {
    Fit {
        gated: "exact",
        kind: "exact, ignoring case, and fuzzy",
        because: format!(
            "right answers are a few words, {}",
            counted(n_distinct, "different text")
        ),
        lines: lines(&[
            "# The answer is the right one, but for case and blanks.",
            "- name: exact",
            "  exact: { normalize: [trim, casefold] }",
            "# How like the right one it is.",
            "- name: close",
            "  fuzzy: { algorithm: jaro_winkler, normalize: [trim, casefold] }",
        ]),
    }
}

fn of_prose(has_words: bool) -> Fit {
    if !has_words {
        let because = "right answers are prose without blanks between words, so that characters are \
                       compared; a judge is prepared as a comment";
        return Fit {
            gated: "close",
            kind: "fuzzy",
            because: because.to_owned(),
            lines: lines(&[
                "# How like the right answer it is, character by character.",
                "- name: close",
                "  fuzzy: { algorithm: indel }",
            ]),
        };
    }
    let because = "right answers are prose: words in common are counted, which says little about the \
                   meaning; a judge is prepared as a comment";
    Fit {
        gated: "overlap",
        kind: "token_f1 and fuzzy",
        because: because.to_owned(),
        lines: lines(&[
            "# Words that the answer shares with the right one.",
            "- name: overlap",
            "  token_f1: {}",
            "# How like it the whole text is.",
            "- name: close",
            "  fuzzy: { algorithm: token_sort_ratio }",
        ]),
    }
}

fn of_numbers(whole: bool) -> Fit {
    let (tolerance, because) = if whole {
        ("{}", "right answers are whole numbers")
    } else {
        (
            "{ rel: 0.01 }",
            "right answers are numbers with decimals: one hundredth off still counts as right",
        )
    };
    Fit {
        gated: "number",
        kind: "number",
        because: because.to_owned(),
        lines: lines(&[
            "# The last number of the answer is the right one.",
            "- name: number",
            &format!("  number: {tolerance}"),
        ]),
    }
}

fn of_classes(classes: &[String], target: &ColumnProfile) -> Fit {
    let names = || classes.iter().map(String::as_str);
    if !told_apart(classes) {
        return Fit {
            gated: "exact",
            kind: "exact, ignoring case",
            because: format!(
                "right answers repeat {}, some of which differ only by signs",
                counted(classes.len() as u64, "value")
            ),
            lines: lines(&[
                "# The answer is the right one, but for case and blanks.",
                "- name: exact",
                "  exact: { normalize: [trim, casefold] }",
            ]),
        };
    }
    Fit {
        gated: "correct",
        kind: "label, ignoring case, and one_of",
        because: format!(
            "right answers are one of {}, which are taken for classes{}",
            counted(classes.len() as u64, "value"),
            other_spellings(classes, target)
        ),
        lines: lines(&[
            "# The one class that the answer names is the right one.",
            "- name: correct",
            &format!("  label: {{ labels: {}, find: true }}", list(names())),
            "# The answer is a class and nothing else.",
            "- name: format",
            &format!("  one_of: {{ values: {}, normalize: [trim, casefold] }}", list(names())),
        ]),
    }
}

/// What the dataset spells otherwise than a class is listed.
fn other_spellings(classes: &[String], target: &ColumnProfile) -> String {
    let is_other = |label: &&str| !classes.iter().any(|class| class == label);
    let others = all_quoted(target.all_labels().unwrap_or_default().into_iter().filter(is_other));
    if others.is_empty() {
        return others;
    }
    format!("; spelled otherwise in the dataset, which changes no score: {others}")
}

/// Whether classes stay different without case, signs and blanks, and none is lost.
fn told_apart(classes: &[String]) -> bool {
    let bare = |class: &String| {
        let letters = class.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let bare: BTreeSet<_> = classes.iter().map(bare).collect();
    bare.len() == classes.len() && !bare.contains("")
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| format!("  {line}")).collect()
}

/// Tokens that an answer may have: twice what the longest right one takes where a token is two
/// characters, in powers of two.
fn max_tokens(shape: &TargetShape, target: &ColumnProfile) -> u64 {
    let least = match shape {
        TargetShape::Json => 256,
        TargetShape::Number { .. } | TargetShape::Prose { .. } => 64,
        TargetShape::Classes(_) | TargetShape::Letter(_) | TargetShape::ShortText => 16,
    };
    (target.most_chars as u64).next_power_of_two().clamp(least, 8192)
}
