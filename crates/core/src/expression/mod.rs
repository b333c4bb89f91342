//! Expressions that give truth, a number or (for computed columns) any value: those of Jinja (minijinja), without files, clocks or
//! chance, and with bounds on time and memory.
//!
//! Every step and every byte that is made costs fuel, and a fixed amount of it is there; what runs
//! out has no value. An undefined name is an error, so that nothing compares as if it were empty.
//!
//! Beside what Jinja has there are `fromjson` (a filter), `matches(text, pattern)` and nothing else.

mod functions;
mod names;
mod numbers_in_texts;

use std::{collections::BTreeSet, fmt, sync::LazyLock};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior,
    value::{Serde, Value, ValueKind},
};
use serde::Serialize;

pub(crate) use self::functions::from_json;
use self::numbers_in_texts::NumberUse;
use crate::template::{describe, size_guard};

/// The longest expression, in characters: nesting is bounded with it.
const MAX_LENGTH: usize = 1_000;

/// What one evaluation may use up: a unit pays for a step or for 64 bytes.
const FUEL: u64 = 1_000_000;

/// All expressions share what they may use.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    functions::add(&mut environment);
    environment
});

/// A compiled expression.
pub struct Expression {
    compiled: minijinja::Expression<'static, 'static>,
    variables: BTreeSet<String>,
    number_uses: Vec<NumberUse>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evaluated {
    /// True or false.
    Truth(bool),
    /// A finite number.
    Number(f64),
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// It names what is not there.
    #[error("{0}")]
    Undefined(String),
    /// `fromjson` was given what is not JSON.
    #[error("{0}")]
    NotJson(String),
    /// Anything else: a number expected, too much work, an answer that is neither truth nor number.
    #[error("{0}")]
    Unusable(String),
}

impl Expression {
    /// Compiles `source`, which may use `variables`. An error says what is wrong and where.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, String> {
        if source.chars().nth(MAX_LENGTH).is_some() {
            return Err(format!("an expression has at most {MAX_LENGTH} characters"));
        }
        size_guard::check_expression(source)?;
        let compiled = ENVIRONMENT
            .compile_expression_owned(source.to_owned())
            .map_err(|error| syntax_error(source, &error))?;
        let used = compiled.undeclared_variables(false);
        names::check(source, &used, variables)?;
        let variables = compiled.undeclared_variables(true).into_iter().collect();
        let number_uses = numbers_in_texts::of(source, &ENVIRONMENT);
        Ok(Self { compiled, variables, number_uses })
    }

    /// Whether the expression names this variable, or something of it.
    pub fn uses(&self, variable: &str) -> bool {
        self.below(variable).next().is_some() || self.variables.contains(variable)
    }

    /// The names that stand behind `variable` and a point: `a` and `b` in `item.a == item.b`.
    pub fn below(&self, variable: &str) -> impl Iterator<Item = &str> {
        let names = self.variables.iter().filter_map(move |name| {
            name.strip_prefix(variable)?.strip_prefix('.').and_then(|rest| rest.split('.').next())
        });
        names.collect::<BTreeSet<_>>().into_iter()
    }

    /// Its value of any kind: texts, lists and mappings, too. `context` holds the variables.
    pub(crate) fn value(&self, context: impl Serialize) -> Result<serde_json::Value, NoValue> {
        let value = self.result(context)?;
        let unusable = |what: &str| NoValue::Unusable(format!("the expression gives {what}"));
        if value.is_undefined() {
            return Err(unusable("nothing"));
        }
        if f64::try_from(value.clone()).is_ok_and(|number| !number.is_finite()) {
            return Err(unusable("no finite number"));
        }
        serde_json::to_value(&value).map_err(|_| unusable("what is no JSON value"))
    }

    /// What it gives. A number in a text is an error where it would be taken for the text: every text is larger than
    /// each number, `10` comes before `9`, and `*` repeats a text.
    fn result(&self, context: impl Serialize) -> Result<Value, NoValue> {
        let context = Value::from(Serde(context));
        let wrong = self.number_uses.iter().find_map(|one| one.wrong(&context));
        if let Some(message) = wrong {
            return Err(NoValue::Unusable(message));
        }
        self.compiled.eval(context).map_err(|error| no_value(&error))
    }

    /// Its value, as truth or number. `context` holds the variables; what it lacks is undefined.
    pub fn evaluate(&self, context: impl Serialize) -> Result<Evaluated, NoValue> {
        let value = self.result(context)?;
        let unusable = |what: &str| NoValue::Unusable(format!("the expression gives {what}"));
        match value.kind() {
            ValueKind::Bool => Ok(Evaluated::Truth(value.is_true())),
            ValueKind::Number => {
                let number = f64::try_from(value).ok().filter(|number| number.is_finite());
                number.map(Evaluated::Number).ok_or_else(|| unusable("no finite number"))
            }
            kind => Err(unusable(&format!("{kind}, which is neither a boolean nor a number"))),
        }
    }
}

fn no_value(error: &Error) -> NoValue {
    let message = describe(error);
    let cause = std::error::Error::source(error);
    let is_not_json = cause.and_then(|cause| cause.downcast_ref::<functions::NotJson>()).is_some();
    match error.kind() {
        _ if is_not_json => NoValue::NotJson(message),
        ErrorKind::UndefinedError => NoValue::Undefined(message),
        ErrorKind::OutOfFuel => NoValue::Unusable("the expression takes too much work".to_owned()),
        _ => NoValue::Unusable(message),
    }
}

fn syntax_error(source: &str, error: &Error) -> String {
    let at = error.range().and_then(|range| source.get(..range.start));
    let at = at.map_or_else(String::new, |before| names::place(before.chars().count()));
    format!("{at}{}", describe(error))
}
