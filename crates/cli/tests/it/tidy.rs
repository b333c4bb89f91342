//! What keeps the house in order: the arrows between crates, and that what is shipped works.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::setup::{World, root};

/// Which crates of the workspace each may use. Everything else is sideways or upwards.
const ARROWS: &[(&str, &[&str])] = &[
    ("evalmark-core", &[]),
    ("evalmark-net", &[]),
    ("evalmark-harness", &["evalmark-core", "evalmark-net"]),
    (
        "evalmark-integrations",
        &["evalmark-core", "evalmark-net", "evalmark-report", "evalmark-store"],
    ),
    ("evalmark-scoring", &["evalmark-core"]),
    ("evalmark-verdict", &["evalmark-core"]),
    ("evalmark-report", &["evalmark-core"]),
    (
        "evalmark-runner",
        &[
            "evalmark-core",
            "evalmark-harness",
            "evalmark-report",
            "evalmark-scoring",
            "evalmark-store",
            "evalmark-verdict",
        ],
    ),
    ("evalmark-store", &["evalmark-core"]),
    (
        "evalmark-terminal",
        &[
            "evalmark-core",
            "evalmark-harness",
            "evalmark-report",
            "evalmark-runner",
            "evalmark-store",
            "evalmark-verdict",
        ],
    ),
    ("evalmark-loopback", &[]),
    // What the engine computes is handed to it: it shows runs, and carries none out.
    ("evalmark-viewer", &["evalmark-core", "evalmark-report", "evalmark-store"]),
    (
        "evalmark",
        &[
            "evalmark-core",
            "evalmark-harness",
            "evalmark-integrations",
            "evalmark-report",
            "evalmark-runner",
            "evalmark-scoring",
            "evalmark-store",
            "evalmark-terminal",
            "evalmark-verdict",
            "evalmark-viewer",
        ],
    ),
];

/// Dependencies that only one crate may have.
const WALLS: &[(&str, &str)] = &[
    ("polars-arrow", "evalmark-report"),
    ("polars-buffer", "evalmark-report"),
    ("polars-parquet", "evalmark-report"),
    ("polars-utils", "evalmark-report"),
    ("reqwest", "evalmark-net"),
    // The journals of its own, and users' databases as datasets.
    ("rusqlite", "evalmark-harness evalmark-integrations"),
    ("gix", "evalmark-store"),
    ("axum", "evalmark-viewer"),
    ("comfy-table", "evalmark-terminal"),
    ("clap", "evalmark"),
    ("anyhow", "evalmark"),
    ("indicatif", "evalmark"),
];

/// One concept, one word: a public type's name says what it is in every crate.
#[test]
fn no_two_public_types_share_a_name() {
    let mut owners: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_tests = path.file_name().is_some_and(|name| name == "tests");
            if path.is_dir() && !is_tests {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                for name in text.lines().filter_map(public_type) {
                    if let Some(other) = owners.insert(name.to_owned(), path.clone()) {
                        panic!("`{name}` is in {} and {}", other.display(), path.display());
                    }
                }
            }
        }
    }
    assert!(owners.len() > 100, "{owners:?}");
}

/// A protocol is one file (with what stands in a folder of its name) and one line: nothing else in the
/// sources names it.
#[test]
fn a_protocol_is_one_file_and_one_line() {
    const NAME: &str = "anthropic";
    let providers = root().join("crates/harness/src/providers");
    let own = |path: &Path| {
        let below = path.strip_prefix(&providers).ok();
        below.is_some_and(|path| path.starts_with(NAME) || path == Path::new("anthropic.rs"))
    };
    let (mut named, mut folders) = (Vec::new(), vec![root().join("crates")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // A loopback server speaks every protocol, tests speak of all, and an importer knows what
            // other tools call them.
            let is_left_out = ["tests", "tests.rs", "loopback", "integrations/src/suites"]
                .iter()
                .any(|name| path.ends_with(name));
            if is_left_out || own(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let lines = text.lines().filter(|line| line.to_lowercase().contains(NAME));
                named.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
            }
        }
    }
    named.sort();
    let table = providers.join("mod.rs").display().to_string();
    assert!(named.iter().all(|line| line.starts_with(&table)), "{named:#?}");
    assert_eq!(named.len(), 2, "`mod`, and the line: {named:#?}");
}

/// The name of the public type that a line declares.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?;
    let kinds = ["struct ", "enum ", "trait ", "type "];
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The engine and what it stands on read no environment, print nothing and end no process: that is
/// the program's.
#[test]
fn libraries_leave_the_process_alone() {
    let mut folders: Vec<PathBuf> = [
        "core",
        "net",
        "scoring",
        "verdict",
        "report",
        "store",
        "integrations",
        "runner",
        "viewer",
    ]
    .map(|name| root().join("crates").join(name).join("src"))
    .into();
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            n_files += 1;
            let text = fs::read_to_string(&path).expect("a source file");
            for word in ["env::var", "println!", "eprintln!", "process::exit", "env::args"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
    assert!(n_files > 200, "{n_files}");
}

#[test]
fn dependencies_point_the_right_way() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let used: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().expect("a name"))
            .collect();
        // Benches measure the walls from outside: a bare loop of requests is the floor.
        let is_bench = name == "evalmark-benches" || name == "evalmark-fuzz";
        for (dependency, owners) in WALLS {
            let may = is_bench || owners.split(' ').any(|owner| owner == name);
            assert!(!used.contains(dependency) || may, "{name} uses {dependency}");
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            assert!(is_bench, "{name} needs its arrows here");
            continue;
        };
        let ours = used.iter().filter(|dependency| dependency.starts_with("evalmark"));
        for dependency in ours {
            assert!(allowed.contains(dependency), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn every_shipped_suite_is_without_mistakes() {
    let world = World::new(1);
    let mut suites: Vec<_> = fs::read_dir(root().join("suites"))
        .expect("suites")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| path.display().to_string())
        .collect();
    suites.sort();
    assert!(suites.len() >= 3, "{suites:?}");
    let arguments: Vec<_> =
        std::iter::once("check").chain(suites.iter().map(String::as_str)).collect();
    world.run(&arguments).expect(0);
}

#[test]
fn schemas_are_json() {
    let world = World::new(1);
    for of in ["suite", "samples", "scores", "summary", "verdict"] {
        let ran = world.run(&["schema", of]).expect(0);
        let schema: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert!(schema.is_object(), "{of}");
    }
}

#[test]
fn completions_are_made() {
    let world = World::new(1);
    let ran = world.run(&["completions", "bash"]).expect(0);
    assert!(ran.stdout.contains("_evalmark"));
}
