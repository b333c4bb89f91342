//! Product analytics, which are told of releases: contract tests against servers on this machine that do what Google's and
//! Mixpanel's public references say.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_integrations::receivers::catalog;
use evalmark_loopback::{Reply, Seen};
use evalmark_report::{
    release_message::{MessagePrompt, MessageRelease},
    run_message::RunMessage,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::receivers::{Place, hostile, is_sent};

fn release(n_prompts: usize) -> MessageRelease {
    let prompts = (0..n_prompts).map(|at| MessagePrompt {
        name: format!("support/reply-{at}"),
        hash: Some("ab".repeat(32)),
        previous_hash: (at == 0).then(|| "cd".repeat(32)),
        model: Some("small".to_owned()),
    });
    MessageRelease {
        environment: "production".to_owned(),
        number: 3,
        action: "promote".to_owned(),
        prompts: prompts.collect(),
        released_by: "Ada".to_owned(),
        released_at: Timestamp::now().to_string(),
        ..MessageRelease::default()
    }
}

fn queue(place: &Place, kind: &str, params: &Value, release: &MessageRelease) {
    place.queue_message(kind, params, "release", None, &RunMessage::of_release(release, None));
}

fn analytics(place: &Place) -> Value {
    json!({ "measurement_id": "G-AB12", "url": place.address() })
}

fn mixpanel(place: &Place) -> Value {
    json!({ "project_id": "77", "service_account": "ci.1.mp", "url": place.address() })
}

/// Google's servers as the reference has them: what is wrong is told by the one that validates alone.
fn google(seen: &Seen) -> Reply {
    let body = seen.json();
    let events = body["events"].as_array().cloned().unwrap_or_default();
    let is_name = |name: &str| {
        name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_right = |event: &Value| {
        let params = event["params"].as_object().cloned().unwrap_or_default();
        let is_short =
            |value: &Value| value.as_str().is_none_or(|text| text.chars().count() <= 100);
        is_name(event["name"].as_str().unwrap_or_default())
            && params.len() <= 25
            && params.iter().all(|(name, value)| is_name(name) && is_short(value))
    };
    let is_right = !events.is_empty() && events.len() <= 25 && events.iter().all(is_right);
    if seen.path.starts_with("/debug/") {
        let wrong = json!([{ "fieldPath": "events", "description": "Event is wrong.", "validationCode": "VALUE_INVALID" }]);
        let found = if is_right { json!([]) } else { wrong };
        return Reply::json(&json!({ "validationMessages": found }));
    }
    assert!(is_right, "{body}");
    Reply::status(204)
}

#[test]
fn google_analytics_gets_an_event_a_prompt() {
    let place = Place::new(google);
    let release = MessageRelease { environment: "x".repeat(300), ..release(60) };
    queue(&place, "google_analytics", &analytics(&place), &release);
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    let requests = place.server.requests();
    // Each part of 25 is validated first.
    assert_eq!(requests.len(), 6);
    let first = &requests[1];
    assert_eq!(first.path, "/mp/collect?measurement_id=G-AB12&api_secret=canary-of-GA_API_SECRET");
    let body = first.json();
    let event = &body["events"][0];
    assert_eq!(event["name"], "prompt_released");
    assert_eq!(event["params"]["prompt"], "support/reply-0");
    assert_eq!(event["params"]["previous_prompt_hash"], "cd".repeat(32));
    assert_eq!(event["params"]["release"], 3);
    assert_eq!(body["events"][1]["params"].get("previous_prompt_hash"), None);
    let moment: Timestamp = release.released_at.parse().expect("a time");
    assert_eq!(body["timestamp_micros"], moment.as_microsecond());
    let sent = requests.iter().filter(|seen| seen.path.starts_with("/mp/"));
    let n: usize = sent.map(|seen| seen.json()["events"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(n, 60);
}

#[test]
fn google_analytics_goes_on_where_it_broke_off() {
    let n_sent = AtomicU64::new(0);
    let place = Place::new(move |seen| {
        if seen.path.starts_with("/mp/") && n_sent.fetch_add(1, Ordering::SeqCst) == 1 {
            return Reply::status(503);
        }
        google(seen)
    });
    queue(&place, "google_analytics", &analytics(&place), &release(30));
    let (outcome, errors) = place.send(Duration::from_secs(20));
    assert!(is_sent(&outcome) && errors.len() == 1, "{errors:?}");
    let names: Vec<_> = place
        .server
        .requests()
        .iter()
        .filter(|seen| seen.path.starts_with("/mp/"))
        .map(|seen| seen.json()["events"][0]["params"]["prompt"].clone())
        .collect();
    // The first 25 were counted once.
    assert_eq!(names, ["support/reply-0", "support/reply-25", "support/reply-25"]);
}

#[test]
fn what_google_analytics_does_not_count_is_told() {
    let check = |release: &MessageRelease, behaviour: fn(&Seen) -> Reply, expected: &str| {
        let place = Place::new(behaviour);
        queue(&place, "google_analytics", &analytics(&place), release);
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors.iter().any(|error| error.contains(expected)), "{expected}: {errors:?}");
        assert!(errors.iter().all(|error| !error.contains("canary")), "{errors:?}");
        let counted = place.server.requests();
        assert!(counted.iter().all(|seen| !seen.path.starts_with("/mp/")), "{expected}");
        assert!(!place.pending()[0].may_have_arrived(), "{expected}");
    };
    let old = MessageRelease { released_at: "2024-01-02T03:04:05Z".to_owned(), ..release(1) };
    check(&old, google, "no event that is older than 72 hours");
    let nowhere = MessageRelease { released_at: "soon".to_owned(), ..release(1) };
    check(&nowhere, google, "the release's time, soon, is none");
    let refuses: fn(&Seen) -> Reply = |_| {
        Reply::json(
            &json!({ "validationMessages": [{ "description": "Names must start \u{1b}[2J with a letter." }] }),
        )
    };
    check(&release(1), refuses, "takes no such event: Names must start");
    check(&release(1), |_| Reply::status(429), "429");
    check(&release(1), |_| Reply::status(500), "500");
    // Whoever validates counts nothing, so that nothing is in doubt.
    check(&release(1), |_| Reply::status(504), "504");
}

#[test]
fn a_tagging_server_need_not_validate() {
    let place =
        Place::new(|seen| Reply::status(if seen.path.starts_with("/debug/") { 404 } else { 200 }));
    queue(&place, "google_analytics", &analytics(&place), &release(1));
    assert!(is_sent(&place.send(Duration::ZERO).0));
}

#[test]
fn mixpanel_gets_an_event_a_prompt_which_it_can_tell_from_others() {
    let place = Place::new(|_| {
        Reply::json(&json!({ "code": 200, "num_records_imported": 2, "status": "OK" }))
    });
    let back = MessageRelease { back_to: Some(1), action: "rollback".to_owned(), ..release(2) };
    queue(&place, "mixpanel", &mixpanel(&place), &back);
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    let seen = place.server.requests().remove(0);
    assert_eq!(seen.path, "/import?strict=1&project_id=77");
    let login = STANDARD.encode("ci.1.mp:canary-of-MIXPANEL_SECRET");
    assert_eq!(seen.header("authorization"), Some(&*format!("Basic {login}")));
    let body = seen.json();
    let ids: Vec<_> = (0..2).map(|at| body[at]["properties"]["$insert_id"].clone()).collect();
    let is_id = |id: &Value| {
        id.as_str().is_some_and(|id| {
            (1..=36).contains(&id.len())
                && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
    };
    assert!(ids[0] != ids[1] && ids.iter().all(is_id), "{ids:?}");
    assert_eq!(body[0]["event"], "prompt_rolled_back");
    let properties = &body[0]["properties"];
    assert_eq!(properties["back_to_release"], 1);
    assert_eq!(properties["distinct_id"], "");
    let moment: Timestamp = back.released_at.parse().expect("a time");
    assert_eq!(properties["time"], moment.as_millisecond());
}

#[test]
fn what_mixpanel_says_of_errors() {
    let check = |status: u16, body: Value, expected: &str, is_tried_again: bool| {
        let n_asked = AtomicU64::new(0);
        let place = Place::new(move |_| {
            if n_asked.fetch_add(1, Ordering::SeqCst) == 0 {
                Reply::status(status).body(body.to_string())
            } else {
                Reply::json(&json!({ "code": 200, "status": "OK" }))
            }
        });
        queue(&place, "mixpanel", &mixpanel(&place), &release(1));
        let (outcome, errors) =
            place.send(Duration::from_secs(if is_tried_again { 20 } else { 1 }));
        assert!(errors[0].contains(expected) && !errors[0].contains("canary"), "{errors:?}");
        assert_eq!(outcome.n_sent, u64::from(is_tried_again), "{status}");
        if is_tried_again {
            let requests = place.server.requests();
            // By the same `$insert_id`, so that it is there once.
            assert_eq!(requests[0].json(), requests[1].json());
        }
    };
    let failed = json!({
        "code": 400, "error": "some data points in the request failed validation", "num_records_imported": 0,
        "failed_records": [{ "index": 0, "$insert_id": "x", "field": "properties.time", "message": "'properties.time' is invalid" }],
    });
    check(400, failed, "'properties.time' is invalid", false);
    let unknown = json!({ "code": 401, "error": "Invalid credentials", "status": "Unauthorized" });
    check(401, unknown, "Invalid credentials", false);
    check(413, json!({ "code": 413, "error": "request exceeds max limit" }), "413", false);
    let limit = json!({ "code": 429, "error": "project exceeded rate limits. Retry the request with exponential backoff." });
    check(429, limit, "exceeded rate limits", true);
    check(500, json!({}), "500", true);
    check(502, json!({}), "502", true);
}

#[test]
fn a_run_is_no_release() {
    for kind in ["google_analytics", "mixpanel"] {
        let place = Place::new(google);
        let params = if kind == "mixpanel" { mixpanel(&place) } else { analytics(&place) };
        place.queue_message(kind, &params, "v", None, &hostile());
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains("told of releases"), "{errors:?}");
        assert_eq!(place.server.count(), 0);
    }
}

#[test]
fn parameters_say_what_is_wrong() {
    let check = |kind: &str, params: Value, expected: &str| {
        let known = catalog().iter().find(|known| known.name == kind).expect("a kind");
        let told =
            (known.open)(&params).map_or_else(|error| error.message, |uses| format!("{uses:?}"));
        assert!(told.contains(expected), "{params}: {told}");
    };
    check("google_analytics", json!({ "measurement_id": "UA-1-1" }), "that of a web stream");
    check("google_analytics", json!({ "measurement_id": "G-A1", "client_id": " " }), "1 to 100");
    check(
        "google_analytics",
        json!({ "measurement_id": "G-A1", "api_secret_env": "a b" }),
        "no name",
    );
    check("google_analytics", json!({ "measurement_id": "G-A1" }), "GA_API_SECRET");
    check("mixpanel", json!({}), "exactly one of `token_env`");
    check("mixpanel", json!({ "token_env": "T", "service_account": "a" }), "exactly one of");
    check("mixpanel", json!({ "service_account": "a" }), "the project's number");
    check("mixpanel", json!({ "service_account": "a", "project_id": "x" }), "the project's number");
    check("mixpanel", json!({ "service_account": "a:b", "project_id": "1" }), "no name");
    check(
        "mixpanel",
        json!({ "token_env": "MIXPANEL_TOKEN", "region": "eu" }),
        "api-eu.mixpanel.com",
    );
    check(
        "mixpanel",
        json!({ "token_env": "T", "region": "eu", "url": "http://h" }),
        "take `region` out",
    );
    check("mixpanel", json!({ "token_env": "T", "region": "mars" }), "unknown variant");
}
