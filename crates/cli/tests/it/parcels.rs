//! The example suites with tools, pictures and a JSON Schema, as they are in the repository: one file of
//! items, asked in three protocols, of servers that see what is shown and know what is right.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evalmark_loopback::{Reply, Seen, Server, anthropic, gemini};
use evalmark_report::scores::score_records;
use serde_json::{Value, json};

use crate::setup::{World, root};

/// What of a request a suite is about, and the reply to it.
#[derive(Clone, Copy)]
enum About {
    Tools,
    Photos,
    Form,
}

const KEYS: [(&str, &str); 3] =
    [("OPENAI_API_KEY", "/v1"), ("ANTHROPIC_API_KEY", ""), ("GEMINI_API_KEY", "")];

/// The row that a request is about: its message is in there, or its picture.
fn row<'r>(seen: &Seen, rows: &'r [(Value, String)]) -> &'r Value {
    let body = String::from_utf8_lossy(&seen.body);
    let is_here = |(row, photo): &&(Value, String)| {
        body.contains(row["message"].as_str().expect("a message")) || body.contains(photo)
    };
    &rows.iter().find(is_here).expect("an item").0
}

/// The right answer, in the protocol of whoever asks, if what it takes to answer is there.
fn right(about: About, seen: &Seen, rows: &[(Value, String)]) -> Reply {
    let (json, row) = (seen.json(), row(seen, rows));
    let (call, ticket) = (&row["call"][0], row["ticket"].to_string());
    let text = match about {
        About::Photos => row["label"].as_str().expect("a label"),
        _ => &ticket,
    };
    let reply = if seen.path.contains("/chat/completions") {
        let arguments = call["arguments"].to_string();
        let function = json!({ "name": call["name"], "arguments": arguments });
        let calls = json!([{ "id": "c", "type": "function", "function": function }]);
        let message = json!({ "role": "assistant", "content": null, "tool_calls": calls });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "tool_calls" });
        let is_shown = match about {
            About::Tools => {
                json["tools"][1]["function"]["name"] == "refund"
                    && json["tool_choice"] == "required"
            }
            About::Photos => json["messages"][0]["content"][1]["type"] == "image_url",
            About::Form => json["response_format"]["json_schema"]["name"] == "ticket",
        };
        (is_shown, Reply::text(text), Reply::json(&json!({ "choices": [choice] })))
    } else if seen.path.contains("/messages") {
        let call = json!({ "type": "tool_use", "id": "c", "name": call["name"], "input": call["arguments"] });
        let is_shown = match about {
            About::Tools => {
                json["tools"][1]["name"] == "refund" && json["tool_choice"]["type"] == "any"
            }
            About::Photos => {
                json["messages"][0]["content"][1]["source"]["media_type"] == "image/png"
            }
            About::Form => json["output_config"]["format"]["schema"]["required"][0] == "order",
        };
        (is_shown, anthropic::text(text), anthropic::message(&json!([call]), "tool_use"))
    } else {
        let call = json!({ "functionCall": { "name": call["name"], "args": call["arguments"] } });
        let mode = &json["toolConfig"]["functionCallingConfig"]["mode"];
        let declared = &json["tools"][0]["functionDeclarations"];
        let is_shown = match about {
            About::Tools => declared[1]["name"] == "refund" && *mode == "ANY",
            About::Photos => {
                json["contents"][0]["parts"][1]["inlineData"]["mimeType"] == "image/png"
            }
            About::Form => json["generationConfig"]["responseJsonSchema"]["required"][0] == "order",
        };
        (is_shown, gemini::text(text), gemini::candidate(&json!([call]), "STOP"))
    };
    match (reply, about) {
        ((false, ..), _) => Reply::status(400).body(json.to_string()),
        ((true, _, calls), About::Tools) => calls,
        ((true, text, _), _) => text,
    }
}

/// Rows of the dataset, each with its picture in base64 where the suite shows those.
fn rows(about: About) -> Vec<(Value, String)> {
    let text = fs::read_to_string(root().join("datasets/parcels.jsonl")).expect("rows");
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("a row");
        let photo = row["photo"].as_str().expect("a photo");
        let bytes = fs::read(root().join("datasets/parcels").join(photo)).expect(photo);
        let is_shown = matches!(about, About::Photos);
        let encoded = if is_shown { STANDARD.encode(&bytes) } else { "(none)".to_owned() };
        (row, encoded)
    };
    text.lines().map(row).collect()
}

/// Runs a suite as it is in the repository, but for whom it asks; every answer is right.
fn check(name: &str, about: About) {
    let rows = rows(about);
    let n_items = rows.len();
    let server = Server::start(move |seen| right(about, seen, &rows));
    let address = server.url().trim_end_matches("/v1").to_owned();
    let mut text =
        fs::read_to_string(root().join(format!("suites/providers/{name}.yaml"))).expect(name);
    for (key, path) in KEYS {
        let own = format!("api_key_env: {key}");
        assert!(text.contains(&own), "{name} asks nobody with {key}");
        text = text.replace(&own, &format!("base_url: {address}{path}"));
    }
    let datasets = root().join("datasets").display().to_string();
    let text = text.replace("../../datasets", &datasets);
    let world = World::new(1);
    world.write("suite.yaml", &text);
    world.run_suite("r", &["--out", "out", "--root", &datasets]).expect(0);
    let scores: Vec<_> = score_records(&world.path(&format!("out/{name}/r/scores.parquet")))
        .expect("scores")
        .map(|row| row.expect("a row"))
        .collect();
    let wrong: Vec<_> = scores.iter().filter(|row| row.score.value != Some(1.0)).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}");
    assert!(scores.len() >= 3 * n_items && server.count() == 3 * n_items as u64, "{name}");
}

#[test]
fn tools_are_called_in_three_protocols() {
    check("parcels-tools", About::Tools);
}

#[test]
fn photos_are_seen_in_three_protocols() {
    check("parcels-photos", About::Photos);
}

#[test]
fn answers_keep_to_a_schema_in_three_protocols() {
    check("parcels-json", About::Form);
}
