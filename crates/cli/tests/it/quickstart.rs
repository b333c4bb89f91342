//! The README's first command, on the files that are shipped.

use crate::setup::{World, root};

#[test]
fn the_quickstart_ends_in_a_verdict() {
    let world = World::new(1);
    let root = root();
    let suite = root.join("suites/quickstart.yaml").display().to_string();
    let baseline = root.join("reports/baselines/quickstart/main").display().to_string();
    let arguments = ["run", &suite, "--baseline", &baseline, "--run-id", "r"];
    let ran = world.run(&arguments).expect(0);
    assert!(ran.stdout.contains("IMPROVED"), "{}", ran.stdout);
    assert!(ran.stdout.contains("few-shot"), "{}", ran.stdout);
    assert!(ran.stdout.contains("reports/quickstart/r/report.html"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let record = world.json("reports/quickstart/r/run.json");
    assert_eq!(record["counts"]["failed"], 0);
    assert_eq!(record["status"], "complete");
}
