//! What each receiver is sent about an alarm of production, and by templates of the user's.

use std::path::Path;

use evalmark_core::{
    drift::{
        ChangedAlongside, DriftAlarm, DriftReport, Movement, StreamDrift, StreamKind, StreamLevel,
        UnseenCategory,
    },
    receiver::{Hears, ReceiverSpec},
};
use evalmark_integrations::receivers::{catalog, dry_run};
use evalmark_report::{drift_message::AlarmContext, run_message::RunMessage};
use serde_json::{Value, json};

/// A score that fell when another model answered, whose name would act in each product.
fn message() -> RunMessage {
    let level = |mean| StreamLevel { mean, n: 500, ..StreamLevel::default() };
    let alarm = DriftAlarm {
        at: 28,
        moved: Movement::Down,
        began: 25,
        began_earliest: 24,
        began_latest: 25,
        before: level(0.9),
        now: level(0.6),
        alongside: vec![ChangedAlongside {
            name: "record/model".to_owned(),
            category: Some("(unseen)".to_owned()),
            before: 0.0,
            now: 1.0,
            strength: 99.0,
        }],
    };
    let exact =
        StreamDrift { name: "exact".to_owned(), alarm: Some(alarm), ..StreamDrift::default() };
    let model = StreamDrift {
        name: "record/model".to_owned(),
        kind: StreamKind::Category,
        unseen: vec![UnseenCategory { name: "<!here>".to_owned(), first_seen: 25, n: 9 }],
        ..StreamDrift::default()
    };
    let report = DriftReport { alpha: 0.05, n_looks: 30, streams: vec![exact, model] };
    let context = AlarmContext {
        suite: "intents",
        reference: Some("intents/main"),
        link: None,
        look: |day| format!("2026-06-{day:02}"),
    };
    RunMessage::of_alarm(&report, &report.streams[0], &context).expect("an alarm")
}

/// A receiver of a kind.
fn receiver(kind: &str, template: Option<&str>) -> ReceiverSpec {
    let url = "http://127.0.0.1:9";
    let params = match kind {
        "webhook" | "teams" => json!({ "url_env": "A_URL" }),
        "slack" => json!({ "url_env": "SLACK_WEBHOOK_URL" }),
        "email" => json!({ "from": "evalmark@example.org", "to": ["team@example.org"] }),
        _ => json!({ "url": url }),
    };
    ReceiverSpec {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        params,
        hears: Hears::RunsAndReleases,
        on: Vec::new(),
        template: template.map(str::to_owned),
        secrets: Vec::new(),
    }
}

#[test]
fn every_receiver_is_told_of_an_alarm_in_its_own_words() {
    let message = message();
    let check = |kind: &str, parts: &[&str]| {
        let text =
            dry_run(&receiver(kind, None), "id", &message, Path::new("")).expect("it is shown");
        for part in parts {
            assert!(text.contains(part), "{kind}: {part}: {text}");
        }
        assert!(!text.contains("run.ended"), "{kind}: {text}");
    };
    let says = "exact down from 90.0 % to 60.0 % since 2026-06-25 (2026-06-24 to 2026-06-25); called 2026-06-28";
    check("webhook", &["io.evalmark.drift.alarm", says, "\"event\": \"drift\""]);
    check("slack", &["intents: drift of exact", says, "Alarm exact 2026-06-28", "90.0 % → 60.0 %"]);
    check("teams", &["intents: drift of exact", says, "attention"]);
    // The subject, in base64.
    check("email", &["W2V2YWxtYXJrXSBpbnRlbnRzOiBkcmlmdCBvZiBleGFjdA=="]);
    check("loki", &["drift.alarm", "\\\"answer\\\":\\\"drift\\\""]);
    check("elasticsearch", &["alert", "\"action\":\"drift\"", "failure"]);
    let group = "/alarm/exact%202026-06-28";
    check("pushgateway", &[group, "evalmark_drift_began_seconds{", "evalmark_drift_change{"]);
    check("mlflow", &["exact 2026-06-28", says]);
}

#[test]
fn templates_of_the_user_make_the_messages_of_each_kind_that_has_them() {
    let message = message();
    for name in ["webhook", "slack", "teams", "email"] {
        let kind = catalog().iter().find(|kind| kind.name == name).expect("a kind");
        let check_template = kind.check_template.expect("it takes templates");
        let is_text = name == "email";
        let json = r#"{ "what": {{ event }}, "text": {{ says }}, "of": {{ suite }} }"#;
        let template = if is_text { "{{ suite }}: {{ says }}" } else { json };
        check_template(template).expect("a good template");
        assert!(check_template("{{ says").is_err(), "{}", kind.name);
        assert!(check_template("{{ nobody }}").is_err(), "{}", kind.name);
        let receiver = receiver(kind.name, Some(template));
        let text = dry_run(&receiver, "id", &message, Path::new("")).expect("it is shown");
        if !is_text {
            assert!(text.contains("exact down from 90.0 % to 60.0 %"), "{}: {text}", kind.name);
            let body = &text[text.find("\n{").expect("a body")..];
            let body: Value = serde_json::from_str(body.trim()).expect("JSON");
            assert!(body.to_string().contains("\"what\":\"drift\""), "{}: {body}", kind.name);
        }
    }
}
