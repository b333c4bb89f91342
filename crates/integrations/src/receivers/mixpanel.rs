//! `mixpanel`: Mixpanel, which gets an event for each prompt that a release changes, by its import API.

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_net::{HttpRequest, Url};
use evalmark_report::release_message::{MessagePrompt, MessageRelease};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    release_events::{self, release_of},
    samples::stable_id,
    server::{below, hidden_header},
    variable::variable,
};
use crate::services::rest::server_address;

const OWNERS: &[KeyOwner] = &[
    KeyOwner { variable: "MIXPANEL_SECRET", hosts: &["mixpanel.com"] },
    KeyOwner { variable: "MIXPANEL_TOKEN", hosts: &["mixpanel.com"] },
];

/// Events of a request: the API takes 2,000.
const MOST_EVENTS: usize = 2_000;

/// Bytes of a value: the API takes 255.
const MOST_BYTES: usize = 255;

/// Parameters of `mixpanel`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// NAME of the environment variable that holds the project's token. Instead of a service account.
    #[serde(default)]
    token_env: Option<String>,
    /// The project's number, which a service account needs.
    #[serde(default)]
    project_id: Option<String>,
    /// Name of a service account, such as `ci.1a2b3c.mp-service-account`.
    #[serde(default)]
    service_account: Option<String>,
    /// NAME of the environment variable that holds the service account's secret. Default: `MIXPANEL_SECRET`.
    #[serde(default)]
    secret_env: Option<String>,
    /// Where the project's data are: `us` (the default), `eu` or `in`.
    #[serde(default)]
    region: Option<Region>,
    /// The server, where it is none of Mixpanel's own.
    #[serde(default)]
    url: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
    In,
}

#[derive(Debug)]
pub(super) struct Mixpanel {
    login: Login,
    url: Url,
}

#[derive(Debug)]
enum Login {
    Project { token_env: String },
    ServiceAccount { project_id: String, name: String, secret_env: String },
}

impl DefineReceiver for Mixpanel {
    const ABOUT: About = About {
        name: "mixpanel",
        section: ReceiverSection::Export,
        hears: Hears::Releases,
        summary: "Mixpanel: an event for each prompt that a release changes.",
        // By `$insert_id`.
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| ParamError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        let own = match params.region.unwrap_or_default() {
            Region::Us => "https://api.mixpanel.com",
            Region::Eu => "https://api-eu.mixpanel.com",
            Region::In => "https://api-in.mixpanel.com",
        };
        if params.url.is_some() && params.region.is_some() {
            return Err(wrong("/region", "`url` says where it goes: take `region` out"));
        }
        let url = server_address(params.url.as_deref().unwrap_or(own));
        let url = url.map_err(|why| wrong("/url", &format!("`url` {why}")))?;
        let login = match (params.token_env, params.service_account) {
            (Some(token_env), None) => {
                variable(&token_env, "/token_env")?;
                if params.secret_env.is_some() {
                    return Err(wrong("/secret_env", "`secret_env` is that of a service account"));
                }
                Login::Project { token_env }
            }
            (None, Some(name)) => {
                let secret_env = params.secret_env.unwrap_or_else(|| "MIXPANEL_SECRET".to_owned());
                variable(&secret_env, "/secret_env")?;
                let is_number = |id: &String| {
                    !id.is_empty() && id.len() < 20 && id.bytes().all(|byte| byte.is_ascii_digit())
                };
                let message = "a service account needs the project's number, in quotes: `project_id: \"1234567\"`";
                let project_id = params.project_id.filter(is_number);
                let project_id = project_id.ok_or_else(|| wrong("", message))?;
                if name.trim().is_empty() || name.contains(':') {
                    return Err(wrong("/service_account", "this is no name of a service account"));
                }
                Login::ServiceAccount { project_id, name, secret_env }
            }
            _ => {
                let message =
                    "exactly one of `token_env` (a project's) and `service_account` is needed";
                return Err(wrong("", message));
            }
        };
        Ok(Self { login, url })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        vec![self.secret()]
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let release = release_of(letter)?;
        let moment = release_events::moment(release)?.as_millisecond();
        release_events::in_parts(letter, &release.prompts, MOST_EVENTS, |prompts| {
            let events: Vec<_> =
                prompts.iter().map(|one| event(release, one, moment, letter.id)).collect();
            let request = self.request(&Value::Array(events), courier)?;
            courier.send(Outgoing::alone(request)).map(|_| ())
        })
    }
}

impl Mixpanel {
    fn secret(&self) -> SecretUse {
        let (Login::Project { token_env: variable }
        | Login::ServiceAccount { secret_env: variable, .. }) = &self.login;
        let goes_to = SecretGoes::ToServer(self.url.clone());
        SecretUse { variable: variable.clone(), goes_to, owners: OWNERS }
    }

    fn request(
        &self,
        events: &Value,
        courier: &mut dyn Courier,
    ) -> Result<HttpRequest, DeliveryError> {
        let mut url = below(&self.url, &["import"]);
        let secret = courier.key(&self.secret(), &url)?;
        // Without it, events that are not as they should be are left out, and nobody is told.
        url.query_pairs_mut().append_pair("strict", "1");
        let login = match &self.login {
            Login::Project { .. } => format!("{}:", secret.expose()),
            Login::ServiceAccount { project_id, name, .. } => {
                url.query_pairs_mut().append_pair("project_id", project_id);
                format!("{name}:{}", secret.expose())
            }
        };
        let mut request = HttpRequest::post_json(url, events.to_string().into_bytes());
        let basic = hidden_header(&format!("Basic {}", STANDARD.encode(login)))?;
        request.headers.insert("authorization", basic);
        Ok(request)
    }
}

/// An event that belongs to no user.
fn event(release: &MessageRelease, prompt: &MessagePrompt, moment: i64, id: &str) -> Value {
    let mut properties: Map<String, Value> = Map::new();
    properties.insert("time".to_owned(), moment.into());
    properties.insert("distinct_id".to_owned(), "".into());
    properties.insert("$insert_id".to_owned(), stable_id(&[id, &prompt.name]).into());
    for (name, value) in release_events::properties(release, prompt) {
        let value = match value {
            Value::String(text) => short(&text).into(),
            other => other,
        };
        properties.insert(name.to_owned(), value);
    }
    json!({ "event": release_events::name(release), "properties": properties })
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}
