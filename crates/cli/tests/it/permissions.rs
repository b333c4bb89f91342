//! What a suite from a stranger may read, and where it may send keys.

use std::fs;

use evalmark_loopback::Server;
use serde_json::json;

use crate::setup::{Ran, World, right, root, suite};

/// A repository in a folder of its own, beside a secret; the suite asks the server at `url`.
fn repository(url: &str) -> World {
    let world = World::new(3);
    for folder in ["repo/.git", "repo/suites", "repo/datasets", "repo/.cache", "outside"] {
        fs::create_dir_all(world.path(folder)).expect("a folder");
    }
    fs::rename(world.path("data.csv"), world.path("repo/datasets/data.csv")).expect("moved");
    world.write("outside/secret.txt", "id,text,label\n1,top secret,red\n");
    world.write("outside/data.csv", "id,text,label\n1,top secret,red\n");
    world.write("repo/.env", "TOKEN=top secret");
    world.write("repo/.git/config", "top secret");
    world.write("repo/good.j2", "Colour of {{ text }}");
    world.write("repo/suites/suite.yaml", &text(url));
    world
}

fn text(url: &str) -> String {
    suite(url, "").replace("path: data.csv", "path: ../datasets/data.csv")
}

/// Changes the suite; it is refused with these words before anything is asked.
#[track_caller]
fn refused(from: &str, to: &str, more: &[&str], expected: &[&str]) {
    let server = Server::start(right);
    let world = repository(&server.url());
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../../outside/secret.txt", world.path("repo/suites/link.j2")).expect("a link");
        symlink("../../outside", world.path("repo/suites/folder")).expect("a link");
        let made =
            std::process::Command::new("mkfifo").arg(world.path("repo/suites/pipe")).status();
        assert!(made.expect("mkfifo").success());
    }
    let text = text(&server.url());
    assert!(text.contains(from), "the suite has no `{from}`");
    world.write("repo/suites/suite.yaml", &text.replace(from, to));
    for command in ["run", "check", "plan"] {
        let ran = world.run(&[&[command, "repo/suites/suite.yaml"], more].concat()).expect(2);
        for words in expected {
            assert!(ran.stderr.contains(words), "{to}: `{words}` is not in\n{}", ran.stderr);
        }
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("top secret"), "{to}");
    }
    assert_eq!(server.count(), 0, "{to}: something was asked");
    assert!(!world.path("reports").exists());
}

