//! The README's first command, on the files that are shipped.

use std::fs;

use crate::setup::{Ran, World, root};

fn quickstart(world: &World, run_id: &str) -> Ran {
    let root = root();
    let suite = root.join("suites/quickstart.yaml").display().to_string();
    fs::create_dir_all(world.path("reports/baselines/quickstart/main")).expect("a folder");
    for name in ["run.json", "scores.parquet", "usage.parquet", "answers.parquet"] {
        let name = format!("reports/baselines/quickstart/main/{name}");
        fs::copy(root.join(&name), world.path(&name)).expect("copied");
    }
    world.run(&["run", &suite, "--run-id", run_id]).expect(0)
}

#[test]
fn the_quickstart_ends_in_a_verdict() {
    let world = World::new(1);
    let ran = quickstart(&world, "r");
    assert!(ran.stdout.contains("IMPROVED against main"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let record = world.json("reports/quickstart/r/run.json");
    assert_eq!(record["counts"]["failed"], 0);
    assert_eq!(record["status"], "complete");
}

/// What the README shows is what one sees.
#[test]
fn the_readme_shows_the_quickstart() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let shown = readme.split("<!-- quickstart -->\n```text\n").nth(1).expect("a block");
    let shown = shown.split("\n```\n").next().expect("its end");
    let ran = quickstart(&World::new(1), "RUN");
    let lines = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(shown), lines(ran.stdout.trim_end()));
}
