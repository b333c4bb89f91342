//! Prompts beyond text, through the whole program: tools, pictures and schemas, in three protocols with
//! the same items.

use std::fs;

use evalmark_loopback::{Reply, Seen, Server, anthropic, gemini};
use evalmark_report::{
    samples::{SampleRecord, samples},
    scores::score_records,
};
use serde_json::{Value, json};

use crate::setup::World;

const ITEMS: &str = r#"{"id": "1", "city": "Oslo", "photo": "a.png", "target": "[{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}]", "label": "red", "form": "{\"city\":\"Oslo\"}"}
{"id": "2", "city": "Rome", "photo": "sub/b.jpg", "target": "[{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}]", "label": "blue", "form": "{\"city\":\"Rome\"}"}
"#;
/// As far as anyone looks.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const JPEG: &[u8] = b"\xff\xd8\xff\xe00123";

/// The same in base64.
const PNG_DATA: &str = "iVBORw0KGgowMTIzNDU2Nzg5";
const JPEG_DATA: &str = "/9j/4DAxMjM=";

const TOOLS: &str = "    template: 'Weather in {{ city }}?'
    tools:
      - name: weather
        description: Says how the weather is.
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
    tool_choice: { name: weather }
";
const IMAGE: &str = "    messages:
      - role: user
        content: [{ text: 'Which colour is {{ city }}?' }, { image: '{{ photo }}' }]
";
const SCHEMA: &str = "    template: 'The city of {{ city }} as JSON'
    json_schema: city.json
";
const SHOWN: &str = "    template: 'Weather in {{ city }}?'
    examples: { count: 1 }
";

fn suite(provider: &str, url: &str, target: &str, prompt: &str, metric: &str) -> String {
    format!(
        "name: test\ndataset: {{ path: items.jsonl, id: id, target: {target} }}\nprompts:\n  - name: p\n\
         {prompt}models:\n  - {{ name: m, provider: {provider}, base_url: '{url}' }}\nmetrics:\n  - {{ \
         name: score, {metric} }}\n"
    )
}

fn world() -> World {
    let world = World::new(0);
    world.write("items.jsonl", ITEMS);
    fs::write(world.path("a.png"), PNG).expect("written");
    fs::create_dir(world.path("sub")).expect("a folder");
    fs::write(world.path("sub/b.jpg"), JPEG).expect("written");
    let schema = json!({
        "title": "A city", "type": "object", "properties": { "city": { "type": "string" } },
        "required": ["city"], "additionalProperties": false,
    });
    world.write("city.json", &schema.to_string());
    world
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Wire {
    fn of(seen: &Seen) -> Self {
        match &seen.path {
            path if path.contains("/chat/completions") => Self::OpenAi,
            path if path.contains("/messages") => Self::Anthropic,
            _ => Self::Gemini,
        }
    }

    fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    fn text(self, text: &str) -> Reply {
        match self {
            Self::OpenAi => Reply::text(text),
            Self::Anthropic => anthropic::text(text),
            Self::Gemini => gemini::text(text),
        }
    }
}

const WIRES: [Wire; 3] = [Wire::OpenAi, Wire::Anthropic, Wire::Gemini];

/// Runs the suite in each protocol; all answers are right, and the requests have the same hashes.
fn in_each(world: &World, target: &str, prompt: &str, metric: &str, reply: fn(&Seen) -> Reply) {
    let server = Server::start(reply);
    let root = server.url().trim_end_matches("/v1").to_owned();
    let mut hashes = Vec::new();
    for wire in WIRES {
        let url = if wire == Wire::OpenAi { server.url() } else { root.clone() };
        let provider = wire.provider();
        world.write("suite.yaml", &suite(provider, &url, target, prompt, metric));
        world.run_suite(provider, &[]).expect(0);
        let folder = world.path(&format!("reports/test/{provider}"));
        let rows: Vec<SampleRecord> = samples(&folder.join("samples.parquet"))
            .expect("samples")
            .collect::<Result<_, _>>()
            .expect("rows");
        let hash = |row: &SampleRecord| row.request().expect("a request").hash().to_string();
        hashes.push(rows.iter().map(hash).collect::<Vec<_>>());
        for row in score_records(&folder.join("scores.parquet")).expect("scores") {
            let row = row.expect("a row");
            assert_eq!(row.score.value, Some(1.0), "{wire:?}: {row:?}");
        }
        // What is exported is found again by what is asked, and nothing is asked.
        let asked = server.count();
        let answers = world.run(&["export-answers", &format!("reports/test/{provider}")]).expect(0);
        world.write("answers.jsonl", &answers.stdout);
        let replayed = suite("recorded", "", target, prompt, metric)
            .replace("base_url: ''", "model: m, recorded: { file: answers.jsonl }");
        world.write("suite.yaml", &replayed);
        world.run_suite(&format!("{provider}-again"), &[]).expect(0);
        assert_eq!(server.count(), asked);
    }
    assert!(hashes.iter().all(|of_wire| *of_wire == hashes[0]), "{hashes:?}");
    assert_ne!(hashes[0][0], hashes[0][1]);
}

fn city(seen: &Seen) -> &'static str {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    if body.contains("Oslo") { "Oslo" } else { "Rome" }
}

