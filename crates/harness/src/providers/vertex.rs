//! Google Cloud's Vertex AI: the Gemini API's `generateContent` at another address, with tokens in the
//! place of keys, and `predict` for embeddings.

mod embeddings;

use evalmark_core::{
    provider::{ExampleModel, Setting, SettingKey, SettingPlace},
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, StatusCode, Url};

use super::{
    credential_chain::CredentialChain,
    gemini::{self, Gemini},
    protocol::{About, Call, HttpReply, Protocol, Streaming, Vendor, behind},
};
use crate::reply::{Answer, AttemptError};

pub(crate) struct Vertex;

/// Where the region `global` would be, and where it is.
const GLOBAL: (&str, &str) = ("global-aiplatform.googleapis.com", "aiplatform.googleapis.com");

impl Protocol for Vertex {
    const ABOUT: About = About {
        name: "vertex",
        vendors: &[Vendor {
            name: "vertex",
            summary: "Google Cloud's Vertex AI, with the credentials that Google's own tools find",
            base_url: Some(
                "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}",
            ),
            key_variables: &[
                "GOOGLE_APPLICATION_CREDENTIALS",
                "GOOGLE_OAUTH_ACCESS_TOKEN",
                "CLOUDSDK_AUTH_ACCESS_TOKEN",
            ],
            key_hosts: &["googleapis.com"],
            key_header: None,
            takes_tokens: false,
            has_batches: false,
            lacks: &[],
            quirks: &[],
            prices: None,
            first_model: None,
            example_model: ExampleModel {
                region: Some("europe-west4"),
                ..ExampleModel::named("gemini-2.5-flash")
            },
        }],
        paths: &[":generateContent", ":predict", "/models", "/publishers"],
        settings: &[
            Setting { key: SettingKey::Region, is_required: true, place: SettingPlace::Address },
            Setting { key: SettingKey::Project, is_required: true, place: SettingPlace::Address },
        ],
        ..Gemini::ABOUT
    };
    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] = gemini::SAID_BY_PROMPTS;

    const STREAMING: Option<Streaming> = Some(gemini::STREAMING);
    const CHAIN: Option<CredentialChain> =
        Some(CredentialChain::Google { variable: "GOOGLE_APPLICATION_CREDENTIALS" });

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        let mut base = base.clone();
        if base.host_str() == Some(GLOBAL.0) {
            base.set_host(Some(GLOBAL.1)).ok()?;
        }
        let method = match call.task {
            Task::Chat if call.is_streamed => "streamGenerateContent",
            Task::Chat => "generateContent",
            Task::Embedding => "predict",
        };
        if call.is_streamed {
            base.query_pairs_mut().append_pair("alt", "sse");
        }
        // A tuned model is asked at its endpoint, and any other at its publisher.
        if let Some(endpoint) = call.model.strip_prefix("endpoints/") {
            let mut url = behind(&base, "endpoints");
            url.path_segments_mut().ok()?.push(&format!("{endpoint}:{method}"));
            return Some(url);
        }
        let (publisher, model) = call.model.split_once('/').unwrap_or(("google", call.model));
        let mut url = behind(&base, "publishers");
        let mut path = url.path_segments_mut().ok()?;
        path.push(publisher).push("models").push(&format!("{model}:{method}"));
        drop(path);
        Some(url)
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        let body = match request.task {
            Task::Chat => gemini::body::body(request)?,
            Task::Embedding => embeddings::body(request)?,
        };
        Ok(HttpRequest::post_json(url, body))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => gemini::response::read(reply.body, &reply.request.model),
            Task::Embedding => embeddings::read(reply.body, reply.request.messages.len()),
        }
    }

    fn read_failure(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        gemini::read_failure(reply)
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let names_model = reply.body.contains("models/");
        (reply.status == StatusCode::NOT_FOUND && !names_model).then(|| {
            format!("the request went to `{}`; `base_url` ends with the location", url.path())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_stands_behind_its_location() {
        let global = "https://global-aiplatform.googleapis.com/v1/projects/p/locations/global";
        let own = "https://h/v1/projects/p/locations/eu";
        for (base, model, task, expected) in [
            (
                own,
                "m",
                Task::Chat,
                "https://h/v1/projects/p/locations/eu/publishers/google/models/m:generateContent",
            ),
            (
                own,
                "m",
                Task::Embedding,
                "https://h/v1/projects/p/locations/eu/publishers/google/models/m:predict",
            ),
            (
                own,
                "meta/m",
                Task::Chat,
                "https://h/v1/projects/p/locations/eu/publishers/meta/models/m:generateContent",
            ),
            (
                own,
                "endpoints/7",
                Task::Chat,
                "https://h/v1/projects/p/locations/eu/endpoints/7:generateContent",
            ),
            (
                global,
                "m",
                Task::Chat,
                "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/m:generateContent",
            ),
        ] {
            let base = Url::parse(base).expect(base);
            let url =
                Vertex::url(&base, Call { model, task, is_streamed: false }).expect("a place");
            assert_eq!(url.as_str(), expected);
        }
    }
}
