//! A key that a server echoes, in every protocol: no file, log, error, page or Parquet holds it.

use std::{fs, path::Path};

use evalmark_loopback::{Reply, Seen, Server, anthropic, bedrock, cohere, gemini};
use evalmark_report::samples::samples;
use serde_json::json;

use crate::setup::World;

const KEY: &str = "sk-canary-0123456789";

/// The key as an answer, and as an error.
fn echo(text: fn(&str) -> Reply) -> impl Fn(&Seen) -> Reply {
    move |seen| match seen.index % 3 {
        0 => text(KEY).header("x-echo", KEY),
        1 => Reply::status(400)
            .body(json!({ "error": { "message": KEY }, "message": KEY }).to_string()),
        _ => Reply::status(307).header("location", format!("https://example.invalid/{KEY}")),
    }
}

fn completion(text: &str) -> Reply {
    Reply::json(&json!({ "choices": [{ "text": text, "finish_reason": "stop" }] }))
}

fn response(text: &str) -> Reply {
    let part = json!({ "type": "output_text", "text": text });
    Reply::json(&json!({ "output": [{ "type": "message", "content": [part] }] }))
}

/// Everything below a folder, as bytes.
fn everything(folder: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        all.extend_from_slice(path.as_os_str().as_encoded_bytes());
        if path.is_dir() {
            everything(&path, all);
        } else {
            all.extend(fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn a_key_that_is_echoed_is_in_no_file_of_a_run() {
    type Row = (&'static str, &'static str, fn(&str) -> Reply, &'static str);
    let rows: [Row; 9] = [
        ("openai", "OPENAI_API_KEY", |text| Reply::text(text), ""),
        (
            "azure-deployments",
            "AZURE_OPENAI_API_KEY",
            |text| Reply::text(text),
            "api_version: 2024-10-21, ",
        ),
        ("responses", "OPENAI_API_KEY", response, ""),
        ("completions", "OPENAI_API_KEY", completion, ""),
        ("anthropic", "ANTHROPIC_API_KEY", anthropic::text, ""),
        ("cohere", "COHERE_API_KEY", cohere::text, ""),
        ("gemini", "GEMINI_API_KEY", gemini::text, ""),
        ("bedrock", "AWS_BEARER_TOKEN_BEDROCK", bedrock::text, "region: us-east-1, "),
        ("vertex", "GOOGLE_OAUTH_ACCESS_TOKEN", gemini::text, ""),
    ];
    for (provider, variable, text, more) in rows {
        let (server, world) = (Server::start(echo(text)), World::new(6));
        let suite = format!(
            "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\nprompts:\n  - {{ name: p, template: '{{{{ text \
             }}}}' }}\nmodels:\n  - {{ name: m, provider: {provider}, {more}base_url: '{}', api_key_env: {variable}, limits: {{ \
             attempts: 1, concurrency: 1 }} }}\nmetrics:\n  - {{ name: score, exact: {{}} }}\n",
            server.url()
        );
        world.write("suite.yaml", &suite);
        let url = server.url();
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let leave = format!("{variable}@{host}");
        let words = ["run", "suite.yaml", "--run-id", "r", "--allow-key", &leave];
        let ran = world.run_in(&words, &[(variable, KEY)]);
        let path = world.path("reports/test/r/samples.parquet");
        assert!(path.is_file(), "{provider}: {ran:?}");
        let rows: Vec<_> =
            samples(&path).expect("samples").map(|row| row.expect("a row")).collect();
        let shown = format!("{ran:?} {rows:?}");
        assert!(shown.contains("[redacted]"), "{provider}: {shown}");
        let mut all = shown.into_bytes();
        everything(world.folder.path(), &mut all);
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains(KEY) && !all.contains("canary-0123"), "{provider} keeps the key");
        let is_sent = |seen: &Seen| format!("{:?}", seen.headers).contains(KEY);
        assert!(server.requests().iter().all(is_sent), "{provider} is asked without its key");
    }
}
