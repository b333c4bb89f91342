//! `length_within`: the answer is neither too short nor too long.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `length_within`: at least one of `min` and `max`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What is counted.
    #[serde(default)]
    unit: Unit,
    /// The shortest length that will do.
    #[serde(default)]
    min: Option<u64>,
    /// The longest length that will do.
    #[serde(default)]
    max: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct LengthWithin {
    unit: Unit,
    min: u64,
    max: u64,
}

impl MetricDefinition for LengthWithin {
    const ABOUT: About = About {
        name: "length_within",
        summary: "The answer's length lies within bounds, both included.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Own definition.",
    };
    type Params = Params;

    fn compile(Params { unit, min, max }: Params) -> Result<Backend, ParamError> {
        if min.is_none() && max.is_none() {
            let message = "`length_within` needs `min`, `max` or both".to_owned();
            return Err(ParamError { pointer: String::new(), message });
        }
        let (min, max) = (min.unwrap_or(0), max.unwrap_or(u64::MAX));
        if min > max {
            let message = format!("no length is at least {min} and at most {max}");
            return Err(ParamError { pointer: "/min".to_owned(), message });
        }
        Ok(Backend::Text(Arc::new(Self { unit, min, max })))
    }
}

impl Measure for LengthWithin {
    fn reasoning(&self) -> Option<Reasoning> {
        self.unit.reasoning()
    }

    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match self.unit.count(subject) {
            Ok(count) if count < self.min => {
                Measurement::Value(0.0, Some(format!("{count}, at least {} needed", self.min)))
            }
            Ok(count) if count > self.max => {
                Measurement::Value(0.0, Some(format!("{count}, limit {}", self.max)))
            }
            Ok(_) => Measurement::yes_or_no(true),
            Err(missing) => missing,
        }
    }
}
