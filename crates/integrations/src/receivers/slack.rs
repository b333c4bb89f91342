//! `slack`: a channel, by incoming webhook or by a bot that keeps one message a run.
//!
//! Messages are Block Kit. Texts of suites and models stand in rich text, whose elements Slack shows as they are: no mention,
//! link or format in them acts.

use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    courier::{Courier, DeliveryError, Fate, Outgoing},
    definition::{About, DefineReceiver, Letter},
    message_template,
    server::{bearer, below},
    variable::{address, variable},
};
use crate::services::rest::server_address;

const OWNERS: &[KeyOwner] = &[
    KeyOwner { variable: "SLACK_WEBHOOK_URL", hosts: &["hooks.slack.com", "hooks.slack-gov.com"] },
    KeyOwner { variable: "SLACK_BOT_TOKEN", hosts: &["slack.com", "slack-gov.com"] },
];

/// Comparisons that a message shows.
const MOST_LINES: usize = 12;

/// Parameters of `slack`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// NAME of the environment variable that holds the address of an incoming webhook, such as `SLACK_WEBHOOK_URL`.
    #[serde(default)]
    url_env: Option<String>,
    /// NAME of the environment variable that holds the token of a bot with the scope `chat:write`, such as `SLACK_BOT_TOKEN`.
    #[serde(default)]
    token_env: Option<String>,
    /// The channel that the bot writes to: its ID, such as `C0123456789`, or its name.
    #[serde(default)]
    channel: Option<String>,
    /// Slack's API, where it is not `https://slack.com/api`.
    #[serde(default)]
    api_url: Option<String>,
}

#[derive(Debug)]
pub(super) enum Slack {
    Webhook { url_env: String },
    Bot { token_env: String, channel: String, api: Url },
}

impl DefineReceiver for Slack {
    const ABOUT: About = About {
        name: "slack",
        section: ReceiverSection::Notify,
        hears: Hears::RunsAndReleases,
        summary: "A channel of Slack, by incoming webhook, or by a bot that keeps one message a run.",
        tells_repetitions: false,
        updates: true,
        check_template: Some(message_template::check_json),
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| ParamError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        match (params.url_env, params.token_env) {
            (Some(_), None) if params.channel.is_some() => {
                Err(wrong("/channel", "the address of a webhook decides about the channel"))
            }
            (Some(url_env), None) => {
                variable(&url_env, "/url_env")?;
                Ok(Self::Webhook { url_env })
            }
            (None, Some(token_env)) => {
                variable(&token_env, "/token_env")?;
                let channel = params.channel.filter(|channel| !channel.trim().is_empty());
                let channel = channel
                    .ok_or_else(|| wrong("", "a bot needs the `channel` that it writes to"))?;
                let api = params.api_url.as_deref().unwrap_or("https://slack.com/api");
                let api = server_address(api)
                    .map_err(|why| wrong("/api_url", &format!("`api_url` {why}")))?;
                Ok(Self::Bot { token_env, channel, api })
            }
            _ => Err(wrong(
                "",
                "exactly one of `url_env` (a webhook) and `token_env` (a bot) is needed",
            )),
        }
    }

    fn secrets(&self) -> Vec<SecretUse> {
        match self {
            Self::Webhook { url_env } => vec![address(url_env, OWNERS)],
            Self::Bot { token_env, api, .. } => vec![bot_token(token_env, api)],
        }
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let body = body(letter)?;
        match self {
            Self::Webhook { url_env } => {
                let url = courier.address(&address(url_env, OWNERS))?;
                let request = HttpRequest::post_json(url, body.to_string().into_bytes());
                courier.send(Outgoing::alone(request))?;
                Ok(None)
            }
            Self::Bot { token_env, channel, api } => {
                let token = bot_token(token_env, api);
                write_as_bot((&token, api), channel, body, letter, courier)
            }
        }
    }
}

fn bot_token(token_env: &str, api: &Url) -> SecretUse {
    let goes_to = SecretGoes::ToServer(api.clone());
    SecretUse { variable: token_env.to_owned(), goes_to, owners: OWNERS }
}

