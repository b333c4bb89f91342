//! Receivers against servers on this machine: what each is sent, what acts in it, and what follows from what it answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::receiver::{ReceiverSecretError, ReceiverSecrets, SecretUse};
use evalmark_integrations::receivers::{
    DeliveryEvent, SendOptions, SendOutcome, catalog, send_all,
};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use evalmark_report::run_message::{MessageComparison, MessageScore, RunMessage};
use evalmark_store::outbox::{Outbox, OutboxEntry, OutboxReceiver, OutboxState};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Secrets of a test: every variable is an address of the server, or a token.
struct Secrets {
    url: String,
    folder: PathBuf,
}

impl ReceiverSecrets for Secrets {
    fn address(&self, secret: &SecretUse) -> Result<Url, ReceiverSecretError> {
        assert!(secret.variable.ends_with("URL"), "{secret:?}");
        Ok(Url::parse(&self.url).expect("an address"))
    }

    fn key(&self, secret: &SecretUse, server: &Url) -> Result<String, ReceiverSecretError> {
        assert!(self.url.starts_with(&server.origin().ascii_serialization()), "{server}");
        Ok(format!("canary-of-{}", secret.variable))
    }

    fn folder(&self, _: &SecretUse) -> Result<PathBuf, ReceiverSecretError> {
        Ok(self.folder.clone())
    }
}

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) server: Server,
}

impl Place {
    pub(crate) fn new(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, server: Server::start(behaviour) }
    }

    pub(crate) fn address(&self) -> String {
        self.server.url().trim_end_matches("/v1").to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn outbox(&self) -> Outbox {
        Outbox::below(self.folder.path())
    }

    pub(crate) fn queue(&self, kind: &str, params: &Value, verdict: &str) {
        self.queue_by(kind, params, verdict, None);
    }

    /// Queues a message that a template makes.
    pub(crate) fn queue_by(
        &self,
        kind: &str,
        params: &Value,
        verdict: &str,
        template: Option<&str>,
    ) {
        self.queue_message(kind, params, verdict, template, &hostile());
    }

    /// Queues any message.
    pub(crate) fn queue_message(
        &self,
        kind: &str,
        params: &Value,
        verdict: &str,
        template: Option<&str>,
        message: &RunMessage,
    ) {
        let known = catalog().iter().find(|known| known.name == kind).expect("a kind");
        (known.open)(params).expect("good parameters");
        let receiver = OutboxReceiver {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            params: params.clone(),
            template: template.map(str::to_owned),
        };
        let entry = OutboxEntry::new(receiver, ("s", "r"), verdict, json!(message));
        self.outbox().add(&entry, |text| text.into()).expect("written");
    }

    /// Sends for so long; answers with the errors that were told.
    pub(crate) fn send(&self, wait: Duration) -> (SendOutcome, Vec<String>) {
        let errors = Mutex::new(Vec::new());
        let hear = |event: &DeliveryEvent<'_>| {
            if let DeliveryEvent::Failed(entry) = event {
                errors.lock().expect("errors").push(entry.last_error.clone().unwrap_or_default());
            }
        };
        let options = SendOptions {
            secrets: &Secrets {
                url: format!("{}/hush-canary", self.address()),
                folder: self.folder.path().to_owned(),
            },
            lock_wait: Duration::ZERO,
            wait,
            keeps_waits: true,
            redact: |text| text.into(),
            hear: &hear,
        };
        let outcome = send_all(&self.outbox(), &options).expect("sent");
        (outcome, errors.into_inner().expect("errors"))
    }

    pub(crate) fn pending(&self) -> Vec<OutboxEntry> {
        self.outbox().entries(OutboxState::Pending).expect("entries").0
    }
}

