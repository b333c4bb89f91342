//! `json_fields`: which fields of the target the answer got right, for tasks of extraction.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::document::{best, json, json_targets, too_long, unusable};
use crate::{
    bipartite_matching::{Budget, pair},
    exact_json::long_number,
    json_compare::{Rules, clip, plain},
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    normalize::{Chain, Step, default_steps},
    number_in_text,
    subject::Subject,
    tolerance::Tolerance,
};

/// Parameters of `json_fields`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The fields that count, e.g. `[{ name: vendor }, { name: total, compare: number, abs: 0.01 }]`;
    /// others are not looked at. Without it every key of answer and target counts, compared exactly.
    #[serde(default)]
    fields: Vec<Field>,
    /// Which value.
    #[serde(default)]
    score: Share,
    /// The JSON may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
    #[serde(default)]
    fence: bool,
}

/// A field and how it is compared.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Field {
    /// A key of the object or, from `$` on, a `JSONPath` (RFC 9535).
    name: String,
    /// How the values are compared.
    #[serde(default)]
    compare: Compare,
    /// Applied to both texts first, where they are compared as texts.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// The similarity from which texts count as equal, where they are compared fuzzily.
    #[serde(default = "default_threshold")]
    #[schemars(range(min = 0, max = 1))]
    threshold: f64,
    /// How far a number may be from the target's, where they are compared as numbers.
    #[serde(default)]
    #[schemars(range(min = 0))]
    abs: f64,
    /// The same as a share of the target's size; the wider one counts.
    #[serde(default)]
    #[schemars(range(min = 0))]
    rel: f64,
}

fn default_threshold() -> f64 {
    0.9
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Compare {
    /// Texts after `normalize`, anything else as JSON.
    #[default]
    Exact,
    /// As numbers, also where they are written as texts.
    Number,
    /// As texts, by Levenshtein's distance: 1 - edits / longer length.
    Fuzzy,
}

/// Which value.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Share {
    /// 2 × right / (answered + wanted).
    #[default]
    F1,
    /// Right ones among those answered.
    Precision,
    /// Right ones among those wanted.
    Recall,
}

#[derive(Debug)]
pub(crate) struct JsonFields {
    fields: Vec<(String, Place, Matcher)>,
    score: Share,
    fence: bool,
}

#[derive(Debug)]
enum Place {
    Key,
    Path(Box<JsonPath>),
}

#[derive(Debug)]
enum Matcher {
    Exact(Chain),
    Number(Tolerance),
    Fuzzy(Chain, f64),
}

impl MetricDefinition for JsonFields {
    const ABOUT: About = About {
        name: "json_fields",
        summary: "How many of the target's fields the answer's JSON got right. A list counts \
                  value by value, in any order; null and the empty list count as no value; no \
                  answer where none is wanted scores 1. The reason names the wrong fields.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; F1 after van Rijsbergen 1979, over the values of one answer. Numbers are compared exactly in decimal.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(Params { fields, score, fence }: Params) -> Result<Backend, ParamError> {
        let fields = fields.into_iter().enumerate().map(|(i, field)| compile(i, field));
        let fields = fields.collect::<Result<_, _>>()?;
        Ok(Backend::Text(Arc::new(Self { fields, score, fence })))
    }
}

fn compile(i: usize, field: Field) -> Result<(String, Place, Matcher), ParamError> {
    let at = format!("/fields/{i}");
    let place = if field.name.starts_with('$') {
        JsonPath::parse(&field.name).map(|path| Place::Path(Box::new(path))).map_err(|error| {
            let message = format!("not a JSONPath (RFC 9535): {error}");
            ParamError { pointer: format!("{at}/name"), message }
        })?
    } else {
        Place::Key
    };
    if !(0.0..=1.0).contains(&field.threshold) {
        let message = "a similarity threshold must lie in [0, 1]".to_owned();
        return Err(ParamError { pointer: format!("{at}/threshold"), message });
    }
    let tolerance = Tolerance::new(field.abs, field.rel, &at)?;
    let chain = Chain::new(&field.normalize);
    let matcher = match field.compare {
        Compare::Exact => Matcher::Exact(chain),
        Compare::Number => Matcher::Number(tolerance),
        Compare::Fuzzy => Matcher::Fuzzy(chain, field.threshold),
    };
    Ok((field.name, place, matcher))
}

/// How many values were right, answered and wanted.
#[derive(Default)]
struct Tally<'t> {
    right: usize,
    answered: usize,
    wanted: usize,
    wrong: Vec<&'t str>,
}

impl Measure for JsonFields {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        self.compare(subject).unwrap_or_else(|measurement| measurement)
    }

    fn check_targets(&self, targets: &[String], _: &Fields) -> Result<(), UnusableTarget> {
        json_targets(targets).map(drop).map_err(unusable)
    }
}

