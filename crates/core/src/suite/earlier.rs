//! What a suite asked at another time, measured with the data and the metrics that it has now.

use std::path::Path;

use serde_json::Value;

use super::{Readers, Suite, SuiteError, check, document::Document, read_text};
use crate::files::FileAccess;

/// What a suite asked at another time.
#[derive(Clone, Debug)]
pub struct EarlierAsk<'a> {
    /// The suite's text then.
    pub text: &'a str,
    /// The files of its prompts as they were then.
    pub access: FileAccess,
    /// Whether its models are those of then, too.
    pub with_models: bool,
}

impl Suite {
    /// The suite with the prompts, and perhaps the models, of another time; dataset, metrics and gate are those of now.
    /// Models that only metrics ask stay as they are. Places of mistakes in prompts and models are those of the earlier
    /// text.
    pub fn asked_before(
        path: &Path,
        earlier: &EarlierAsk<'_>,
        readers: Readers<'_>,
    ) -> Result<Self, SuiteError> {
        let unreadable = |reason: String| SuiteError::Unreadable { path: path.to_owned(), reason };
        let text = read_text(path).map_err(unreadable)?;
        let access = FileAccess::of_suite(path, readers.roots);
        let access = access.map_err(|error| unreadable(error.to_string()))?;
        Ok(check::check(path, &text, readers, access, Some(earlier))?)
    }
}

/// Puts the prompts, and the models if they are wanted, of another document in the place of these. Both are mappings.
pub(super) fn take_asked(document: &mut Document, mut then: Document, with_models: bool) {
    if with_models {
        let asked = merged(&document.value, &then.value);
        then.value["models"] = asked;
        document.take("models", &mut then);
    }
    document.take("prompts", &mut then);
}

/// The models of then, and those of now that are not evaluated, or not any more: metrics may ask them.
fn merged(now: &Value, then: &Value) -> Value {
    let list = |value: &Value| value["models"].as_array().cloned().unwrap_or_default();
    let is_evaluated = |model: &Value| model["evaluate"] != Value::Bool(false);
    let (now, mut models) = (list(now), list(then));
    models.retain(is_evaluated);
    for mut model in now {
        match models.iter_mut().find(|known| known["name"] == model["name"]) {
            Some(known) if !is_evaluated(&model) => *known = model,
            Some(_) => {}
            None => {
                if let Some(model) = model.as_object_mut() {
                    model.insert("evaluate".to_owned(), Value::Bool(false));
                }
                models.push(model);
            }
        }
    }
    Value::Array(models)
}
