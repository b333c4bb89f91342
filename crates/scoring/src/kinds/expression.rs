//! `expression`: the user's own formula over the answer and all that belongs to it.

use std::sync::Arc;

use evalmark_core::{
    expression::{Evaluated, Expression, NoValue},
    fields::Fields,
    metric::{Direction, ParamError, Range, Reasoning},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::{Known, Subject},
};

/// What an expression may name.
const VARIABLES: &[&str] = &[
    "answer",
    "target",
    "targets",
    "item",
    "finish_reason",
    "latency_ms",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "status",
    "headers",
];

/// A Jinja expression, such as `answer | length <= item.limit | int`. It may name `answer`,
/// `target` (the first), `targets`, `item` (the row's columns), and where they are known
/// `finish_reason`, `latency_ms`, `input_tokens`, `output_tokens`, `cost_usd`, and of an answer of
/// `provider: http` `status` and `headers`, which that provider keeps. Besides Jinja's
/// filters there are `fromjson`, for which an answer that is not JSON is invalid, and
/// `matches(text, pattern)`. Columns of a CSV file are text, and a text is never equal to a number:
/// write `item.limit | int`. It can use neither files nor a clock nor randomness; where it takes
/// too much work, the score is missing.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Params(String);

#[derive(Debug)]
pub(crate) struct Formula {
    expression: Expression,
    reads_json: bool,
}

/// An item's columns as formulas see them.
struct Calculable<'a>(&'a Fields);

impl Serialize for Calculable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.calculable().serialize(serializer)
    }
}

/// The variables of one evaluation; what is not known is undefined.
#[derive(Serialize)]
struct Context<'a> {
    answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    targets: &'a [String],
    item: Calculable<'a>,
    #[serde(flatten)]
    known: Known<'a>,
}

impl MetricDefinition for Formula {
    const ABOUT: About = About {
        name: "expression",
        summary: "The value of your own formula: true or false, or a number from 0 to 1; \
                  anything else is missing. An answer passes where the formula is true, or from \
                  the `threshold` on where it gives a number.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Expressions of Jinja, by the crate `minijinja`.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(Params(source): Params) -> Result<Backend, ParamError> {
        let expression = Expression::compile(&source, VARIABLES)
            .map_err(|message| ParamError { pointer: String::new(), message })?;
        Ok(Backend::Text(Arc::new(Self { expression, reads_json: source.contains("fromjson") })))
    }
}

impl Measure for Formula {
    fn reasoning(&self) -> Option<Reasoning> {
        let reads = self.expression.uses("answer");
        Some(if reads { Reasoning::Cut } else { Reasoning::Keep })
    }

    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let context = Context::of(subject);
        match self.expression.evaluate(&context) {
            Ok(Evaluated::Truth(truth)) => {
                Measurement::Decided { value: f64::from(truth), passed: Some(truth), reason: None }
            }
            Ok(Evaluated::Number(number)) if (0.0..=1.0).contains(&number) => {
                Measurement::Decided { value: number, passed: None, reason: None }
            }
            Ok(Evaluated::Number(number)) => Measurement::Missing(format!(
                "the expression gives {number}, which is not in [0, 1]"
            )),
            Err(NoValue::NotJson(reason)) => Measurement::Invalid(reason),
            Err(NoValue::Undefined(reason)) => match self.unknown(&context) {
                Some(name) => Measurement::Missing(format!("`{name}` is not known")),
                // All that is left to lack something is the JSON that the model wrote.
                None if self.reads_json => Measurement::Invalid(reason),
                None => Measurement::Missing(reason),
            },
            Err(NoValue::Unusable(reason)) => Measurement::Missing(reason),
        }
    }

    fn check_item(&self, _targets: &[String], fields: &Fields) -> Result<(), String> {
        match self.expression.below("item").find(|column| !fields.contains_key(column)) {
            None => Ok(()),
            Some(column) => {
                let known: Vec<_> = fields.keys().map(String::as_str).collect();
                Err(format!(
                    "the expression names `item.{column}`, and the row has no such column; it has: {}",
                    known.join(", ")
                ))
            }
        }
    }

    fn decides(&self) -> bool {
        true
    }
}

impl Formula {
    /// A variable that the expression names, and that has no value here.
    fn unknown(&self, context: &Context<'_>) -> Option<&'static str> {
        let known = &context.known;
        let lacks = [
            ("target", context.target.is_none()),
            ("finish_reason", known.finish_reason.is_none()),
            ("latency_ms", known.latency_ms.is_none()),
            ("input_tokens", known.input_tokens.is_none()),
            ("output_tokens", known.output_tokens.is_none()),
            ("cost_usd", known.cost_usd.is_none()),
            ("status", known.status.is_none()),
            ("headers", known.headers.is_none()),
        ];
        let mut lacking = lacks.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name);
        lacking.find(|name| self.expression.uses(name))
    }
}

impl<'a> Context<'a> {
    fn of(subject: Subject<'a>) -> Self {
        let Subject { answer, targets, fields, .. } = subject;
        let target = targets.first().map(String::as_str);
        Self { answer, target, targets, item: Calculable(fields), known: subject.known() }
    }
}
