//! Runs over a selection of a dataset: what they ask, what they keep of it, and what a gate says of another.

use evalmark_loopback::Server;

use crate::setup::{World, right, suite};

#[test]
fn a_gate_says_that_another_selection_is_another_set_of_items() {
    let server = Server::start(right);
    let world = World::new(200);
    let run = |id: &str, selection: &str, expected: i32| {
        let plain = suite(&server.url(), "");
        let selected = format!("dataset: {{ {selection} path: data.csv,");
        world.write("suite.yaml", &plain.replace("dataset: { path: data.csv,", &selected));
        world.run_suite(id, &["--new-baseline"]).expect(expected);
        world.json(&format!("reports/test/{id}/run.json"))
    };
    let all = run("all", "", 0);
    assert_eq!(all["n_items"], 200);
    let sampled = run("sampled", "sample: { n: 50, seed: 1 },", 0);
    assert_eq!(sampled["n_items"], 50);
    assert_eq!(sampled["effective_suite"]["dataset"]["sample"]["seed"], 1);
    let again = run("again", "sample: { n: 50, seed: 1 },", 0);
    assert_eq!(sampled["dataset_hash"], again["dataset_hash"]);
    let gate = |before: &str| {
        let baseline = format!("reports/test/{before}");
        world.run(&["gate", "reports/test/again", "--baseline", &baseline])
    };
    let same = gate("sampled").stdout;
    assert!(same.contains("nothing changed since the baseline"), "{same}");
    let other = gate("all").expect(4);
    assert!(other.stdout.contains("INCOMPARABLE"), "{}", other.stdout);
    assert!(other.stdout.contains("`dataset.sample` was unset, is"), "{}", other.stdout);
    // Nothing is asked where nothing is selected, or a value is not what it must be.
    let asked = server.count();
    run_wrong(&world, &server, "filter: label == 'no such',", "no row that is selected");
    run_wrong(
        &world,
        &server,
        "schema: { label: { values: [red] } },",
        "is none of the values there may be",
    );
    assert_eq!(server.count(), asked);
}

fn run_wrong(world: &World, server: &Server, selection: &str, expected: &str) {
    let plain = suite(&server.url(), "");
    let selected = format!("dataset: {{ {selection} path: data.csv,");
    world.write("suite.yaml", &plain.replace("dataset: { path: data.csv,", &selected));
    let ran = world.run_suite("wrong", &[]).expect(2);
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}
