//! `length`: how long the answer is.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `length`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What is counted.
    #[serde(default)]
    unit: Unit,
}

#[derive(Debug)]
pub(crate) struct Length {
    unit: Unit,
}

impl MetricDefinition for Length {
    const ABOUT: About = About {
        name: "length",
        summary: "How long the answer is.",
        range: Range::Open,
        direction: Direction::Lower,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition.",
    };
    type Params = Params;

    fn compile(Params { unit }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { unit })))
    }
}

impl Measure for Length {
    fn reasoning(&self) -> Option<Reasoning> {
        self.unit.reasoning()
    }

    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match self.unit.count(subject) {
            Ok(count) => Measurement::of(count as f64),
            Err(missing) => missing,
        }
    }
}
