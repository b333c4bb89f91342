//! What an environment has, as applications read it: each form is read back by a reader of that form.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    releases::{gated, promote, propose, release_another, released, told, world},
    setup::{World, root},
};

/// Texts in which something would act in each form.
const ODD: &str = "It's \"quoted\" \\ $HOME `x` \\n {# note #}größe 🦀 \u{2028}: - # end";

fn odd() -> World {
    let world = released();
    release_another(&world, "r2", ODD);
    world
}

fn export(world: &World, format: &str) -> String {
    world.run(&["release", "export", "staging", "--format", format]).expect(0).stdout
}

/// The one prompt, as every form tells it.
#[track_caller]
fn check(world: &World, prompt: &Value) {
    let state = world.json("releases/staging.json");
    assert_eq!(prompt["hash"], state["prompts"]["support/intent"]["hash"]);
    assert_eq!(prompt["included"]["fragments/labels.j2"], ODD);
    assert_eq!(prompt["messages"][1]["content"], "<message>{{ text }}</message>");
}

#[test]
fn one_file_has_everything() {
    let world = odd();
    let lock: Value = serde_json::from_str(&export(&world, "lock")).expect("JSON");
    assert_eq!((&lock["environment"], &lock["release"]), (&"staging".into(), &2.into()));
    check(&world, &lock["prompts"]["support/intent"]);
    world.run(&["release", "export", "staging", "--output", "prompts.lock.json"]).expect(0);
    assert_eq!(world.json("prompts.lock.json"), lock);
}

/// What stands behind a key of a mapping whose values are in double quotes, which JSON and YAML read alike.
fn quoted(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(key));
    let line = line.unwrap_or_else(|| panic!("no {key} in {text}"));
    serde_json::from_str(line.trim_start_matches(':').trim()).expect("a text")
}

#[test]
fn a_config_map_has_a_key_for_each_prompt() {
    let world = odd();
    let text = export(&world, "configmap");
    assert!(text.is_ascii() && text.starts_with("apiVersion: v1\nkind: ConfigMap\n"), "{text}");
    let prompt = quoted(&text, "\"support.intent.json\"");
    check(&world, &serde_json::from_str(&prompt).expect("JSON"));
    let yaml = world.write("map.yaml", &text);
    let read = Command::new("python3")
        .args([
            "-c",
            "import sys, yaml, json; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))",
        ])
        .arg(yaml)
        .output();
    // Where there is a Python with PyYAML, that reads it, too.
    if let Some(output) = read.ok().filter(|output| output.status.success()) {
        let map: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(map["data"]["support.intent.json"], prompt);
        assert_eq!(map["metadata"]["name"], "prompts-staging");
    }
}

#[test]
fn dotenv_is_read_alike_by_every_dialect() {
    let world = odd();
    let text = export(&world, "dotenv");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        let inside =
            line.strip_prefix('\'').and_then(|line| line.strip_suffix('\'')).expect("quotes");
        assert!(!inside.contains(['\'', '$', '`']) && !inside.contains("\\\\"), "{inside}");
        inside.to_owned()
    };
    let json = |name: &str| -> Value { serde_json::from_str(&value(name)).expect("JSON") };
    check(
        &world,
        &serde_json::json!({
            "hash": value("PROMPT_SUPPORT_INTENT_HASH"),
            "messages": json("PROMPT_SUPPORT_INTENT_MESSAGES"),
            "included": json("PROMPT_SUPPORT_INTENT_INCLUDED"),
        }),
    );
    assert_eq!(value("PROMPTS_RELEASE"), "2");
    // A shell reads it so, too.
    world.write("all.env", &text);
    let shell = Command::new("sh")
        .current_dir(world.folder.path())
        .args(["-c", ". ./all.env; printf %s \"$PROMPT_SUPPORT_INTENT_INCLUDED\""])
        .output();
    if let Some(output) = shell.ok().filter(|output| output.status.success()) {
        let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(read["fragments/labels.j2"], ODD);
    }
}

