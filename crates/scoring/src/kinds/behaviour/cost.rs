//! `cost`: what the answer cost.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// `cost` has no parameters.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Debug)]
pub(crate) struct Cost;

impl MetricDefinition for Cost {
    const ABOUT: About = About {
        name: "cost",
        summary: "US dollars that the answer cost, prompt included; missing where the price or the tokens are not known.",
        range: Range::Open,
        direction: Direction::Lower,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition; the column `cost_usd`.",
    };
    type Params = Params;

    fn compile(Params {}: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self)))
    }
}

impl Measure for Cost {
    fn reasoning(&self) -> Option<Reasoning> {
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { cost_usd, .. }: Subject<'_>) -> Measurement {
        let missing = || Measurement::Missing("what the answer cost is not known".to_owned());
        cost_usd.map_or_else(missing, Measurement::of)
    }
}
