//! `evalmark run --prompts-at`, `run --against` and `evalmark bisect`: what a suite asked at a revision, asked again.

use std::{collections::BTreeSet, fs};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::{
    git_world::GitWorld,
    setup::{World, answer, right},
};

/// A model that is right unless it is asked to guess.
fn server() -> Server {
    Server::start(
        |seen: &Seen| {
            if seen.prompt().contains("Guess") { Reply::text("mauve") } else { right(seen) }
        },
    )
}

/// Forty items, and a suite that uses a prompt of the library with a fragment.
fn world(server: &Server) -> GitWorld {
    let made = GitWorld::of(World::new(40));
    made.write("prompts/tone.j2", "Be kind.");
    made.write("prompts/colour.md", "---\n---\n{% include 'tone.j2' %} Colour of {{ text }}\n");
    let url = server.url();
    made.write(
        "suite.yaml",
        &format!(
            "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\n\
             prompts: [{{ name: plain, use: colour }}]\n\
             models: [{{ name: small, provider: openai, base_url: '{url}', params: {{ temperature: 0 }} }}]\n\
             metrics: [{{ name: exact, exact: {{}} }}]\ngate: {{ metrics: {{ exact: {{ margin: 0.1 }} }} }}\n"
        ),
    );
    made.commit("First");
    made
}

#[test]
fn prompts_of_a_revision_are_asked_beside_those_of_now() {
    let server = server();
    let made = world(&server);
    made.write("prompts/tone.j2", "Guess.");
    made.world.run_suite("both", &["--prompts-at", "HEAD"]).expect(0);
    let run = made.world.json("reports/test/both/run.json");
    let names: Vec<_> =
        run["prompts"].as_array().expect("prompts").iter().map(|p| &p["name"]).collect();
    let head = made.git(&["rev-parse", "HEAD"]);
    assert_eq!(names, ["plain", &format!("plain@{}", &head[..10])]);
    assert_eq!(run["options"]["prompts_at"], head.as_str());
    let told = made.world.run(&[
        "compare",
        "reports/test/both",
        "--between",
        &format!("plain@{}", &head[..10]),
        "plain",
    ]);
    assert!(told.expect(1).stdout.contains("regressed"));
    // What is asked again is not bought again, and what is the same is asked once.
    let seen = server.requests().len();
    made.world.run(&["resume", "reports/test/both"]).expect(0);
    made.world.run(&["score", "reports/test/both"]).expect(0);
    assert_eq!(
        made.world.json("reports/test/both/run.json")["prompts"].as_array().map(Vec::len),
        Some(2)
    );
    made.git(&["checkout", "-q", "."]);
    let same = made.world.run_suite("same", &["--prompts-at", "HEAD"]).expect(0);
    assert!(same.stderr.contains("`plain`"), "{}", same.stderr);
    assert_eq!(server.requests().len(), seen);
}

#[test]
fn a_pull_request_is_gated_without_a_baseline() {
    let server = server();
    let made = world(&server);
    made.git(&["checkout", "-q", "-b", "change"]);
    made.write("prompts/tone.j2", "Guess.");
    made.commit("Guess");
    let told = made.world.run_suite("new", &["--against", "main"]).expect(1);
    assert!(told.stdout.contains("regressed"), "{}", told.stdout);
    let old = made.world.json("reports/test/new-base/run.json");
    assert_eq!(old["git"]["revision"], made.git(&["rev-parse", "main"]).as_str());
    assert_eq!(server.requests().len(), 80);
    // Both are known by now.
    made.world.run_suite("again", &["--against", "main"]).expect(1);
    made.world.run(&["resume", "reports/test/again"]).expect(1);
    made.world.run(&["resume", "reports/test/again-base"]).expect(0);
    assert_eq!(server.requests().len(), 80);
    // A model's parameter is part of what was asked.
    let suite = fs::read_to_string(made.world.path("suite.yaml")).expect("a suite");
    made.git(&["checkout", "-q", "main"]);
    made.write("suite.yaml", &suite.replace("temperature: 0", "temperature: 1"));
    made.world.run_suite("hot", &["--against", "HEAD"]).expect(0);
    assert_eq!(server.requests().len(), 120);
    let params = |id: &str| {
        let run = made.world.json(&format!("reports/test/{id}/run.json"));
        run["effective_suite"]["models"][0]["params"]["temperature"].clone()
    };
    assert_eq!((params("hot"), params("hot-base")), (1.into(), 0.into()));
    let told = made.world.run_suite("x", &["--against", "nowhere"]).expect(2).stderr;
    assert!(told.contains("`nowhere` names no commit"), "{told}");
    made.write("prompts/colour.md", "---\n---\n{{ body }}\n");
    made.commit("Broken");
    made.git(&["checkout", "-q", "HEAD~1", "--", "prompts"]);
    let told = made.world.run_suite("y", &["--against", "HEAD"]).expect(2).stderr;
    assert!(told.contains("the suite cannot be asked") && told.contains("body"), "{told}");
}

