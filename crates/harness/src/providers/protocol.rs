//! The form that every protocol fills in: what it says of itself, how it asks, and how it reads what
//! comes back.

use evalmark_core::{
    feature::Feature,
    model_quirk::ModelQuirk,
    provider::{ExampleModel, ModelPlace, ProviderKind, Setting},
    request::{Request, Task},
};
use evalmark_net::{
    HeaderMap, HeaderName, HttpRequest, KeyHeader, Secret, Sign, SignError, StatusCode, Url,
};
use serde_json::{Map, Value, json};

use super::{batch_wire::BatchWire, credential_chain::CredentialChain, own_form::OwnProtocol};
use crate::{
    congestion::LimitHeaders,
    failure,
    reply::{Answer, AttemptError},
    server_sent_events::StreamEvent,
};

/// Why a suite does not set how many answers come.
pub(crate) const ONE_ANSWER: &str = "a request is for one answer; use `epochs` for several";
/// Why a suite does not name the model among its parameters.
pub(crate) const WHERE_TO_NAME: &str = "write `model` beside `params`";
/// Why a suite does not set among the parameters what is asked.
pub(crate) const WHERE_TO_ASK: &str = "what is asked stands under `prompts`";
/// Why a suite does not set among the parameters that answers are streamed.
pub(crate) const WHERE_TO_STREAM: &str = "write `stream: true` beside `params`";

/// What a protocol says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Its name. The ledger keeps answers under it and the server's address, so that it never changes.
    pub(crate) name: &'static str,
    /// Who speaks it, the vendor whose protocol it is first.
    pub(crate) vendors: &'static [Vendor],
    /// What a base URL must not end in, because it comes behind it.
    pub(crate) paths: &'static [&'static str],
    /// Parameters that its servers know.
    pub(crate) params: &'static [Param],
    /// Parameters that the protocol sets itself, and why a suite may not.
    pub(crate) reserved: &'static [(&'static str, &'static str)],
    /// Parameters that limit the tokens of an answer.
    pub(crate) output_limits: &'static [&'static str],
    /// Tokens of an answer, at most, where the suite does not say; `None`: no limit.
    pub(crate) default_output_limit: Option<u64>,
    /// Whether a request holds nothing that the protocol does not know, apart from `extra`.
    pub(crate) knows_all_params: bool,
    /// Whether it has embeddings.
    pub(crate) embeds: bool,
    /// What else it has.
    pub(crate) features: &'static [Feature],
    /// Keys of a model that go into its address.
    pub(crate) settings: &'static [Setting],
    /// Headers that say what is left of limits.
    pub(crate) limit_headers: &'static [LimitHeaders],
}

/// A provider: who speaks a protocol, where, and whose keys it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vendor {
    /// The word that a suite writes under `provider`.
    pub(crate) name: &'static str,
    /// Who it is.
    pub(crate) summary: &'static str,
    /// Where its servers are; `None` where only the suite can say.
    pub(crate) base_url: Option<&'static str>,
    /// Variables that hold its keys, the default one first; none where it wants no key.
    pub(crate) key_variables: &'static [&'static str],
    /// Hosts that its keys may go to, with those below them.
    pub(crate) key_hosts: &'static [&'static str],
    /// The header that its key stands in; `None`: `Authorization: Bearer KEY`.
    pub(crate) key_header: Option<&'static str>,
    /// Whether a key that is a JSON Web Token goes out as `Authorization: Bearer` all the same.
    pub(crate) takes_tokens: bool,
    /// Whether it has the protocol's batch API.
    pub(crate) has_batches: bool,
    /// What of its protocol it lacks.
    pub(crate) lacks: &'static [Feature],
    /// What its models take otherwise than the protocol has it.
    pub(crate) quirks: &'static [ModelQuirk],
    /// Its list of prices, from `prices/`.
    pub(crate) prices: Option<&'static str>,
    /// A cheap model of that list, for whoever begins with this vendor.
    pub(crate) first_model: Option<&'static str>,
    /// What a suite writes to ask it, as far as that is not said above.
    pub(crate) example_model: ExampleModel,
}