#[test]
fn tools_are_called() {
    in_each(&world(), "target", TOOLS, "tool_call: {}", |seen| {
        let (json, city) = (seen.json(), city(seen));
        let arguments = json!({ "city": city });
        match Wire::of(seen) {
            Wire::OpenAi => {
                assert_eq!(json["tools"][0]["function"]["name"], "weather");
                assert_eq!(json["tool_choice"]["function"]["name"], "weather");
                let function = json!({ "name": "weather", "arguments": arguments.to_string() });
                let call = json!({ "id": "c", "type": "function", "function": function });
                let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
                Reply::json(&json!({
                    "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }],
                    "usage": { "prompt_tokens": 10, "completion_tokens": 5 },
                }))
            }
            Wire::Anthropic => {
                assert_eq!(json["tools"][0]["input_schema"]["required"], json!(["city"]));
                assert_eq!(json["tool_choice"], json!({ "type": "tool", "name": "weather" }));
                let call =
                    json!({ "type": "tool_use", "id": "c", "name": "weather", "input": arguments });
                anthropic::message(&json!([call]), "tool_use")
            }
            Wire::Gemini => {
                assert!(json["tools"].to_string().contains("weather"), "{json}");
                let call = json!({ "functionCall": { "name": "weather", "args": arguments } });
                gemini::candidate(&json!([call]), "STOP")
            }
        }
    });
}

