//! Model-graded kinds: one file each. What they share is in `src/judge/`.

mod facts;
mod pairwise;
mod reference;
mod rubric;

pub(crate) use facts::Facts;
pub(crate) use pairwise::Pairwise;
pub(crate) use reference::Reference;
pub(crate) use rubric::Rubric;

use evalmark_core::{feature::Feature, metric::ParamError, template::Template};
use serde_json::Value;

use crate::{judge::QuestionError, subject::Subject};

/// What a judge is asked for: its duty as the system's message, and a form where the suite wants one.
pub(crate) fn asks(params: &Value) -> Vec<Feature> {
    let form = (params["structured"] == true).then_some(Feature::JsonSchema);
    [Feature::Conversation].into_iter().chain(form).collect()
}

/// Compiles a parameter that is a template over the item's columns.
fn template(pointer: &str, name: &str, source: &str) -> Result<Template, ParamError> {
    Template::compile_alone(name, source)
        .map_err(|error| ParamError { pointer: pointer.to_owned(), message: error.message })
}

/// A cell of the item; `None` where it is empty.
fn cell<'a>(subject: Subject<'a>, column: &str) -> Result<Option<&'a Value>, QuestionError> {
    match subject.fields.get(column) {
        None => Err(QuestionError::Column(column.to_owned())),
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(cell) => Ok(Some(cell)),
    }
}
