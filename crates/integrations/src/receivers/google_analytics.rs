//! `google_analytics`: Google Analytics 4, which gets an event for each prompt that a release changes, by the Measurement Protocol.

use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_net::{HttpRequest, StatusCode, Url, one_line};
use evalmark_report::release_message::{MessagePrompt, MessageRelease};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    release_events::{self, release_of},
    server::below,
    variable::variable,
};
use crate::services::rest::server_address;

const OWNERS: &[KeyOwner] =
    &[KeyOwner { variable: "GA_API_SECRET", hosts: &["google-analytics.com"] }];

/// Events of a request: the protocol takes 25.
const MOST_EVENTS: usize = 25;

/// Letters of a value: the protocol takes 100.
const MOST_LETTERS: usize = 100;

/// How old an event may be: the protocol takes three days.
const OLDEST: SignedDuration = SignedDuration::from_hours(72);

/// Parameters of `google_analytics`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The web stream that gets the events, such as `G-AB12CD34EF`.
    measurement_id: String,
    /// NAME of the environment variable that holds a Measurement Protocol API secret of that stream. Default: `GA_API_SECRET`.
    #[serde(default)]
    api_secret_env: Option<String>,
    /// Whose events they are. Default: `evalmark.ENVIRONMENT`.
    #[serde(default)]
    client_id: Option<String>,
    /// The server, where it is another than `https://www.google-analytics.com`: `https://region1.google-analytics.com` keeps
    /// events in the European Union, and a tagging server of your own takes them, too.
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug)]
pub(super) struct GoogleAnalytics {
    measurement_id: String,
    api_secret_env: String,
    client_id: Option<String>,
    url: Url,
}

impl DefineReceiver for GoogleAnalytics {
    const ABOUT: About = About {
        name: "google_analytics",
        section: ReceiverSection::Export,
        hears: Hears::Releases,
        summary: "Google Analytics 4: an event for each prompt that a release changes.",
        // It counts what it is sent, as often as that is.
        tells_repetitions: false,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| ParamError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        let id = params.measurement_id.strip_prefix("G-").unwrap_or_default();
        if id.is_empty() || id.len() > 30 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "`measurement_id` is that of a web stream: `G-` and letters and digits, as under Admin, Data streams";
            return Err(wrong("/measurement_id", message));
        }
        if params.client_id.as_ref().is_some_and(|id| id.trim().is_empty() || id.len() > 100) {
            return Err(wrong("/client_id", "`client_id` is a name of 1 to 100 bytes"));
        }
        let api_secret_env = params.api_secret_env.unwrap_or_else(|| "GA_API_SECRET".to_owned());
        variable(&api_secret_env, "/api_secret_env")?;
        let url = params.url.as_deref().unwrap_or("https://www.google-analytics.com");
        let url = server_address(url).map_err(|why| wrong("/url", &format!("`url` {why}")))?;
        let (measurement_id, client_id) = (params.measurement_id, params.client_id);
        Ok(Self { measurement_id, api_secret_env, client_id, url })
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
        let moment = moment(release, courier.now())?;
        let client_id = match &self.client_id {
            Some(id) => id.clone(),
            None => short(&format!("evalmark.{}", release.environment)),
        };
        let body = |prompts: &[MessagePrompt]| {
            let events: Vec<_> = prompts.iter().map(|prompt| event(release, prompt)).collect();
            json!({
                "client_id": client_id,
                "timestamp_micros": moment.as_microsecond(),
                "non_personalized_ads": true,
                "events": events,
            })
        };
        release_events::in_parts(letter, &release.prompts, MOST_EVENTS, |prompts| {
            let body = body(prompts);
            self.is_valid(&body, courier)?;
            let request = self.request(&["mp", "collect"], &body, courier)?;
            courier.send(Outgoing::alone(request)).map(|_| ())
        })
    }
}

impl GoogleAnalytics {
    fn secret(&self) -> SecretUse {
        let goes_to = SecretGoes::ToServer(self.url.clone());
        SecretUse { variable: self.api_secret_env.clone(), goes_to, owners: OWNERS }
    }

    fn request(
        &self,
        path: &[&str],
        body: &Value,
        courier: &mut dyn Courier,
    ) -> Result<HttpRequest, DeliveryError> {
        let mut url = below(&self.url, path);
        let secret = courier.key(&self.secret(), &url)?;
        url.query_pairs_mut()
            .append_pair("measurement_id", &self.measurement_id)
            .append_pair("api_secret", secret.expose());
        Ok(HttpRequest::post_json(url, body.to_string().into_bytes()))
    }

    /// Asks whether the events are as the protocol has them: where they really go, nobody is told of a mistake. Servers that
    /// do not tell, as a tagging server of one's own, are taken to agree.
    fn is_valid(&self, body: &Value, courier: &mut dyn Courier) -> Result<(), DeliveryError> {
        let request = self.request(&["debug", "mp", "collect"], body, courier)?;
        let sample = json!({ "validationMessages": [] });
        let answer = match courier.send(Outgoing { request, sample }) {
            Ok(answer) => serde_json::from_slice::<Validation>(&answer).unwrap_or_default(),
            Err(error) if error.status == Some(StatusCode::NOT_FOUND) => Validation::default(),
            // Nothing was counted: what is asked there goes nowhere.
            Err(error) => return Err(error.not_arrived()),
        };
        let Some(first) = answer.validation_messages.first() else { return Ok(()) };
        let says: String = one_line(&first.description).chars().take(200).collect();
        Err(DeliveryError::refused(format!("Google Analytics takes no such event: {says}")))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    #[serde(default)]
    validation_messages: Vec<ValidationMessage>,
}

#[derive(Debug, Deserialize)]
struct ValidationMessage {
    #[serde(default)]
    description: String,
}

/// When it was released, where that is not too long ago to be counted.
fn moment(release: &MessageRelease, now: Timestamp) -> Result<Timestamp, DeliveryError> {
    let moment = release_events::moment(release)?;
    if now.duration_since(moment) >= OLDEST {
        let message = "Google Analytics takes no event that is older than 72 hours";
        return Err(DeliveryError::refused(message));
    }
    Ok(moment)
}

fn event(release: &MessageRelease, prompt: &MessagePrompt) -> Value {
    let properties = release_events::properties(release, prompt);
    let shortened = properties.into_iter().map(|(name, value)| match value {
        Value::String(text) => (name.to_owned(), short(&text).into()),
        other => (name.to_owned(), other),
    });
    let params: Map<String, Value> = shortened.collect();
    json!({ "name": release_events::name(release), "params": params })
}

fn short(text: &str) -> String {
    text.chars().take(MOST_LETTERS).collect()
}
