//! `exact`: the answer is a target, letter for letter after normalisation.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `exact`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Exact {
    chain: Chain,
}

impl MetricDefinition for Exact {
    const ABOUT: About = About {
        name: "exact",
        summary: "The answer equals a target.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; text is compared by Unicode scalar values.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { chain: Chain::new(&params.normalize) })))
    }
}

impl Measure for Exact {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        Measurement::best_of(targets, |target| f64::from(self.chain.apply(target) == answer))
    }
}
