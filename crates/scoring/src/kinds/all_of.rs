//! `all_of`: the answer passes by every metric of a list.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, Nested, ParamError, Range, Reasoning},
};
use serde_json::Value;

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    nested::{Entries, Part, PartScores, deciding, in_params},
    subject::Subject,
};

#[derive(Debug)]
pub(crate) struct AllOf {
    parts: Vec<Part>,
}

impl MetricDefinition for AllOf {
    const ABOUT: About = About {
        name: "all_of",
        summary: "The answer passes every metric of a list, each of which may have its own \
                  `not`, `extract` and `threshold`. One that fails decides, whatever the others \
                  say; otherwise an invalid one makes the answer invalid, and a missing one makes \
                  the score missing.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Own definition.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Entries;

    fn compile(Entries(entries): Entries) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { parts: deciding("all_of", &entries)? })))
    }

    fn nested(params: &Value) -> Vec<Nested> {
        in_params(params)
    }
}

impl Measure for AllOf {
    fn reasoning(&self) -> Option<Reasoning> {
        None
    }

    /// What is certain comes first: a failure decides. So does an invalid answer where nothing
    /// failed: it fails however the missing ones would have ended, but under `not` it must not turn
    /// into a success, and so it stays invalid.
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let PartScores { failed, invalid, missing, .. } =
            PartScores::by(&self.parts, subject, false);
        match (failed.is_empty(), invalid, missing) {
            (false, _, _) => {
                Measurement::Value(0.0, Some(format!("failed: {}", failed.join("; "))))
            }
            (true, Some(invalid), _) => Measurement::Invalid(invalid),
            (true, None, Some(missing)) => Measurement::Missing(missing),
            (true, None, None) => Measurement::of(1.0),
        }
    }

    fn check_targets(&self, targets: &[String], fields: &Fields) -> Result<(), UnusableTarget> {
        self.parts.iter().try_for_each(|part| part.metric.check_row_targets(targets, fields))
    }

    fn check_item(&self, targets: &[String], fields: &Fields) -> Result<(), String> {
        self.parts.iter().try_for_each(|part| part.metric.check_row(targets, fields))
    }
}
