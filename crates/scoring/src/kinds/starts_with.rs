//! `starts_with` and `ends_with`: a target stands at one end of the answer.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expected_values::Wanted;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
    word_edge::stands_alone,
};

/// Parameters of `starts_with` and `ends_with`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// Texts to look for instead of the targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    values: Option<Vec<String>>,
    /// The target counts only where no letter, digit, mark or underscore touches it, and where it
    /// is not part of another number: `yesterday` does not start with `yes`, nor does `3.5` end
    /// with 5. See `includes` for languages that are written without spaces.
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

fn compile(params: &Params, end: End) -> Result<Backend, ParamError> {
    let chain = Chain::new(&params.normalize);
    let wanted = Wanted::new(params.values.as_deref(), &chain)?;
    Ok(Backend::Text(Arc::new(AtEnd { chain, wanted, words: params.words, end })))
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

impl MetricDefinition for StartsWith {
    const ABOUT: About = About {
        name: "starts_with",
        summary: "The answer begins with a target. It never begins with an empty one.",
        ..ABOUT
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        compile(&params, End::Start)
    }
}

pub(crate) struct EndsWith;

impl MetricDefinition for EndsWith {
    const ABOUT: About = About {
        name: "ends_with",
        summary: "The answer ends with a target. It never ends with an empty one.",
        ..ABOUT
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        compile(&params, End::End)
    }
}

impl Measure for AtEnd {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        self.wanted.any(targets, &self.chain, |text| !text.is_empty() && self.holds(&answer, text))
    }
}

impl AtEnd {
    fn holds(&self, answer: &str, text: &str) -> bool {
        let span = match self.end {
            End::Start => answer.starts_with(text).then_some(0..text.len()),
            End::End => answer.ends_with(text).then(|| answer.len() - text.len()..answer.len()),
        };
        span.is_some_and(|span| !self.words || stands_alone(answer, &span))
    }
}
