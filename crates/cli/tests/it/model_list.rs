//! `evalmark models`: which providers there are, and what a suite writes to ask one.

use evalmark_harness::providers::catalog;

use crate::setup::World;

/// The program's JSON for these providers.
fn listed(names: &[&str]) -> Vec<serde_json::Value> {
    let arguments = [&["models", "--format", "json"], names].concat();
    let ran = World::new(1).run(&arguments).expect(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    document["providers"].as_array().expect("a list").clone()
}

#[test]
fn every_provider_is_listed() {
    let told = World::new(1).run(&["models"]).expect(0).stdout;
    for kind in catalog() {
        assert!(
            told.lines().any(|line| line.split_whitespace().next() == Some(kind.name)),
            "{told}"
        );
    }
    assert!(told.contains("  openai: embeddings, chat messages,"), "{told}");
    let names: Vec<_> = listed(&[]).iter().map(|one| one["name"].clone()).collect();
    assert_eq!(
        names,
        catalog().iter().map(|kind| kind.name.into()).collect::<Vec<serde_json::Value>>()
    );
}

#[test]
fn a_provider_is_told_with_what_a_suite_writes() {
    let told = World::new(1).run(&["models", "groq"]).expect(0).stdout;
    let yaml = "\
models:
  - name: llama-3.1-8b-instant
    provider: groq
    model: llama-3.1-8b-instant
    api_key_env: GROQ_API_KEY
";
    assert!(told.ends_with(yaml) && told.contains("GROQ_API_KEY, for api.groq.com"), "{told}");
    let azure = &listed(&["azure-deployments"])[0];
    assert_eq!(azure["settings"][0]["key"], "api_version");
    let yaml = azure["yaml"].as_str().expect("a text");
    for line in ["base_url: https://RESOURCE.openai.azure.com\n", "api_version: \"2024-10-21\"\n"] {
        assert!(yaml.contains(line), "{yaml}");
    }
    let told = World::new(1).run(&["models", "grog"]).expect(2).stderr;
    assert!(told.contains("there is no provider `grog`") && told.contains("`groq`"), "{told}");
}

/// What stands there passes `check`, in a suite that has the rest.
#[test]
fn what_a_suite_writes_is_without_mistakes() {
    let world = World::new(2);
    let suites: Vec<_> = listed(&[])
        .iter()
        .map(|one| {
            let name = format!("{}.yaml", one["name"].as_str().expect("a name"));
            let models = one["yaml"].as_str().expect("a text");
            let rest = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: plain, template: '{{ text }}' }
metrics:
  - { name: exact, exact: {} }
";
            world.write(&name, &format!("{rest}{models}"));
            name
        })
        .collect();
    let arguments: Vec<_> =
        std::iter::once("check").chain(suites.iter().map(String::as_str)).collect();
    world.run(&arguments).expect(0);
}