/// A message whose texts would act in each product.
pub(crate) fn hostile() -> RunMessage {
    let acts = "<!channel> <@U123> <https://evil.example|click> [x](https://evil.example) *b* <at>all</at>";
    RunMessage {
        suite: "intents".to_owned(),
        run_id: "r-1".to_owned(),
        answer: "regressed".to_owned(),
        says: acts.to_owned(),
        fails: true,
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        link: Some("https://ci.example/1".to_owned()),
        comparisons: vec![MessageComparison {
            prompt: acts.to_owned(),
            model: "m".to_owned(),
            metric: "exact".to_owned(),
            answer: "regressed".to_owned(),
            baseline: Some("90.0 %".to_owned()),
            candidate: Some("80.0 %".to_owned()),
            change: Some("-10.0 points".to_owned()),
            change_value: Some(-0.1),
            measure: "difference".to_owned(),
            ..MessageComparison::default()
        }],
        scores: vec![MessageScore {
            prompt: "a\"b".to_owned(),
            model: "m".to_owned(),
            metric: "exact".to_owned(),
            value: 0.8,
            lower: Some(0.7),
            upper: Some(0.9),
            n_scored: 10,
            ..MessageScore::default()
        }],
        open_metrics: "# TYPE evalmark_passes gauge\n# HELP evalmark_passes x\nevalmark_passes{suite=\"intents\"} 0\n# EOF\n".to_owned(),
        ..RunMessage::default()
    }
}

pub(crate) fn is_sent(outcome: &SendOutcome) -> bool {
    *outcome == SendOutcome { n_sent: 1, n_waiting: 0 }
}

