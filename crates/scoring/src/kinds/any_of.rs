//! `any_of`: the answer passes by some metric of a list.

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
pub(crate) struct AnyOf {
    parts: Vec<Part>,
}

impl MetricDefinition for AnyOf {
    const ABOUT: About = About {
        name: "any_of",
        summary: "The answer passes at least one metric of a list, each of which may have its \
                  own `not`, `extract` and `threshold`. One that passes decides; otherwise a \
                  missing one makes the score missing, and an invalid one makes the answer \
                  invalid.",
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
        Ok(Backend::Text(Arc::new(Self { parts: deciding("any_of", &entries)? })))
    }

    fn nested(params: &Value) -> Vec<Nested> {
        in_params(params)
    }
}

impl Measure for AnyOf {
    fn reasoning(&self) -> Option<Reasoning> {
        None
    }

    /// What is certain comes first: a pass decides. Where one is missing it might have passed.
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let PartScores { passed, failed, invalid, missing } =
            PartScores::by(&self.parts, subject, true);
        match (passed, missing, invalid) {
            (Some(part), _, _) => Measurement::Value(1.0, Some(format!("by {}", part.told(None)))),
            (None, Some(missing), _) => Measurement::Missing(missing),
            (None, None, Some(invalid)) => Measurement::Invalid(invalid),
            (None, None, None) => {
                Measurement::Value(0.0, Some(format!("failed: {}", failed.join("; "))))
            }
        }
    }

    fn check_targets(&self, targets: &[String], fields: &Fields) -> Result<(), UnusableTarget> {
        let mut checked =
            self.parts.iter().map(|part| part.metric.check_row_targets(targets, fields));
        let first = checked.next().unwrap_or(Ok(()));
        if checked.any(|checked| checked.is_ok()) { Ok(()) } else { first }
    }

    fn check_item(&self, targets: &[String], fields: &Fields) -> Result<(), String> {
        self.parts.iter().try_for_each(|part| part.metric.check_row(targets, fields))
    }
}
