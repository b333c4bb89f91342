//! The library of prompts: suites use its prompts by name, and `evalmark prompts` lists, renders and checks them.

use std::fs;

use serde_json::Value;

use crate::setup::{Ran, World};

const SUITE: &str = "\
name: labels
dataset: { path: data.csv, id: id, target: intent }
prompts: [{ name: plain, use: support/intent }]
models: [{ name: one, recorded: { column: answer } }]
metrics: [{ name: exact, exact: {} }]
";

const PROMPT: &str = "\
---
description: Sorts messages
owner: support
variables:
  text: { type: string, example: I was charged twice. }
---
system:
{% include 'fragments/labels.j2' %}

user:
<message>{{ text }}</message>
";

/// All that a command says, wherever its lines end.
fn told(ran: &Ran) -> String {
    let all = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// A library of one prompt with a fragment, and a suite that uses it.
fn world() -> World {
    let world = World::new(1);
    for folder in ["prompts/support", "prompts/fragments"] {
        fs::create_dir_all(world.path(folder)).expect("a folder");
    }
    world.write("suite.yaml", SUITE);
    world.write(
        "data.csv",
        "id,text,intent,answer,channel\n1,charged twice,money,money,web\n2,late,delivery,login,app\n",
    );
    world.write("prompts/support/intent.md", PROMPT);
    world.write("prompts/fragments/labels.j2", "Answer with money, delivery or login.");
    world
}

#[test]
fn suites_use_prompts_by_name() {
    let world = world();
    world.run_suite("r", &["--new-baseline"]).expect(0);
    let run = world.json("reports/labels/r/run.json");
    let prompt = &run["effective_suite"]["prompts"][0];
    assert_eq!(prompt["messages"][1]["content"], "<message>{{ text }}</message>", "{run:#}");
    assert_eq!(prompt["included"]["fragments/labels.j2"], "Answer with money, delivery or login.");
    let listed = json(&world.run(&["prompts", "list", "--format", "json"]).expect(0));
    assert_eq!(listed["prompts"][0]["name"], "support/intent");
    // One hash for both: what was released can be found in the runs.
    let hash = &listed["prompts"][0]["hash"];
    assert_eq!(*hash, run["prompts"][0]["hash"], "{:#}", run["prompts"]);
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    let changed = json(&world.run(&["prompts", "list", "--format", "json"]).expect(0));
    assert_ne!(*hash, changed["prompts"][0]["hash"], "a fragment is part of the prompt");
}

#[test]
fn what_is_wrong_with_a_used_prompt_is_told_with_its_place() {
    let check = |file: &str, text: &str, suite: &str, expected: &[&str]| {
        let world = world();
        world.write(file, text);
        world.write("suite.yaml", suite);
        let told = told(&world.run(&["check", "suite.yaml"]).expect(2));
        for words in expected {
            assert!(told.contains(words), "{words}\n{told}");
        }
    };
    let path = "prompts/support/intent.md";
    check(
        "x",
        "",
        &SUITE.replace("/intent", "/intend"),
        &["suite.yaml:3:", "did you mean `support/intent`?"],
    );
    check(
        path,
        &PROMPT.replace("owner", "onwer"),
        SUITE,
        &["prompts/support/intent.md:3: unknown key `onwer`"],
    );
    check(
        path,
        &PROMPT.replace("{{ text }}", "{{ txet }}"),
        SUITE,
        &["line 11: undefined variable `txet`"],
    );
    check(path, &PROMPT.replace("type: string", "type: list"), SUITE, &["declares `text` as list"]);
    let both = SUITE.replace("use: support/intent", "use: support/intent, template: x");
    check("x", "", &both, &["exactly one of `template`, `file`, `messages`, `use`"]);
}

#[test]
fn without_a_library_the_way_to_one_is_told() {
    let world = World::new(1);
    world.write("suite.yaml", SUITE);
    world.write("data.csv", "id,text,intent,answer\n1,a,money,money\n");
    let told = told(&world.run(&["check", "suite.yaml"]).expect(2));
    assert!(told.contains("evalmark prompts new support/intent"), "{told}");
    world.run(&["prompts", "new", "support/intent"]).expect(0);
    world.run(&["prompts", "new", "support/intent"]).expect(2);
    world.run(&["check", "suite.yaml"]).expect(0);
    world.run(&["prompts", "lint", "--strict"]).expect(0);
}

#[test]
fn a_library_that_cannot_be_read_says_why() {
    let world = world();
    fs::create_dir_all(world.path("prompts").join("deep/".repeat(18))).expect("folders");
    let told = told(&world.run(&["check", "suite.yaml"]).expect(2));
    assert!(told.contains("folders more than 16 deep"), "{told}");
}

#[test]
fn prompts_are_filled_in() {
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let all = [&["prompts", "render", "support/intent"], arguments].concat();
        let told = told(&world().run(&all).expect(code));
        assert!(told.contains(expected), "{expected}\n{told}");
    };
    check(&[], 0, "<message>I was charged twice.</message>");
    check(&["--var", "text=Where is it?"], 0, "<message>Where is it?</message>");
    check(&["--suite", "suite.yaml", "--item", "2"], 0, "<message>late</message>");
    check(&["--suite", "suite.yaml", "--item", "3"], 2, "has no item `3`");
    check(&["--suite", "suite.yaml", "--var", "text=x"], 0, "<message>x</message>");
}

