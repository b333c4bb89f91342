//! `json_valid`: the answer is JSON.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::document::{JSON, document, valid_or};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `json_valid`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The JSON may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
    #[serde(default)]
    fence: bool,
}

#[derive(Debug)]
pub(crate) struct JsonValid {
    fence: bool,
}

impl MetricDefinition for JsonValid {
    const ABOUT: About = About {
        name: "json_valid",
        summary: "The answer is JSON: any value, nested to any depth, numbers of any size.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "RFC 8259, by crate `serde_json`; `NaN`, comments and trailing commas are not JSON.",
    };
    type Params = Params;

    fn compile(Params { fence }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { fence })))
    }
}

impl Measure for JsonValid {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        // Nothing is built, so that neither depth nor size of numbers is limited.
        let parsed = document(subject, self.fence, JSON).and_then(|text| {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string())
        });
        valid_or(parsed.err())
    }
}
