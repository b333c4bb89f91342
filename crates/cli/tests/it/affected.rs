//! `evalmark affected` and `evalmark run --affected`: the suites that a change reaches, and those alone.

use std::fs;

use serde_json::Value;

use crate::git_world::GitWorld;

/// A suite over a dataset of its own; `prompts` and `more` are lines of it.
fn suite(name: &str, prompts: &str, more: &str) -> String {
    format!(
        "name: {name}\ndataset: {{ path: ../data/{name}.csv, id: id, target: label }}\n{prompts}\n\
         models: [{{ name: one, recorded: {{ column: answer }} }}]\nmetrics: [{{ name: exact, exact: {{}} }}]\n{more}"
    )
}

/// Suites that read files in every way, and a library of prompts with a shared fragment.
fn world() -> GitWorld {
    let made = GitWorld::new();
    let data = "id,text,label,answer\n1,a,red,red\n2,b,red,blue\n";
    let suites = [
        ("inline", "prompts: [{ name: p, template: '{{ text }}' }]"),
        ("filed", "prompts: [{ name: p, file: p/filed.j2 }]"),
        ("including", "prompts: [{ name: p, file: p/including.j2 }]"),
        ("library", "prompts: [{ name: p, use: sort }]"),
        ("library-too", "prompts: [{ name: p, use: topic }]"),
        (
            "swept",
            "matrix: { tone: [kind, brief] }\nprompts: [{ name: p-$(matrix.tone), file: p/$(matrix.tone).j2 }]",
        ),
    ];
    for (name, prompts) in suites {
        made.write(&format!("suites/{name}.yaml"), &suite(name, prompts, ""));
        made.write(&format!("data/{name}.csv"), data);
    }
    let labelled =
        "metrics: [{ name: exact, exact: {}, labels: { file: ../labels.csv, column: ok } }]";
    let text = suite("labelled", "prompts: [{ name: p, template: '{{ text }}' }]", "");
    made.write(
        "suites/labelled.yaml",
        &text.replace("metrics: [{ name: exact, exact: {} }]", labelled),
    );
    made.write("data/labelled.csv", data);
    made.write("labels.csv", "item_id,ok\n1,1\n");
    for (name, text) in [
        ("filed", "{{ text }}"),
        ("including", "{% include 'deep.j2' %}{{ text }}"),
        ("deep", "{% include 'deeper.j2' %}"),
        ("deeper", "Be kind."),
        ("kind", "Kindly: {{ text }}"),
        ("brief", "{{ text }}"),
    ] {
        made.write(&format!("suites/p/{name}.j2"), text);
    }
    let prompt = "---\n---\n{% include 'tone.j2' %}\n{{ text }}\n";
    made.write("prompts/sort.md", prompt);
    made.write("prompts/topic.md", &prompt.replace("tone", "other"));
    made.write("prompts/tone.j2", "Be kind.");
    made.write("prompts/other.j2", "Be kind.");
    made.write("notes.yaml", "nothing: here\n");
    made.commit("First");
    made
}

fn affected(made: &GitWorld, more: &[&str]) -> Value {
    let ran = made.world.run(&[&["affected", "--base", "main", "--format", "json"], more].concat());
    serde_json::from_str(&ran.expect(0).stdout).expect("JSON")
}

fn paths(affected: &Value) -> Vec<String> {
    let suites = affected["suites"].as_array().expect("suites");
    suites.iter().map(|suite| suite["path"].as_str().expect("a path").to_owned()).collect()
}