#[test]
fn what_is_unwise_in_a_prompt_is_found() {
    let world = world();
    world.run(&["prompts", "lint", "--strict", "--suite", "suite.yaml"]).expect(2);
    let found = |arguments: &[&str]| -> Vec<(String, String, u64)> {
        let all = [&["prompts", "lint", "--format", "json"], arguments].concat();
        let told = json(&world.run(&all));
        let text = |found: &Value, key: &str| found[key].as_str().expect("a text").to_owned();
        let all = told["findings"].as_array().expect("findings").iter();
        all.map(|f| (text(f, "rule"), text(f, "path"), f["line"].as_u64().expect("a line")))
            .collect()
    };
    let check = |text: &str, policy: &str, arguments: &[&str], expected: &[(&str, u64)]| {
        world.write("prompts/support/intent.md", text);
        world.write("policy.yaml", policy);
        let found = found(arguments);
        let found: Vec<_> = found.iter().map(|(rule, _, line)| (rule.as_str(), *line)).collect();
        assert_eq!(found, expected);
    };
    check(PROMPT, "", &[], &[]);
    check(PROMPT, "", &["--suite", "suite.yaml"], &[("unused-column", 1)]);
    check(
        &PROMPT.replace("text:", "txt:"),
        "",
        &[],
        &[("unused-variable", 5), ("undefined-variable", 11)],
    );
    check(&PROMPT.replace("message>", "b"), "", &[], &[("unfenced-input", 11)]);
    let key = PROMPT.replace("user:", "Use sk-abcdefgh1234567890abc and a@b.example.org.\nuser:");
    check(&key, "", &[], &[("personal-data-in-prompt", 10), ("secret-in-prompt", 10)]);
    check(&PROMPT.replace("labels.j2", "gone.j2"), "", &[], &[("invalid-prompt", 1)]);
    check(PROMPT, "max_tokens: 3", &[], &[("prompt-too-long", 1)]);
    check(PROMPT, "forbidden_phrases: [<MESSAGE>]", &[], &[("against-policy", 11)]);
    check(PROMPT, "required_phrases: [Money]\nrequired_keys: [owner]", &[], &[]);
    check(
        PROMPT,
        "required_keys: [model]\nrequired_sections: ['# Task']",
        &[],
        &[("against-policy", 1); 2],
    );
    let classed = PROMPT.replace("owner:", "provider: deepseek\ndata_class: customer\nowner:");
    let policy = "data_classes: { customer: { banned_providers: [deepseek] } }";
    check(&classed, policy, &[], &[("against-policy", 1)]);
    world.write("policy.yaml", "max_tokns: 3");
    let told = told(&world.run(&["prompts", "lint"]).expect(2));
    assert!(told.contains("policy.yaml:1:1: unknown key `max_tokns`"), "{told}");
}

#[test]
fn findings_are_told_to_code_scanning() {
    let world = world();
    world.write("prompts/support/intent.md", &PROMPT.replace("text:", "txt:"));
    let sarif = json(&world.run(&["prompts", "lint", "--format", "sarif"]).expect(2));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 2);
    let place = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(results[1]["ruleId"], "undefined-variable");
    assert_eq!(place["artifactLocation"]["uri"], "prompts/support/intent.md", "{place:#}");
    assert_eq!(place["region"]["startLine"], 11);
}

#[test]
fn hostile_texts_of_prompts_do_nothing_to_a_terminal() {
    let world = world();
    world.write("prompts/support/intent.md", &PROMPT.replace("Sorts", "\\e[31m\u{1b}[31mSorts"));
    for arguments in [&["prompts", "list"][..], &["prompts", "show", "support/intent"]] {
        let told = told(&world.run(arguments));
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}
