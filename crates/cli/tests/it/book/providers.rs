//! A page for each provider, generated from the catalog, and the chapter that lists them. Their suites are
//! checked with those of all pages.

use std::fmt::Write;

use evalmark_core::provider::ProviderKind;
use evalmark_harness::providers::catalog;
use evalmark_runner::{provider_yaml, supported};

use super::{
    pages::Page,
    reference::{MADE, hold},
};

const SUMMARY: &str = "docs/src/SUMMARY.md";
/// The chapter's heading, which is the last one of the list.
const CHAPTER: &str = "# Providers\n";

fn code(names: &[&str]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// The parameters that its servers know.
fn params(kind: &ProviderKind) -> String {
    let schema = (kind.params)();
    let known = schema["properties"].as_object();
    let names: Vec<_> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let rest = match kind.options {
        Some(_) => "what you make of them",
        None if kind.knows_all_params => "others only under `extra`",
        None => "others are sent as they stand",
    };
    if names.is_empty() { rest.to_owned() } else { format!("{}; {rest}", code(&names)) }
}

/// Where it is asked.
fn address(kind: &ProviderKind) -> String {
    match (kind.base_url, kind.options) {
        (Some(url), _) => format!("`{url}`"),
        (None, Some(options)) => format!("`{}` says how it is asked", options.key),
        (None, None) => "`base_url`: your own".to_owned(),
    }
}

fn page(kind: &ProviderKind) -> String {
    let (name, summary, yaml) = (kind.name, kind.summary, provider_yaml(kind));
    let mut page = format!(
        "# `{name}`\n\n{MADE}\n\n{summary}.\n\n```yaml\n{yaml}```\n\n| | |\n| --- | --- |\n"
    );
    let settings = kind.settings.iter().map(|setting| {
        let rest = if setting.is_required { "" } else { " (optional)" };
        format!("`{}`{rest}", setting.key.as_str())
    });
    let rows = [
        ("protocol", kind.protocol.to_owned()),
        ("address", address(kind)),
        ("its own keys", settings.collect::<Vec<_>>().join(", ")),
        ("variable of the key", code(kind.key_variables)),
        ("hosts of the key", code(kind.key_hosts)),
        ("supports", supported(kind).join(", ")),
        ("`params`", params(kind)),
    ];
    for (what, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(page, "| {what} | {value} |").expect("a text");
    }
    page.push_str(match (kind.options, kind.base_url) {
        (Some(_), _) => "\nThe [how-to page](../GUIDE) has a whole suite.",
        (None, Some(_)) => "\nA `base_url` names another server with the same protocol.",
        (None, None) => "\nThe `base_url` is that of your own server.",
    });
    if name == "bedrock" {
        page.push_str(
            " Where credentials are looked for: [AWS's credentials](../aws-credentials.md).",
        );
    }
    page.push_str(
        " Keys stand in the environment, and go [nowhere else](../untrusted-suites.md).\nEvery key of a model is in \
         [Suite file](../reference/suite.md#models), every provider in [Providers](../reference/providers.md).\n",
    );
    let guide = if kind.name == "command" { "own-program.md" } else { "own-application.md" };
    page.replace("GUIDE", guide)
}

#[test]
fn the_pages_of_providers_are_current() {
    let mut chapter = format!("{CHAPTER}\n");
    for kind in catalog() {
        let name = kind.name;
        let path = format!("docs/src/providers/{name}.md");
        hold(&path, &page(kind));
        writeln!(chapter, "- [{name}](providers/{name}.md)").expect("a text");
    }
    let summary = Page::read(SUMMARY).text;
    let (before, _) = summary.split_once(CHAPTER).expect("the chapter of providers");
    hold(SUMMARY, &format!("{before}{chapter}"));
}
