//! `starts_with` and `ends_with`: a target stands at one end of the answer.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{wanted::Wanted, word_edge::is_free};
use crate::{
    kind::{About, Define, Finding, Measure, Work},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `starts_with` and `ends_with`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// Looked for instead of the targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    values: Option<Vec<String>>,
    /// The target counts only where no letter, digit, mark or underscore touches it: `yesterday` does
    /// not start with `yes`.
    #[serde(default)]
    words: bool,
}

/// Which end of the answer.
#[derive(Clone, Copy, Debug)]
enum End {
    Start,
    End,
}

#[derive(Debug)]
struct AtEnd {
    chain: Chain,
    wanted: Wanted,
    words: bool,
    end: End,
}

fn compile(params: &Params, end: End) -> Result<Work, Complaint> {
    let chain = Chain::new(&params.normalize);
    let wanted = Wanted::new(params.values.as_deref(), &chain)?;
    Ok(Work::Text(Arc::new(AtEnd { chain, wanted, words: params.words, end })))
}

const ABOUT: About = About {
    name: "",
    summary: "",
    range: Range::Binary,
    direction: Direction::Higher,
    threshold: Some(1.0),
    needs_target: true,
    model_refs: &[],
    source: "Own definition; text is compared by Unicode scalar values.",
};

pub(crate) struct StartsWith;

impl Define for StartsWith {
    const ABOUT: About = About {
        name: "starts_with",
        summary: "The answer begins with a target. It never begins with an empty one.",
        ..ABOUT
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        compile(&params, End::Start)
    }
}

pub(crate) struct EndsWith;

impl Define for EndsWith {
    const ABOUT: About = About {
        name: "ends_with",
        summary: "The answer ends with a target. It never ends with an empty one.",
        ..ABOUT
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        compile(&params, End::End)
    }
}

impl Measure for AtEnd {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Finding {
        let answer = self.chain.apply(answer);
        self.wanted.any(targets, &self.chain, |text| !text.is_empty() && self.holds(&answer, text))
    }
}

impl AtEnd {
    fn holds(&self, answer: &str, text: &str) -> bool {
        let (rest, inner, outer) = match self.end {
            End::Start => {
                let rest = answer.strip_prefix(text);
                (rest, text.chars().next_back(), rest.and_then(|rest| rest.chars().next()))
            }
            End::End => {
                let rest = answer.strip_suffix(text);
                (rest, text.chars().next(), rest.and_then(|rest| rest.chars().next_back()))
            }
        };
        rest.is_some() && (!self.words || is_free(inner, outer))
    }
}