/// Whom a request is for: what an address may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The model's name at the provider.
    pub(crate) model: &'a str,
    pub(crate) task: Task,
    /// Whether the answer shall come piece by piece.
    pub(crate) is_streamed: bool,
}

/// How a protocol streams an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streaming {
    /// How events follow each other.
    pub(crate) framing: Framing,
    /// Whether an event holds a piece of the answer: of its text, its reasoning or a tool call. The
    /// first such event is the first token.
    pub(crate) holds_text: fn(&StreamEvent) -> bool,
    /// Whether nothing comes after an event.
    pub(crate) is_last: fn(&StreamEvent) -> bool,
    /// The body that would have come without streaming, which [`Protocol::read`] reads then; an error
    /// where the events end before the answer does.
    pub(crate) assemble: fn(&[StreamEvent]) -> Result<String, AttemptError>,
    /// A field of the body that only asks for more than the answer, so that a server which does not
    /// know it can be asked without.
    pub(crate) optional_field: Option<&'static str>,
}

/// What is to be known of a stream while it comes.
pub(crate) trait StreamFormat: Sync {
    /// How events follow each other.
    fn framing(&self) -> Framing;
    /// Whether an event holds a piece of the answer.
    fn holds_text(&self, event: &StreamEvent) -> bool;
    /// Whether nothing comes after an event.
    fn is_last(&self, event: &StreamEvent) -> bool;
}

impl StreamFormat for Streaming {
    fn framing(&self) -> Framing {
        self.framing
    }

    fn holds_text(&self, event: &StreamEvent) -> bool {
        (self.holds_text)(event)
    }

    fn is_last(&self, event: &StreamEvent) -> bool {
        (self.is_last)(event)
    }
}

/// How events follow each other in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As server-sent events.
    ServerSentEvents,
    /// In binary frames with checksums.
    EventFrames,
    /// As JSON, a line each.
    JsonLines,
}

/// A parameter that servers know, and what its value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Param {
    /// A number.
    Number(&'static str),
    /// Whatever the server makes of it.
    Any(&'static str),
}

/// A response, read as far as the protocol needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpReply<'a> {
    pub(crate) status: StatusCode,
    /// Those of a response that is no success, and all of them where the suite has a form of its own.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a str,
    /// What it replies to.
    pub(crate) request: &'a Request,
}

/// Whoever signs requests, or why the key is of no use.
pub(crate) type Signer = Result<Box<dyn Sign>, SignError>;

/// A protocol that servers speak, in its own terms.
pub(crate) trait Protocol {
    /// What it says of itself.
    const ABOUT: About;
    /// Credentials that are looked for, where a model has no key.
    const CHAIN: Option<CredentialChain> = None;
    /// How models are asked, where only the suite can say: it takes the place of `request`, `read` and
    /// `read_failure`.
    const OWN_FORM: Option<OwnProtocol> = None;
    /// Where a suite could say under `extra` what a prompt says: the prompt's key, and the place.
    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] = &[];
    /// How it streams; `None` where answers come whole.
    const STREAMING: Option<Streaming> = None;
    /// How it takes requests in batches; `None` where it takes none.
    const BATCHES: Option<&'static dyn BatchWire> = None;
    /// Where a model is asked; `None` where the protocol has no such task.
    fn url(base: &Url, call: Call<'_>) -> Option<Url>;
    /// Headers and body of a request, before it is signed; an error where the protocol has no place
    /// for what it holds.
    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError>;
    /// Reads a response whose status is a success.
    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError>;
    /// Reads any other: a refusal by a content filter, or an error. Vendors' words are known to
    /// `failure.rs`, whoever says them.
    fn read_failure(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        failure::read_error(reply.status.as_u16(), reply.body)
    }
    /// What the suite can do about an error.
    fn hint(_error: &AttemptError, _reply: &HttpReply<'_>, _url: &Url) -> Option<String> {
        None
    }
    /// Whoever signs with a key.
    fn signer(vendor: &Vendor, key: &Secret) -> Signer {
        let is_token = vendor.takes_tokens && is_web_token(key.expose());
        Ok(match vendor.key_header.filter(|_| !is_token) {
            Some(name) => Box::new(KeyHeader::named(HeaderName::from_static(name), key)?),
            None => Box::new(KeyHeader::bearer(key)?),
        })
    }
}

