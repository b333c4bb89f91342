//! `json_equal`: the answer's JSON equals the target's.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use super::document::{best, json, json_targets, too_long, unusable};
use crate::{
    bipartite_matching::Budget,
    json_compare::Rules,
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    subject::Subject,
    tolerance::Tolerance,
};

/// Parameters of `json_equal`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The order of an array's elements does not matter, at any depth.
    #[serde(default)]
    unordered: bool,
    /// How far a number may be from the target's.
    #[serde(default)]
    #[schemars(range(min = 0))]
    abs: f64,
    /// How far a number may be from the target's, as a share of the target's size. The wider of `abs`
    /// and `rel` counts.
    #[serde(default)]
    #[schemars(range(min = 0))]
    rel: f64,
    /// `JSONPath`s (RFC 9535) of what is taken out of answer and target first, e.g. `$.id`,
    /// `$.items[*].updated`, `$..timestamp`.
    #[serde(default)]
    ignore: Vec<String>,
    /// The JSON may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
    #[serde(default)]
    fence: bool,
}

#[derive(Debug)]
pub(crate) struct JsonEqual {
    rules: Rules,
    ignore: Vec<JsonPath>,
    fence: bool,
}

impl MetricDefinition for JsonEqual {
    const ABOUT: About = About {
        name: "json_equal",
        summary: "The answer's JSON equals a target's; the order of keys never matters, and 1 is 1.0. The reason names the first difference.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; numbers are compared exactly in decimal, however long.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let tolerance = Tolerance::new(params.abs, params.rel, "")?;
        let rules = Rules { tolerance, unordered: params.unordered, subset: false };
        let paths = params.ignore.iter().enumerate().map(|(i, path)| {
            JsonPath::parse(path).map_err(|error| ParamError {
                pointer: format!("/ignore/{i}"),
                message: format!("not a JSONPath (RFC 9535): {error}"),
            })
        });
        let ignore = paths.collect::<Result<_, _>>()?;
        Ok(Backend::Text(Arc::new(Self { rules, ignore, fence: params.fence })))
    }
}

impl Measure for JsonEqual {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        self.compare(subject).unwrap_or_else(|measurement| measurement)
    }

    fn check_targets(&self, targets: &[String], _: &Fields) -> Result<(), UnusableTarget> {
        json_targets(targets).map(drop).map_err(unusable)
    }
}

impl JsonEqual {
    fn compare(&self, subject: Subject<'_>) -> Result<Measurement, Measurement> {
        let targets = json_targets(subject.targets)?;
        let mut found = json(subject, self.fence)?;
        self.take_out(&mut found);
        let budget = Budget::new();
        let values = targets.into_iter().map(|mut target| {
            self.take_out(&mut target);
            let difference = self.rules.difference(&found, &target, &budget);
            (if difference.is_none() { 1.0 } else { 0.0 }, difference)
        });
        let measurement = best(values);
        Ok(if budget.is_spent() { too_long() } else { measurement })
    }

    fn take_out(&self, value: &mut Value) {
        for path in &self.ignore {
            take_out(value, path);
        }
    }
}

/// Takes out what `path` leads to: what is deeper first, so that every place is still where it was
/// found, and all from one structure at once.
fn take_out(value: &mut Value, path: &JsonPath) {
    let mut places: Vec<Place> = path
        .query_located(value)
        .locations()
        .map(|place| place.iter().map(segment).collect())
        .collect();
    places.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    places.dedup();
    for siblings in places.chunk_by(|a, b| parent(a) == parent(b)) {
        let Some(parent) = parent(&siblings[0]) else {
            *value = Value::Null;
            return;
        };
        let structure = parent.iter().try_fold(&mut *value, |value, (index, key)| match value {
            Value::Array(elements) => elements.get_mut(*index),
            value => value.get_mut(key),
        });
        let last = siblings.iter().filter_map(|place| place.last());
        match structure {
            Some(Value::Array(elements)) => drop_at(elements, last.map(|(index, _)| *index)),
            Some(Value::Object(map)) => last.for_each(|(_, key)| drop(map.swap_remove(key))),
            _ => {}
        }
    }
}

/// The steps that lead to a value.
type Place = Vec<(usize, String)>;

/// The way to the structure that a value stands in; the root stands in none.
fn parent(place: &Place) -> Option<&[(usize, String)]> {
    place.split_last().map(|(_, parent)| parent)
}

/// Takes out the elements at some places, which ascend.
fn drop_at(elements: &mut Vec<Value>, places: impl Iterator<Item = usize>) {
    let (mut places, mut at) = (places.peekable(), 0);
    elements.retain(|_| {
        let stays = places.next_if_eq(&at).is_none();
        at += 1;
        stays
    });
}

/// An index or a key, whichever the place has; within one structure there is but one sort.
fn segment(element: &PathElement<'_>) -> (usize, String) {
    match element {
        PathElement::Index(index) => (*index, String::new()),
        PathElement::Name(name) => (0, (*name).to_owned()),
    }
}
