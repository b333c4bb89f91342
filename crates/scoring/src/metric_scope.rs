//! Which items a metric concerns (`when`), and which columns hold what is right for it (`target`).

use evalmark_core::{
    dataset::answers_in,
    expression::{Evaluated, Expression},
    fields::Fields,
    metric::{MetricSpec, ParamError},
};
use serde::{Serialize, Serializer};

/// What a suite says of a metric's items, whatever its kind.
#[derive(Debug)]
pub(crate) struct Scope {
    when: Option<Expression>,
    targets: Vec<String>,
    /// Whether a target may be a JSON object.
    reads_objects: bool,
}

/// What the expression may name.
#[derive(Serialize)]
struct Context<'a> {
    item: Calculable<'a>,
}

/// An item's columns as expressions see them.
struct Calculable<'a>(&'a Fields);

impl Serialize for Calculable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.calculable().serialize(serializer)
    }
}

impl Scope {
    /// Compiles what the suite says.
    pub(crate) fn compile(spec: &MetricSpec, reads_objects: bool) -> Result<Self, ParamError> {
        let when = spec.when.as_deref().map(|source| Expression::compile(source, &["item"]));
        let when = when.transpose().map_err(|message| complaint("/when", message))?;
        if spec.targets.iter().any(String::is_empty) {
            return Err(complaint("/target", "a column has a name".to_owned()));
        }
        Ok(Self { when, targets: spec.targets.clone(), reads_objects })
    }

    /// Whether it concerns some items only.
    pub(crate) fn is_partial(&self) -> bool {
        self.when.is_some()
    }

    /// Whether it has right answers of its own.
    pub(crate) fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Whether it concerns the item with these columns.
    pub(crate) fn concerns(&self, fields: &Fields) -> Result<bool, String> {
        let Some(when) = &self.when else { return Ok(true) };
        match when.evaluate(Context { item: Calculable(fields) }) {
            Ok(Evaluated::Truth(truth)) => Ok(truth),
            Ok(Evaluated::Number(number)) => {
                Err(format!("`when` gives {number}, and must give true or false"))
            }
            Err(error) => Err(format!("`when` has no value: {error}")),
        }
    }

    /// The metric's own right answers to the item with these columns; `None` where those of the
    /// dataset count.
    pub(crate) fn targets(&self, fields: &Fields) -> Result<Option<Vec<String>>, String> {
        if self.targets.is_empty() {
            return Ok(None);
        }
        answers_in(fields, &self.targets, self.reads_objects).map(Some)
    }

    /// The same, where at least one of them must say something.
    pub(crate) fn usable_targets(&self, fields: &Fields) -> Result<Option<Vec<String>>, String> {
        let targets = self.targets(fields)?;
        match &targets {
            Some(targets) if targets.iter().all(String::is_empty) => Err(format!(
                "the target (`{}`) is empty; fill it, or say with `when` which rows the metric is for",
                self.targets.join("`, `")
            )),
            _ => Ok(targets),
        }
    }
}

fn complaint(pointer: &str, message: String) -> ParamError {
    ParamError { pointer: pointer.to_owned(), message }
}
