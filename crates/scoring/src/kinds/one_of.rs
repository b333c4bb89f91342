//! `one_of`: the answer is one of the values that the suite lists, whatever the target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expected_values::Wanted;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `one_of`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What an answer may be.
    #[schemars(length(min = 1))]
    values: Vec<String>,
    /// Applied to answer and values before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct OneOf {
    chain: Chain,
    values: Wanted,
}

impl MetricDefinition for OneOf {
    const ABOUT: About = About {
        name: "one_of",
        summary: "The answer equals one of the listed values, whatever the target: it keeps to the \
                  format.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Own definition; text is compared by Unicode scalar values.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let chain = Chain::new(&params.normalize);
        let values = Wanted::new(Some(&params.values), &chain)?;
        Ok(Backend::Text(Arc::new(Self { chain, values })))
    }
}

impl Measure for OneOf {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        self.values.any(targets, &self.chain, |value| value == answer)
    }
}
