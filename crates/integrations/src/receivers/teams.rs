//! `teams`: a channel or chat of Microsoft Teams, by the webhook of a workflow.
//!
//! Messages are Adaptive Cards. Texts of suites and models stand in text runs, which Teams shows as they are: Markdown in them
//! is no markup.

use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::HttpRequest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    message_template,
    variable::{address, variable},
};

const OWNERS: &[KeyOwner] = &[KeyOwner {
    variable: "TEAMS_WEBHOOK_URL",
    hosts: &["logic.azure.com", "api.powerplatform.com"],
}];

/// Comparisons that a card shows: Teams takes 28 KB.
const MOST_LINES: usize = 15;

/// Bytes of a message at most.
const MOST_BYTES: usize = 27 << 10;

/// Parameters of `teams`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// NAME of the environment variable that holds the address of a workflow's webhook, such as `TEAMS_WEBHOOK_URL`.
    url_env: String,
}

#[derive(Debug)]
pub(super) struct Teams {
    url_env: String,
}

impl DefineReceiver for Teams {
    const ABOUT: About = About {
        name: "teams",
        section: ReceiverSection::Notify,
        hears: Hears::RunsAndReleases,
        summary: "A channel or chat of Microsoft Teams, by the webhook of a workflow.",
        tells_repetitions: false,
        updates: false,
        check_template: Some(message_template::check_json),
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        variable(&params.url_env, "/url_env")?;
        Ok(Self { url_env: params.url_env })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        vec![address(&self.url_env, OWNERS)]
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let url = courier.address(&address(&self.url_env, OWNERS))?;
        let mut n_lines = MOST_LINES;
        let mut body = body(letter, n_lines)?.to_string();
        while body.len() > MOST_BYTES && n_lines > 0 {
            n_lines /= 2;
            body = self::body(letter, n_lines)?.to_string();
        }
        courier.send(Outgoing::alone(HttpRequest::post_json(url, body.into_bytes())))?;
        Ok(None)
    }
}

/// The message as a workflow takes it.
fn body(letter: &Letter<'_>, n_lines: usize) -> Result<Value, DeliveryError> {
    let content = match letter.template {
        Some(template) => {
            let message = serde_json::to_value(letter.message).unwrap_or_default();
            let message = message_template::map_texts(message, &inert_markdown);
            message_template::json(template, &message).map_err(DeliveryError::refused)?
        }
        None => card(letter, n_lines),
    };
    Ok(json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": content,
        }],
    }))
}

fn card(letter: &Letter<'_>, n_lines: usize) -> Value {
    let message = letter.message;
    let colour = match (&*message.answer, message.fails) {
        (_, true) => "attention",
        ("pass" | "improved", false) => "good",
        _ => "warning",
    };
    let head = format!("{} {}", message.mark(), message.headline());
    let mut parts = vec![
        line(&[run(&head, json!({ "weight": "bolder", "size": "large", "color": colour }))]),
        line(&[run(&message.says, json!({}))]),
    ];
    for one in message.comparisons.iter().take(n_lines) {
        let values = format!(": {}, {}", one.answer, one.values());
        parts.push(line(&[
            run(&one.name(), json!({ "weight": "bolder" })),
            run(&values, json!({})),
        ]));
    }
    if message.comparisons.is_empty() {
        let shown = message.scores.iter().take(n_lines);
        parts.extend(shown.map(|one| line(&[run(&one.line(), json!({}))])));
    }
    let n_more =
        message.comparisons.len().saturating_sub(n_lines) as u64 + message.n_more_comparisons;
    if n_more > 0 {
        parts.push(line(&[run(&format!("and {n_more} more"), json!({}))]));
    }
    for (name, value) in message.facts().into_iter().filter(|(name, _)| *name != "More") {
        let small = json!({ "isSubtle": true, "size": "small" });
        parts.push(line(&[run(&format!("{name}: {value}"), small)]));
    }
    let actions: Vec<_> = message
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "More", "url": link }))
        .collect();
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "fallbackText": inert_markdown(&head),
        "body": parts,
        "actions": actions,
    })
}

fn line(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str, style: Value) -> Value {
    let mut run = json!({ "type": "TextRun", "text": clipped(text) });
    if let (Some(run), Value::Object(style)) = (run.as_object_mut(), style) {
        run.extend(style);
    }
    run
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(600) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text in which Teams finds no Markdown, HTML or mention.
fn inert_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '~' | '|' | '!' => {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
    }
    out
}
