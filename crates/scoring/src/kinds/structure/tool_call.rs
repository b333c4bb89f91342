//! `tool_call`: the answer calls the tools that the target calls, with the same arguments.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{best, document, json_targets, too_long};
use crate::{
    json_compare::{Rules, clip},
    kind::{About, Define, Finding, Measure, Work},
    pairing::{Budget, pair},
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
    /// The JSON may stand in a block of code, with text around it, if there is but one block.
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

/// A call, in whatever form it was written.
#[derive(Debug, PartialEq)]
struct Call {
    name: String,
    arguments: Value,
}

impl Define for ToolCall {
    const ABOUT: About = About {
        name: "tool_call",
        summary: "The answer calls the target's tools with its arguments. Both are JSON: a call (`name` and `arguments`, the latter an object or JSON text), `tool_calls` as in a chat completion, or a list of calls. An answer that is something else makes no call, which is right where the target is `[]`; arguments that are not JSON are invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; the form is that of OpenAI's chat completions (also `parameters` or `input` for `arguments`).",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        let Params { arguments, abs, rel, ordered, extra, fence } = params;
        let tolerance = Tolerance::new(abs, rel, "")?;
        let rules = |subset| Rules { tolerance, subset, unordered: false };
        let rules = match arguments {
            Arguments::Exact => Some(rules(false)),
            Arguments::Subset => Some(rules(true)),
            Arguments::Ignore => None,
        };
        Ok(Work::Text(Arc::new(Self { rules, ordered, extra, fence })))
    }
}

impl Measure for ToolCall {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Finding {
        self.compare(answer, targets).unwrap_or_else(|finding| finding)
    }
}

impl ToolCall {
    fn compare(&self, answer: &str, targets: &[String]) -> Result<Finding, Finding> {
        let targets: Vec<Vec<Call>> = json_targets(targets)?
            .iter()
            .filter_map(|target| calls(target).ok().flatten())
            .collect();
        if targets.is_empty() {
            return Err(Finding::Missing("the target is not a list of tool calls".to_owned()));
        }
        let found = self.read(answer).map_err(Finding::Invalid)?;
        let budget = Budget::new();
        let finding = best(targets.iter().map(|wanted| {
            let wrong = self.mistake(&found, wanted, &budget);
            (if wrong.is_none() { 1.0 } else { 0.0 }, wrong)
        }));
        Ok(if budget.is_spent() { too_long() } else { finding })
    }

    /// The calls of an answer; what is not JSON, or JSON of another form, makes none.
    fn read(&self, answer: &str) -> Result<Vec<Call>, String> {
        let text = document(answer, self.fence)?;
        match serde_json::from_str(text.trim()) {
            Ok(value) => Ok(calls(&value)?.unwrap_or_default()),
            Err(_) => Ok(Vec::new()),
        }
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

/// The calls that a value means; `None` where it means something else.
fn calls(value: &Value) -> Result<Option<Vec<Call>>, String> {
    match value {
        Value::Array(elements) => {
            let mut all = Vec::new();
            for element in elements {
                match element.as_object().map(call).transpose()?.flatten() {
                    Some(call) => all.push(call),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        Value::Object(object) => match object.get("tool_calls") {
            Some(Value::Null) => Ok(Some(Vec::new())),
            Some(list @ Value::Array(_)) => calls(list),
            Some(_) => Ok(None),
            None => Ok(call(object)?.map(|call| vec![call])),
        },
        _ => Ok(None),
    }
}

/// One call, alone or within `function`.
fn call(object: &Map<String, Value>) -> Result<Option<Call>, String> {
    let inner = ["function", "function_call"].iter().find_map(|key| object.get(*key)?.as_object());
    let object = inner.unwrap_or(object);
    let Some(name) = object.get("name").and_then(Value::as_str) else { return Ok(None) };
    let given = ["arguments", "parameters", "input"].iter().find_map(|key| object.get(*key));
    let arguments = match given {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(Value::String(text)) if text.trim().is_empty() => Value::Object(Map::new()),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|error| format!("the arguments of `{}` are not JSON: {error}", clip(name)))?,
        Some(arguments) => arguments.clone(),
    };
    Ok(Some(Call { name: name.to_owned(), arguments }))
}