#[test]
fn the_gate_of_a_pull_request_ends_as_gates_do() {
    let server = Server::start(|seen: &Seen| {
        let (prompt, i) = (seen.prompt(), crate::setup::item(seen));
        match prompt {
            prompt if prompt.contains("Fail") => Reply::status(400),
            prompt if prompt.contains("Maybe") && i.is_multiple_of(14) => Reply::text("mauve"),
            _ => Reply::text(answer(i)),
        }
    });
    let made = world(&server);
    let check = |tone: &str, arguments: &[&str], code: i32| {
        made.write("prompts/tone.j2", tone);
        made.world
            .run_suite(&format!("of-{}", tone.len()), &[&["--against", "HEAD"], arguments].concat())
            .expect(code)
    };
    check("Be kinder.", &[], 0);
    check("Maybe.", &[], 3);
    check("Fail.", &[], 4);
    // What may be spent is for both runs: 40 requests of the first are answered from the ledger.
    check("Be very kind.", &["--max-tokens", "60"], 4);
    // At a commit without the suite, its files are asked as they were.
    made.write("prompts/tone.j2", "Be kind.");
    made.git(&["mv", "suite.yaml", "other.yaml"]);
    made.commit("Moved");
    made.git(&["mv", "other.yaml", "suite.yaml"]);
    check("Be kind again.", &[], 0);
    // A suite that was none then.
    made.git(&["checkout", "-q", "-f", "HEAD"]);
    let suite = fs::read_to_string(made.world.path("other.yaml")).expect("a suite");
    made.write("suite.yaml", "- 1\n- 2\n");
    made.commit("No suite");
    made.write("suite.yaml", &suite);
    let told = check("Be a suite.", &[], 2).stderr;
    assert!(told.contains("the suite cannot be asked") && told.contains("mapping"), "{told}");
}

fn bisect(made: &GitWorld, more: &[&str]) -> Value {
    let ran = made
        .world
        .run(&[&["bisect", "suite.yaml", "good", "main", "--format", "json"], more].concat());
    serde_json::from_str(&ran.expect(0).stdout).expect("JSON")
}

#[test]
fn the_first_bad_commit_of_64_is_found_in_7_runs() {
    let server = server();
    let made = world(&server);
    made.git(&["tag", "good"]);
    let mut planted = String::new();
    for i in 1..=64 {
        let tone = if i < 41 { format!("Be kind {i}.") } else { format!("Guess {i}.") };
        made.write("prompts/tone.j2", &tone);
        let commit = made.commit(&format!("Change {i}"));
        if i == 41 {
            planted = commit;
        }
    }
    let found = bisect(&made, &["--metric", "exact"]);
    assert_eq!(found["first_bad"][0]["commit"], planted.as_str(), "{found:#}");
    let n_runs = found["n_runs"].as_u64().expect("a number");
    assert!(n_runs <= 7, "{found:#}");
    let seen = server.requests();
    let bodies: BTreeSet<_> = seen.iter().map(|seen| seen.json().to_string()).collect();
    assert_eq!((seen.len() as u64, bodies.len() as u64), (40 * n_runs, 40 * n_runs));
    // Nothing is bought twice.
    bisect(&made, &[]);
    assert_eq!(server.requests().len() as u64, 40 * n_runs);
    let status = made.git(&["status", "--porcelain", "--untracked-files=no"]);
    assert_eq!(status, "", "the working tree is as it was");
}

