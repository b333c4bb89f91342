//! Protocols that have no form of their own: how a model is asked stands in the suite.

use std::fmt;

use evalmark_core::{
    model::ModelServer,
    provider::{OptionProblem, OptionsKind},
    request::Request,
};
use evalmark_net::{HttpRequest, Secret, StatusCode, Url};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{
    find,
    protocol::{HttpReply, StreamFormat},
};
use crate::{
    reply::{Answer, AttemptError},
    server_sent_events::StreamEvent,
};

/// A protocol whose form the suite spells out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnProtocol {
    /// The key of a model under which it does so, and what checks it.
    pub(crate) kind: OptionsKind,
    /// Makes ready what stands there, at this address.
    pub(crate) open: fn(&Value, &Url) -> Opened,
}

/// A form that is ready, or what is wrong with it.
pub(crate) type Opened = Result<Box<dyn OwnForm>, Vec<OptionProblem>>;

/// How one model is asked, as the suite spells it out.
pub(crate) trait OwnForm: fmt::Debug + Send + Sync {
    /// The request, with the key where the suite puts it.
    fn request(&self, request: &Request, key: Option<&Secret>)
    -> Result<HttpRequest, AttemptError>;
    /// Why a request cannot be made, with its place below the key, if so.
    fn problem(&self, request: &Request) -> Option<OptionProblem>;
    /// Where the suite says who is asked, as it is written there.
    fn address_key(&self) -> &'static str;
    /// Whether a status that is no success is an answer all the same.
    fn takes(&self, status: StatusCode) -> bool;
    /// Reads a response whose status is a success, or is taken for one.
    fn read(&self, reply: &HttpReply<'_>) -> Result<Answer, AttemptError>;
    /// How answers come piece by piece, where the suite says so.
    fn stream(&self) -> Option<&dyn StreamFormat>;
    /// Reads the events of such an answer.
    fn read_events(&self, events: &[StreamEvent]) -> Result<Answer, AttemptError>;
    /// Reads any other.
    fn read_failure(&self, reply: &HttpReply<'_>) -> Result<Answer, AttemptError>;
}

/// A form that is tried on what a suite is going to ask, before anything is asked.
#[derive(Debug)]
pub struct FormTrial {
    key: &'static str,
    form: Box<dyn OwnForm>,
}

impl FormTrial {
    /// The form of a model's server; `None` where its protocol has one.
    pub fn of(server: &ModelServer) -> Option<Self> {
        let (speaker, _) = find(server.kind)?;
        let (own, options) = (speaker.own_form?, server.options.as_deref()?);
        let base = Url::parse(&server.base_url).ok()?;
        let form = (own.open)(options, &base).ok()?;
        Some(Self { key: own.kind.key, form })
    }

    /// Why a request cannot be made, with its place below the model, if so.
    pub fn problem(&self, request: &Request) -> Option<OptionProblem> {
        let problem = self.form.problem(request)?;
        Some(OptionProblem { pointer: format!("/{}{}", self.key, problem.pointer), ..problem })
    }
}

/// JSON Schema of what stands under a provider's own key.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// What the ledger knows the answers by, beside the address: another form asks something else.
pub(crate) fn fingerprint(options: &Value) -> String {
    let mut options = options.clone();
    options.sort_all_objects();
    let mut hasher = blake3::Hasher::new_derive_key("evalmark own form v1");
    hasher.update(options.to_string().as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_what_is_said_in_whatever_order() {
        let one =
            fingerprint(&json!({ "method": "POST", "body": { "q": "{{ prompt }}", "n": 1 } }));
        assert_eq!(one, "b28ec0bb9a77a04d");
        let turned = json!({ "body": { "n": 1, "q": "{{ prompt }}" }, "method": "POST" });
        assert_eq!(fingerprint(&turned), one);
        let other = json!({ "method": "POST", "body": { "q": "{{ prompt }}?", "n": 1 } });
        assert_ne!(fingerprint(&other), one);
    }
}
