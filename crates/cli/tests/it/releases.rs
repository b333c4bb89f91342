//! Releases of prompts: proposed on evidence, held to the policy, released, checked to the byte, and taken back.

use std::fs;

use serde_json::Value;

use crate::setup::{Ran, World};

const SUITE: &str = "\
name: labels
dataset: { path: data.csv, id: id, target: intent }
prompts: [{ name: plain, use: support/intent }]
models: [{ name: one, recorded: { column: answer } }]
metrics: [{ name: exact, exact: {} }]
gate: { baseline: main, metrics: { exact: { margin: 0.1 } } }
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

const POLICY: &str = "\
releases:
  environments:
    staging:
      unsigned: true
      suites: { labels: {} }
    production:
      after: staging
      unsigned: true
";

/// All that a command says, wherever its lines end.
pub(crate) fn told(ran: &Ran) -> String {
    let all = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr))
}

/// A library of one prompt with a fragment, a suite that uses it, 40 items that it answers rightly, and a policy.
pub(crate) fn world() -> World {
    let world = World::new(1);
    for folder in ["prompts/support", "prompts/fragments"] {
        fs::create_dir_all(world.path(folder)).expect("a folder");
    }
    world.write("suite.yaml", SUITE);
    answers(&world, 0);
    world.write("prompts/support/intent.md", PROMPT);
    world.write("prompts/fragments/labels.j2", "Answer with money, delivery or login.");
    world.write("policy.yaml", POLICY);
    world
}

/// The dataset, the first few of whose answers are wrong.
pub(crate) fn answers(world: &World, wrong: usize) {
    let row = |i: usize| {
        let answer = if i < wrong { "login" } else { "money" };
        format!("{i},question {i},money,{answer}\n")
    };
    let rows: String = (0..40).map(row).collect();
    world.write("data.csv", &format!("id,text,intent,answer\n{rows}"));
}

/// A run with a verdict: the first is compared with nothing, later ones with it.
pub(crate) fn gated(world: &World, id: &str) -> String {
    let first = !world.path("reports/baselines/labels/main").exists();
    let more: &[&str] = if first { &["--new-baseline"] } else { &[] };
    world.run_suite(id, more);
    let run = format!("reports/labels/{id}");
    if first {
        world.run(&["gate", &run, "--baseline", "main", "--new-baseline"]).expect(0);
        world.run(&["baseline", "promote", &run, "main"]).expect(0);
    }
    run
}

pub(crate) fn propose(world: &World, environment: &str, run: &str) -> Ran {
    world.run(&["release", "propose", "support/intent", "--to", environment, "--run", run])
}

pub(crate) fn promote(world: &World, environment: &str) -> Ran {
    world.run(&["release", "promote", "support/intent", "--to", environment])
}

/// A prompt that is released to staging.
pub(crate) fn released() -> World {
    let world = world();
    let run = gated(&world, "r1");
    propose(&world, "staging", &run).expect(0);
    promote(&world, "staging").expect(0);
    world
}

/// Changes the fragment, and releases that.
pub(crate) fn release_another(world: &World, id: &str, text: &str) {
    world.write("prompts/fragments/labels.j2", text);
    let run = gated(world, id);
    propose(world, "staging", &run).expect(0);
    promote(world, "staging").expect(0);
}

