//! `number`: the number in the answer is the target's, within a tolerance.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    final_mark::{after_hashes, boxed, boxed_at_end, declared_number},
    json_compare::clip,
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    number_in_text::{self, Decimal, Found, numbers},
    number_notation::{Notation, Notations},
    subject::Subject,
    tolerance::Tolerance,
};

/// Parameters of `number`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How far the answer may be from the target, as a number.
    #[serde(default)]
    #[schemars(range(min = 0))]
    abs: f64,
    /// How far the answer may be from the target, as a share of the target's size. The wider of
    /// `abs` and `rel` counts.
    #[serde(default)]
    #[schemars(range(min = 0))]
    rel: f64,
    /// Which number of the answer counts.
    #[serde(default)]
    which: Which,
    /// Further notations of numbers, besides `1,234.5`, `-$5`, `1.2e3`, `1.2 × 10^3`, `½`, LaTeX
    /// (`2{,}500`, `\frac{1}{2}`) and digits of other scripts. They have a price: what is one
    /// number with them may be two without.
    #[serde(default)]
    read: Vec<Notation>,
}

/// Which number of the answer counts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
    /// The only one: an answer with several numbers is invalid.
    Only,
    /// The last in the last `\boxed{…}` that is not empty; or else after the last `####` before a
    /// number and no heading; or else the one after `the answer is`, `Answer:` or the like in other
    /// languages; the last of all where nothing is marked.
    Marked,
}

/// Why an answer has no number.
const NONE: &str = "no number in the answer";
const SEVERAL: &str = "more than one number in the answer";
const EXPRESSION: &str = "the number in the answer is part of an expression";

#[derive(Debug)]
pub(crate) struct Number {
    tolerance: Tolerance,
    which: Which,
    notations: Notations,
}

impl MetricDefinition for Number {
    const ABOUT: About = About {
        name: "number",
        summary: "The number in the answer equals the target's, within a tolerance. An expression \
                  is not a number (`2^10`, `3\\sqrt{2}`, `5 + 3`) and is invalid, unless its value stands with \
                  it (`5 + 3 = 8`); nor are times, dates and versions (`10:30`, `2024-05-01`, `1.2.3`), \
                  exponents of units (`25 m^2`) and numerals that are words, which are passed over.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; exact in decimal, tolerances in 64-bit floats.",
    };
    type Params = Params;

    fn compile(Params { abs, rel, which, read }: Params) -> Result<Backend, ParamError> {
        let (tolerance, notations) = (Tolerance::new(abs, rel, "")?, Notations::new(read));
        Ok(Backend::Text(Arc::new(Self { tolerance, which, notations })))
    }
}

impl Measure for Number {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let wanted: Vec<Decimal> =
            targets.iter().filter_map(|target| self.wanted(target)).collect();
        if wanted.is_empty() {
            return Measurement::Missing(Self::no_number(targets));
        }
        match self.pick(answer) {
            Ok(Some(found)) => Measurement::yes_or_no(
                wanted.iter().any(|target| self.tolerance.allows(&found, target)),
            ),
            Ok(None) => Measurement::Value(0.0, Some("the number is out of range".to_owned())),
            Err(reason) => Measurement::Invalid(reason.to_owned()),
        }
    }

    fn check_targets(&self, targets: &[String], _: &Fields) -> Result<(), UnusableTarget> {
        if targets.iter().any(|target| self.wanted(target).is_some()) {
            return Ok(());
        }
        Err(UnusableTarget { problem: Self::no_number(targets), is_mistake: false })
    }
}

impl Number {
    /// Why no target is a number.
    fn no_number(targets: &[String]) -> String {
        match targets.first() {
            Some(target) => format!("the target is not a number: {:?}", clip(target)),
            None => "the item has no target".to_owned(),
        }
    }

    /// The number that a target is.
    fn wanted(&self, target: &str) -> Option<Decimal> {
        let target = self.notations.plain(target);
        let (number, after) = if self.notations.has(Notation::Units) {
            number_in_text::with_unit(&target)?
        } else {
            number_in_text::whole_with_sign(&target)?
        };
        Some(self.notations.scaled(number, after))
    }

    /// The number that counts; `None` when it is out of range, and so equal to nothing.
    fn pick(&self, answer: &str) -> Result<Option<Decimal>, &'static str> {
        let in_box = match self.which {
            Which::Marked => boxed(answer),
            Which::Last => boxed_at_end(answer),
            Which::First | Which::Only => None,
        };
        if let Some(inside) = in_box {
            let plain = self.notations.plain(inside);
            return last(&plain, true).map(|found| self.value(&found));
        }
        let is_marked = matches!(self.which, Which::Marked);
        let after_hashes = is_marked.then(|| after_hashes(answer)).flatten();
        let plain = self.notations.plain(after_hashes.unwrap_or(answer));
        let declared = || is_marked.then(|| declared_number(&plain)).flatten();
        let found = match self.which {
            Which::First => numbers(&plain).next().ok_or(NONE).and_then(alone),
            Which::Only => only(&plain),
            Which::Last => last(&plain, false),
            Which::Marked => declared().map_or_else(|| last(&plain, false), first_result),
        };
        found.map(|found| self.value(&found))
    }

    fn value(&self, found: &Found<'_>) -> Option<Decimal> {
        found.value().map(|number| self.notations.scaled(number, found.after()))
    }
}

fn alone(found: Found<'_>) -> Result<Found<'_>, &'static str> {
    if found.is_part(false) { Err(EXPRESSION) } else { Ok(found) }
}

fn only(text: &str) -> Result<Found<'_>, &'static str> {
    let mut numbers = numbers(text);
    let first = numbers.next().ok_or(NONE)?;
    if numbers.next().is_some() { Err(SEVERAL) } else { alone(first) }
}

/// The last number, or the one that the expression at the end is equal to: `8 = 5 + 3`.
fn last(text: &str, strict: bool) -> Result<Found<'_>, &'static str> {
    let found = numbers(text).last().ok_or(NONE)?;
    if !found.is_part(strict) {
        return Ok(found);
    }
    let (mut value, mut explained) = (None, None);
    let mut in_expression = false;
    for found in numbers(text) {
        let is_part = found.is_part(strict);
        if is_part && !in_expression {
            explained = value.take().filter(|value: &Found<'_>| value.is_explained_by(&found));
        }
        in_expression = is_part;
        if !is_part {
            value = Some(found);
        }
    }
    explained.ok_or(EXPRESSION)
}

/// The number that a line begins with, or what the expression is equal to that it begins with.
fn first_result(line: &str) -> Result<Found<'_>, &'static str> {
    let mut numbers = numbers(line);
    let first = numbers.next().ok_or(NONE)?;
    if !first.is_part(false) {
        return Ok(first);
    }
    numbers.find(|found| !found.is_part(false) && found.is_result()).ok_or(EXPRESSION)
}
