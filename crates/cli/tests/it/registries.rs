//! Prompts between the library and registries: what is told, exit codes, and who gets a key.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::World;

const PROMPT: &str = "---\nvariables: { name: string }\n---\nHi {{ name }} {{ name | upper }}\n";

/// Langfuse with the versions of one prompt, the oldest first; it answers only to the keys of the test.
fn langfuse(versions: &Arc<Mutex<Vec<Value>>>) -> Server {
    let versions = Arc::clone(versions);
    Server::start(move |seen: &Seen| {
        assert_eq!(seen.header("authorization"), Some("Basic cGs6c2s="), "{}", seen.path);
        let mut versions = versions.lock().expect("versions");
        let latest = versions.last().cloned();
        if seen.method == "POST" {
            let mut made = seen.json();
            made["version"] = (versions.len() + 1).into();
            versions.push(made.clone());
            return Reply::json(&made);
        }
        if seen.method == "PATCH" {
            return Reply::json(&json!({}));
        }
        let query = seen.path.split_once('?').map_or("", |(_, query)| query);
        let numbers: Vec<_> = versions.iter().map(|version| &version["version"]).collect();
        match seen.path.contains("/prompts?") {
            true => Reply::json(&json!({
                "data": [{ "name": "greet", "versions": numbers }],
                "meta": { "totalPages": 1 },
            })),
            false if query.contains("label=") => Reply::status(404),
            false => latest.map_or(Reply::status(404), |latest| Reply::json(&latest)),
        }
    })
}

fn world(url: &str) -> World {
    let world = World::new(1);
    fs::create_dir(world.path("prompts")).expect("a folder");
    world.write("prompts/greet.md", PROMPT);
    let url = url.trim_end_matches("/v1");
    world.write("registries.yaml", &format!("langfuse:\n  url: '{url}'\n  secret_key_env: MINE\n"));
    world
}

const KEYS: [(&str, &str); 2] = [("LANGFUSE_PUBLIC_KEY", "pk"), ("MINE", "sk")];

#[test]
fn a_key_goes_only_where_the_user_says() {
    let versions = Arc::default();
    let server = langfuse(&versions);
    let world = world(&server.url());
    let push = ["prompts", "push", "greet", "--to", "langfuse"];
    let told = world.run_in(&push, &KEYS).expect(2).stderr;
    let place = server.url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    assert!(told.contains(&format!("--allow-key LANGFUSE_PUBLIC_KEY@{place}")), "{told}");
    assert_eq!(server.count(), 0, "nobody was asked");
    let allowed = ["LANGFUSE_PUBLIC_KEY", "MINE"].map(|name| format!("{name}@{place}"));
    let allowed = [("EVALMARK_ALLOW_KEY", allowed.join(","))];
    let all = [KEYS.as_slice(), &[(allowed[0].0, allowed[0].1.as_str())]].concat();
    let told = world.run_in(&push, &all).expect(0).stdout;
    assert!(told.contains("greet: version 1 of greet is new"), "{told}");
    assert!(told.contains("do not fill in `{{ name | upper }}`"), "{told}");
    // Whoever names the server may send the keys there.
    let url = server.url().trim_end_matches("/v1").to_owned();
    let named = [push.as_slice(), &["--server", &url]].concat();
    let told = world.run_in(&named, &KEYS).expect(0).stdout;
    assert!(told.contains("version 1 of greet says the same already"), "{told}");
}

#[test]
fn a_difference_is_an_exit_code_and_a_pull_mends_it() {
    let versions: Arc<Mutex<Vec<Value>>> = Arc::default();
    let server = langfuse(&versions);
    let world = world(&server.url());
    let url = server.url().trim_end_matches("/v1").to_owned();
    let run = |arguments: &[&str], code: i32| {
        let all = [&["prompts"], arguments, &["--server", &url]].concat();
        let ran = world.run_in(&all, &KEYS).expect(code);
        [ran.stdout, ran.stderr].concat()
    };
    let told = run(&["drift", "--from", "langfuse"], 4);
    assert!(told.contains("not in the registry"), "{told}");
    run(&["push", "greet", "--to", "langfuse", "--alias", "staging"], 0);
    run(&["drift", "--from", "langfuse"], 0);
    // Somebody makes a version there, with what no terminal should see.
    versions.lock().expect("versions").push(json!({
        "version": 2, "type": "text", "prompt": "Bye {{name}}", "config": { "\u{1b}[31mred": 1 },
    }));
    let told = run(&["drift", "--from", "langfuse"], 4);
    assert!(told.contains("edited there"), "{told}");
    let told = run(&["push", "greet", "--to", "langfuse"], 2);
    assert!(told.contains("evalmark prompts pull greet --from langfuse"), "{told}");
    world.write("prompts/greet.md", "---\n---\nmine\n");
    let told = run(&["pull", "greet", "--from", "langfuse"], 2);
    assert!(told.contains("--force"), "{told}");
    assert_eq!(world.bytes("prompts/greet.md"), b"---\n---\nmine\n");
    let told = run(&["pull", "greet", "--from", "langfuse", "--force"], 0);
    assert!(told.contains("not carried over") && !told.contains('\u{1b}'), "{told}");
    let expected = "---\nvariables: { name: string }\n---\nBye {{name}}\n";
    assert_eq!(world.bytes("prompts/greet.md"), expected.as_bytes());
    run(&["drift", "--from", "langfuse"], 0);
    run(&["pull", "theirs", "--as", "greet", "--from", "langfuse"], 0);
    assert_eq!(world.bytes("prompts/theirs.md"), expected.as_bytes());
    let told = run(&["pull", "../up", "--as", "greet", "--from", "langfuse"], 2);
    assert!(told.contains("name"), "{told}");
    let told = run(&["push", "greet", "theirs", "--as", "x", "--to", "langfuse"], 2);
    assert!(told.contains("`--as` names one prompt"), "{told}");
}
