//! Jinja templates over an item's columns, strict: an undefined variable is an error that names it.
//!
//! A template may come from a stranger. Every step and every byte that it makes costs fuel, of which
//! each rendering has a fixed amount, so that none runs on or fills the memory; and it includes only
//! files that its suite may read.

pub(crate) mod size_guard;

mod columns;
mod hint;
mod numbers;
mod plain;
mod references;
mod unknown_names;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

pub use self::references::References;

use self::{columns::Columns, plain::PlainTemplate};

use crate::{
    fields::Fields,
    files::{FileAccess, FileError},
};

/// What one rendering may use up: a unit pays for a step or for 64 bytes, so it makes at most 64 MB.
const FUEL: u64 = 1_000_000;

/// The longest text that a template may give, in bytes: several times what the largest models read.
const MAX_OUTPUT: usize = 16 << 20;

/// How deep macros, includes and recursive loops may go. The stack of a thread bears many times that.
const MAX_DEPTH: usize = 100;

/// A compiled template. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    name: Arc<str>,
    source: Arc<str>,
    /// Where it only puts columns into a text.
    plain: Option<Arc<PlainTemplate>>,
    /// Whether it does more with numbers than to write them.
    calculates: bool,
    included: Included,
}

/// The files that were included so far, by name.
type Included = Arc<Mutex<BTreeMap<String, String>>>;

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
    /// Compiles `source`. `name` stands in messages; includes are looked up in `folder`, as far as
    /// `access` reaches.
    pub fn compile(
        name: &str,
        source: &str,
        folder: &Path,
        access: &FileAccess,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_auto_reload(false);
        let (folder, access) = (folder.to_owned(), access.clone());
        let included = Included::default();
        let kept = included.clone();
        environment.set_loader(move |name| {
            let Some(source) = include(&folder, name, &access)? else { return Ok(None) };
            let guarded = size_guard::guarded(&source)?;
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), source);
            Ok(Some(guarded))
        });
        Self::compile_in(environment, name, source, included)
    }

    /// Compiles `source`, which stands alone: it cannot include a file.
    pub fn compile_alone(name: &str, source: &str) -> Result<Self, TemplateError> {
        Self::compile_in(Environment::new(), name, source, Included::default())
    }

    fn compile_in(
        mut environment: Environment<'static>,
        name: &str,
        source: &str,
        included: Included,
    ) -> Result<Self, TemplateError> {
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(MAX_DEPTH);
        // It would print what surrounds the template, which is no part of an item.
        environment.remove_global("debug");
        size_guard::add(&mut environment);
        environment.add_filter("fromjson", crate::expression::from_json);
        let calculates = numbers::calculates(source);
        numbers::prepare(&mut environment, calculates);
        size_guard::guarded(source)
            .and_then(|guarded| environment.add_template_owned(name.to_owned(), guarded))
            .map_err(|error| {
                let error = TemplateError::new(name, &error, None);
                error.advised(hint::of_syntax(source))
            })?;
        let environment = Arc::new(environment);
        let plain = PlainTemplate::of(source).map(Arc::new);
        let (name, source) = (name.into(), source.into());
        Ok(Self { environment, name, source, plain, calculates, included })
    }

    /// Whether what it renders may depend on these columns.
    pub fn uses<'a>(&self, mut columns: impl Iterator<Item = &'a str>) -> bool {
        let Ok(template) = self.environment.get_template(&self.name) else { return true };
        let names = template.undeclared_variables(false);
        names.contains("item")
            || columns.any(|column| names.contains(column) || hint::names(&self.source, column))
            || hint::takes_in_files(&self.source)
    }

    /// The variables that it uses, but for those that it sets itself and what every template has.
    pub fn variables(&self) -> BTreeSet<String> {
        const GLOBALS: [&str; 4] = ["range", "dict", "namespace", "loop"];
        let Ok(template) = self.environment.get_template(&self.name) else {
            return BTreeSet::new();
        };
        let names = template.undeclared_variables(false).into_iter();
        names.filter(|name| !GLOBALS.contains(&name.as_str())).collect()
    }

    /// Its name, as messages have it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a column stands in it by its name.
    pub(crate) fn names(&self, column: &str) -> bool {
        hint::names(&self.source, column)
    }

    /// Name and source of every file that was included so far, in the order of the names.
    pub fn included(&self) -> Vec<(String, String)> {
        let included = self.included.lock().unwrap_or_else(PoisonError::into_inner);
        included.iter().map(|(name, source)| (name.clone(), source.clone())).collect()
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders with every column as a variable, and the row itself as `item`. Columns that the
    /// template does not name cost nothing.
    pub fn render(&self, fields: &Fields) -> Result<String, TemplateError> {
        self.render_with(fields, None)
    }

    /// The same, with rows of other items as the variable `examples`.
    pub(crate) fn render_with(
        &self,
        fields: &Fields,
        examples: Option<&[Fields]>,
    ) -> Result<String, TemplateError> {
        let plain = self.plain.as_ref();
        if let Some(text) = plain.and_then(|plain| plain.render(fields, MAX_OUTPUT)) {
            return Ok(text);
        }
        let columns = Columns::new(fields, self.calculates);
        self.rendered(&Arc::new(match examples {
            Some(examples) => columns.with_examples(examples),
            None => columns,
        }))
    }

    fn rendered(&self, columns: &Arc<Columns>) -> Result<String, TemplateError> {
        let fields = columns.fields();
        let template = self
            .environment
            .get_template(&self.name)
            .map_err(|error| TemplateError::new(&self.name, &error, None))?;
        let context = minijinja::Value::from_dyn_object(columns.clone());
        let text = template.render(context).map_err(|error| {
            let is_undefined = error.kind() == ErrorKind::UndefinedError;
            let missing = is_undefined.then(|| {
                let names = template.undeclared_variables(false).into_iter();
                let is_missing = |n: &String| !columns.has(n);
                names.filter(is_missing).chain(columns.missed()).collect()
            });
            let wrong = TemplateError::new(&self.name, &error, missing);
            wrong.advised(hint::of_row(&self.source, fields))
        })?;
        if text.len() > MAX_OUTPUT {
            let message = format!(
                "{}: produces {} MB of text; the limit is {} MB",
                self.name,
                text.len() >> 20,
                MAX_OUTPUT >> 20
            );
            return Err(TemplateError { message, line: None });
        }
        Ok(text)
    }
}