impl JsonFields {
    fn compare(&self, subject: Subject<'_>) -> Result<Measurement, Measurement> {
        let targets = json_targets(subject.targets)?;
        let found = json(subject, self.fence)?;
        if !found.is_object() {
            return Err(Measurement::Invalid("the answer is not a JSON object".to_owned()));
        }
        let budget = Budget::new();
        let measurement = best(targets.iter().map(|target| {
            let tally = self.tally(&found, target, &budget);
            (self.score.of(&tally), tally.remark())
        }));
        Ok(if budget.is_spent() { too_long() } else { measurement })
    }

    fn tally<'t>(&'t self, found: &'t Value, target: &'t Value, budget: &Budget) -> Tally<'t> {
        let mut tally = Tally::default();
        for (name, place, matcher) in &self.fields {
            tally.add(
                name,
                &place.values(found, name),
                &place.values(target, name),
                matcher,
                budget,
            );
        }
        if self.fields.is_empty() {
            let exact = Matcher::Exact(Chain::new(&default_steps()));
            for name in keys(found, target) {
                let values = |of| Place::Key.values(of, name);
                tally.add(name, &values(found), &values(target), &exact, budget);
            }
        }
        tally
    }
}

/// Every key of either object, the target's first.
fn keys<'v>(found: &'v Value, target: &'v Value) -> impl Iterator<Item = &'v str> {
    let of = |value: &'v Value| value.as_object().into_iter().flat_map(|map| map.keys());
    let more = of(found).filter(|key| target.get(key.as_str()).is_none());
    of(target).chain(more).map(String::as_str)
}

impl<'t> Tally<'t> {
    fn add(
        &mut self,
        name: &'t str,
        found: &[&Value],
        target: &[&Value],
        matcher: &Matcher,
        budget: &Budget,
    ) {
        let fits = |i: usize, k: usize| matcher.matches(found[i], target[k], budget);
        let right = pair(found.len(), target.len(), budget, fits).iter().flatten().count();
        self.right += right;
        self.answered += found.len();
        self.wanted += target.len();
        if right < found.len().max(target.len()) {
            self.wrong.push(name);
        }
    }

    fn remark(&self) -> Option<String> {
        let names: Vec<_> = self.wrong.iter().take(10).map(|name| clip(name)).collect();
        let more = self.wrong.len() - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("wrong: {}{more}", names.join(", ")))
    }
}

impl Share {
    fn of(self, tally: &Tally<'_>) -> f64 {
        let (part, whole) = match self {
            Self::F1 => (2 * tally.right, tally.answered + tally.wanted),
            Self::Precision => (tally.right, tally.answered),
            Self::Recall => (tally.right, tally.wanted),
        };
        match whole {
            0 => f64::from(u8::from(tally.answered == tally.wanted)),
            whole => part as f64 / whole as f64,
        }
    }
}

impl Place {
    /// The values of a field: a list's elements, and no null.
    fn values<'v>(&self, value: &'v Value, name: &str) -> Vec<&'v Value> {
        let nodes = match self {
            Self::Key => value.get(name).into_iter().collect(),
            Self::Path(path) => path.query(value).all(),
        };
        let elements = nodes.into_iter().flat_map(|node| match node {
            Value::Array(elements) => elements.iter().collect(),
            node => vec![node],
        });
        elements.filter(|value| !value.is_null()).collect()
    }
}

impl Matcher {
    fn matches(&self, found: &Value, target: &Value, budget: &Budget) -> bool {
        match self {
            Self::Exact(chain) => match (text(found), text(target)) {
                (Some(found), Some(target)) => {
                    budget.spend(length(found) + length(target))
                        && chain.apply(found) == chain.apply(target)
                }
                _ => Rules::default().equal(found, target, budget),
            },
            Self::Number(tolerance) => {
                let (found, target) = (plain(found), plain(target));
                let number = number_in_text::whole;
                budget.spend(length(&found) + length(&target))
                    && number(&found)
                        .zip(number(&target))
                        .is_some_and(|(found, target)| tolerance.allows(&found, &target))
            }
            Self::Fuzzy(chain, threshold) => {
                let (found, target) = (plain(found), plain(target));
                let (found, target) = (chain.apply(&found), chain.apply(&target));
                let cells = length(&found).saturating_mul(length(&target));
                budget.spend(cells.saturating_add(length(&found) + length(&target)))
                    && strsim::normalized_levenshtein(&found, &target) >= *threshold
            }
        }
    }
}

/// A text, which a long number is not.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|_| long_number(value).is_none())
}

fn length(text: &str) -> u64 {
    text.len() as u64
}
