//! Users' templates for messages: each kind that takes one makes its message by it, and nothing in the texts acts.

use std::{fs, time::Duration};

use evalmark_loopback::Reply;
use serde_json::{Value, json};

use crate::receivers::{Place, is_sent};

/// What a receiver is sent that makes its messages by a template.
fn made(kind: &str, template: &str) -> Value {
    let place = Place::new(|_| Reply::bytes("ok"));
    place.queue_by(kind, &json!({ "url_env": "URL" }), "v", Some(template));
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    place.server.requests()[0].json()
}

#[test]
fn slack_takes_blocks_of_ones_own() {
    let template = r#"{ "text": {{ suite ~ ": " ~ says }}, "blocks": [
        {%- for one in comparisons %}{ "type": "section", "text": { "type": "mrkdwn", "text": {{ one.prompt }} } }
        {%- if not loop.last %},{% endif %}{% endfor %}] }"#;
    let body = made("slack", template);
    let text = body["text"].as_str().expect("a text");
    assert!(text.starts_with("intents: &lt;!channel&gt;") && !text.contains('<'), "{text}");
    let block = &body["blocks"][0]["text"];
    assert_eq!(block["type"], "mrkdwn");
    assert!(!block["text"].as_str().expect("a text").contains('<'), "{block}");
}

#[test]
fn teams_takes_a_card_of_ones_own() {
    let template = r#"{ "type": "AdaptiveCard", "version": "1.4", "body": [
        { "type": "TextBlock", "text": {{ answer }} }, { "type": "TextBlock", "text": {{ says }} }] }"#;
    let body = made("teams", template);
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let texts = &attachment["content"]["body"];
    assert_eq!(texts[0]["text"], "regressed");
    let says = texts[1]["text"].as_str().expect("a text");
    assert!(!says.contains("<at>") && says.contains("\\[x\\]"), "{says}");
}

#[test]
fn a_webhook_takes_data_of_ones_own() {
    let body = made("webhook", r#"{ "suite": {{ suite }}, "worst": {{ comparisons[0].metric }} }"#);
    let data = if body["data"].is_null() { &body } else { &body["data"] };
    assert_eq!((&data["suite"], &data["worst"]), (&json!("intents"), &json!("exact")), "{body}");
}

#[test]
fn a_mail_has_a_text_of_ones_own() {
    let place = Place::new(|_| Reply::status(500));
    let params = json!({ "from": "ci@example.org", "to": ["a@example.org"] });
    place.queue_by("email", &params, "v", Some("{{ suite }} is {{ answer }}.\n"));
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let folder = place.outbox().folder().join("mail");
    let file = fs::read_dir(folder).expect("mails").flatten().next().expect("a mail");
    let mail = fs::read_to_string(file.path()).expect("ASCII");
    let text =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "intents is regressed.");
    assert!(mail.contains(&text[..24]), "{mail}");
}

#[test]
fn a_template_that_fails_is_told_and_nothing_is_sent() {
    let check = |template: &str, expected: &str| {
        let place = Place::new(|_| Reply::bytes("ok"));
        place.queue_by("slack", &json!({ "url_env": "URL" }), "v", Some(template));
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected), "{errors:?}");
        assert_eq!(place.server.count(), 0);
    };
    check("{ \"text\": {{ suit }} }", "undefined");
    check("{ \"text\": {{ suite } }", "line 1");
    check("text", "no JSON");
    check(
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "line 1",
    );
}