/// The source of an included template; `None` where there is no such file.
fn include(folder: &Path, name: &str, access: &FileAccess) -> Result<Option<String>, Error> {
    let refused = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    // A template names what lies in its folder or below, on every system alike.
    let is_plain = |part: &str| !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    if !name.split('/').all(is_plain) || name.starts_with('/') {
        return Ok(None);
    }
    match access.read_text(&folder.join(name)) {
        Ok(source) => Ok(Some(source)),
        Err(FileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(format!("the included file `{name}` {error}"))),
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
            _ if is_out_of_fuel(error) => format!(
                "takes too much work or memory; a template may produce at most {} MB for one item",
                (FUEL * 64) >> 20
            ),
            _ => describe(error),
        };
        Self { message: format!("{at}: {what}"), line: error.line() }
    }

    /// The same, of a template that begins in a later line of its file.
    #[must_use]
    pub fn moved(self, first_line: u64) -> Self {
        let (Some(line), Ok(below)) = (self.line, usize::try_from(first_line.saturating_sub(1)))
        else {
            return self;
        };
        let moved = line + below;
        let message =
            self.message.replacen(&format!(", line {line}:"), &format!(", line {moved}:"), 1);
        Self { message, line: Some(moved) }
    }

    /// With advice, where there is some.
    fn advised(self, advice: Option<String>) -> Self {
        let Some(advice) = advice else { return self };
        Self { message: format!("{}; {advice}", self.message), ..self }
    }
}

/// Whether an error, or what caused it in a macro or an included file, is that the fuel ran out.
fn is_out_of_fuel(error: &minijinja::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<minijinja::Error>().map(Error::kind);
        if kind == Some(ErrorKind::OutOfFuel) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Kind and detail of an error.
fn told(error: &minijinja::Error) -> String {
    unknown_names::describe(error).unwrap_or_else(|| match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    })
}

/// Kind and detail of an error, with those of its causes.
pub(crate) fn describe(error: &minijinja::Error) -> String {
    let mut text = told(error);
    let mut last = text.clone();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let says = match cause.downcast_ref() {
            Some(cause) => told(cause),
            None => cause.to_string(),
        };
        // A file that includes itself fails in each of its copies.
        if says != last {
            text = format!("{text}: {says}");
            last = says;
        }
        source = cause.source();
    }
    text
}
