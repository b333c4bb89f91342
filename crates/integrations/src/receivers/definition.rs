//! The form that every receiver fills in: what it says of itself, its parameters, and how it is told.

use std::path::Path;

use evalmark_core::{
    metric::ParamError,
    receiver::{CheckTemplate, Hears, ReceiverKind, ReceiverSection, SecretUse},
};
use evalmark_report::run_message::RunMessage;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::courier::{Courier, DeliveryError};

/// What a receiver says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// The key that it is written under.
    pub(super) name: &'static str,
    /// The section that it belongs to.
    pub(super) section: ReceiverSection,
    /// What it can be told of.
    pub(super) hears: Hears,
    /// What it receives, in a sentence.
    pub(super) summary: &'static str,
    /// Whether being told twice ends as being told once does.
    pub(super) tells_repetitions: bool,
    /// Whether a later message about a run changes the earlier one, whose receipt it needs.
    pub(super) updates: bool,
    /// Checks a template of the user's for its messages; `None` where it has none.
    pub(super) check_template: Option<CheckTemplate>,
}

/// What is delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter<'a> {
    /// Stands for this message to this receiver: the same whenever it is tried.
    pub(super) id: &'a str,
    /// When it was written: RFC 3339, UTC.
    pub(super) created_at: &'a str,
    /// What is told.
    pub(super) message: &'a RunMessage,
    /// The user's template for it.
    pub(super) template: Option<&'a str>,
    /// What the receiver answered to the last message about the same run.
    pub(super) earlier: Option<&'a Value>,
    /// What an earlier attempt at this message left behind.
    pub(super) progress: Option<&'a Value>,
    /// The file with the samples of the run, which may be gone.
    pub(super) samples: Option<&'a Path>,
}

/// A receiver, in its own terms.
pub(super) trait DefineReceiver: Sized {
    /// What it says of itself.
    const ABOUT: About;
    /// Its parameters as a suite writes them.
    type Params: DeserializeOwned + JsonSchema;
    /// From raw parameters to checked ones. Pointers are relative to the parameters.
    fn open(params: Self::Params) -> Result<Self, ParamError>;
    /// The secrets that it uses.
    fn secrets(&self) -> Vec<SecretUse>;
    /// Delivers a message. Answers with what a later message needs.
    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError>;
}

type Deliver = fn(&Value, &Letter<'_>, &mut dyn Courier) -> Result<Option<Value>, DeliveryError>;

/// A receiver in the table.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// What the reader of suites knows.
    pub(super) kind: ReceiverKind,
    /// What it says of itself.
    pub(super) about: About,
    /// Delivers a message to the receiver with these parameters.
    pub(super) deliver: Deliver,
}

/// The row of the receiver `D`.
pub(super) fn row<D: DefineReceiver>() -> Row {
    let kind = ReceiverKind {
        name: D::ABOUT.name,
        section: D::ABOUT.section,
        hears: D::ABOUT.hears,
        summary: D::ABOUT.summary,
        schema: schema::<D>,
        open: |params| Ok(open::<D>(params)?.secrets()),
        check_template: D::ABOUT.check_template,
    };
    Row { kind, about: D::ABOUT, deliver: deliver::<D> }
}

fn open<D: DefineReceiver>(params: &Value) -> Result<D, ParamError> {
    let params = serde_json::from_value(params.clone())
        .map_err(|error| ParamError { pointer: String::new(), message: error.to_string() })?;
    D::open(params)
}

fn deliver<D: DefineReceiver>(
    params: &Value,
    letter: &Letter<'_>,
    courier: &mut dyn Courier,
) -> Result<Option<Value>, DeliveryError> {
    let receiver = open::<D>(params).map_err(|error| DeliveryError::refused(error.message))?;
    receiver.deliver(letter, courier)
}

/// JSON Schema of a receiver's parameters, without references, so that it can be embedded.
fn schema<D: DefineReceiver>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<D::Params>();
    schema.remove("title");
    schema.insert("description".to_owned(), D::ABOUT.summary.into());
    schema.to_value()
}
