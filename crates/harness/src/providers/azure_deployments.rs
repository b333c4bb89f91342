//! Azure OpenAI as its older API has it: OpenAI's chat completions and embeddings, with the deployment
//! in the path and the version in the query.

use evalmark_core::{
    provider::{ExampleModel, Setting, SettingKey, SettingPlace},
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, Url};

use super::{
    openai::OpenAi,
    protocol::{About, Call, HttpReply, Protocol, Streaming, Vendor, behind},
    vendors,
};
use crate::reply::{Answer, AttemptError};

pub(crate) struct AzureDeployments;

impl Protocol for AzureDeployments {
    const ABOUT: About = About {
        name: "azure-deployments",
        vendors: &[Vendor {
            name: "azure-deployments",
            summary: "Azure OpenAI's deployments at `https://RESOURCE.openai.azure.com`; `model` is the deployment",
            example_model: ExampleModel {
                base_url: Some("https://RESOURCE.openai.azure.com"),
                ..ExampleModel::named("my-deployment")
            },
            ..vendors::AZURE
        }],
        paths: &["/chat/completions", "/embeddings", "/openai", "/openai/v1"],
        settings: &[Setting {
            key: SettingKey::ApiVersion,
            is_required: true,
            place: SettingPlace::Query("api-version"),
        }],
        ..OpenAi::ABOUT
    };
    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] = OpenAi::SAID_BY_PROMPTS;

    const STREAMING: Option<Streaming> = OpenAi::STREAMING;

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        let mut url = behind(base, "openai/deployments");
        // An address of HTTP always has segments.
        url.path_segments_mut().ok()?.push(call.model).extend(match call.task {
            Task::Chat => ["chat", "completions"].as_slice(),
            Task::Embedding => &["embeddings"],
        });
        Some(url)
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        OpenAi::request(request, url)
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        OpenAi::read(reply)
    }

    fn hint(error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        OpenAi::hint(error, reply, url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_stands_in_the_path() {
        let base = Url::parse("https://r.openai.azure.com?api-version=2024-10-21").expect("a URL");
        for (model, task, expected) in [
            ("gpt", Task::Chat, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
            (
                "e/../x",
                Task::Embedding,
                "/openai/deployments/e%2F..%2Fx/embeddings?api-version=2024-10-21",
            ),
        ] {
            let url = AzureDeployments::url(&base, Call { model, task, is_streamed: false })
                .expect("a place");
            assert_eq!(url.as_str(), format!("https://r.openai.azure.com{expected}"));
        }
    }
}
