//! The suite's JSON Schema as editors find it: a committed file, and a first line in every suite that
//! leads to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::setup::{World, root};

const FILE: &str = "docs/src/suite.schema.json";

/// Made by `cargo run -- schema suite > docs/src/suite.schema.json`.
#[test]
fn the_committed_schema_is_what_the_program_prints() {
    let printed = World::new(1).run(&["schema", "suite"]).expect(0).stdout;
    let committed = fs::read_to_string(root().join(FILE)).expect(FILE);
    assert!(printed == committed, "run `cargo run -- schema suite > {FILE}`");
}

fn suites_of(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect(folder);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    assert!(paths.len() >= 3, "{paths:?}");
    paths
}

/// The schema that a suite's first line leads to.
fn schema_of(suite: &Path) -> PathBuf {
    let text = fs::read_to_string(suite).expect("a suite");
    let first = text.lines().next().unwrap_or_default();
    let path = first.strip_prefix("# yaml-language-server: $schema=");
    let path = path.unwrap_or_else(|| panic!("{}: {first}", suite.display()));
    suite.parent().expect("a folder").join(path)
}

#[test]
fn every_suite_leads_editors_to_the_schema() {
    let schema = fs::canonicalize(root().join(FILE)).expect(FILE);
    for suite in [suites_of("suites"), suites_of("suites/examples")].concat() {
        let found = fs::canonicalize(schema_of(&suite)).expect("the schema");
        assert_eq!(found, schema, "{}", suite.display());
    }
    let world = World::new(1);
    world.run(&["init", "--example"]).expect(0);
    let found = fs::read(schema_of(&world.path("suites/messages.yaml"))).expect("the schema");
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
    assert!(json(&found) == json(&fs::read(schema).expect("the schema")));
}
