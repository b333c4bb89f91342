//! The table of protocols and of the providers that speak them: one file and one line a protocol, one
//! row a compatible vendor.

mod anthropic;
mod azure_deployments;
pub(crate) mod batch_wire;
mod bedrock;
pub(crate) mod broken_stream;
mod called_tools;
mod cohere;
pub(crate) mod command;
mod common_params;
mod completions;
mod credential_chain;
pub(crate) mod event_frames;
mod event_stream;
mod gemini;
mod http;
mod openai;
mod own_form;
mod protocol;
mod reported_body;
mod reported_logprobs;
mod reported_tokens;
mod reported_vectors;
mod responses;
mod vendors;
mod vertex;

use std::sync::LazyLock;

use evalmark_core::{key_hosts::KeyOwner, model::ModelServer, provider::ProviderKind};

pub(crate) use self::event_stream::is_event_stream;
pub use self::own_form::FormTrial;
pub(crate) use self::own_form::{OwnForm, fingerprint};
pub(crate) use self::protocol::{Call, Framing, HttpReply, Speaker, StreamFormat, Vendor};
use self::protocol::{kind, speaker};
use crate::congestion::LimitHeaders;

/// Every protocol.
static PROTOCOLS: &[Speaker] = &[
    speaker::<openai::OpenAi>(),
    speaker::<azure_deployments::AzureDeployments>(),
    speaker::<responses::Responses>(),
    speaker::<completions::Completions>(),
    speaker::<anthropic::Anthropic>(),
    speaker::<cohere::Cohere>(),
    speaker::<gemini::Gemini>(),
    speaker::<bedrock::Bedrock>(),
    speaker::<vertex::Vertex>(),
    speaker::<http::OwnHttp>(),
];

/// Every provider that exists, for whoever reads suites.
pub fn catalog() -> &'static [ProviderKind] {
    static CATALOG: LazyLock<Vec<ProviderKind>> = LazyLock::new(|| {
        let kinds = |speaker: &'static Speaker| {
            speaker.about.vendors.iter().map(move |vendor| kind(speaker, vendor))
        };
        PROTOCOLS.iter().flat_map(kinds).chain([command::KIND]).collect()
    });
    &CATALOG
}

/// Every variable that is known to hold a provider's key, and where that key may go.
pub fn key_owners() -> &'static [KeyOwner] {
    static OWNERS: LazyLock<Vec<KeyOwner>> = LazyLock::new(|| {
        let owners = |kind: &'static ProviderKind| {
            let owner = |variable: &&'static str| KeyOwner { variable, hosts: kind.key_hosts };
            kind.key_variables.iter().map(owner)
        };
        let all = catalog().iter().flat_map(owners).chain(vendors::OTHER_KEYS.iter().copied());
        // Two protocols of one vendor take the same keys.
        let mut known = std::collections::HashSet::new();
        all.filter(|owner| known.insert(owner.variable)).collect()
    });
    &OWNERS
}

/// The variable that any server with the same protocol as `provider` is given its key by: that of
/// the vendor whose protocol it is.
pub fn protocol_key(provider: &str) -> Option<&'static str> {
    let (speaker, _) = find(provider)?;
    speaker.about.vendors.first()?.key_variables.first().copied()
}

/// Whether a model has no key of its own, and its credentials are looked for where a cloud's tools look.
pub fn finds_credentials(server: &ModelServer) -> bool {
    let chain = find(server.kind).and_then(|(speaker, _)| speaker.chain);
    chain.is_some_and(|chain| chain.stands_for(server))
}

/// The protocol of a provider, and who it is.
pub(crate) fn find(provider: &str) -> Option<(&'static Speaker, &'static Vendor)> {
    PROTOCOLS.iter().find_map(|speaker| {
        let vendor = speaker.about.vendors.iter().find(|vendor| vendor.name == provider)?;
        Some((speaker, vendor))
    })
}

/// The headers of all protocols: a gateway passes on those of whoever is behind it.
pub(crate) fn limit_headers() -> &'static [LimitHeaders] {
    static HEADERS: LazyLock<Vec<LimitHeaders>> = LazyLock::new(|| {
        PROTOCOLS.iter().flat_map(|speaker| speaker.about.limit_headers).copied().collect()
    });
    &HEADERS
}

#[cfg(test)]
mod tests;
