//! The form that every source fills in: what it says of itself, its parameters, and how its data
//! becomes a snapshot.

use evalmark_core::{
    metric::ParamError,
    source::{DatasetSource, Snapshot, SourceContext, SourceError, SourceKind},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a source says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// The key that it is written under.
    pub(crate) name: &'static str,
    /// Where the data comes from, in a sentence.
    pub(crate) summary: &'static str,
    /// Endings of file names that `dataset.path` may have because this source reads such files; its
    /// parameters are then `{"path": PATH}`.
    pub(crate) path_endings: &'static [&'static str],
}

/// A source, in its own terms.
pub(crate) trait DefineSource: Sized + 'static {
    /// What it says of itself.
    const ABOUT: About;
    /// Its parameters as a suite writes them.
    type Params: DeserializeOwned + JsonSchema;
    /// From raw parameters to checked ones. Pointers are relative to the parameters.
    fn open(params: Self::Params) -> Result<Self, ParamError>;
    /// What messages call it: a path or address, without anything secret.
    fn origin(&self) -> String;
    /// Its data as a file of this machine.
    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError>;
}

/// A source behind the form that the reader of suites knows.
struct Opened<D>(D);

impl<D: DefineSource> DatasetSource for Opened<D> {
    fn origin(&self) -> String {
        self.0.origin()
    }

    fn snapshot(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        self.0.fetch(context)
    }
}

/// The row of the source `D`.
pub(crate) fn row<D: DefineSource>() -> SourceKind {
    SourceKind {
        name: D::ABOUT.name,
        summary: D::ABOUT.summary,
        schema: schema::<D>,
        path_endings: D::ABOUT.path_endings,
        open: open::<D>,
    }
}

fn open<D: DefineSource>(params: &Value) -> Result<Box<dyn DatasetSource>, ParamError> {
    let params = serde_json::from_value(params.clone())
        .map_err(|error| ParamError { pointer: String::new(), message: error.to_string() })?;
    Ok(Box::new(Opened(D::open(params)?)))
}

/// JSON Schema of a source's parameters, without references, so that it can be embedded.
fn schema<D: DefineSource>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<D::Params>();
    schema.remove("title");
    schema.insert("description".to_owned(), D::ABOUT.summary.into());
    schema.to_value()
}
