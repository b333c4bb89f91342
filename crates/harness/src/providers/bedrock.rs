//! AWS Bedrock: `Converse`, which all its chat models speak, and `InvokeModel` for embeddings.

mod body;
mod embeddings;
mod messages;
mod response;
mod stream;

use evalmark_core::{
    feature::Feature,
    provider::{ExampleModel, Setting, SettingKey, SettingPlace},
    record::ErrorKind,
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, Url};
use serde_json::Value;

use super::{
    credential_chain::CredentialChain,
    protocol::{
        About, Call, Framing, HttpReply, ONE_ANSWER, Param, Protocol, Streaming, Vendor,
        WHERE_TO_ASK, WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
};
use crate::{
    failure,
    reply::{Answer, AttemptError, Retryable},
};

pub(crate) struct Bedrock;

impl Protocol for Bedrock {
    const ABOUT: About = About {
        name: "bedrock",
        vendors: &[Vendor {
            name: "bedrock",
            summary: "AWS Bedrock; requests are signed with the credentials that AWS's own tools find",
            base_url: Some("https://bedrock-runtime.{region}.amazonaws.com"),
            key_variables: &["AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK"],
            key_hosts: &["amazonaws.com", "amazonaws.com.cn"],
            key_header: None,
            takes_tokens: false,
            has_batches: false,
            lacks: &[],
            quirks: &[],
            prices: Some(include_str!("prices/bedrock.yaml")),
            first_model: None,
            example_model: ExampleModel {
                region: Some("eu-west-1"),
                ..ExampleModel::named("amazon.nova-lite-v1:0")
            },
        }],
        paths: &["/converse", "/invoke", "/model"],
        params: &[
            Param::Number("max_tokens"),
            Param::Number("temperature"),
            Param::Number("top_p"),
            Param::Number("top_k"),
            Param::Any("stop"),
            Param::Any("reasoning_effort"),
            Param::Number("thinking_budget"),
            Param::Any("guardrail_config"),
            Param::Any("performance_config"),
            Param::Any("service_tier"),
            Param::Any("request_metadata"),
            Param::Number("dimensions"),
            Param::Any("normalize"),
            Param::Any("input_type"),
            Param::Any("truncate"),
        ],
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("messages", WHERE_TO_ASK),
            ("stream", WHERE_TO_STREAM),
            ("n", ONE_ANSWER),
            ("system", "write it as a message with `role: system`"),
        ],
        output_limits: &["max_tokens"],
        default_output_limit: None,
        knows_all_params: true,
        embeds: true,
        features: &[
            Feature::Conversation,
            Feature::Images,
            Feature::Audio,
            Feature::Files,
            Feature::Tools,
            Feature::ToolChoice,
            Feature::NamedTool,
            Feature::JsonSchema,
            Feature::Streaming,
        ],
        settings: &[Setting {
            key: SettingKey::Region,
            is_required: true,
            place: SettingPlace::Address,
        }],
        limit_headers: &[],
    };
    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] =
        &[("tools", "toolConfig"), ("json_schema", "outputConfig.textFormat")];

    const CHAIN: Option<CredentialChain> =
        Some(CredentialChain::Aws { variable: "AWS_SECRET_ACCESS_KEY", service: "bedrock" });

    const STREAMING: Option<Streaming> = Some(Streaming {
        framing: Framing::EventFrames,
        holds_text: stream::holds_text,
        is_last: stream::is_last,
        assemble: stream::assemble,
        optional_field: None,
    });

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        let mut url = behind(base, "model");
        let operation = match call.task {
            Task::Chat if call.is_streamed => "converse-stream",
            Task::Chat => "converse",
            Task::Embedding => "invoke",
        };
        // An address of HTTP always has segments.
        url.path_segments_mut().ok()?.push(call.model).push(operation);
        Some(url)
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        let body = match request.task {
            Task::Chat => body::body(request),
            Task::Embedding => embeddings::body(request),
        };
        let body = body.map_err(|error| {
            AttemptError::new(ErrorKind::BadRequest, error.to_string(), Retryable::Never)
        })?;
        Ok(HttpRequest::post_json(url, body))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => response::read(reply.body),
            Task::Embedding => embeddings::read(reply.body, reply.request.messages.len()),
        }
    }

    fn read_failure(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        let error = match failure::read_error(reply.status.as_u16(), reply.body) {
            Err(error) if error.failure.kind != ErrorKind::NoCredit => error,
            decided => return decided,
        };
        let header = reply.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let body: Value = serde_json::from_str(reply.body).unwrap_or_default();
        let code = header.or_else(|| body["__type"].as_str());
        let status = code.and_then(status_of).unwrap_or(reply.status.as_u16());
        Err(AttemptError::of_status(status, error.failure.message))
    }
}

/// The status that an error of this type stands for: services send some of them with others. A type
/// may have a namespace before it and an address behind it.
fn status_of(code: &str) -> Option<u16> {
    let name = code.split(':').next()?.rsplit('#').next()?;
    Some(match name {
        "ThrottlingException"
        | "ModelNotReadyException"
        | "TooManyRequestsException"
        | "ServiceQuotaExceededException" => 429,
        "ValidationException" | "SerializationException" => 400,
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "InvalidClientTokenId" => 401,
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        // The model failed, and not the request.
        "ModelErrorException"
        | "ModelStreamErrorException"
        | "InternalServerException"
        | "InternalFailure" => 500,
        "ServiceUnavailableException" => 503,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_stands_in_the_path() {
        let base = Url::parse("https://h/").expect("a URL");
        let call = Call { model: "t", task: Task::Chat, is_streamed: true };
        let streamed = Bedrock::url(&base, call).map(String::from);
        assert_eq!(streamed.as_deref(), Some("https://h/model/t/converse-stream"));
        for (model, task, expected) in [
            ("vendor.model-v2:1", Task::Chat, "/model/vendor.model-v2:1/converse"),
            ("arn:aws:bedrock:eu:1:p/x", Task::Chat, "/model/arn:aws:bedrock:eu:1:p%2Fx/converse"),
            ("t", Task::Embedding, "/model/t/invoke"),
        ] {
            let url =
                Bedrock::url(&base, Call { model, task, is_streamed: false }).expect("a place");
            assert_eq!(url.as_str(), format!("https://h{expected}"));
        }
    }

    #[test]
    fn the_type_of_an_error_decides() {
        for (code, expected) in [
            ("ThrottlingException", Some(429)),
            ("ThrottlingException:http://internal.amazon.com/coral/", Some(429)),
            ("com.amazon.coral.service#UnrecognizedClientException", Some(401)),
            ("ModelErrorException", Some(500)),
            ("Whatever", None),
            ("", None),
        ] {
            assert_eq!(status_of(code), expected, "{code}");
        }
    }
}