#[test]
fn a_shallow_clone_is_searched_as_far_as_it_goes() {
    let server = server();
    let made = world(&server);
    made.git(&["tag", "good"]);
    for i in 1..=12 {
        let tone = if i < 9 { format!("Be kind {i}.") } else { format!("Guess {i}.") };
        made.write("prompts/tone.j2", &tone);
        made.commit(&format!("Change {i}"));
    }
    let world = World { folder: tempfile::tempdir().expect("a folder") };
    let url = format!("file://{}", made.root.display());
    let to = world.folder.path().to_str().expect("UTF-8");
    made.git(&["clone", "-q", "--depth", "8", &url, to]);
    let run = |good: &str, code: i32| {
        world.run(&["bisect", "suite.yaml", good, "HEAD", "--format", "json"]).expect(code)
    };
    let found: Value = serde_json::from_str(&run("HEAD~7", 0).stdout).expect("JSON");
    assert_eq!(found["first_bad"][0]["subject"], "Change 9", "{found:#}");
    let told = run("HEAD~10", 2).stderr;
    assert!(told.contains("of this shallow clone") && told.contains("--unshallow"), "{told}");
}

#[test]
fn commits_that_ask_the_same_are_run_once() {
    let server = server();
    let made = world(&server);
    made.git(&["tag", "good"]);
    for i in 0..30 {
        match i {
            20 => made.write("prompts/tone.j2", "Guess."),
            i => made.write("README.md", &i.to_string()),
        }
        made.commit(&format!("Change {i}"));
    }
    let found = bisect(&made, &[]);
    assert_eq!(found["first_bad"][0]["subject"], "Change 20", "{found:#}");
    assert_eq!(found["n_runs"], 2);
    assert_eq!(server.requests().len(), 80);
}

#[test]
fn both_sides_of_a_merge_are_searched_and_what_cannot_tell_is_skipped() {
    let server = Server::start(|seen: &Seen| {
        let (prompt, i) = (seen.prompt(), crate::setup::item(seen));
        if prompt.contains("Fail") {
            return Reply::status(400);
        }
        let is_wrong =
            prompt.contains("Guess") || (prompt.contains("Maybe") && i.is_multiple_of(14));
        if is_wrong { Reply::text("mauve") } else { Reply::text(answer(i)) }
    });
    let made = world(&server);
    made.git(&["tag", "good"]);
    made.git(&["checkout", "-q", "-b", "side"]);
    for (tone, subject) in [("Be so.", "Side 1"), ("Guess.", "Side 2"), ("Guess so.", "Side 3")] {
        made.write("prompts/tone.j2", tone);
        made.commit(subject);
    }
    made.git(&["checkout", "-q", "main"]);
    made.write("README.md", "x");
    made.commit("Main");
    made.merge("side");
    let found = bisect(&made, &[]);
    assert_eq!(found["first_bad"][0]["subject"], "Side 2", "{found:#}");
    // The one before the bad one cannot tell, and others cannot be asked or are not answered.
    let change = |tone: &str, subject: &str| {
        made.write("prompts/tone.j2", tone);
        made.commit(subject);
    };
    change("Be good.", "Fixed");
    made.git(&["tag", "-f", "good"]);
    change("Be very good.", "Better");
    change("Maybe.", "Unsure");
    change("{{ nothing }}", "Broken");
    change("Fail.", "Failing");
    change("Guess again.", "Worse");
    change("Guess anew.", "Worse still");
    let ran =
        made.world.run(&["bisect", "suite.yaml", "good", "main", "--format", "json"]).expect(3);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let left: Vec<_> =
        found["first_bad"].as_array().expect("commits").iter().map(|c| &c["subject"]).collect();
    assert_eq!(left, ["Unsure", "Broken", "Failing", "Worse"], "{found:#}");
    let text = made.world.run(&["bisect", "suite.yaml", "good", "main"]).expect(3).words();
    assert!(text.contains("one of these is the first bad commit"), "{text}");
}

#[test]
fn what_cannot_be_searched_is_told() {
    let server = server();
    let made = world(&server);
    made.git(&["tag", "good"]);
    made.write("README.md", "x");
    made.commit("Same");
    made.git(&["tag", "same"]);
    made.write("prompts/tone.j2", "Be brief.");
    made.commit("Other words");
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let ran = made.world.run(&[&["bisect", "suite.yaml"], arguments].concat()).expect(code);
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expected), "{expected}: {told}");
    };
    check(&["main", "good"], 2, "main is not before good");
    check(&["good", "same"], 2, "ask the same");
    check(&["good", "main", "--metric", "exakt"], 2, "no metric `exakt`");
    check(&["good", "main", "--no-cache"], 2, "without a cache");
    assert_eq!(server.requests().len(), 0, "nothing was asked");
    check(&["good", "main"], 3, "are not worse");
}