#[test]
fn a_prompt_is_released_on_evidence() {
    let world = released();
    let state = world.json("releases/staging.json");
    let prompt = &state["prompts"]["support/intent"];
    let listed = json(&world.run(&["prompts", "list", "--format", "json"]).expect(0));
    assert_eq!(prompt["hash"], listed["prompts"][0]["hash"]);
    let paths = prompt["files"].as_array().expect("files").iter().map(|file| &file["path"]);
    assert_eq!(paths.collect::<Vec<_>>(), ["support/intent.md", "fragments/labels.j2"]);
    assert_eq!(prompt["evidence"][0]["run"], "reports/labels/r1");
    assert_eq!(prompt["evidence"][0]["answer"], "pass");
    world.run(&["release", "verify"]).expect(0);
    let status = json(&world.run(&["release", "status", "--format", "json"]).expect(0));
    let names = status["environments"].as_array().expect("environments");
    assert_eq!(names.iter().map(|e| &e["name"]).collect::<Vec<_>>(), ["staging", "production"]);
    assert_eq!(names[0]["prompts"][0]["working_tree"], "same");
    // What was released stands in no proposal any more.
    let again = told(&promote(&world, "staging").expect(2));
    assert!(again.contains("nothing is proposed") && again.contains("release 1 of"), "{again}");
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    let status = told(&world.run(&["release", "status"]).expect(0));
    assert!(status.contains("differs ("), "{status}");
}

#[test]
fn every_rule_that_is_not_met_is_told() {
    let check = |prepare: &dyn Fn(&World), policy: &str, code: i32, expected: &[&str]| {
        let world = world();
        let run = gated(&world, "r1");
        prepare(&world);
        world.write("policy.yaml", policy);
        let ran = propose(&world, "production", &run).expect(code);
        let said = told(&ran);
        for words in expected {
            assert!(said.contains(words), "{words}\n{said}");
        }
        assert!(!world.path("releases").exists(), "a refusal leaves nothing");
    };
    let nothing = |_: &World| {};
    let production = |rules: &str| {
        format!("releases: {{ environments: {{ staging: {{}}, production: {{ {rules} }} }} }}\n")
    };
    check(&nothing, POLICY, 4, &["order: `staging` does not have it"]);
    check(
        &nothing,
        &production("after: staging, suites: { labels: {}, tone: {} }"),
        4,
        &["2 rules", "suite: no run of the suite `tone`", "order: `staging`"],
    );
    check(
        &nothing,
        &production(
            "suites: { tone: { prompts: [billing/*] }, labels: { dataset: 0123456789ab } }",
        ),
        4,
        &["a rule is not met", "dataset: the run r1 of `labels` is on the dataset"],
    );
    let changed = |world: &World| drop(world.write("prompts/fragments/labels.j2", "Other words."));
    check(&changed, POLICY, 4, &["2 rules", "measured: the run r1 of `labels` did not measure"]);
    let old = |world: &World| {
        let run = String::from_utf8(world.bytes("reports/labels/r1/run.json")).expect("text");
        let (before, rest) = run.split_once("\"finished_at\": \"").expect("an end");
        let (_, after) = rest.split_once('"').expect("its end");
        let text = format!("{before}\"finished_at\": \"2020-01-01T00:00:00Z\"{after}");
        world.write("reports/labels/r1/run.json", &text);
    };
    check(
        &old,
        &production("max_age: 30d"),
        4,
        &["age: the run r1 of `labels` is", "at most 30 days"],
    );
    let damaged = |world: &World| drop(world.write("reports/labels/r1/scores.parquet", "x"));
    check(&damaged, &production(""), 4, &["run: ", "does not match its run.json"]);
    let missing = |world: &World| {
        fs::remove_file(world.path("reports/labels/r1/verdict.json")).expect("removed");
    };
    check(&missing, &production(""), 4, &["verdict: the run reports/labels/r1 has no verdict"]);
    let wrong = |world: &World| {
        let text = PROMPT.replace("{{ text }}", "{{ txet }}");
        world.write("prompts/support/intent.md", &text);
    };
    check(&wrong, &production(""), 4, &["prompt: the prompt has 1 error", "prompts lint"]);
    check(&nothing, "{}", 2, &["no policy says what a release needs"]);
    let only = "releases: { environments: { prod: {} } }\n";
    check(&nothing, only, 2, &["has no environment `production`", "its environments: `prod`"]);
}

