//! A source is one file and one line of the table.

use std::{collections::BTreeSet, fs, path::Path};

use evalmark_integrations::sources::catalog;

/// Files of the table that are no sources.
const SHARED: [&str; 10] = [
    "certificates",
    "checksum",
    "definition",
    "joined_rows",
    "json_rows",
    "mod",
    "objects",
    "service_rows",
    "snapshots",
    "unpack",
];

#[test]
fn every_source_is_one_file_and_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources");
    let table = fs::read_to_string(folder.join("mod.rs")).expect("the table");
    let files: BTreeSet<String> = fs::read_dir(&folder)
        .expect("a folder")
        .filter_map(|entry| {
            entry.expect("an entry").path().file_stem()?.to_str().map(str::to_owned)
        })
        .filter(|name| !SHARED.contains(&name.as_str()))
        .collect();
    let names: BTreeSet<String> = catalog().iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(files, names, "a source's file has its name");
    for name in &names {
        assert_eq!(table.matches(&format!("row::<{name}::")).count(), 1, "{name} in the table");
    }
}

#[test]
fn every_source_says_what_it_is_and_takes_no_other_keys() {
    for kind in catalog() {
        let schema = (kind.schema)();
        assert!(kind.summary.ends_with('.'), "{}", kind.name);
        assert_eq!(schema["additionalProperties"], false, "{}", kind.name);
        assert_eq!(schema["description"], kind.summary, "{}", kind.name);
        let properties = schema["properties"].as_object().expect("parameters");
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{}.{name}", kind.name);
        }
        for ending in kind.path_endings {
            assert!(properties.contains_key("path"), "{} reads .{ending}", kind.name);
        }
    }
}
