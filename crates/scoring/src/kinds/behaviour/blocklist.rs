//! `blocklist`: the answer holds nothing that is listed.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use unicode_normalization::char::is_combining_mark;

use crate::{
    extract::compile_pattern,
    file_parameter::FileParameter,
    json_compare::clip,
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    subject::Subject,
    word_edge::{is_word, runs_on},
};

/// Parameters of `blocklist`: at least one word or pattern.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Words or phrases. They count as whole words: `ass` is not in `class`. Between letters of
    /// languages that are written without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer),
    /// and in Korean, any place will do.
    #[serde(default)]
    words: Vec<String>,
    /// Regular expressions, in the syntax of Rust's `regex` crate, searched in the answer as it is.
    #[serde(default)]
    patterns: Vec<String>,
    /// A file with more words, one a line, relative to the suite file. Empty lines and lines that
    /// begin with `#` do not count.
    #[serde(default)]
    file: Option<FileParameter>,
    /// Capital and small letters differ, as do full-width and other compatibility forms.
    #[serde(default)]
    case_sensitive: bool,
}

#[derive(Debug)]
pub(crate) struct Blocklist {
    chain: Chain,
    words: Vec<String>,
    automaton: AhoCorasick,
    patterns: Vec<Regex>,
}

impl MetricDefinition for Blocklist {
    const ABOUT: About = About {
        name: "blocklist",
        summary: "The answer contains none of the listed words and patterns: 1 is clean. The reason names the first one found.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Own definition; words are compared in normal form KC and case-folded.",
    };
    const FILE_REFS: &'static [&'static str] = &["/file"];
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let steps: &[Step] =
            if params.case_sensitive { &[Step::Nfc] } else { &[Step::Nfkc, Step::Casefold] };
        let chain = Chain::new(steps);
        let of_file = params.file.iter().flat_map(|file| lines(&file.text));
        let words = params.words.iter().map(|word| word.trim()).chain(of_file);
        let words: Vec<String> = words.map(|word| chain.apply(word).into_owned()).collect();
        if let Some(i) = params.words.iter().position(|word| word.trim().is_empty()) {
            let message = "an empty word appears in every answer".to_owned();
            return Err(ParamError { pointer: format!("/words/{i}"), message });
        }
        let patterns = params.patterns.iter().enumerate();
        let patterns = patterns.map(|(i, p)| compile_pattern(p, &format!("/patterns/{i}")));
        let patterns: Vec<Regex> = patterns.collect::<Result<_, _>>()?;
        if words.is_empty() && patterns.is_empty() {
            let message = "`blocklist` needs a word or a pattern".to_owned();
            return Err(ParamError { pointer: String::new(), message });
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words);
        let automaton = automaton.map_err(|error| ParamError {
            pointer: String::new(),
            message: format!("the list of words is too large: {error}"),
        })?;
        Ok(Backend::Text(Arc::new(Self { chain, words, automaton, patterns })))
    }
}

/// The words of a file.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Measure for Blocklist {
    fn reasoning(&self) -> Option<Reasoning> {
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Measurement {
        let text = self.chain.apply(answer);
        if let Some(word) = self.word_in(&text) {
            return Measurement::Value(0.0, Some(format!("holds `{}`", clip(word))));
        }
        match self.patterns.iter().find(|pattern| pattern.is_match(answer)) {
            Some(pattern) => {
                Measurement::Value(0.0, Some(format!("matches `{}`", clip(pattern.as_str()))))
            }
            None => Measurement::yes_or_no(true),
        }
    }
}

impl Blocklist {
    /// The first listed word that no other word touches. Places overlap: "new york" is found in
    /// "new york" though "new yorker" may be listed too.
    fn word_in(&self, text: &str) -> Option<&str> {
        let free = |found: &aho_corasick::Match| {
            let word = &text[found.range()];
            let before = text[..found.start()].chars().next_back();
            let after = text[found.end()..].chars().next();
            !joined(before, word.chars().next()) && !joined(word.chars().next_back(), after)
        };
        let found = self.automaton.find_overlapping_iter(text).find(free)?;
        Some(&self.words[found.pattern().as_usize()])
    }
}

/// Whether two neighbours belong to one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return false };
    is_combining_mark(right) && left.is_alphanumeric()
        || is_word(left) && is_word(right) && !(runs_on(left) || runs_on(right))
}
