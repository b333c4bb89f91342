//! `latency`: how long the model took.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// `latency` has no parameters.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Debug)]
pub(crate) struct Latency;

impl MetricDefinition for Latency {
    const ABOUT: About = About {
        name: "latency",
        summary: "Milliseconds from the request that was answered to its answer, without queueing and back-off; missing where it was not timed.",
        range: Range::Open,
        direction: Direction::Lower,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition; the column `latency_ms`.",
    };
    type Params = Params;

    fn compile(Params {}: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self)))
    }
}

impl Measure for Latency {
    fn reasoning(&self) -> Option<Reasoning> {
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { record, .. }: Subject<'_>) -> Measurement {
        let missing = || Measurement::Missing("the answer was not timed".to_owned());
        record.timing.latency_ms.map_or_else(missing, Measurement::of)
    }
}
