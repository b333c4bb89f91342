//! Confluence as a receiver: a page that is made, or changed from the version that was read, in both editions.

use std::time::Duration;

use evalmark_loopback::{Reply, Seen};
use serde_json::{Value, json};

use crate::receivers::{Place, is_sent};

fn params(place: &Place, edition: &str) -> Value {
    json!({
        "url": place.address(), "user": "ci@example.org", "password_env": "CONFLUENCE_TOKEN",
        "space": "QA", "parent": "7", "edition": edition,
    })
}

fn path(seen: &Seen) -> String {
    format!("{} {}", seen.method, seen.path.split('?').next().unwrap_or_default())
}

/// A Confluence without the page.
fn without_page(seen: &Seen) -> Reply {
    match &*path(seen) {
        "GET /api/v2/spaces" => Reply::json(&json!({ "results": [{ "id": "42" }] })),
        "GET /api/v2/pages" | "GET /rest/api/content" => Reply::json(&json!({ "results": [] })),
        _ => Reply::json(&json!({ "id": "99" })),
    }
}

/// A Confluence that has the page in version 3, with a run in its history.
fn with_page(seen: &Seen) -> Reply {
    let scores = json!([["PLACE", 0.5, [0.4, 0.6]]]);
    let run = json!({ "run_id": "r-0", "started_at": "2025-12-31T00:00:00Z", "answer": "<b>pass</b>", "scores": "", "values": scores });
    let property = json!({ "id": "5", "value": { "runs": [run] }, "version": { "number": 2 } });
    let page = json!({ "id": "99", "version": { "number": 3 } });
    match &*path(seen) {
        "GET /api/v2/pages" | "GET /rest/api/content" => Reply::json(&json!({ "results": [page] })),
        "GET /api/v2/pages/99/properties" => Reply::json(&json!({ "results": [property] })),
        "GET /rest/api/content/99/property/evalmark-history" => Reply::json(&property),
        _ => without_page(seen),
    }
}

fn sent(place: &Place, edition: &str) -> Vec<Seen> {
    place.queue("confluence", &params(place, edition), "v");
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    place.server.requests()
}

#[test]
fn a_page_is_made_where_there_is_none() {
    let check = |edition: &str, at: &str, body: &str, property: &str| {
        let place = Place::new(without_page);
        let seen = sent(&place, edition);
        let made = seen.iter().find(|seen| path(seen) == at).expect("a page").json();
        assert_eq!(made["title"], "Evaluation of intents");
        let text = made.pointer(body).and_then(Value::as_str).expect("a body");
        assert!(text.contains("&lt;!channel&gt;") && text.contains("<td>r-1</td>"), "{text}");
        assert!(!text.contains("<at>") && !text.contains("<!channel>"), "{text}");
        let kept = seen.iter().find(|seen| path(seen) == property).expect("a history").json();
        assert_eq!(kept["value"]["runs"][0]["run_id"], "r-1");
        let basic = |seen: &Seen| {
            seen.header("authorization").is_some_and(|text| text.starts_with("Basic "))
        };
        assert!(seen.iter().all(basic));
    };
    check("cloud", "POST /api/v2/pages", "/body/value", "POST /api/v2/pages/99/properties");
    let body = "/body/storage/value";
    check("data_center", "POST /rest/api/content", body, "POST /rest/api/content/99/property");
}

#[test]
fn a_page_is_changed_from_the_version_that_was_read() {
    let check = |edition: &str, at: &str, body: &str, property: &str| {
        let place = Place::new(with_page);
        let seen = sent(&place, edition);
        let changed = seen.iter().find(|seen| path(seen) == at).expect("a page").json();
        assert_eq!(changed["version"]["number"], 4);
        let text = changed.pointer(body).and_then(Value::as_str).expect("a body");
        // The newest run stands first, and what the history says is no markup.
        let (new, old) = (text.find("<td>r-1</td>"), text.find("<td>r-0</td>"));
        assert!(new.is_some() && new < old && !text.contains("<b>pass"), "{text}");
        let kept = seen.iter().find(|seen| path(seen) == property).expect("a history").json();
        assert_eq!(
            (&kept["version"]["number"], kept["value"]["runs"].as_array().map(Vec::len)),
            (&json!(3), Some(2))
        );
    };
    check("cloud", "PUT /api/v2/pages/99", "/body/value", "PUT /api/v2/pages/99/properties/5");
    let property = "PUT /rest/api/content/99/property/evalmark-history";
    check("data_center", "PUT /rest/api/content/99", "/body/storage/value", property);
}

