//! promptfoo's configurations run here as there: every assertion passes and fails as promptfoo decided about
//! the same answers. `crates/integrations/tests/real` has the configurations, the answers, and how what
//! promptfoo decided was recorded.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use evalmark_loopback::{Reply, Server};
use evalmark_report::scores::score_records;
use serde_json::Value;

use crate::setup::{World, root};

/// Passes by row, prompt and name of the assertion.
type Passes = BTreeMap<(u64, u64, String), Vec<bool>>;

#[test]
fn every_assertion_decides_as_in_promptfoo() {
    let configurations = root().join("crates/integrations/tests/real/promptfoo");
    let mut n_compared = 0;
    let mut names: Vec<_> = fs::read_dir(configurations)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    for folder in &names {
        n_compared += compare(folder);
    }
    assert!(names.len() >= 20, "{names:?}");
    assert!(n_compared >= 100, "{n_compared}");
}

/// How many passes are the same; all that evalmark has must be.
fn compare(folder: &Path) -> usize {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let answers: HashMap<String, String> = json(&folder.join("answers.json"));
    let server = Server::start(move |seen| {
        let body = seen.json();
        let messages = body["messages"].as_array().into_iter().flatten();
        let texts: Vec<_> = messages.filter_map(|message| message["content"].as_str()).collect();
        match answers.get(&texts.join("\n")) {
            Some(answer) => Reply::text(answer.clone()),
            None => Reply::status(404),
        }
    });
    let world = World::new(1);
    copy(folder, &world.path("c"), &server.url());
    let import = ["import", "promptfoo", "c/promptfooconfig.yaml", "--name", "s"];
    let ran = world.run(&import).expect(0);
    let run = ["run", "suites/s.yaml", "--run-id", "r", "--no-cache"];
    world.run_in(&run, &[("STAND_IN_API_KEY", "x")]).expect(0);
    let (ours, theirs) = (ours(&world), theirs(folder));
    let mut n_same = 0;
    for (key, passes) in &ours {
        let mut left = theirs.get(key).cloned().unwrap_or_default();
        for passed in passes {
            let at = left.iter().position(|other| other == passed);
            let at = at.unwrap_or_else(|| panic!("{name}: {key:?} {passes:?}, there {left:?}"));
            left.remove(at);
            n_same += 1;
        }
        let is_told = ran.stderr.contains(&format!("the assertion `{}`", key.2));
        assert!(left.is_empty() || is_told, "{name}: {key:?} lacks {left:?}");
    }
    for key in theirs.keys().filter(|key| !ours.contains_key(key)) {
        let is_told = ran.stderr.contains(&format!("the assertion `{}`", key.2));
        assert!(is_told, "{name}: {key:?} is neither here nor told: {}", ran.stderr);
    }
    n_same
}

fn ours(world: &World) -> Passes {
    let rows: Vec<Value> = String::from_utf8(world.bytes("datasets/s.jsonl"))
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let place = |id: &str| {
        let has_id = |row: &Value| {
            row.as_object().and_then(|row| row.values().next()).and_then(Value::as_str) == Some(id)
        };
        rows.iter().position(has_id).unwrap_or_default() as u64
    };
    let mut prompts: Vec<String> = Vec::new();
    let mut passes = Passes::new();
    for row in score_records(&world.path("reports/s/r/scores.parquet")).expect("scores") {
        let row = row.expect("a row");
        if !prompts.contains(&row.prompt) {
            prompts.push(row.prompt.clone());
        }
        if let Some(passed) = row.score.passed.filter(|_| !row.score.not_applicable) {
            let prompt = prompts.iter().position(|name| *name == row.prompt).unwrap_or_default();
            let name = row.metric.trim_end_matches(|c: char| c.is_ascii_digit());
            let name =
                if name.len() < row.metric.len() { name.trim_end_matches('-') } else { name };
            passes
                .entry((place(&row.item_id), prompt as u64, name.to_owned()))
                .or_default()
                .push(passed);
        }
    }
    passes
}

fn theirs(folder: &Path) -> Passes {
    let kept: Vec<(u64, u64, String, Vec<bool>)> = json(&folder.join("expected.json"));
    kept.into_iter().map(|(row, prompt, name, passes)| ((row, prompt, name), passes)).collect()
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path, url: &str) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &to, url);
        } else {
            let text = fs::read_to_string(&path).expect("text");
            fs::write(to, text.replace("http://127.0.0.1:18765/v1", url)).expect("written");
        }
    }
}