#[cfg(unix)]
#[test]
fn files_outside_of_the_repository_are_refused() {
    let prompt = "template: '{{ text }}'";
    let data = "path: ../datasets/data.csv";
    let metric = "fuzzy: { algorithm: levenshtein }";
    let outside = ["is outside of", "repo, where this suite may read", "--root "];
    refused(prompt, "file: ../../outside/secret.txt", &[], &outside);
    refused(prompt, "file: /etc/passwd", &[], &outside);
    refused(prompt, "file: link.j2", &[], &outside);
    refused(prompt, "file: folder/secret.txt", &[], &outside);
    refused(prompt, r#"template: '{% include "link.j2" %}'"#, &[], &outside);
    refused(prompt, r#"template: '{% include "folder/secret.txt" %}'"#, &[], &outside);
    refused(prompt, "messages: [{ role: user, file: link.j2 }]", &[], &outside);
    refused(data, "path: ../../outside/data.csv", &[], &outside);
    refused(data, "path: /etc/passwd, format: csv", &[], &outside);
    refused(data, "path: folder/data.csv", &[], &outside);
    refused(metric, "blocklist: { file: /etc/passwd }", &[], &outside);
    refused(metric, "exact: {}, labels: { file: ../../outside/data.csv }", &[], &outside);
    let model = "provider: openai";
    let recorded = "recorded: { file: ../../outside/secret.txt }, provider: recorded";
    refused(model, recorded, &[], &["the recording", "is outside of"]);
    // Another folder that is allowed allows no more.
    refused(prompt, "file: ../../outside/secret.txt", &["--root", "repo/suites"], &outside);
}

#[cfg(unix)]
#[test]
fn hidden_files_and_what_is_no_file_are_refused() {
    let prompt = "template: '{{ text }}'";
    let data = "path: ../datasets/data.csv";
    refused(prompt, "file: ../.env", &[], &["is hidden", "--root "]);
    refused(prompt, "file: ../.git/config", &[], &["is hidden"]);
    refused(prompt, "file: ../.git/config", &["--root", "outside"], &["is hidden"]);
    refused(prompt, "file: pipe", &[], &["the prompt file", "is a named pipe, not a file"]);
    refused(data, "path: pipe, format: csv", &[], &["is a named pipe, not a file"]);
    refused(prompt, "file: ../datasets", &[], &["is a folder, not a file"]);
    refused(prompt, "file: /proc/self/environ", &["--root", "/"], &["part of the system"]);
    refused(data, "path: /dev/zero, format: csv", &["--root", "/"], &["part of the system"]);
    refused(data, "path: /dev/zero, format: jsonl", &[], &["part of the system"]);
    refused(prompt, "file: /dev/zero", &[], &["part of the system"]);
    refused(prompt, "file: good.j2", &["--root", "nowhere"], &["`--root nowhere` is not a folder"]);
}

#[test]
fn the_whole_repository_is_there_to_be_read_and_more_where_it_is_allowed() {
    let world = repository("http://127.0.0.1:1/v1");
    let check = |to: &str, more: &[&str]| {
        let text = text("http://127.0.0.1:1/v1").replace("template: '{{ text }}'", to);
        world.write("repo/suites/suite.yaml", &text);
        world.run(&[&["check", "repo/suites/suite.yaml"], more].concat())
    };
    check("file: ../good.j2", &[]).expect(0);
    check("file: ../../outside/secret.txt", &["--root", "outside"]).expect(0);
    check("file: ../.env", &["--root", "repo/.cache"]).expect(2);
}

/// Outside of any repository: what lies beside the suite, or beside `suites/`.
#[test]
fn a_folder_needs_no_repository() {
    let world = World::new(3);
    world.suite("http://127.0.0.1:1/v1", "");
    world.run(&["check", "suite.yaml"]).expect(0);
    fs::create_dir_all(world.path("project/suites/more")).expect("a folder");
    fs::create_dir_all(world.path("project/datasets")).expect("a folder");
    fs::copy(world.path("data.csv"), world.path("project/datasets/data.csv")).expect("copied");
    let url = "http://127.0.0.1:1/v1";
    world.write("project/suites/suite.yaml", &text(url));
    world.run(&["check", "project/suites/suite.yaml"]).expect(0);
    let deeper = text(url).replace("../datasets", "../../datasets");
    world.write("project/suites/more/suite.yaml", &deeper);
    world.run(&["check", "project/suites/more/suite.yaml"]).expect(0);
    world.write("project/suites/suite.yaml", &text(url).replace("../datasets/", "../../"));
    world.run(&["check", "project/suites/suite.yaml"]).expect(2);
}

/// Runs the suite with a model that has these keys; the variable is set.
fn with_model(server: &Server, keys: &str, more: &[&str], env: &[(&str, &str)]) -> (Ran, World) {
    let world = World::new(3);
    let text = suite(&server.url(), "").replace("limits:", &format!("{keys}, limits:"));
    world.write("suite.yaml", &text);
    let mut command = world.command(&[&["run", "suite.yaml", "--run-id", "r"], more].concat());
    command.envs(env.iter().copied());
    let output = command.output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    (Ran { code: output.status.code(), stdout, stderr }, world)
}

#[test]
fn a_key_goes_only_where_it_belongs() {
    let secret = "0123456789-secret";
    for variable in ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL", "ANTHROPIC_API_KEY"] {
        let server = Server::start(right);
        let place = server.url().replace("http://", "").replace("/v1", "");
        let keys = format!("api_key_env: {variable}");
        let (ran, world) = with_model(&server, &keys, &[], &[(variable, secret)]);
        let flag = format!("--allow-key {variable}@{place}");
        let told = ran.expect(2).stderr;
        assert!(told.contains(&format!("would send the key in {variable} to {place}")), "{told}");
        assert!(told.contains(&flag), "{told}");
        assert_eq!(server.count(), 0);
        let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
        assert!(told.contains(&flag), "{told}");
        world.run(&["plan", "suite.yaml"]).expect(0);
        let grant = format!("{variable}@{place}");
        world.run(&["check", "suite.yaml", "--allow-key", &grant]).expect(0);
        world.run(&["check", "suite.yaml", "--allow-key", "OTHER@127.0.0.1"]).expect(2);
        let env = [(variable, secret), ("EVALMARK_ALLOW_KEY", &*grant)];
        with_model(&server, &keys, &[], &env).0.expect(0);
        assert!(server.count() > 0);
    }
}

#[cfg(unix)]
#[test]
fn what_the_environment_allows_must_be_readable() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let world = World::new(3);
    world.write("suite.yaml", &suite("http://127.0.0.1:9/v1", ""));
    for variable in ["EVALMARK_ALLOW_KEY", "EVALMARK_ALLOW_PLAIN_HTTP"] {
        let mut command = world.command(&["check", "suite.yaml"]);
        let output = command.env(variable, OsStr::from_bytes(b"\xff")).output().expect("output");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("the variable {variable} cannot be read")), "{told}");
    }
}