/// One row of the table of protocols.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    pub(crate) about: About,
    pub(crate) chain: Option<CredentialChain>,
    pub(crate) own_form: Option<OwnProtocol>,
    pub(crate) streaming: Option<Streaming>,
    said_by_prompts: &'static [(&'static str, &'static str)],
    pub(crate) batches: Option<&'static dyn BatchWire>,
    pub(crate) url: fn(&Url, Call<'_>) -> Option<Url>,
    pub(crate) request: fn(&Request, Url) -> Result<HttpRequest, AttemptError>,
    pub(crate) read: fn(&HttpReply<'_>) -> Result<Answer, AttemptError>,
    pub(crate) read_failure: fn(&HttpReply<'_>) -> Result<Answer, AttemptError>,
    pub(crate) hint: fn(&AttemptError, &HttpReply<'_>, &Url) -> Option<String>,
    pub(crate) signer: fn(&Vendor, &Secret) -> Signer,
    params: fn() -> Value,
}

/// The row of the protocol `P`.
pub(crate) const fn speaker<P: Protocol>() -> Speaker {
    Speaker {
        about: P::ABOUT,
        chain: P::CHAIN,
        own_form: P::OWN_FORM,
        streaming: P::STREAMING,
        said_by_prompts: P::SAID_BY_PROMPTS,
        batches: P::BATCHES,
        url: P::url,
        request: P::request,
        read: P::read,
        read_failure: P::read_failure,
        hint: P::hint,
        signer: P::signer,
        params: params::<P>,
    }
}

/// A provider, as whoever reads suites needs to know it.
pub(crate) fn kind(speaker: &Speaker, vendor: &Vendor) -> ProviderKind {
    let about = speaker.about;
    ProviderKind {
        name: vendor.name,
        protocol: about.name,
        summary: vendor.summary,
        base_url: vendor.base_url,
        paths: about.paths,
        key_variables: vendor.key_variables,
        key_hosts: vendor.key_hosts,
        params: speaker.params,
        reserved: about.reserved,
        output_limits: about.output_limits,
        default_output_limit: about.default_output_limit,
        knows_all_params: about.knows_all_params,
        embeds: about.embeds,
        features: features(speaker, vendor),
        lacks: vendor.lacks,
        quirks: vendor.quirks,
        settings: about.settings,
        model_place: model_place(speaker),
        finds_credentials: speaker.chain.is_some(),
        said_by_prompts: speaker.said_by_prompts,
        options: speaker.own_form.map(|own| own.kind),
        prices: vendor.prices,
        first_model: vendor.first_model,
        example_model: vendor.example_model,
    }
}

/// Where a model's name goes: another model may be asked at another address.
fn model_place(speaker: &Speaker) -> ModelPlace {
    let Ok(base) = Url::parse("https://localhost") else { return ModelPlace::Body };
    let url = |model| (speaker.url)(&base, Call { model, task: Task::Chat, is_streamed: false });
    if url("a") == url("b") { ModelPlace::Body } else { ModelPlace::Address }
}

/// What a provider has. The list lasts as long as the catalog that it is made for, which is once.
fn features(speaker: &Speaker, vendor: &Vendor) -> &'static [Feature] {
    let of_protocol = speaker.about.features;
    if !vendor.has_batches || speaker.batches.is_none() {
        return of_protocol;
    }
    [of_protocol, &[Feature::Batches]].concat().leak()
}

/// JSON Schema of the parameters that a protocol's servers know; they may know others.
fn params<P: Protocol>() -> Value {
    let property = |param: &Param| match param {
        Param::Number(name) => ((*name).to_owned(), json!({ "type": "number" })),
        Param::Any(name) => ((*name).to_owned(), json!({})),
    };
    let properties: Map<String, Value> = P::ABOUT.params.iter().map(property).collect();
    json!({ "type": "object", "properties": properties })
}

/// Whether a key is a JSON Web Token: three parts, of which the first begins a JSON object in base64.
fn is_web_token(key: &str) -> bool {
    key.starts_with("eyJ") && key.split('.').count() == 3
}

/// `base` with a path behind its own; a query stays.
pub(crate) fn behind(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