#[test]
fn a_page_that_others_change_meanwhile_is_read_again() {
    let place = Place::new(|seen| match (&*path(seen), seen.index) {
        ("PUT /api/v2/pages/99", ..6) => Reply::status(409),
        _ => with_page(seen),
    });
    let seen = sent(&place, "cloud");
    let count = |at: &str| seen.iter().filter(|seen| path(seen) == at).count();
    assert_eq!((count("GET /api/v2/pages"), count("PUT /api/v2/pages/99")), (2, 2));

    let place = Place::new(|seen| match &*seen.method {
        "PUT" => Reply::status(409),
        _ => with_page(seen),
    });
    place.queue("confluence", &params(&place, "data_center"), "v");
    let (_, errors) = place.send(Duration::ZERO);
    assert_eq!(errors, ["others are changing the page"]);
}

#[test]
fn each_class_of_errors_has_what_follows() {
    let check = |reply: fn(&Seen) -> Reply, expected: &str, least: i64| {
        let place = Place::new(reply);
        place.queue("confluence", &params(&place, "cloud"), "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected) && !errors[0].contains("canary"), "{errors:?}");
        let wait = place.pending()[0].not_before.expect("a wait");
        let wait = wait.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((least - 2..=least).contains(&wait), "{expected}: {wait}");
    };
    check(|_| Reply::status(401), "401", 3600);
    check(|_| Reply::status(403), "403", 3600);
    check(|_| Reply::status(429).header("retry-after", "30"), "429", 30);
    check(|_| Reply::status(503), "503", 1);
    check(|_| Reply::bytes("<html>"), "none that Confluence gives", 1);
    check(|_| Reply::json(&json!({ "results": [] })), "no space `QA`", 3600);
}

/// The key under which the history keeps the message's score.
fn kept_key() -> String {
    let place = Place::new(without_page);
    let seen = sent(&place, "cloud");
    let kept = seen.iter().find(|seen| path(seen) == "POST /api/v2/pages/99/properties");
    let kept = kept.expect("a history").json();
    kept["value"]["runs"][0]["values"][0][0].as_str().expect("a key").to_owned()
}

/// A Confluence with the page, whose run before has the same score, and with a picture or none.
fn with_past(seen: &Seen, key: &str, has_picture: bool) -> Reply {
    let attached = if has_picture { json!([{ "id": "att7" }]) } else { json!([]) };
    if path(seen) == "GET /rest/api/content/99/child/attachment" {
        assert!(seen.path.ends_with("?filename=evalmark-history.png"), "{}", seen.path);
        return Reply::json(&json!({ "results": attached }));
    }
    let reply = with_page(seen);
    reply.change_body(|body| {
        String::from_utf8(body)
            .map_or_else(|_| Vec::new(), |text| text.replace("PLACE", key).into_bytes())
    })
}

#[test]
fn the_scores_so_far_are_a_picture_that_is_attached() {
    let key = kept_key();
    let check = |edition: &str, has_picture: bool, at: &str, put: &str, body: &str| {
        let key = key.clone();
        let place = Place::new(move |seen| with_past(seen, &key, has_picture));
        let seen = sent(&place, edition);
        let uploaded = seen.iter().find(|seen| path(seen) == at).expect("a picture");
        assert_eq!(uploaded.header("x-atlassian-token"), Some("nocheck"));
        assert!(uploaded.header("authorization").is_some());
        let kind = uploaded.header("content-type").expect("a type");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
        let text = String::from_utf8_lossy(&uploaded.body);
        assert!(text.starts_with(&format!("--{boundary}\r\n")), "{kind}");
        assert!(text.ends_with(&format!("--{boundary}--\r\n")), "{kind}");
        assert!(text.contains("filename=\"evalmark-history.png\"") && text.contains("\u{fffd}PNG"));
        let page = seen.iter().find(|seen| path(seen) == put).expect("a page").json();
        let text = page.pointer(body).and_then(Value::as_str).expect("a body");
        assert!(text.contains("<ri:attachment ri:filename=\"evalmark-history.png\" />"), "{text}");
    };
    let (cloud, own) = ("/body/value", "/body/storage/value");
    let attachment = "/rest/api/content/99/child/attachment";
    check("cloud", true, &format!("PUT {attachment}"), "PUT /api/v2/pages/99", cloud);
    let page = "PUT /rest/api/content/99";
    check("data_center", false, &format!("POST {attachment}"), page, own);
    check("data_center", true, &format!("POST {attachment}/att7/data"), page, own);
}

#[test]
fn a_page_need_not_have_a_picture() {
    let key = kept_key();
    let place = Place::new(move |seen| with_past(seen, &key, true));
    let mut params = params(&place, "data_center");
    params["picture"] = false.into();
    place.queue("confluence", &params, "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    assert!(place.server.requests().iter().all(|seen| !seen.path.contains("attachment")));
}