#[test]
fn keys_of_local_servers_need_no_leave() {
    for variable in ["OPENAI_API_KEY", "MY_API_KEY", "LITELLM_MASTER_KEY"] {
        let server = Server::start(right);
        let keys = format!("api_key_env: {variable}");
        with_model(&server, &keys, &[], &[(variable, "0123456789-secret")]).0.expect(0);
    }
}

#[test]
fn the_users_configuration_allows_keys() {
    let world = World::new(3);
    let text = suite("https://llm.example/v1", "");
    world.write("suite.yaml", &text.replace("limits:", "api_key_env: MY_API_KEY, limits:"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("`--allow-key MY_API_KEY@llm.example`"), "{told}");
    fs::create_dir_all(world.path(".config/evalmark")).expect("a folder");
    world.write(".config/evalmark/config.yaml", "allow_keys: [MY_API_KEY@llm.example]\n");
    world.run(&["check", "suite.yaml"]).expect(0);
    world.write(".config/evalmark/config.yaml", "allow_all: true\n");
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("config.yaml cannot be used"), "{told}");
}

#[test]
fn a_key_goes_unencrypted_to_nobody_else() {
    let world = World::new(3);
    let text = suite("http://api.openai.com/v1", "");
    world.write("suite.yaml", &text.replace("limits:", "api_key_env: OPENAI_API_KEY, limits:"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("to api.openai.com unencrypted, over http"), "{told}");
    assert!(told.contains("`--allow-plain-http api.openai.com`"), "{told}");
    world.run(&["check", "suite.yaml", "--allow-plain-http", "api.openai.com"]).expect(0);
    // Without a key there is none to lose.
    world.write("suite.yaml", &text);
    world.run(&["check", "suite.yaml"]).expect(0);
}

#[test]
fn literal_keys_are_refused_and_not_repeated() {
    let key = "sk-live-0123456789abcdef";
    for (from, to, at) in [
        (
            "limits:",
            format!(
                "params: {{ extra_body: {{ headers: {{ Authorization: 'Bearer {key}' }} }} }}, limits:"
            ),
            "`Authorization`: a suite must not contain a key",
        ),
        (
            "limits:",
            "params: { extra_body: { headers: { Authorization: letmein } } }, limits:".to_owned(),
            "`Authorization`: a suite must not contain a key",
        ),
        (
            "limits:",
            "params: { a: [{ api-key: letmein }] }, limits:".to_owned(),
            "`api-key`: a suite must not contain a key",
        ),
        (
            "limits:",
            "params: { x_api_key: letmein }, limits:".to_owned(),
            "`x_api_key`: a suite must not contain a key",
        ),
        ("limits:", format!("params: {{ user: {key} }}, limits:"), "this looks like a key"),
        (":1/v1", format!(":1/{key}/v1"), "this looks like a key"),
        (":1/v1", ":1/token/letmein-letmein/v1".to_owned(), "this looks like a key"),
        (":1/v1", ":1/v1;api_key=letmein".to_owned(), "this looks like a key"),
        ("Colour of", "Use AKIA0123456789ABCDEF for".to_owned(), "this looks like a key"),
        (
            "name: test",
            format!("name: test\ndescription: with {key}"),
            "suite.yaml:2:14: this looks like a key",
        ),
        (
            "name: test",
            "name: test\ndescription: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN"
                .to_owned(),
            "this looks like a key",
        ),
    ] {
        let world = World::new(3);
        let text = suite("http://127.0.0.1:1/v1", "");
        assert!(text.contains(from));
        world.write("suite.yaml", &text.replace(from, &to));
        let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
        assert!(told.contains(at), "{to}: {told}");
        for hidden in [key, "letmein", "AKIA0123456789ABCDEF", "eyJhbGci"] {
            assert!(!told.contains(hidden), "{to}: {told}");
        }
    }
}

#[test]
fn words_that_only_look_like_keys_are_taken() {
    for honest in [
        "params: { stop: [sk-, token], tools: [{ parameters: { password: { type: string } } }] }, limits:",
        "params: { response_format: { schema: { required: [password, api_key] } } }, limits:",
    ] {
        let world = World::new(3);
        let text = suite("http://127.0.0.1:1/v1/accounts/0123456789abcdef0123456789abcdef", "");
        let text = text.replace("limits:", honest).replace("Colour", "Risk-0123456789abcdefghij");
        world.write("suite.yaml", &text);
        world.run(&["check", "suite.yaml"]).expect(0);
    }
}

/// A key that stands in the data is sent, for that is what was asked for, and kept nowhere.
#[test]
fn a_known_key_in_the_data_is_not_kept() {
    let key = "known-0123456789-secret";
    let server = Server::start(|seen: &evalmark_loopback::Seen| {
        evalmark_loopback::Reply::text(seen.prompt())
    });
    let world = World::new(3);
    world.write("data.csv", &format!("id,text,label\n1,is {key} red,{key}\n2,b,red\n"));
    let text = suite(&server.url(), "");
    let keys = format!("api_key_env: MY_KEY, params: {{ user: {key} }}, limits:");
    world.write("suite.yaml", &text.replace("limits:", &keys));
    let mut command = world.command(&["run", "suite.yaml", "--run-id", "r"]);
    let output = command.env("MY_KEY", key).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut all = [output.stdout, output.stderr].concat();
    for name in ["run.json", "report.html", "scores.parquet"] {
        all.extend(world.bytes(&format!("reports/test/r/{name}")));
    }
    let samples = evalmark_report::samples::samples(&world.path("reports/test/r/samples.parquet"));
    for sample in samples.expect("samples") {
        all.extend(format!("{:?}", sample.expect("a row")).bytes());
    }
    let text = String::from_utf8_lossy(&all);
    assert!(!text.contains(key), "the key is somewhere");
    assert!(text.contains("is [redacted] red"));
    assert!(server.requests().iter().any(|seen| seen.prompt().contains(key)));
}

#[test]
fn permissions_are_told_as_json() {
    let world = repository("http://127.0.0.1:1/v1");
    let text = text("http://127.0.0.1:1/v1")
        .replace("limits:", "api_key_env: MY_KEY, limits:")
        .replace("template: '{{ text }}'", "file: ../good.j2")
        .replace("fuzzy: { algorithm: levenshtein }", "command: { program: [python3, score.py] }");
    let other = "\n  - { name: other, provider: openai, base_url: 'https://llm.example/v1', api_key_env: OTHER_KEY, evaluate: false }\nmetrics:";
    world.write("repo/suites/suite.yaml", &text.replace("\nmetrics:", other));
    let ran = world.run(&["check", "--permissions", "repo/suites/suite.yaml"]).expect(0);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let expected = json!({
        "format_version": 1,
        "suites": [{
            "suite": "suites/suite.yaml",
            "hosts": ["http://127.0.0.1:1", "https://llm.example"],
            "variables": [
                { "name": "MY_KEY", "hosts": ["http://127.0.0.1:1"] },
                { "name": "OTHER_KEY", "hosts": ["https://llm.example"] },
            ],
            "files": ["datasets/data.csv", "good.j2"],
            "programs": [["python3", "score.py"]],
        }],
    });
    assert_eq!(told, expected);
    let schema =
        fs::read_to_string(root().join("docs/src/permissions.schema.json")).expect("a schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &told));
}

/// Work that never ends, or fills the memory, is refused before anything is asked.
#[test]
fn templates_do_not_run_away() {
    for template in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}",
        "{{ range(99999) | join(\"y\" * 99999) }}",
        "{% set ns = namespace(x=\"ab\") %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    ] {
        let world = World::new(3);
        let text = suite("http://127.0.0.1:1/v1", "");
        world.write("suite.yaml", &text.replace("'{{ text }}'", &format!("'{template}'")));
        for command in ["check", "plan", "run"] {
            let told = world.run(&[command, "suite.yaml"]).expect(2).stderr;
            assert!(told.contains("prompt `terse`, line 1: takes too much work"), "{told}");
        }
    }
}
