//! Licences, sources and duplicates of dependencies, as `deny.toml` allows them; without a network.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::Value;

use crate::setup::root;

/// The texts in the list `name = [ … ]` of `deny.toml`, one a line.
fn listed(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let start = format!("{name} = [");
    let lines = text.lines().skip_while(|line| !line.starts_with(&start));
    let first = lines.clone().next().expect("the list").trim_start_matches(&start);
    let rest = lines.skip(1).take_while(|line| !line.starts_with(']'));
    let quoted = std::iter::once(first).chain(rest).filter_map(|line| line.split('"').nth(1));
    quoted.map(str::to_owned).collect()
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // Only what this machine builds is certain to be there.
    let host = Command::new("rustc").arg("-vV").output().expect("rustc").stdout;
    let host = String::from_utf8(host).expect("UTF-8");
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let text = String::from_utf8_lossy(&metadata.stderr);
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect(&text);
    metadata["packages"].as_array().expect("packages").clone()
}

/// Whether an SPDX expression holds, where `allowed` says which licences do.
fn holds(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let expression = expression.trim();
    for (word, any) in [(" OR ", true), (" AND ", false)] {
        let parts = split(expression, word);
        if parts.len() > 1 {
            let mut parts = parts.iter().map(|part| holds(part, allowed));
            return if any { parts.any(|part| part) } else { parts.all(|part| part) };
        }
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => holds(inner, allowed),
        None => allowed(expression),
    }
}

/// The parts between a word that stands outside of brackets.
fn split<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in expression.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 && at >= start && expression[at..].starts_with(word) {
            parts.push(&expression[start..at]);
            start = at + word.len();
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[test]
fn expressions_are_read() {
    let allowed = |licence: &str| ["MIT", "ISC", "Apache-2.0"].contains(&licence);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("ISC AND (GPL-3.0 OR LGPL-3.0)", false),
        ("(MIT OR GPL-3.0) AND (ISC OR GPL-3.0)", true),
        ("MIT OR ISC AND GPL-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(holds(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn licences_and_sources_are_allowed() {
    let (licences, sources) = (listed("allow"), listed("allow-registry"));
    assert!(licences.len() > 5 && sources.len() == 1);
    let allowed = |licence: &str| licences.iter().any(|allowed| allowed == licence);
    let packages = packages();
    assert!(packages.len() > 300, "{}", packages.len());
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or("none");
        // As it was written before there were expressions.
        let licence = licence.replace(" / ", "/").replace('/', " OR ");
        assert!(holds(&licence, &allowed), "{name} is under {licence}");
        let source = package["source"].as_str().unwrap_or("registry+local");
        let is_ours = source == "registry+local" && name.starts_with("evalmark");
        let is_known = sources.iter().any(|known| source == format!("registry+{known}"));
        assert!(is_ours || is_known, "{name} comes from {source}");
    }
}

#[test]
fn duplicates_have_reasons_and_what_is_denied_is_absent() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("name = ") else { continue };
        let version = lines.next().and_then(|line| line.strip_prefix("version = "));
        versions
            .entry(name.trim_matches('"'))
            .or_default()
            .extend(version.map(|v| v.trim_matches('"')));
    }
    let skipped = listed("skip");
    let known =
        |name: &str, version: &str| skipped.iter().any(|s| *s == format!("{name}@{version}"));
    for (name, versions) in &versions {
        let open: Vec<_> = versions.iter().filter(|version| !known(name, version)).collect();
        assert!(open.len() <= 1, "{name} is there as {open:?}; say why in deny.toml, or have one");
    }
    for denied in listed("deny") {
        assert!(
            !versions.contains_key(denied.as_str()),
            "{denied} is there; deny.toml says why not"
        );
    }
    for skip in &skipped {
        let (name, version) = skip.split_once('@').expect("a version");
        let there = versions.get(name).map_or(&[][..], Vec::as_slice);
        assert!(there.len() > 1 && there.contains(&version), "{skip} is no duplicate any more");
    }
}