#[test]
fn a_webhook_gets_a_signed_event() {
    let place = Place::new(|_| Reply::bytes(""));
    place.queue("webhook", &json!({ "url_env": "URL", "secret_env": "SIGNING" }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let seen = place.server.requests().remove(0);
    assert_eq!(seen.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    let signature = seen.header("evalmark-signature").expect("a signature");
    let (time, digest) = signature.split_once(",v1=").expect("both parts");
    assert!(time.starts_with("t=") && digest.len() == 64, "{signature}");
    let event = seen.json();
    for key in ["id", "source", "type", "subject", "time"] {
        assert!(event[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {event}");
    }
    assert_eq!(event["source"], "evalmark/intents");
}

#[test]
fn slack_finds_nothing_that_acts() {
    let place = Place::new(|_| Reply::bytes("ok"));
    place.queue("slack", &json!({ "url_env": "URL" }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let body = place.server.requests()[0].json();
    let text = body["text"].as_str().expect("a text");
    assert!(!text.contains('<') && text.contains("&lt;!channel&gt;"), "{text}");
    // All that a suite says stands in plain text and rich text.
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    assert_eq!(body["blocks"][1]["type"], "rich_text");
    assert!(!body.to_string().contains("mrkdwn"), "{body}");
}

#[test]
fn a_bot_keeps_one_message_a_run() {
    let place = Place::new(|seen| match &*seen.path {
        "/api/chat.postMessage" => {
            Reply::json(&json!({ "ok": true, "channel": "C1", "ts": "1.5" }))
        }
        "/api/chat.update" => Reply::json(&json!({ "ok": true, "channel": "C1", "ts": "1.5" })),
        _ => Reply::status(404),
    });
    let params = json!({
        "token_env": "SLACK_BOT_TOKEN",
        "channel": "#quality",
        "api_url": format!("{}/api", place.address()),
    });
    for verdict in ["inconclusive", "regressed"] {
        place.queue("slack", &params, verdict);
        assert!(is_sent(&place.send(Duration::ZERO).0), "{verdict}");
    }
    let seen = place.server.requests();
    assert_eq!(seen[0].json()["channel"], "#quality");
    assert_eq!(seen[0].header("authorization"), Some("Bearer canary-of-SLACK_BOT_TOKEN"));
    assert_eq!((&*seen[1].path, &seen[1].json()["ts"]), ("/api/chat.update", &json!("1.5")));
    assert_eq!(seen[1].json()["channel"], "C1");
}

#[test]
fn what_slack_says_of_errors() {
    let check = |word: &'static str, expected: &str, may_have_arrived: bool| {
        let place = Place::new(move |_| Reply::json(&json!({ "ok": false, "error": word })));
        let api = format!("{}/api", place.address());
        let params = json!({ "token_env": "SLACK_BOT_TOKEN", "channel": "C1", "api_url": api });
        place.queue("slack", &params, "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected), "{errors:?}");
        assert_eq!(place.pending()[0].may_have_arrived(), may_have_arrived, "{word}");
    };
    check("channel_not_found", "invite the bot", false);
    check("invalid_auth", "the token is none", false);
    check("missing_scope", "chat:write", false);
    check("internal_error", "internal_error", true);
}

#[test]
fn teams_finds_nothing_that_acts() {
    let place = Place::new(|_| Reply::status(202));
    place.queue("teams", &json!({ "url_env": "URL" }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let body = place.server.requests()[0].json();
    let card = &body["attachments"][0]["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    let blocks = card["body"].as_array().expect("a body");
    assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"), "{card}");
    assert!(card["msteams"]["entities"].is_null(), "{card}");
    assert_eq!(card["actions"][0]["url"], "https://ci.example/1");
}

#[test]
fn a_mail_is_a_file_with_the_headers_that_it_says() {
    let place = Place::new(|_| Reply::status(500));
    let params = json!({ "from": "ci@example.org", "to": ["a@example.org", "b@example.org"] });
    place.queue("email", &params, "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let folder = place.outbox().folder().join("mail");
    let file = std::fs::read_dir(folder).expect("mails").flatten().next().expect("a mail");
    let mail = std::fs::read_to_string(file.path()).expect("ASCII");
    assert!(mail.is_ascii() && mail.contains("To: a@example.org,\r\n b@example.org\r\n"), "{mail}");
    let html = mail.split("text/html").nth(1).and_then(|part| part.split("\r\n\r\n").nth(1));
    let html = html.and_then(|part| part.split("--").next()).expect("a page");
    let html = STANDARD.decode(html.replace("\r\n", "")).expect("base64");
    let html = String::from_utf8(html).expect("UTF-8");
    assert!(html.contains("&lt;!channel&gt;") && !html.contains("<at>"), "{html}");
}

#[test]
fn a_pushgateway_gets_the_figures_of_a_suite() {
    let place = Place::new(|_| Reply::bytes(""));
    let params = json!({ "url": place.address(), "user": "ci", "password_env": "GATE_PASSWORD" });
    place.queue("pushgateway", &params, "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let seen = place.server.requests().remove(0);
    assert_eq!((&*seen.method, &*seen.path), ("PUT", "/metrics/job/evalmark/suite/intents"));
    assert!(seen.header("authorization").is_some_and(|text| text.starts_with("Basic ")));
    let text = String::from_utf8(seen.body).expect("UTF-8");
    assert!(
        text.contains(
            "evalmark_score{suite=\"intents\",prompt=\"a\\\"b\",model=\"m\",metric=\"exact\"} 0.8\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("evalmark_passes{suite=\"intents\"} 0\n") && !text.contains("EOF"),
        "{text}"
    );
    assert!(text.contains("metric=\"exact\",measure=\"difference\"} -0.1\n"), "{text}");
}

#[test]
fn node_exporter_finds_a_file_of_figures() {
    let place = Place::new(|_| Reply::bytes(""));
    for _ in 0..2 {
        place.queue("textfile", &json!({}), "v");
    }
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let names = fs::read_dir(place.folder.path()).expect("a folder").flatten();
    let names: Vec<_> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    assert!(names.contains(&"evalmark_intents.prom".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| !name.contains("partial")), "{names:?}");
    let text = fs::read_to_string(place.folder.path().join("evalmark_intents.prom"));
    let text = text.expect("a file");
    assert!(text.contains("evalmark_passes{suite=\"intents\"} 0\n"), "{text}");
    let kind = catalog().iter().find(|kind| kind.name == "textfile").expect("a kind");
    let error = (kind.open)(&json!({ "dir_env": "HOME" })).expect_err("no such variable");
    assert_eq!(error.pointer, "/dir_env");
}

#[test]
fn remote_write_sends_packed_series_and_is_done_where_newer_ones_are_there() {
    let params = json!({ "url_env": "URL", "tenant": "team-a", "labels": { "env": "ci" } });
    let place = Place::new(|_| Reply::bytes(""));
    place.queue("prometheus_remote_write", &params, "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let seen = place.server.requests().remove(0);
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("x-scope-orgid", "team-a"),
    ] {
        assert_eq!(seen.header(name), Some(value));
    }
    let plain = snap::raw::Decoder::new().decompress_vec(&seen.body).expect("snappy");
    let text = String::from_utf8_lossy(&plain);
    // Labels come by their names, `__name__` first.
    let order = ["__name__", "evalmark_score", "env", "ci", "metric", "model", "prompt", "suite"];
    let mut from = text.find("\u{8}__name__\u{12}\u{e}evalmark_score").expect("a series");
    for word in order {
        from += text[from..].find(word).unwrap_or_else(|| panic!("{word}: {text}"));
    }
    let check = |status: u16, words: &'static str, is_done: bool| {
        let place = Place::new(move |_| Reply::status(status).body(words));
        place.queue("prometheus_remote_write", &params, "v");
        assert_eq!(is_sent(&place.send(Duration::ZERO).0), is_done, "{status} {words}");
        assert_eq!(place.server.count(), 1, "{status}");
    };
    check(400, "out of order sample", true);
    check(400, "duplicate sample for timestamp", true);
    check(400, "label name is invalid", false);
    check(401, "out of order", false);
    check(429, "slow down", false);
    check(503, "out of order", false);
}

#[test]
fn each_class_of_errors_has_what_follows() {
    let check =
        |kind: &str, reply: fn() -> Reply, (told, doubt): (&str, bool), least: i64, most: i64| {
            let place = Place::new(move |_| reply());
            place.queue(kind, &json!({ "url_env": "URL" }), "v");
            let (outcome, errors) = place.send(Duration::ZERO);
            assert_eq!((outcome.n_sent, outcome.n_waiting), (0, 1), "{kind} {told}");
            assert!(errors[0].contains(told) && !errors[0].contains("hush"), "{errors:?}");
            let entry = place.pending().remove(0);
            assert_eq!(entry.may_have_arrived(), doubt, "{kind} {told}");
            let wait = entry.not_before.expect("a wait").duration_since(jiff_now()).as_secs();
            assert!((least - 2..=most).contains(&wait), "{kind} {told}: {wait} s");
        };
    for kind in ["webhook", "slack", "teams"] {
        check(kind, || Reply::status(400), ("400", false), 3600, 3600);
        check(kind, || Reply::status(403), ("403", false), 3600, 3600);
        check(kind, || Reply::status(404), ("404", false), 3600, 3600);
        check(kind, || Reply::status(500), ("500", false), 0, 1);
        check(kind, || Reply::status(429).header("retry-after", "30"), ("429", false), 30, 30);
        check(
            kind,
            || Reply::status(301).header("location", "http://h/"),
            ("301", false),
            3600,
            3600,
        );
    }
    // Whether it arrived is not known: who can tell a repetition gets it again at once.
    check("webhook", || Reply::status(504), ("504", true), 0, 1);
    check("slack", || Reply::status(504), ("504", true), 900, 900);
    check("webhook", Reply::reset, ("broke", true), 0, 1);
    check("teams", Reply::reset, ("broke", true), 900, 900);
}

fn jiff_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[test]
fn one_sender_at_a_time() {
    let place = Place::new(|_| Reply::bytes("").after(Duration::from_millis(300)));
    for i in 0..5 {
        place.queue("webhook", &json!({ "url_env": "URL" }), &i.to_string());
    }
    let began = Instant::now();
    let wait = || {
        let secrets = Secrets { url: place.address(), folder: place.folder.path().to_owned() };
        let options = SendOptions {
            secrets: &secrets,
            lock_wait: Duration::from_secs(20),
            wait: Duration::ZERO,
            keeps_waits: true,
            redact: |text| text.into(),
            hear: &|_| (),
        };
        send_all(&place.outbox(), &options).expect("sent").n_sent
    };
    let sent: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..3).map(|_| scope.spawn(wait)).collect();
        running.into_iter().map(|thread| thread.join().expect("a sender")).sum()
    });
    assert_eq!((sent, place.server.count()), (5, 5));
    assert_eq!(place.server.max_in_flight(), 1);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn loki_gets_one_line_of_json() {
    let place = Place::new(|_| Reply::status(204));
    place.queue("loki", &json!({ "url": place.address(), "tenant": "quality" }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let seen = place.server.requests().remove(0);
    assert_eq!(seen.path, "/loki/api/v1/push");
    assert_eq!(seen.header("x-scope-orgid"), Some("quality"));
    let stream = &seen.json()["streams"][0];
    assert_eq!(stream["stream"]["level"], "error");
    let (moment, line) = (&stream["values"][0][0], &stream["values"][0][1]);
    assert_eq!(moment.as_str().map(str::len), Some(19), "{moment}");
    let line: Value = serde_json::from_str(line.as_str().expect("a line")).expect("JSON");
    assert_eq!(line["comparisons"][0]["metric"], "exact");
}