/// Writes a message, or changes the one about the same run that is there. Answers with where it stands.
fn write_as_bot(
    (token, api): (&SecretUse, &Url),
    channel: &str,
    mut body: Value,
    letter: &Letter<'_>,
    courier: &mut dyn Courier,
) -> Result<Option<Value>, DeliveryError> {
    let there = letter.earlier.and_then(|earlier| {
        Some((earlier["channel"].as_str()?.to_owned(), earlier["ts"].as_str()?.to_owned()))
    });
    let method = if let Some((channel, ts)) = there {
        body["channel"] = channel.into();
        body["ts"] = ts.into();
        "chat.update"
    } else {
        body["channel"] = channel.into();
        "chat.postMessage"
    };
    let url = below(api, &[method]);
    let key = courier.key(token, &url)?;
    let mut request = HttpRequest::post_json(url, body.to_string().into_bytes());
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    request.headers.insert("content-type", kind);
    request.headers.insert("authorization", bearer(&key)?);
    let sample = json!({ "ok": true, "channel": channel, "ts": "0" });
    let answer = courier.send(Outgoing { request, sample })?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if answer["ok"] == true {
        let (channel, ts) = (&answer["channel"], &answer["ts"]);
        return Ok(Some(json!({ "channel": channel, "ts": ts })));
    }
    Err(bot_error(answer["error"].as_str().unwrap_or("an answer that its API does not have")))
}

/// What Slack's own words for an error mean.
fn bot_error(word: &str) -> DeliveryError {
    let plain: String =
        word.chars().filter(|c| c.is_ascii_alphanumeric() || " _-".contains(*c)).collect();
    let advice = match word {
        "channel_not_found" | "not_in_channel" => {
            ": invite the bot to the channel, or name it by its ID"
        }
        "invalid_auth" | "not_authed" | "token_revoked" | "account_inactive" | "token_expired" => {
            ": the token is none that Slack takes"
        }
        "missing_scope" => ": the bot needs the scope `chat:write`",
        "message_not_found" | "cant_update_message" => {
            ": the earlier message about this run is gone"
        }
        _ => "",
    };
    let fate = match word {
        "ratelimited" | "rate_limited" => Fate::NotArrived(None),
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Fate::InDoubt
        }
        _ => Fate::Refused,
    };
    DeliveryError::new(fate, format!("Slack says {plain}{advice}"))
}

/// The message as Slack takes it.
fn body(letter: &Letter<'_>) -> Result<Value, DeliveryError> {
    let message = letter.message;
    if let Some(template) = letter.template {
        let message = serde_json::to_value(message).unwrap_or_default();
        let message = message_template::map_texts(message, &inert_mrkdwn);
        return message_template::json(template, &message).map_err(DeliveryError::refused);
    }
    let mut lines: Vec<Vec<Value>> = Vec::new();
    let shown = message.comparisons.iter().take(MOST_LINES);
    lines.extend(shown.map(|one| {
        let values = format!(": {}, {}", one.answer, one.values());
        vec![text(&one.name(), true), text(&values, false)]
    }));
    if message.comparisons.is_empty() {
        let shown = message.scores.iter().take(MOST_LINES);
        lines.extend(shown.map(|one| vec![text(&one.line(), false)]));
    }
    let n_all = message.comparisons.len().max(if message.comparisons.is_empty() {
        message.scores.len()
    } else {
        0
    }) as u64
        + message.n_more_comparisons;
    let n_more = n_all.saturating_sub(lines.len() as u64);
    if n_more > 0 {
        lines.push(vec![text(&format!("and {n_more} more"), false)]);
    }
    let section =
        |elements: Vec<Value>| json!({ "type": "rich_text_section", "elements": elements });
    let lines: Vec<_> = lines.into_iter().map(section).collect();
    let mut parts = vec![section(vec![text(&message.says, false)])];
    if !lines.is_empty() {
        parts.push(json!({ "type": "rich_text_list", "style": "bullet", "elements": lines }));
    }
    let head = clipped(&format!("{} {}", message.mark(), message.headline()), 150);
    let mut facts = Vec::new();
    for (name, value) in message.facts().into_iter().filter(|(name, _)| *name != "More") {
        let comma = if facts.is_empty() { "" } else { " · " };
        facts.push(text(&format!("{comma}{name} {value}"), false));
    }
    if let Some(link) = &message.link {
        facts.push(text(" · ", false));
        facts.push(json!({ "type": "link", "url": link, "text": "more" }));
    }
    parts.push(section(facts));
    Ok(json!({
        // What notifications show; Slack reads markup here.
        "text": inert_mrkdwn(&format!("{head}. {}", clipped(&message.says, 500))),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": head, "emoji": false } },
            { "type": "rich_text", "elements": parts },
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    }))
}

fn text(text: &str, is_bold: bool) -> Value {
    let element = json!({ "type": "text", "text": clipped(text, 600) });
    if is_bold {
        return json!({ "type": "text", "text": clipped(text, 600), "style": { "bold": true } });
    }
    element
}

fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end.min(text.len())]),
        None if text.is_empty() => " ".to_owned(),
        None => text.to_owned(),
    }
}

/// A text in which Slack finds no mention, link or command: those stand between `<` and `>`.
fn inert_mrkdwn(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