#[test]
fn a_change_reaches_the_suites_that_read_the_file() {
    let made = world();
    made.git(&["checkout", "-q", "-b", "change"]);
    let check = |file: &str, text: Option<&str>, expected: &[&str], through: &str| {
        match text {
            Some(text) => made.write(file, text),
            None => fs::remove_file(made.world.path(file)).expect("removed"),
        }
        for is_committed in [false, true] {
            if is_committed {
                made.commit(file);
            }
            let found = affected(&made, &[]);
            let expected: Vec<_> =
                expected.iter().map(|name| format!("suites/{name}.yaml")).collect();
            assert_eq!(paths(&found), expected, "{file}: {found:#}");
            let reason = &found["suites"][0]["reasons"][0];
            assert!(
                reason["through"].as_str().is_none_or(|told| told.contains(through)),
                "{found:#}"
            );
            assert_eq!(found["n_suites"], 7, "{found:#}");
        }
        made.git(&["reset", "-q", "--hard", "main"]);
    };
    check("README.md", Some("x"), &[], "");
    check("notes.yaml", Some("nothing: there\n"), &[], "");
    check("data/inline.csv", Some("id\n"), &["inline"], "dataset.path");
    check("suites/p/filed.j2", Some("x"), &["filed"], "prompts.0.file");
    check("suites/p/deeper.j2", Some("x"), &["including"], "prompts.0.file includes it");
    check("suites/p/deeper.j2", None, &["including"], "prompts.0.file includes it");
    check("suites/p/kind.j2", Some("x"), &["swept"], "prompts.0.file");
    check("prompts/sort.md", Some("---\n---\nx"), &["library"], "the prompt `sort`");
    check("prompts/sort.md", None, &["library"], "the prompt `sort`");
    check("prompts/tone.j2", Some("x"), &["library"], "the prompt `sort` includes it");
    check(
        "suites/prompts/topic.md",
        Some("---\n---\nnearer"),
        &["library-too"],
        "the prompt `topic`",
    );
    check("labels.csv", Some("item_id,ok\n1,0\n"), &["labelled"], "labels.file");
    let own = fs::read_to_string(made.world.path("suites/inline.yaml")).expect("a suite");
    check(
        "suites/inline.yaml",
        Some(&format!("{own}epochs: 2\n")),
        &["inline"],
        "the suite itself",
    );
    check("suites/inline.yaml", Some("prompts: [\ndataset: {\n"), &["inline"], "it cannot be read");
}

#[test]
fn a_change_is_what_the_branch_did() {
    let made = world();
    made.git(&["checkout", "-q", "-b", "change"]);
    made.write("data/inline.csv", "id\n");
    made.commit("On the branch");
    made.git(&["checkout", "-q", "main"]);
    made.write("data/filed.csv", "id\n");
    made.commit("Meanwhile");
    made.git(&["checkout", "-q", "change"]);
    // What changed on `main` meanwhile does not count as a change of the branch.
    assert_eq!(paths(&affected(&made, &[])), ["suites/inline.yaml"]);
    assert_eq!(paths(&affected(&made, &["suites/filed.yaml"])), [""; 0]);
    assert_eq!(paths(&affected(&made, &["suites"])), ["suites/inline.yaml"]);
}

#[test]
fn only_affected_suites_are_run() {
    let made = world();
    made.write("prompts/tone.j2", "Be brief.");
    made.write("data/inline.csv", "id,text,label,answer\n1,a,red,red\n");
    made.world.run(&["run", "--affected", "--base", "main"]).expect(0);
    let ran = fs::read_dir(made.world.path("reports")).expect("runs");
    let mut ran: Vec<_> = ran.map(|entry| entry.expect("a run").file_name()).collect();
    ran.sort();
    assert_eq!(ran, ["inline", "library"]);
    made.git(&["checkout", "-q", "."]);
    let none = made.world.run(&["run", "--affected", "--base", "main", "suites"]).expect(0);
    assert!(none.stderr.contains("reach 0 of 7 suites"), "{}", none.stderr);
    let told = made.world.run(&["run", "--affected"]).expect(2).stderr;
    assert!(told.contains("--base"), "{told}");
}

#[test]
fn what_is_wrong_is_told() {
    let made = world();
    let told = made.world.run(&["affected", "--base", "nowhere"]).expect(2).stderr;
    assert!(told.contains("`nowhere` names no commit"), "{told}");
    let outside = crate::setup::World::new(1);
    let told = outside.run(&["affected", "--base", "main"]).expect(2).stderr;
    assert!(told.contains("is in no git repository"), "{told}");
}
