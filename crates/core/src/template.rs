//! Jinja templates over an item's columns, strict: an undefined variable is an error that names it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior,
    value::{Object, Serde},
};
use serde_json::{Map, Value};

/// A compiled template. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    name: Arc<str>,
}

/// A template that does not compile or render.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, and where.
    pub message: String,
    /// Line within the template, from 1, where known.
    pub line: Option<usize>,
}

impl Template {
    /// Compiles `source`. `name` stands in messages; includes are looked up in `folder`.
    pub fn compile(name: &str, source: &str, folder: &Path) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_auto_reload(false);
        environment.set_loader(minijinja::path_loader(PathBuf::from(folder)));
        Self::compile_in(environment, name, source)
    }

    /// Compiles `source`, which stands alone: it cannot include a file.
    pub fn compile_alone(name: &str, source: &str) -> Result<Self, TemplateError> {
        Self::compile_in(Environment::new(), name, source)
    }

    fn compile_in(
        mut environment: Environment<'static>,
        name: &str,
        source: &str,
    ) -> Result<Self, TemplateError> {
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
            .add_template_owned(name.to_owned(), source.to_owned())
            .map_err(|error| TemplateError::new(name, &error, None))?;
        Ok(Self { environment: Arc::new(environment), name: name.into() })
    }

    /// Name and source of every file that was included so far, in the order of the names.
    pub fn included(&self) -> Vec<(String, String)> {
        let loaded = self.environment.templates().filter(|(name, _)| **name != *self.name);
        let mut files: Vec<_> =
            loaded.map(|(name, file)| (name.to_owned(), file.source().to_owned())).collect();
        files.sort();
        files
    }

    /// Renders with every column as a variable.
    pub fn render(&self, fields: &Map<String, Value>) -> Result<String, TemplateError> {
        self.render_in(Serde(fields).into(), fields)
    }

    /// As [`render`](Self::render); columns that the template does not name cost nothing.
    pub fn render_shared(&self, fields: &Arc<Map<String, Value>>) -> Result<String, TemplateError> {
        self.render_in(minijinja::Value::from_object(Columns(fields.clone())), fields)
    }

    fn render_in(
        &self,
        context: minijinja::Value,
        fields: &Map<String, Value>,
    ) -> Result<String, TemplateError> {
        let template = self
            .environment
            .get_template(&self.name)
            .map_err(|error| TemplateError::new(&self.name, &error, None))?;
        template.render(context).map_err(|error| {
            let missing = (error.kind() == ErrorKind::UndefinedError)
                .then(|| template.undeclared_variables(false))
                .map(|names| names.into_iter().filter(|n| !fields.contains_key(n)).collect());
            TemplateError::new(&self.name, &error, missing)
        })
    }
}

/// An item's columns, which become the template's own values when it asks for them.
#[derive(Debug)]
struct Columns(Arc<Map<String, Value>>);

impl Object for Columns {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.0.get(key.as_str()?).map(|value| match value {
            Value::String(text) => text.as_str().into(),
            other => Serde(other).into(),
        })
    }
}

impl TemplateError {
    fn new(name: &str, error: &minijinja::Error, undefined: Option<BTreeSet<String>>) -> Self {
        let at = match (error.name(), error.line()) {
            (Some(file), Some(line)) if file != name => format!("{name} (in {file}, line {line})"),
            (_, Some(line)) => format!("{name}, line {line}"),
            _ => name.to_owned(),
        };
        let what = match undefined {
            Some(names) if !names.is_empty() => {
                let names: Vec<_> = names.iter().map(|n| format!("`{n}`")).collect();
                format!("undefined variable {}", names.join(", "))
            }
            _ => describe(error),
        };
        Self { message: format!("{at}: {what}"), line: error.line() }
    }
}

/// Kind and detail of an error, with those of its causes.
pub(crate) fn describe(error: &minijinja::Error) -> String {
    let mut text = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
