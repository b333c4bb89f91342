//! `webhook`: an HTTP server of one's own, which gets a `CloudEvents` 1.0 event as JSON, signed where it wants that.

use std::fmt::Write;

use aws_lc_rs::hmac;
use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest};
use evalmark_report::run_message::MessageEvent;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    message_template,
    variable::{address, variable},
};

/// No variable is known: the user says where each may go.
const OWNERS: &[KeyOwner] = &[];

/// Parameters of `webhook`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// NAME of the environment variable that holds the address.
    url_env: String,
    /// NAME of the environment variable that holds the secret that events are signed with (HMAC-SHA256). Default: no signature.
    #[serde(default)]
    secret_env: Option<String>,
}

#[derive(Debug)]
pub(super) struct Webhook {
    url_env: String,
    secret_env: Option<String>,
}

impl Webhook {
    fn secret(&self) -> Option<SecretUse> {
        let variable = self.secret_env.clone()?;
        let goes_to = SecretGoes::ToAddressIn(self.url_env.clone());
        Some(SecretUse { variable, goes_to, owners: OWNERS })
    }
}

impl DefineReceiver for Webhook {
    const ABOUT: About = About {
        name: "webhook",
        section: ReceiverSection::Notify,
        hears: Hears::RunsAndReleases,
        summary: "A server of your own: it gets a CloudEvents 1.0 event as JSON, signed where you want that.",
        tells_repetitions: true,
        updates: false,
        check_template: Some(message_template::check_json),
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        variable(&params.url_env, "/url_env")?;
        if let Some(name) = &params.secret_env {
            variable(name, "/secret_env")?;
        }
        Ok(Self { url_env: params.url_env, secret_env: params.secret_env })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        std::iter::once(address(&self.url_env, OWNERS)).chain(self.secret()).collect()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let url = courier.address(&address(&self.url_env, OWNERS))?;
        let body = event(letter)?.to_string().into_bytes();
        let signature = self.secret().map(|secret| {
            let key = courier.key(&secret, &url)?;
            signature(key.expose(), courier.now().as_second(), &body)
        });
        let mut request = HttpRequest::post_json(url, body);
        let kind = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
        request.headers.insert("content-type", kind);
        if let Some(signature) = signature.transpose()? {
            request.headers.insert("evalmark-signature", signature);
        }
        courier.send(Outgoing::alone(request))?;
        Ok(None)
    }
}

/// The event: its id is the same whenever it is sent, so that whoever receives it can tell a repetition.
fn event(letter: &Letter<'_>) -> Result<Value, DeliveryError> {
    let message = serde_json::to_value(letter.message).unwrap_or_default();
    let data = match letter.template {
        Some(template) => {
            message_template::json(template, &message).map_err(DeliveryError::refused)?
        }
        None => message,
    };
    Ok(json!({
        "specversion": "1.0",
        "id": letter.id,
        "source": format!("evalmark/{}", letter.message.suite),
        "type": match letter.message.event {
            MessageEvent::RunEnded => "io.evalmark.run.ended",
            MessageEvent::Drift => "io.evalmark.drift.alarm",
            MessageEvent::Released => "io.evalmark.prompts.released",
        },
        "subject": letter.message.run_id,
        "time": letter.created_at,
        "datacontenttype": "application/json",
        "data": data,
    }))
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`.
fn signature(secret: &str, seconds: i64, body: &[u8]) -> Result<HeaderValue, DeliveryError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    let tag = context.sign();
    let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    HeaderValue::from_str(&format!("t={seconds},v1={hex}"))
        .map_err(|error| DeliveryError::refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_hmac_sha256_of_time_and_body() {
        // By Python's `hmac.new(b"secret", b"1700000000.{}", "sha256").hexdigest()`.
        let expected =
            "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
        let signed = signature("secret", 1_700_000_000, b"{}").expect("a signature");
        assert_eq!(signed, expected);
    }
}
