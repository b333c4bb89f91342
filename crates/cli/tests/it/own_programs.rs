//! Models that are programs of the user's own, from the suite to the report.

#![cfg(unix)]

use crate::setup::World;

/// Answers with what it was asked, and with its key where it has one.
const APP: &str = r#"
import json, os, sys
for line in sys.stdin:
    row = json.loads(line)
    text = row["messages"][-1]["content"]
    print(json.dumps({"id": row["id"], "output": text + os.environ.get("APP_KEY", ""), "input_tokens": 3}))
"#;

fn world(model: &str) -> World {
    let world = World::new(4);
    world.write("app.py", APP);
    world.write(
        "suite.yaml",
        &format!(
            "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\nprompts:\n  - {{ name: p, template: '{{{{ text }}}}' }}\n\
             models:\n  - {{ name: app, provider: command, {model} }}\nmetrics:\n  - {{ name: same, exact: {{}} }}\n"
        ),
    );
    world
}

const PYTHON: &str = "command: { program: [python3, app.py] }";

#[test]
fn a_program_is_evaluated_where_programs_may_run() {
    let world = world(PYTHON);
    let told = world.run(&["check", "suite.yaml"]).expect(0).stderr;
    assert!(
        told.contains("model `app` is a program, so a run needs `--allow-exec`: python3 app.py"),
        "{told}"
    );
    let told = world.run_suite("r", &[]).expect(2).stderr;
    assert!(told.contains("model `app` is a program: python3 app.py"), "{told}");
    assert!(told.contains("add `--allow-exec`"), "{told}");
    world.run_suite("r", &["--allow-exec"]).expect(0);
    let probed = world.run(&["models", "probe", "suite.yaml", "--allow-exec"]).expect(0);
    assert!(probed.stdout.contains("answered"), "{probed:?}");
    let told = world.run(&["check", "--permissions", "suite.yaml"]).expect(0).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["suites"][0]["programs"], serde_json::json!([["python3", "app.py"]]));
}

#[test]
fn what_a_program_lacks_is_told_before_anything_is_asked() {
    for (model, words) in [
        ("command: { program: [no-such-program] }", "`app` is not there: no-such-program"),
        ("command: { program: [./app.py] }", "`app` is not there: ./app.py"),
        (
            "command: { program: [python3, app.py], env: [NO_SUCH_KEY] }",
            "sees the environment variable NO_SUCH_KEY, which is not set",
        ),
    ] {
        let world = world(model);
        let told = world.run(&["check", "suite.yaml"]).expect(0).stderr;
        assert!(told.contains(words), "{model}: {told}");
        let told = world.run_suite("r", &["--allow-exec"]).expect(2).stderr;
        assert!(told.contains(words) && told.contains("hint: "), "{model}: {told}");
        assert!(!world.path("reports").exists(), "and no run begins");
    }
}

#[test]
fn a_key_of_the_program_is_in_no_file() {
    let key = "canary-0123456789-key";
    let world = world("command: { program: [python3, app.py], env: [APP_KEY] }");
    let told = world.run_suite("r", &["--allow-exec"]).expect(2).stderr;
    assert!(told.contains("APP_KEY, which is not set"), "{told}");
    let words = ["run", "suite.yaml", "--run-id", "r", "--allow-exec"];
    let ran = world.run_in(&words, &[("APP_KEY", key)]).expect(0);
    let mut all = (ran.stdout + &ran.stderr).into_bytes();
    for name in ["run.json", "report.html", "samples.parquet", "scores.parquet"] {
        all.extend(world.bytes(&format!("reports/test/r/{name}")));
    }
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains(key) && all.contains("[redacted]"), "the key is somewhere");
}

#[test]
fn mistakes_are_told_where_they_stand() {
    for (model, words) in [
        ("model: m", "needs the key `command`"),
        ("command: { program: [] }", "`program` is empty"),
        ("command: { program: [''] }", "must begin with a program"),
        ("command: { program: [a], env: ['A=b'] }", "NAMES of environment variables"),
        ("command: { program: [a], env: [B, B] }", "stands there twice"),
        ("base_url: 'http://h', command: { program: [a] }", "`base_url` does not go with"),
        ("api_key_env: K, command: { program: [a] }", "`api_key_env` does not go with"),
        ("region: x, command: { program: [a] }", "has no `region`"),
        ("stream: true, command: { program: [a] }", "has no streaming"),
    ] {
        let world = world(model);
        let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
        assert!(told.contains(words), "{model}: {told}");
    }
    let numbers =
        world("command: { program: [1, 2] }").run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(numbers.contains("item 1 of `program` is a number; expected text"), "{numbers}");
    assert!(!numbers.contains("must begin with a program"), "{numbers}");
}
