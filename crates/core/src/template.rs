//! Jinja templates over an item's columns, strict: an undefined variable is an error that names it.

mod columns;
mod hint;
mod numbers;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use self::columns::Columns;
use crate::{fields::Fields, suite::text_file::even};

/// A compiled template. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    name: Arc<str>,
    source: Arc<str>,
    /// Whether it does more with numbers than to write them.
    calculates: bool,
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
        let load = minijinja::path_loader(PathBuf::from(folder));
        environment
            .set_loader(move |name| Ok(load(name)?.map(|file| even(file.source()).into_owned())));
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
        let calculates = numbers::calculates(source);
        numbers::prepare(&mut environment, calculates);
        environment.add_template_owned(name.to_owned(), source.to_owned()).map_err(|error| {
            let error = TemplateError::new(name, &error, None);
            error.advised(hint::of_syntax(source))
        })?;
        let environment = Arc::new(environment);
        Ok(Self { environment, name: name.into(), source: source.into(), calculates })
    }

    /// Whether what it renders may depend on these columns.
    pub fn uses<'a>(&self, mut columns: impl Iterator<Item = &'a str>) -> bool {
        let Ok(template) = self.environment.get_template(&self.name) else { return true };
        let names = template.undeclared_variables(false);
        names.contains("item")
            || columns.any(|column| names.contains(column))
            || hint::takes_in_files(template.source())
    }

    /// Name and source of every file that was included so far, in the order of the names.
    pub fn included(&self) -> Vec<(String, String)> {
        let loaded = self.environment.templates().filter(|(name, _)| **name != *self.name);
        let mut files: Vec<_> =
            loaded.map(|(name, file)| (name.to_owned(), file.source().to_owned())).collect();
        files.sort();
        files
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders with every column as a variable, and the row itself as `item`. Columns that the
    /// template does not name cost nothing.
    pub fn render(&self, fields: &Fields) -> Result<String, TemplateError> {
        let template = self
            .environment
            .get_template(&self.name)
            .map_err(|error| TemplateError::new(&self.name, &error, None))?;
        let columns = Arc::new(Columns::new(fields, self.calculates));
        let context = minijinja::Value::from_dyn_object(columns.clone());
        template.render(context).map_err(|error| {
            let is_undefined = error.kind() == ErrorKind::UndefinedError;
            let missing = is_undefined.then(|| {
                let names = template.undeclared_variables(false).into_iter();
                let is_missing = |n: &String| !fields.contains_key(n) && n != "item";
                names.filter(is_missing).chain(columns.missed()).collect()
            });
            let wrong = TemplateError::new(&self.name, &error, missing);
            wrong.advised(hint::of_row(template.source(), fields))
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

    /// With advice, where there is some.
    fn advised(self, advice: Option<String>) -> Self {
        let Some(advice) = advice else { return self };
        Self { message: format!("{}; {advice}", self.message), ..self }
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