#[test]
fn prompt_yml_is_what_it_was_imported_as() {
    let world = released();
    release_another(&world, "r2", "Answer with one word:\n  - money\n  - login");
    world
        .run(&["release", "export", "staging", "--format", "prompt-yml", "--output", "yml"])
        .expect(0);
    let text = String::from_utf8(world.bytes("yml/support/intent.prompt.yml")).expect("text");
    assert!(text.contains("content: |-\n      Answer with one word:\n        - money\n"), "{text}");
    assert!(text.contains("<message>{{text}}</message>"), "{text}");
    // What this form cannot say is refused.
    release_another(&world, "r3", "{% if text %}Answer.{% endif %}");
    let said =
        world.run(&["release", "export", "staging", "--format", "prompt-yml", "--output", "yml"]);
    let said = told(&said.expect(2));
    assert!(said.contains("`support/intent` does more than fill in variables"), "{said}");
}

#[test]
fn what_cannot_be_exported_is_told() {
    let world = world();
    let said = told(&world.run(&["release", "export", "staging"]).expect(2));
    assert!(said.contains("`staging` has released nothing"), "{said}");
    let run = gated(&world, "r1");
    propose(&world, "staging", &run).expect(0);
    promote(&world, "staging").expect(0);
    let said = told(&world.run(&["release", "export", "staging", "--format", "layout"]).expect(2));
    assert!(said.contains("name the folder with `--output DIR`"), "{said}");
}

/// A block of the book, by its language.
fn block(language: &str) -> String {
    let page = fs::read_to_string(root().join("docs/src/releases.md")).expect("the page");
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0.to_owned()
}

fn layout() -> World {
    let world = odd();
    world
        .run(&["release", "export", "staging", "--format", "layout", "--output", "live"])
        .expect(0);
    world
}

/// The reader of the book, in Rust: the test below holds that it is the same text.
mod reader {
    use std::{fs, io, path::Path};

    use serde_json::Value;

    pub(super) fn load_prompt(folder: &Path, name: &str) -> io::Result<Value> {
        let read = |path: &str| {
            Ok::<Value, io::Error>(serde_json::from_slice(&fs::read(folder.join(path))?)?)
        };
        let release = read("release.json")?;
        let unknown = || io::Error::other(format!("no prompt `{name}` is released"));
        read(release["prompts"][name].as_str().ok_or_else(unknown)?)
    }
}

#[test]
fn ten_lines_read_the_layout() {
    let world = layout();
    let folder = world.path("live");
    check(&world, &reader::load_prompt(&folder, "support/intent").expect("a prompt"));
    assert!(reader::load_prompt(&folder, "other").is_err());
    let plain = |text: &str| text.replace("pub(super) ", "").split_whitespace().collect::<String>();
    let source = include_str!("releases_exported.rs");
    assert!(plain(source).contains(&plain(&block("rust"))), "the reader of the book is another");
}

#[test]
fn python_reads_the_layout() {
    let world = layout();
    let program = format!(
        "{}\nprint(json.dumps(load_prompt(\"live\", \"support/intent\")))\n",
        block("python")
    );
    let output =
        Command::new("python3").current_dir(world.folder.path()).args(["-c", &program]).output();
    let Ok(output) = output else { return };
    let prompt = serde_json::from_slice(&output.stdout);
    check(
        &world,
        &prompt.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))),
    );
}

#[test]
fn typescript_reads_the_layout() {
    let world = layout();
    // Node runs JavaScript: the types go.
    let program = block("ts").replace(": string", "").replace(": any", "");
    let program = format!(
        "{program}\nconsole.log(JSON.stringify(loadPrompt(\"live\", \"support/intent\")));\n"
    );
    world.write("read.mjs", &program.replace("export function", "function"));
    let output = Command::new("node").current_dir(world.folder.path()).arg("read.mjs").output();
    let Ok(output) = output else { return };
    let prompt = serde_json::from_slice(&output.stdout);
    check(
        &world,
        &prompt.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))),
    );
}

#[test]
fn a_later_layout_replaces_the_files_of_the_earlier() {
    let world = layout();
    let files = |world: &World| {
        let entries = fs::read_dir(world.path("live/prompts/support")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name()).collect::<Vec<_>>()
    };
    let before = files(&world);
    release_another(&world, "r3", "Answer with one word.");
    world
        .run(&["release", "export", "staging", "--format", "layout", "--output", "live"])
        .expect(0);
    let after = files(&world);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    let prompt = reader::load_prompt(&world.path("live"), "support/intent").expect("a prompt");
    assert_eq!(prompt["included"]["fragments/labels.j2"], "Answer with one word.");
}