#[test]
fn later_runs_are_held_to_their_verdicts() {
    let check = |wrong: usize, rules: &str, code: i32, expected: &str| {
        let world = released();
        world.write("prompts/fragments/labels.j2", "Answer with one word.");
        answers(&world, wrong);
        // The answers are columns of the dataset: the items stay the same.
        let run = gated(&world, "r2");
        let policy = format!("releases: {{ environments: {{ staging: {{ {rules} }} }} }}\n");
        world.write("policy.yaml", &policy);
        let said = told(&propose(&world, "staging", &run).expect(code));
        assert!(said.contains(expected), "{expected}\n{said}");
    };
    check(0, "unsigned: true", 0, "proposed support/intent (");
    check(20, "unsigned: true", 1, "verdict: the verdict on the run r2 of `labels` is regressed");
    check(3, "unsigned: true", 3, "is inconclusive");
    check(3, "allow_inconclusive: true", 0, "proposed");
    check(0, "suites: { labels: { margins: { exact: 0.1 } } }", 0, "proposed");
    check(0, "suites: { labels: { margins: { exact: 0.05 } } }", 4, "at most 0.05 is allowed");
    check(0, "suites: { labels: { margins: { close: 0.05 } } }", 4, "was not gated on `close`");
    check(
        0,
        "suites: { labels: { baseline: other } }",
        4,
        "compared with `main`; `other` is asked",
    );
}

#[test]
fn mistakes_of_a_policy_have_their_places() {
    let check = |environments: &str, expected: &str| {
        let world = world();
        world.write("policy.yaml", &format!("releases:\n  environments:\n{environments}"));
        let said = told(&world.run(&["release", "status"]).expect(2));
        assert!(said.contains(expected), "{expected}\n{said}");
    };
    check("    a: { afer: b }\n", "policy.yaml:3:10: unknown key `afer`");
    check(
        "    a: { after: stagin }\n    staging: {}\n",
        "policy.yaml:3:17: there is no environment `stagin`",
    );
    check("    a: { after: b }\n    b: { after: a }\n", "`a` comes after itself");
    check("    objects: {}\n", "cannot be called `objects`");
    check("    audit.checkpoint: {}\n", "cannot be called `audit.checkpoint`");
    check("    a: { max_age: soon }\n", "`soon` is not a time span");
    check(
        "    a: { approvals: { count: 2, by: [anna] } }\n",
        "2 approvals are asked for, and 1 may give one",
    );
    check("    a: { suites: { s: { margins: { exact: -1 } } } }\n", "a margin is 0 or more");
    check("    a: { suites: { s: { dataset: latest } } }\n", "`latest` is no version of a dataset");
}

#[test]
fn what_was_altered_is_named() {
    let check = |file: &str, expected: &str| {
        let world = released();
        release_another(&world, "r2", "Answer with one word.");
        let path = match file.strip_prefix("object of ") {
            Some(name) => {
                let state = world.json("releases/staging.json");
                let files =
                    state["prompts"]["support/intent"]["files"].as_array().expect("files").clone();
                let found = files.iter().find(|found| found["path"] == name).expect("a file");
                let sha256 = found["sha256"].as_str().expect("a digest").to_owned();
                format!("releases/objects/{}/{}", &sha256[..2], &sha256[2..])
            }
            None => file.to_owned(),
        };
        let mut bytes = world.bytes(&path);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(world.path(&path), bytes).expect("written");
        let ran = world.run(&["release", "verify", "--format", "json"]).expect(4);
        let faults = json(&ran)["faults"].as_array().expect("faults").clone();
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(&path)), "{path}\n{told:#?}");
        assert!(told.iter().any(|fault| fault.contains(expected)), "{expected}\n{told:#?}");
    };
    check("object of support/intent.md", "was altered: its SHA-256");
    check("object of fragments/labels.j2", "was altered: its SHA-256");
    check("reports/labels/r2/run.json", "was altered: its SHA-256");
    check("reports/labels/r2/verdict.json", "was altered: its SHA-256");
    let world = released();
    release_another(&world, "r2", "Answer with one word.");
    let lose = |path: &str, expected: &str| {
        let bytes = world.bytes(path);
        fs::remove_file(world.path(path)).expect("removed");
        let said = told(&world.run(&["release", "verify"]).expect(4));
        assert!(said.contains(expected), "{expected}\n{said}");
        fs::write(world.path(path), bytes).expect("written");
        world.run(&["release", "verify"]).expect(0);
    };
    lose("releases/staging/000001.json", "comes where release 1 should be, which is missing");
    lose("releases/staging/000002.json", "names release 2, which is not there");
    lose("releases/staging.json", "releases/staging.json is missing");
}