#[test]
fn pictures_are_seen() {
    let world = world();
    in_each(&world, "label", IMAGE, "exact: {}", |seen| {
        let (json, is_first) = (seen.json(), city(seen) == "Oslo");
        let (media_type, data) =
            if is_first { ("image/png", PNG_DATA) } else { ("image/jpeg", JPEG_DATA) };
        let wire = Wire::of(seen);
        let found: Value = match wire {
            Wire::OpenAi => json["messages"][0]["content"][1]["image_url"]["url"].clone(),
            Wire::Anthropic => json["messages"][0]["content"][1]["source"].clone(),
            Wire::Gemini => json["contents"][0]["parts"][1]["inlineData"].clone(),
        };
        let expected = match wire {
            Wire::OpenAi => json!(format!("data:{media_type};base64,{data}")),
            Wire::Anthropic => json!({ "type": "base64", "media_type": media_type, "data": data }),
            Wire::Gemini => json!({ "mimeType": media_type, "data": data }),
        };
        assert_eq!(found, expected);
        wire.text(if is_first { "red" } else { "blue" })
    });
    // Neither the rows nor the page hold the picture; both say which it was.
    let rows = samples(&world.path("reports/test/openai/samples.parquet")).expect("samples");
    let row = rows.into_iter().next().expect("a row").expect("a row");
    let hash = blake3::hash(PNG).to_hex();
    let kept = format!(r#""media_type":"image/png","name":"a.png","url":"blake3:{hash}?bytes=18""#);
    assert!(row.request.contains(&kept), "{}", row.request);
    assert!(!row.request.contains(PNG_DATA), "{}", row.request);
    let page = String::from_utf8(world.bytes("reports/test/openai/report.html")).expect("UTF-8");
    assert!(!page.contains(PNG_DATA));
    // A picture is worth about a thousand tokens.
    let url = "http://127.0.0.1:9/v1";
    world.write("suite.yaml", &suite("openai", url, "label", IMAGE, "exact: {}"));
    let plan = world.run(&["plan", "suite.yaml", "--format", "json"]).expect(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert!(plan.to_string().contains("input_tokens"), "{plan}");
}

#[test]
fn answers_keep_to_a_schema() {
    in_each(&world(), "form", SCHEMA, "json_equal: {}", |seen| {
        let json = seen.json();
        let wire = Wire::of(seen);
        let schema = match wire {
            Wire::OpenAi => &json["response_format"]["json_schema"]["schema"],
            Wire::Anthropic => &json["output_config"]["format"]["schema"],
            Wire::Gemini => &json["generationConfig"]["responseJsonSchema"],
        };
        assert_eq!(schema["required"], json!(["city"]), "{json}");
        if wire == Wire::OpenAi {
            assert_eq!(json["response_format"]["json_schema"]["name"], "A_city");
        }
        wire.text(&json!({ "city": city(seen) }).to_string())
    });
}

/// What is wrong is told with its line, before anything is asked.
#[test]
fn mistakes_are_told_before_anything_is_asked() {
    let world = world();
    let check = |prompt: &str, expected: &str| {
        let url = "http://127.0.0.1:9/v1";
        world.write("suite.yaml", &suite("anthropic", url, "label", prompt, "exact: {}"));
        let ran = world.run(&["check", "suite.yaml"]).expect(2);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(expected), "{told}");
    };
    let part = |part: &str| format!("    messages: [{{ role: user, content: [{{ {part} }}] }}]\n");
    check(&part("audio: a.png"), "suite.yaml:5:");
    fs::write(world.path("a.wav"), b"RIFF\0\0\0\0WAVE").expect("written");
    check(&part("audio: a.wav"), "has audio, which `provider: anthropic` of model `m` lacks");
    check(&part("image: none.png"), "the image");
    check(&part("image: city.json"), "is none that models take: PNG, JPEG, GIF, WebP");
    check(&part("image: ../../../etc/passwd"), "the image");
    check(&part("image: .hidden.png"), "the image");
    check(&part("image: 'file:///etc/passwd'"), "is at a `file:` address");
    check(&part("image: 'https://u:p@h/a.png'"), "a user name or password");
    check(&part("text: a, image: a.png"), "a part needs exactly one of `text`, `image`");
    let tools = |tools: &str| format!("    template: '{{{{ city }}}}'\n{tools}");
    check(&tools("    tool_choice: auto\n"), "there are no `tools` to choose");
    check(
        &tools("    tools: [{ name: weather }]\n    tool_choice: { name: wether }\n"),
        "did you mean `weather`?",
    );
    check(&tools("    tools: [{ name: a b }]\n"), "a tool's name has");
    check(&tools("    tools: [{ name: a }, { name: a }]\n"), "there are two tools `a`");
    check(&tools("    tools: none.json\n"), "none.json cannot be read");
    check(&tools("    tools: city.json\n"), "city.json:1:1: ");
    check(&tools("    json_schema: { type: 3 }\n"), "`json_schema` is no JSON Schema");
}

/// A provider that lacks what a prompt needs is not asked, by no command.
#[test]
fn what_a_provider_lacks_is_told_before_anything_is_asked() {
    let server = Server::start(|_| Reply::text("red"));
    let world = world();
    let audio = IMAGE.replace("image: '{{ photo }}'", "audio: a.wav");
    fs::write(world.path("a.wav"), b"RIFF\0\0\0\0WAVE").expect("written");
    for (provider, prompt, lacks) in [
        ("completions", TOOLS, "tools"),
        ("completions", IMAGE, "images"),
        ("completions", SCHEMA, "answers by JSON Schema"),
        ("completions", SHOWN, "chat messages"),
        ("anthropic", &audio, "audio"),
    ] {
        world.write("suite.yaml", &suite(provider, &server.url(), "label", prompt, "exact: {}"));
        for command in ["run", "check", "plan"] {
            let told = world.run(&[command, "suite.yaml"]).expect(2).stderr;
            let expected = format!("{lacks}, which `provider: {provider}` of model `m` lacks");
            assert!(told.contains(&expected), "{command}: {told}");
            assert!(told.contains("suite.yaml:"), "{command}: {told}");
        }
    }
    assert_eq!(server.count(), 0);
    assert!(!world.path("reports").exists(), "and no run begins");
}

/// Tools as a provider's documentation has them are read from a file.
#[test]
fn a_file_of_tools_may_be_a_provider_s() {
    let world = world();
    let parameters = json!({ "type": "object", "properties": {} });
    let tools = json!([
        { "type": "function", "function": { "name": "a", "parameters": parameters, "strict": true } },
        { "name": "b", "description": "does b", "input_schema": parameters },
    ]);
    world.write("tools.json", &tools.to_string());
    let server = Server::start(|seen| {
        let tools = seen.json()["tools"].clone();
        assert_eq!(tools[0]["function"]["name"], "a");
        assert_eq!(tools[1]["function"]["description"], "does b");
        Reply::text("red")
    });
    let prompt = "    template: '{{ city }}'\n    tools: tools.json\n";
    world.write("suite.yaml", &suite("openai", &server.url(), "label", prompt, "exact: {}"));
    world.run_suite("r", &[]).expect(0);
    assert_eq!(server.count(), 2);
}
