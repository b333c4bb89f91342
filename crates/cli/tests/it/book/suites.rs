//! Every suite that a page shows is without mistakes, whole ones as they are, and parts within a suite that
//! has the rest.

use std::{collections::BTreeSet, fs};

use super::{blocks::blocks, pages::all};
use crate::setup::{World, root};

/// What parts of suites are put into.
const BASE: &str = "\
name: base
dataset: { path: data.csv, id: id, target: intent }
prompts:
  - { name: zero-shot, template: 'Topic? {{ message }}' }
  - { name: few-shot, template: 'The topic, in a word? {{ message }}' }
models:
  - { name: small, provider: openai, model: gpt-4o-mini }
  - { name: large, provider: openai, model: gpt-4o }
  - { name: judge, provider: openai, model: gpt-4o, evaluate: false }
metrics:
  - { name: exact, exact: {} }
";

/// A suite's text with the top-level keys of `part` in place of its own.
pub(super) fn changed(suite: &str, part: &str) -> String {
    let is_key =
        |line: &str| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(':');
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let new: BTreeSet<_> = part.lines().filter(|line| is_key(line)).map(key).collect();
    let (mut kept, mut is_kept) = (String::new(), true);
    for line in suite.lines() {
        if is_key(line) {
            is_kept = !new.contains(&key(line));
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept + part
}

/// The keys at the top of a suite.
fn keys() -> BTreeSet<String> {
    let ran = World::new(1).run(&["schema", "suite"]).expect(0);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    schema["properties"].as_object().expect("keys").keys().cloned().collect()
}

#[test]
fn every_suite_that_is_shown_is_without_mistakes() {
    let keys = keys();
    let (mut n, mut wrong) = (0, Vec::new());
    for page in all() {
        for block in
            blocks(&page).into_iter().filter(|block| ["yaml", "yml"].contains(&&*block.language))
        {
            if block.mark("not a suite").or(block.mark("not run")).is_some() {
                continue;
            }
            let top = evalmark_core::suite::yaml(&block.text).expect("YAML");
            let top = top.as_object().unwrap_or_else(|| panic!("{}: not a mapping", block.place));
            let strangers: Vec<_> = top.keys().filter(|key| !keys.contains(*key)).collect();
            assert!(strangers.is_empty(), "{}: no suite has {strangers:?}", block.place);
            let is_whole = ["name", "dataset", "prompts"].iter().all(|key| top.contains_key(*key));
            let text = if is_whole { block.text.clone() } else { changed(BASE, &block.text) };
            let file = block.mark("file").and_then(|file| Some(file.rsplit_once('/')?.0));
            let folder = file.filter(|folder| folder.starts_with("suites"));
            let ran = check(&text, folder.unwrap_or("suites"));
            if ran.code != Some(0) {
                wrong.push(format!("{}:\n{}{}", block.place, ran.stdout, ran.stderr));
            }
            n += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n > 15, "{n} suites");
}

/// Checks a suite in a folder that has what a clone's has, and the files that pages speak of.
fn check(text: &str, folder: &str) -> crate::setup::Ran {
    let world = World::new(1);
    for folder in [
        "datasets",
        "datasets/examples",
        "datasets/parcels",
        "suites",
        "suites/prompts",
        "suites/examples",
        "suites/prompts/earlier",
    ] {
        fs::create_dir_all(world.path(folder)).expect("a folder");
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let to = world.path(folder).join(path.file_name().expect("a name"));
                fs::copy(&path, to).expect("copied");
            }
        }
    }
    let row = |i| format!("T-00{i},C-1,hello {i},login,email,en,money,login,yes\n");
    let rows: String = (1..=6).map(row).collect();
    let data =
        format!("id,customer,message,intent,channel,language,answer_a,answer_b,note\n{rows}");
    world.write("suites/data.csv", &data);
    world.write("suites/labels.csv", "item_id,label\nT-001,1\n");
    world.write("suites/score.py", "");
    fs::create_dir_all(world.path(folder)).expect("a folder");
    let suite = format!("{folder}/shown.yaml");
    world.write(&suite, text);
    world.run(&["check", &suite])
}
