//! `number`: the number in the answer is the target's, within a tolerance.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Complaint, Direction, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    final_mark::marked,
    json_compare::clip,
    kind::{About, Define, Finding, Measure, UnusableTarget, Work},
    number_in_text::{self, Decimal},
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
    /// How else numbers are written, besides `1,234.5`, `-$5` and `1.2e3`. These cost something: what
    /// is one number with them may be two without.
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
    /// The last in the last `\boxed{…}`, or else after the last `####`; the last of all where nothing
    /// is marked so.
    Marked,
}

#[derive(Debug)]
pub(crate) struct Number {
    tolerance: Tolerance,
    which: Which,
    notations: Notations,
}

impl Define for Number {
    const ABOUT: About = About {
        name: "number",
        summary: "The number in the answer equals the target's, within a tolerance.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; exact in decimal, tolerances in 64-bit floats.",
    };
    type Params = Params;

    fn compile(Params { abs, rel, which, read }: Params) -> Result<Work, Complaint> {
        let (tolerance, notations) = (Tolerance::new(abs, rel, "")?, Notations::new(read));
        Ok(Work::Text(Arc::new(Self { tolerance, which, notations })))
    }
}

impl Measure for Number {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Finding {
        let wanted: Vec<Decimal> =
            targets.iter().filter_map(|target| self.wanted(target)).collect();
        if wanted.is_empty() {
            return Finding::Missing(Self::no_number(targets));
        }
        match self.pick(answer) {
            Ok(Some(found)) => Finding::yes_or_no(
                wanted.iter().any(|target| self.tolerance.allows(&found, target)),
            ),
            Ok(None) => Finding::Value(0.0, Some("the number is out of range".to_owned())),
            Err(reason) => Finding::Invalid(reason.to_owned()),
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
        let part = match self.which {
            Which::Marked => marked(answer).unwrap_or(answer),
            Which::First | Which::Last | Which::Only => answer,
        };
        let plain = self.notations.plain(part);
        let mut numbers = number_in_text::numbers(&plain);
        let first = numbers.next().ok_or("no number in the answer")?;
        let (number, after) = match self.which {
            Which::First => first,
            Which::Last | Which::Marked => numbers.last().unwrap_or(first),
            Which::Only if numbers.next().is_none() => first,
            Which::Only => return Err("more than one number in the answer"),
        };
        Ok(number.map(|number| self.notations.scaled(number, after)))
    }
}