/// Every byte of the files that say what is released counts.
#[test]
fn every_byte_of_a_release_counts() {
    let world = released();
    for path in ["releases/staging.json", "releases/staging/000001.json"] {
        let bytes = world.bytes(path);
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 24) {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            fs::write(world.path(path), altered).expect("written");
            let said = told(&world.run(&["release", "verify"]).expect(4));
            assert!(said.contains("releases/staging"), "{said}");
        }
        fs::write(world.path(path), bytes).expect("written");
    }
    world.run(&["release", "verify"]).expect(0);
}

#[test]
fn an_environment_goes_back() {
    let world = released();
    let hash = |world: &World| {
        let state = world.json("releases/staging.json");
        state["prompts"]["support/intent"]["hash"].as_str().map(str::to_owned)
    };
    let (first, text) = (hash(&world), world.bytes("prompts/fragments/labels.j2"));
    release_another(&world, "r2", "Answer with one word.");
    let second = hash(&world);
    assert_ne!(first, second);
    let said = told(&world.run(&["release", "rollback", "staging"]).expect(0));
    assert!(said.contains("release 3 of staging is what it had after release 1"), "{said}");
    assert_eq!(hash(&world), first);
    // The library stays as it is, unless its files are wanted, too.
    assert_ne!(world.bytes("prompts/fragments/labels.j2"), text);
    world.run(&["release", "rollback", "staging", "--to", "2"]).expect(0);
    world.write("prompts/fragments/labels.j2", "Not released.");
    let back = ["release", "rollback", "staging", "--to", "1", "--restore"];
    let said = told(&world.run(&back).expect(2));
    assert!(said.contains("no release has what is in prompts/fragments/labels.j2"), "{said}");
    world.run(&[&back[..], &["--force"]].concat()).expect(0);
    assert_eq!(world.bytes("prompts/fragments/labels.j2"), text);
    assert_eq!(hash(&world), first);
    let listed = json(&world.run(&["prompts", "list", "--format", "json"]).expect(0));
    assert_eq!(listed["prompts"][0]["hash"].as_str().map(str::to_owned), first);
    world.run(&["release", "rollback", "staging", "--to", "0"]).expect(0);
    assert_eq!(hash(&world), None);
    world.run(&["release", "verify"]).expect(0);
    let said = told(&world.run(&["release", "rollback", "staging", "--to", "0"]).expect(2));
    assert!(said.contains("has what it had after release 0 already"), "{said}");
    let said = told(&world.run(&["release", "rollback", "staging", "--to", "9"]).expect(2));
    assert!(said.contains("has no release 9 before its newest, 6"), "{said}");
    let said = told(&world.run(&["release", "rollback", "production"]).expect(2));
    assert!(said.contains("`production` has released nothing"), "{said}");
}

#[test]
fn a_proposal_that_was_overtaken_is_refused() {
    let world = released();
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    let run = gated(&world, "r2");
    propose(&world, "staging", &run).expect(0);
    // Somebody else goes first.
    let proposals = world.path("releases/proposals/staging");
    let ours = fs::read_dir(&proposals).expect("a folder").next().expect("a file").expect("a file");
    let (name, bytes) = (ours.file_name(), fs::read(ours.path()).expect("a proposal"));
    release_another(&world, "r3", "Answer in one word.");
    fs::write(proposals.join(name), bytes).expect("written");
    let said = told(&promote(&world, "staging").expect(4));
    assert!(said.contains("meanwhile: it is proposed in place of release 1"), "{said}");
    assert!(said.contains("release 2, by"), "{said}");
}
