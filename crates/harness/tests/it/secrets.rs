//! The key goes to the provider, and nowhere else, whatever the provider does with it.

use std::fmt::Write as _;

use evalmark_harness::{Endpoint, OpenError, Secret};
use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{Setup, model, model_at};

const KEY: &str = "sk-verysecret/\"0123456789";

/// A server that repeats what it was sent, in every place a text can stand.
fn parrot(seen: &Seen) -> Reply {
    let sent = seen.header("authorization").unwrap_or_default().to_owned();
    let escaped = sent.chars().fold(String::new(), |mut text, character| {
        let _ = write!(text, "\\u{:04x}", u32::from(character));
        text
    });
    match seen.index {
        0 => Reply::text(sent),
        1 => Reply::text("ok").finish_reason(&sent),
        2 => Reply::status(400).body(sent),
        3 => Reply::status(400).body(format!("{{\"error\":\"{escaped}\"}}")),
        4 => {
            Reply::bytes(format!("{{\"choices\":[{{\"message\":{{\"content\":\"{escaped}\"}}}}]}}"))
        }
        5 => Reply::bytes(format!("{}{sent}", "x".repeat(295))),
        6 => Reply::json(&serde_json::json!({ "error": { "message": sent } })),
        7 => Reply::json(&serde_json::json!({ "choices": sent })),
        8 => Reply::refusal(sent),
        9 => Reply::status(307).header("location", sent.clone()).body(sent),
        _ => Reply::status(401).body(sent),
    }
}

#[test]
fn the_key_is_shown_nowhere() {
    let server = Server::start(parrot);
    let setup = Setup::new();
    let mut model = model(&server);
    model.limits.concurrency = 1;
    model.limits.attempts = 1;
    let endpoint = setup.open_with(&model, Some(KEY));
    let asked = setup.ask(&endpoint, 40);
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    // A key that was accepted before is given up when it is refused over and over.
    assert_eq!((server.count(), asked.downs().len()), (30, 1));
    let mut shown = format!("{asked:?} {endpoint:?} {:?} {:?}", endpoint.down(), setup.ledger);
    assert!(shown.contains("[redacted]"));
    for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
        let bytes = std::fs::read(setup.folder.path().join(file)).expect("the ledger");
        shown.push_str(&String::from_utf8_lossy(&bytes));
    }
    for part in [KEY, "verysecret", "0123456789"] {
        assert!(!shown.contains(part), "{part} is shown");
    }
}

fn open(base_url: &str, key: &str) -> Result<Endpoint, OpenError> {
    let setup = Setup::new();
    let model = model_at(base_url, crate::setup::limits());
    Endpoint::open(&model, Some(Secret::new(key)), &setup.network, &setup.ledger)
}

#[test]
fn what_cannot_be_sent_is_refused_without_showing_it() {
    let check = |base_url: &str, key: &str, expected: &str| {
        let error = open(base_url, key).expect_err("no endpoint");
        assert_eq!(error.to_string(), format!("model `small`: {expected}"));
    };
    check("http://h/v1", "sk-a\nb", "the key contains characters that are not allowed in a header");
    check(
        "https://user:sk-12345678@h/v1",
        "sk-12345678",
        "the base URL must not contain a user name or password",
    );
    check("h", "sk-12345678", "the base URL is not a URL: relative URL without a base");
}

#[test]
fn the_key_is_shown_nowhere_in_streams() {
    let server = Server::start(|seen| {
        let sent = seen.header("authorization").unwrap_or_default().to_owned();
        let (start, rest) = sent.split_at(sent.len() - 6);
        let part = |text: &str| {
            let delta = serde_json::json!({ "content": text });
            format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n")
        };
        let end = match seen.index {
            0 => {
                "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned()
            }
            1 => format!("event: error\ndata: {}\n\n", serde_json::json!({ "error": sent })),
            2 => format!("data: {sent}\n\n"),
            _ => format!(
                "data: {{\"model\":{},\"choices\":[{{\"finish_reason\":\"stop\"}}]}}\n\n{}",
                serde_json::json!(sent),
                "data: [DONE]\n\n"
            ),
        };
        Reply::bytes([part(start), part(rest), end].concat())
    });
    let setup = Setup::new();
    let mut model = model(&server);
    (model.is_streamed, model.limits.concurrency, model.limits.attempts) = (true, 1, 1);
    let endpoint = setup.open_with(&model, Some(KEY));
    let asked = setup.ask_model(&endpoint, &model, 4);
    let mut shown = format!("{asked:?} {endpoint:?}");
    assert_eq!((asked.tally.answered, asked.tally.failed), (2, 2), "{shown}");
    assert!(shown.matches("[redacted]").count() >= 4, "{shown}");
    for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
        let bytes = std::fs::read(setup.folder.path().join(file)).expect("the ledger");
        shown.push_str(&String::from_utf8_lossy(&bytes));
    }
    for part in [KEY, "verysecret", "0123456789"] {
        assert!(!shown.contains(part), "{part} is shown");
    }
}
