//! `evalmark init --ci` on suites that are there already, and what it says comes next.

use std::fs;

use crate::setup::World;

fn repository() -> World {
    let world = World { folder: tempfile::tempdir().expect("a folder") };
    fs::create_dir(world.path(".git")).expect("a repository");
    world
}

#[test]
fn a_recipe_alone_is_added_to_suites_that_are_there() {
    let world = repository();
    world.run(&["init", "--example"]).expect(0);
    let suite = world.bytes("suites/messages.yaml");
    let ignored = world.bytes(".gitignore");
    let told = world.run(&["init", "--ci", "github"]).expect(0);
    assert!(told.stderr.contains("no baseline in reports/baselines yet"), "{}", told.stderr);
    assert!(!told.stderr.contains("suites/*.yaml"), "{}", told.stderr);
    let next = "  git add .github/workflows/evalmark.yml suites reports/baselines";
    assert!(told.stdout.lines().any(|line| line == next), "{}", told.stdout);
    let shipped = fs::read(crate::setup::root().join("ci/github.yml")).expect("the recipe");
    assert_eq!(world.bytes(".github/workflows/evalmark.yml"), shipped);
    assert_eq!((world.bytes("suites/messages.yaml"), world.bytes(".gitignore")), (suite, ignored));
    // Once more is no mistake; another's file is.
    let again = world.run(&["init", "--ci", "github"]).expect(0);
    assert!(again.stdout.contains("kept"), "{}", again.stdout);
    world.write("Jenkinsfile", "mine\n");
    world.run(&["init", "--ci", "jenkins"]).expect(2);
    assert_eq!(world.bytes("Jenkinsfile"), b"mine\n");
    world.run(&["init", "--ci", "jenkins", "--force"]).expect(0);
    // What is said of a suite asks for one.
    world.run(&["init", "--ci", "gitlab", "--provider", "openai"]).expect(2);
}

#[test]
fn a_recipe_without_suites_says_that_its_job_fails() {
    let world = repository();
    let told = world.run(&["init", "--ci", "bitbucket"]).expect(0);
    assert!(told.stderr.contains("no suites/*.yaml yet"), "{}", told.stderr);
}

#[test]
fn every_file_that_a_job_needs_is_added_to_git() {
    let world = repository();
    fs::create_dir(world.path("my data")).expect("a folder");
    let rows: Vec<_> = (0..200).map(|n| format!("q{n},{},x", ["x", "y"][n % 2])).collect();
    let rows = format!("text,label,model_answer\n{}\n", rows.join("\n"));
    world.write("my data/rows.csv", &rows);
    let dataset = ["--dataset", "my data/rows.csv", "--provider", "recorded"];
    let told = world.run(&[&["init", "--ci", "github"], &dataset[..]].concat()).expect(0);
    let next = "  git add .gitignore .github/workflows/evalmark.yml 'my data/rows.csv' suites reports/baselines";
    assert!(told.stdout.lines().any(|line| line == next), "{}", told.stdout);
    let told = world.run(&["init", "its own", "--example"]).expect(0);
    assert!(told.stdout.contains("\n  cd 'its own'\n"), "{}", told.stdout);
}
