//! An imported run is a run: everything that reads runs reads it, and what would ask or score again says why it cannot.

use super::{EVALUATED, Evaluated, file};
use crate::setup::{Ran, World};

const PROMPTFOO: &Evaluated = &EVALUATED[0];

fn both(world: &World) {
    for (id, name) in [("before", PROMPTFOO.before), ("after", PROMPTFOO.after)] {
        let file = file("promptfoo", name);
        let more = ["--suite", "additions", "--run-id", id, "--metric", "pass"];
        world
            .run(&[&["import", "results", "--from", "promptfoo", &file][..], &more].concat())
            .expect(0);
    }
}

fn said(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn counts_add_up_and_are_told() {
    let world = World::new(0);
    let file = file("promptfoo", PROMPTFOO.before);
    let ran = world.run(&["import", "results", "--from", "promptfoo", &file]).expect(0);
    let told = ran.words();
    assert!(told.contains("read 44 results of promptfoo 0.121.20: 44 kept, 0 left out"), "{told}");
    assert!(
        told.contains("44 answers to 44 items, 1 of them failed: they have no score"),
        "{told}"
    );
    assert!(told.contains("wrote reports/additions/"), "{told}");
    let ran = world.run(&["import", "results", "--from", "promptfoo", &file, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.expect(0).stdout).expect("JSON");
    let from = &json["run"]["imported"];
    assert_eq!((&from["read"], &from["kept"]), (&44.into(), &44.into()), "{from}");
    assert_eq!(json["run"]["counts"]["failed"], 1);
    // Nine items have the metric `bare`: the others are not missing.
    let rows = json["summary"].as_array().expect("rows");
    let bare = rows.iter().find(|row| row["metric"] == "bare").expect("bare");
    assert_eq!((&bare["n_planned"], &bare["n_missing"]), (&9.into(), &0.into()), "{bare}");
}

#[test]
fn whatever_reads_runs_reads_it() {
    let world = World::new(0);
    both(&world);
    let (before, after) = ("reports/additions/before", "reports/additions/after");
    let shown = world.run(&["show", after]).expect(0).words();
    assert!(shown.contains("small"), "{shown}");
    world.run(&["report", after]).expect(0);
    let compared = world.run(&["compare", before, after]).expect(1);
    assert!(compared.words().contains("25 lost and 2 gained"), "{}", compared.stdout);
    assert!(!said(&compared).contains("suite"), "{}", compared.stderr);
    let changed = world.run(&["diff", before, after, "--metric", "pass"]).expect(0).words();
    assert!(changed.contains("asked What is"), "{changed}");
    world.run(&["baseline", "promote", before, "main", "--force"]).expect(0);
    world.run(&["gate", after, "--baseline", "main"]).expect(1);
    world.run(&["trend", "additions"]);
    assert!(world.run(&["runs"]).expect(0).words().contains("additions"));
    let html =
        String::from_utf8(world.bytes("reports/additions/after/report.html")).expect("UTF-8");
    assert!(html.contains("imported"), "the page does not say where the run comes from");
}

#[test]
fn nothing_pretends_to_ask_or_score_again() {
    let world = World::new(0);
    both(&world);
    for command in ["score", "resume"] {
        let ran = world.run(&[command, "reports/additions/after"]).expect(2);
        assert!(said(&ran).contains("was imported from promptfoo"), "{}", ran.stderr);
    }
}

#[test]
fn a_model_or_a_prompt_of_another_name_is_still_compared() {
    let world = World::new(0);
    let table = |name: &str, model: &str, right: u32| {
        let row = |i: u32| format!("q{i},{model},{}\n", u32::from(i < right));
        let rows: Vec<_> = (0..200).map(row).collect();
        world.write(name, &format!("id,model,score\n{}", rows.concat()));
    };
    table("before.csv", "large", 180);
    table("after.csv", "small", 100);
    let ran = world.run(&["gate", "--from", "csv", "before.csv", "after.csv"]).expect(1);
    assert!(ran.words().contains("compared with the baseline's model `large`"), "{}", ran.stdout);
    assert!(ran.words().contains("80 lost and 0 gained"), "{}", ran.stdout);
    // What broke is found under both names.
    assert!(ran.words().contains("newly broken"), "{}", ran.stdout);
}

/// A metric that neither file has is told with what each of them has, and no run is left.
#[test]
fn a_metric_that_no_file_has_is_told_with_the_files() {
    let world = World::new(0);
    let [before, after] = [PROMPTFOO.before, PROMPTFOO.after].map(|name| file("promptfoo", name));
    let gate = ["gate", "--from", "promptfoo", &before, &after, "--metric", "passs"];
    let told = said(&world.run(&gate).expect(2));
    assert!(told.contains("there is no metric `passs`"), "{told}");
    for file in [&before, &after] {
        assert!(told.contains(&format!("{file} has: pass, score, sum")), "{told}");
    }
    assert!(!world.path("reports").exists());
}
