//! `includes`: a target stands somewhere in the answer.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

use crate::{
    kind::{About, Define, Finding, Measure, Work},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `includes`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// The target counts only where no letter, digit, mark or underscore touches it: `art` is not
    /// in `party`. It knows words, not meaning: `guilty` is in `not guilty`, and 5 is in `-5`.
    #[serde(default)]
    words: bool,
}

#[derive(Debug)]
pub(crate) struct Includes {
    chain: Chain,
    words: bool,
}

impl Define for Includes {
    const ABOUT: About = About {
        name: "includes",
        summary: "A target stands somewhere in the answer. An empty target never does.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; text is compared by Unicode scalar values.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        let chain = Chain::new(&params.normalize);
        Ok(Work::Text(Arc::new(Self { chain, words: params.words })))
    }
}

impl Measure for Includes {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Finding {
        let answer = self.chain.apply(answer);
        Finding::best_of(targets, |target| {
            let target = self.chain.apply(target);
            let found = if self.words {
                holds_words(&answer, &target)
            } else {
                !target.is_empty() && answer.contains(&*target)
            };
            f64::from(found)
        })
    }
}

/// Whether `needle` stands in `text` without touching another word, overlapping places included.
fn holds_words(text: &str, needle: &str) -> bool {
    let (Some(first), Some(last)) = (needle.chars().next(), needle.chars().next_back()) else {
        return false;
    };
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(needle)) {
        let start = from + found;
        let before = text[..start].chars().next_back();
        let after = text[start + needle.len()..].chars().next();
        if !joined(before, Some(first)) && !joined(Some(last), after) {
            return true;
        }
        from = start + first.len_utf8();
    }
    false
}

/// Whether two neighbours belong to one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(is_word) && right.is_some_and(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}
