//! `tool_call`: the answer calls the tools that the target calls, with the same arguments.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    calls::{Call, calls, calls_in},
    document::{JSON, best, document, json_targets, too_long, unusable},
};
use crate::{
    bipartite_matching::{Budget, pair},
    json_compare::{Rules, clip},
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    subject::Subject,
    tolerance::Tolerance,
};

/// Parameters of `tool_call`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How arguments are compared.
    #[serde(default)]
    arguments: Arguments,
    /// How far a number among the arguments may be from the target's.
    #[serde(default)]
    #[schemars(range(min = 0))]
    abs: f64,
    /// The same as a share of the target's size; the wider one counts.
    #[serde(default)]
    #[schemars(range(min = 0))]
    rel: f64,
    /// The calls must come in the target's order.
    #[serde(default)]
    ordered: bool,
    /// There may be more calls than the target's.
    #[serde(default)]
    extra: bool,
    /// A block of code is read like a whole answer: `{"name": "f"}` is a call there without
    /// arguments too. Calls that have some are read from blocks anyway.
    #[serde(default)]
    fence: bool,
}

/// How arguments are compared.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Arguments {
    /// As JSON: the same keys with the same values, in any order.
    #[default]
    Exact,
    /// The target's arguments must be there, objects among them likewise; others may be there too.
    Subset,
    /// Not at all: names alone count.
    Ignore,
}

#[derive(Debug)]
pub(crate) struct ToolCall {
    /// `None`: arguments are not compared.
    rules: Option<Rules>,
    ordered: bool,
    extra: bool,
    fence: bool,
}

impl MetricDefinition for ToolCall {
    const ABOUT: About = About {
        name: "tool_call",
        summary: "The answer calls the target's tools with its arguments. Both are JSON: a call \
                  (`name` and `arguments`, the latter an object or JSON text), `tool_calls` as in \
                  a chat completion, or a list of calls. In an answer with other text, calls \
                  count in the forms in which servers leave them there (`<tool_call>`, \
                  `<function=f>`, `<|python_tag|>`, `[TOOL_CALLS]` and the like), in blocks of \
                  JSON, and as objects with a `name` and arguments. An answer without any makes \
                  no call, which is right where the target is `[]`; a call that cannot be read is \
                  invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; the form is that of OpenAI's chat completions (also `parameters` or `input` for `arguments`).",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Params { arguments, abs, rel, ordered, extra, fence } = params;
        let tolerance = Tolerance::new(abs, rel, "")?;
        let rules = |subset| Rules { tolerance, subset, unordered: false };
        let rules = match arguments {
            Arguments::Exact => Some(rules(false)),
            Arguments::Subset => Some(rules(true)),
            Arguments::Ignore => None,
        };
        Ok(Backend::Text(Arc::new(Self { rules, ordered, extra, fence })))
    }
}

impl Measure for ToolCall {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        self.compare(subject).unwrap_or_else(|measurement| measurement)
    }

    fn check_targets(&self, targets: &[String], _: &Fields) -> Result<(), UnusableTarget> {
        calls_of(targets).map(drop).map_err(unusable)
    }
}

/// The calls that each target lists.
fn calls_of(targets: &[String]) -> Result<Vec<Vec<Call>>, Measurement> {
    let targets = json_targets(targets)?;
    let lists: Vec<_> = targets.iter().filter_map(|target| calls(target).ok().flatten()).collect();
    if lists.is_empty() {
        return Err(Measurement::Missing("the target is not a list of tool calls".to_owned()));
    }
    Ok(lists)
}

impl ToolCall {
    fn compare(&self, subject: Subject<'_>) -> Result<Measurement, Measurement> {
        let targets = calls_of(subject.targets)?;
        let block = document(subject, self.fence, JSON);
        let found = calls_in(block.unwrap_or(subject.answer)).map_err(Measurement::Invalid)?;
        let budget = Budget::new();
        let measurement = best(targets.iter().map(|wanted| {
            let wrong = self.mistake(&found, wanted, &budget);
            (if wrong.is_none() { 1.0 } else { 0.0 }, wrong)
        }));
        Ok(if budget.is_spent() { too_long() } else { measurement })
    }

    /// What is wrong with the calls, if anything.
    fn mistake(&self, found: &[Call], wanted: &[Call], budget: &Budget) -> Option<String> {
        let fits = |i: usize, k: usize| self.same(&found[k], &wanted[i], budget);
        let partners = if self.ordered {
            in_order(wanted.len(), found.len(), fits)
        } else {
            pair(wanted.len(), found.len(), budget, fits)
        };
        if let Some(lacking) = partners.iter().position(Option::is_none) {
            return Some(self.lacks(&wanted[lacking], found, budget));
        }
        let mut is_wanted = vec![false; found.len()];
        for partner in partners.into_iter().flatten() {
            is_wanted[partner] = true;
        }
        let extra = is_wanted.iter().position(|wanted| !wanted).filter(|_| !self.extra)?;
        Some(format!("the call of `{}` is one too many", clip(&found[extra].name)))
    }

    fn same(&self, found: &Call, wanted: &Call, budget: &Budget) -> bool {
        found.name == wanted.name
            && self
                .rules
                .is_none_or(|rules| rules.equal(&found.arguments, &wanted.arguments, budget))
    }

    /// Why a wanted call was not found: where the only call of its tool differs, if there is one.
    fn lacks(&self, wanted: &Call, found: &[Call], budget: &Budget) -> String {
        let name = clip(&wanted.name);
        let mut alike = found.iter().filter(|call| call.name == wanted.name);
        match (alike.next(), alike.next()) {
            (None, _) if found.is_empty() => "the answer calls no tool".to_owned(),
            (None, _) => format!("`{name}` is not called"),
            (Some(call), None) => self
                .rules
                .and_then(|rules| rules.difference(&call.arguments, &wanted.arguments, budget))
                .map_or_else(
                    || format!("`{name}` is called out of order"),
                    |difference| format!("in the call of `{name}`, {difference}"),
                ),
            (Some(_), Some(_)) => format!("no call of `{name}` has the target's arguments"),
        }
    }
}

/// For each row the first column that fits, after those before it.
fn in_order(
    n_rows: usize,
    n_columns: usize,
    fits: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut columns = 0..n_columns;
    (0..n_rows).map(|row| columns.find(|column| fits(row, *column))).collect()
}
