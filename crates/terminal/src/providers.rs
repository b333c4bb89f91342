//! Providers: all of them as a table, and one with what a suite writes to ask it.

use evalmark_core::provider::ProviderKind;
use evalmark_runner::{provider_yaml, supported};

use crate::{Screen, grid::Grid};

/// Where the address is the user's own.
const YOUR_OWN: &str = "your own";

/// The providers as a table, and below it what they support.
pub fn table(kinds: &[&ProviderKind], screen: Screen) -> String {
    let header = ["provider", "protocol", "key", "address"];
    let grid = Grid {
        header: header.map(str::to_owned).to_vec(),
        rows: kinds.iter().map(|kind| row(kind)).collect(),
        n_names: header.len(),
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns), String::new()];
    lines.push("Beside plain prompts, they support:".to_owned());
    for (supported, names) in by_support(kinds) {
        lines.extend(screen.wrap("  ", &format!("{}: {supported}", names.join(", "))));
    }
    lines.join("\n")
}

/// What is supported, each with the names of the providers that support just that, in the table's order.
fn by_support(kinds: &[&ProviderKind]) -> Vec<(String, Vec<&'static str>)> {
    let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
    for kind in kinds {
        let supported = listed(kind);
        match groups.iter_mut().find(|(of_group, _)| *of_group == supported) {
            Some((_, names)) => names.push(kind.name),
            None => groups.push((supported, vec![kind.name])),
        }
    }
    groups
}

fn row(kind: &ProviderKind) -> Vec<String> {
    let key = kind.key_variables.first().copied().unwrap_or("none");
    let address = kind.base_url.unwrap_or(YOUR_OWN);
    [kind.name, kind.protocol, key, address].map(str::to_owned).to_vec()
}

/// Each provider with the section `models` of a suite that asks it.
pub fn entries(kinds: &[&ProviderKind], screen: Screen) -> String {
    kinds.iter().map(|kind| entry(kind, screen)).collect::<Vec<_>>().join("\n\n")
}

fn entry(kind: &ProviderKind, screen: Screen) -> String {
    let mut lines = screen.wrap("", &format!("{}: {}", kind.name, kind.summary));
    let keys = match kind.key_variables {
        [] => "none".to_owned(),
        variables => format!("{}, for {}", variables.join(" or "), hosts(kind)),
    };
    let address = kind.base_url.unwrap_or(YOUR_OWN).to_owned();
    let facts = [
        ("protocol", kind.protocol.to_owned()),
        ("address", address),
        ("key", keys),
        ("supports", listed(kind)),
    ];
    for (name, value) in facts {
        lines.extend(screen.wrap("  ", &format!("{name:<9} {value}")));
    }
    lines.push(String::new());
    lines.push(provider_yaml(kind).trim_end().to_owned());
    lines.join("\n")
}

fn hosts(kind: &ProviderKind) -> String {
    match kind.key_hosts {
        [] => "whatever host you allow".to_owned(),
        hosts => hosts.join(", "),
    }
}

/// What it supports, as a list.
fn listed(kind: &ProviderKind) -> String {
    match supported(kind) {
        none if none.is_empty() => "nothing".to_owned(),
        supported => supported.join(", "),
    }
}
