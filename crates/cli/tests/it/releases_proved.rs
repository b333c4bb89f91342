//! A verdict counts where the scores of its run come to it: what somebody writes by hand proves nothing.

use std::fs;

use evalmark_store::releases::sha256_hex;
use serde_json::{Value, json};

use crate::{
    releases::{answers, gated, promote, propose, release_another, released, told, world},
    setup::World,
};

/// A released prompt, and a run of its next text, of whose answers so many are wrong.
fn next(wrong: usize) -> (World, String) {
    let world = released();
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    answers(&world, wrong);
    let run = gated(&world, "r2");
    (world, run)
}

fn change(world: &World, path: &str, change: impl Fn(&mut Value)) {
    let mut document = world.json(path);
    change(&mut document);
    world.write(path, &document.to_string());
}

#[test]
fn a_verdict_is_what_the_scores_come_to() {
    let check = |wrong: usize, by_hand: &dyn Fn(&mut Value), expected: &str| {
        let (world, run) = next(wrong);
        change(&world, &format!("{run}/verdict.json"), by_hand);
        let said = told(&propose(&world, "staging", &run).expect(4));
        assert!(said.contains("verdict: reports/labels/r2/verdict.json does not stand"), "{said}");
        assert!(said.contains(expected), "{expected}\n{said}");
        // What the gate decides counts again.
        let code = i32::from(wrong != 0);
        world.run(&["gate", &run, "--baseline", "main"]).expect(code);
        propose(&world, "staging", &run).expect(code);
    };
    let passed = |verdict: &mut Value| {
        verdict["answer"] = json!("pass");
        verdict["comparisons"][0]["answer"] = json!("pass");
    };
    check(20, &passed, "it says pass, and the scores of the run come to regressed");
    let answer = |verdict: &mut Value| verdict["comparisons"][0]["answer"] = json!("improved");
    check(0, &answer, "its figures of plain · one · exact are not those");
    check(0, &|verdict| verdict["comparisons"][0]["margin"] = json!(0.01), "its figures of plain");
    check(0, &|verdict| verdict["comparisons"] = json!([]), "it has 0 comparisons");
    let alone = |verdict: &mut Value| {
        verdict.as_object_mut().expect("a verdict").remove("baseline_digest");
        verdict["answer"] = json!("pass");
        verdict["comparisons"] = json!([]);
    };
    check(20, &alone, "it compares nothing, and there is an earlier baseline `main`");
}

#[test]
fn words_written_into_a_verdict_are_not_released() {
    let (world, run) = next(0);
    change(&world, &format!("{run}/verdict.json"), |verdict| verdict["says"] = json!("a dream"));
    propose(&world, "staging", &run).expect(0);
    promote(&world, "staging").expect(0);
    let state = world.json("releases/staging.json").to_string();
    assert!(!state.contains("a dream") && state.contains("stayed at"), "{state}");
}

#[test]
fn a_verdict_against_what_is_gone_is_refused() {
    let (world, run) = next(0);
    gated(&world, "r3");
    world.run(&["baseline", "promote", "reports/labels/r3", "main", "--force"]).expect(0);
    let said = told(&propose(&world, "staging", &run).expect(4));
    assert!(said.contains("the baseline `main` is another now"), "{said}");
    assert!(said.contains("buys no answer twice"), "{said}");
    fs::remove_dir_all(world.path("reports/baselines")).expect("removed");
    let said = told(&propose(&world, "staging", &run).expect(4));
    assert!(said.contains("there is no baseline `main` of the suite `labels`"), "{said}");
}

/// Writes a proposal by hand, under the name that it has to have.
fn by_hand(world: &World, change: impl Fn(&mut Value)) {
    let folder = world.path("releases/proposals/staging");
    let own = fs::read_dir(&folder).expect("proposals").next().expect("one").expect("a file");
    let text = fs::read_to_string(own.path()).expect("text");
    let mut proposal: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut proposal);
    let text = format!("{proposal:#}\n");
    fs::remove_file(own.path()).expect("removed");
    let name = format!("{}.json", &sha256_hex(text.as_bytes())[..16]);
    fs::write(folder.join(name), text).expect("written");
}

#[test]
fn a_proposal_is_what_its_runs_say() {
    let (world, run) = next(0);
    propose(&world, "staging", &run).expect(0);
    by_hand(&world, |proposal| {
        proposal["prompt"]["evidence"][0]["metrics"][0]["lower"] = json!(0.5);
    });
    let said = told(&promote(&world, "staging").expect(4));
    assert!(said.contains("run: ") && said.contains("r2 is not what was proposed"), "{said}");
    // Where the run is not at hand, whoever promotes is told that.
    propose(&world, "staging", &run).expect(0);
    fs::rename(world.path(&run), world.path("elsewhere")).expect("moved");
    let said = told(&promote(&world, "staging").expect(0));
    assert!(said.contains("the run reports/labels/r2 is not on this machine"), "{said}");
    assert!(said.contains("was not computed again"), "{said}");
}

#[test]
fn a_baseline_that_moved_on_keeps_no_proposal_back() {
    let (world, run) = next(0);
    propose(&world, "staging", &run).expect(0);
    world.run(&["baseline", "promote", &run, "main", "--force"]).expect(0);
    let said = told(&promote(&world, "staging").expect(0));
    assert!(said.contains("could not be computed again"), "{said}");
    assert!(said.contains("the baseline `main` is another now"), "{said}");
    release_another(&world, "r3", "Answer with two words.");
}

#[test]
fn names_in_a_release_are_names() {
    let world = world();
    let run = gated(&world, "r1");
    propose(&world, "staging", &run).expect(0);
    by_hand(&world, |proposal| proposal["name"] = json!("../../intent"));
    let said = told(&promote(&world, "staging").expect(4));
    assert!(said.contains("`../../intent` is no name of a prompt"), "{said}");
    let world = released();
    let path = "releases/staging/000001.json";
    let text = String::from_utf8(world.bytes(path)).expect("text");
    world.write(path, &text.replace("\"support/intent\":", "\"support/../intent\":"));
    let said = told(&world.run(&["release", "verify"]).expect(4));
    assert!(said.contains("`support/../intent` is no name of a prompt"), "{said}");
    let path = "releases/staging.json";
    let text = String::from_utf8(world.bytes(path)).expect("text");
    world.write(path, &text.replace("\"support/intent\":", "\"a\\u001b[31m\":"));
    let said = told(&world.run(&["release", "status"]).expect(4));
    assert!(said.contains("is no name of a prompt") && !said.contains('\u{1b}'), "{said}");
}
