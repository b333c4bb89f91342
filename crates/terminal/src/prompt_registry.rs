//! Prompts between the library and a registry: what was pushed, pulled, and where both differ.

use std::path::Path;

use evalmark_core::{
    number_format::NONE,
    prompt_registry::{
        AliasDrift, AliasMove, AliasState, DriftState, MovedAliases, PromptDrift, PulledPrompt,
        PushedPrompt,
    },
};
use evalmark_report::safe_text::printable_line;

use crate::{Screen, grid::Grid};

/// Digits of a commit that people read.
const SHORT_COMMIT: usize = 12;

/// What was pushed, a line each, and remarks below.
pub fn pushed(all: &[PushedPrompt], alias_word: &str, screen: Screen) -> String {
    let mut lines = Vec::new();
    for one in all {
        let (prompt, name) = (line(&one.prompt), line(&one.name));
        lines.push(if one.is_new {
            format!("{prompt}: version {} of {name} is new", one.version)
        } else {
            format!("{prompt}: version {} of {name} says the same already", one.version)
        });
        lines.extend(one.aliases.iter().map(|alias| moved(alias, alias_word)));
        lines.extend(one.remarks.iter().flat_map(|remark| screen.wrap("  ", &line(remark))));
    }
    lines.join("\n")
}

/// An alias that points to a version now.
pub fn moved(alias: &AliasMove, alias_word: &str) -> String {
    let AliasMove { name, alias, from, to, .. } = alias;
    let (name, alias) = (line(name), line(alias));
    match from {
        Some(from) if from == to => {
            format!("  the {alias_word} {alias} of {name} points to version {to} already")
        }
        Some(from) => {
            format!("  the {alias_word} {alias} of {name} moves from version {from} to {to}")
        }
        None => format!("  the {alias_word} {alias} of {name} points to version {to}"),
    }
}

/// The aliases of an environment after a release.
pub fn followed(moved_aliases: &MovedAliases, alias_word: &str, screen: Screen) -> String {
    let MovedAliases { environment, release, registry, server, aliases, left, .. } = moved_aliases;
    let environment = line(environment);
    let mut lines =
        vec![format!("release {release} of {environment} in {registry} ({})", line(server))];
    if aliases.is_empty() {
        lines.push(format!("  no {alias_word} points to it"));
    }
    lines.extend(aliases.iter().map(|alias| moved(alias, alias_word)));
    for prompt in left {
        let told = format!(
            "{environment} no longer has {}: its {alias_word} stays where it is",
            line(prompt)
        );
        lines.extend(screen.wrap("  ", &told));
    }
    lines.join("\n")
}

/// What was pulled, and what of it the file does not hold.
pub fn pulled(pulled: &PulledPrompt, path: &Path, is_same: bool, hash: &str) -> String {
    let path = line(&path.display().to_string());
    let PulledPrompt { name, version, .. } = pulled;
    let name = line(name);
    let mut lines = vec![match (is_same, pulled.as_pushed) {
        (true, _) => format!("{path} is version {version} of {name} already"),
        (false, true) => format!("wrote {path}: version {version} of {name}, as it was pushed"),
        (false, false) => format!("wrote {path}, made of version {version} of {name}"),
    }];
    lines.extend(pulled.lost.iter().map(|lost| format!("  not carried over: {}", line(lost))));
    if pulled.hash.as_deref().is_some_and(|pushed| pushed != hash) {
        lines.push(
            "  the content differs from what was pushed: a file that it includes is another here"
                .to_owned(),
        );
    }
    lines.join("\n")
}

/// Where the library and a registry differ, as a table.
pub fn drifts(all: &[PromptDrift], product: &str, alias_word: &str, screen: Screen) -> String {
    if all.is_empty() {
        return "the library has no prompt".to_owned();
    }
    let header = ["prompt", "newest", "from commit", "state"].map(str::to_owned).to_vec();
    let rows = all.iter().map(|drift| {
        let version = drift.version.map_or(NONE.to_owned(), |version| version.to_string());
        let commit = drift.commit.as_deref().map_or(NONE.to_owned(), short);
        vec![line(&drift.prompt), version, commit, state(drift)]
    });
    let grid = Grid { header, rows: rows.collect(), n_names: 4, ruled: false };
    let mut lines = vec![grid.render(screen.columns)];
    for drift in all {
        lines.extend(drift.aliases.iter().filter_map(|alias| alias_line(drift, alias, alias_word)));
    }
    let strays = |drift: &PromptDrift| drift.aliases.iter().any(|a| a.state != AliasState::Same);
    if all.iter().any(strays) {
        lines.push(format!(
            "`evalmark release push ENV --to {product}` points each {alias_word} to what is released"
        ));
    }
    if all.iter().any(|drift| drift.state != DriftState::Same) {
        lines.push(format!(
            "`evalmark prompts push NAME --to {product}` brings a prompt there, `evalmark prompts pull NAME --from \
             {product}` here"
        ));
    }
    lines.join("\n")
}

fn state(drift: &PromptDrift) -> String {
    match drift.state {
        DriftState::Same => "same".to_owned(),
        DriftState::NotPushed => "not in the registry".to_owned(),
        DriftState::ChangedHere => "changed here".to_owned(),
        DriftState::NewerThere => match drift.held_by {
            Some(version) => format!("newer there (here is version {version})"),
            None => "newer there".to_owned(),
        },
        DriftState::EditedThere => "edited there".to_owned(),
    }
}

fn alias_line(drift: &PromptDrift, alias: &AliasDrift, word: &str) -> Option<String> {
    let (prompt, environment, name) =
        (line(&drift.prompt), line(&alias.environment), line(&alias.alias));
    match (alias.state, alias.version) {
        (AliasState::Same, _) => None,
        (AliasState::Missing, _) => {
            Some(format!("{prompt}: {environment} has released it, and there is no {word} {name}"))
        }
        (AliasState::Moved, version) => {
            let version = version.map_or(NONE.to_owned(), |version| version.to_string());
            Some(format!(
                "{prompt}: the {word} {name} points to version {version}, which is not what {environment} has released"
            ))
        }
    }
}

fn short(commit: &str) -> String {
    let (revision, changes) = commit.split_once('+').map_or((commit, ""), |(r, _)| (r, "+changes"));
    line(&format!("{}{changes}", revision.chars().take(SHORT_COMMIT).collect::<String>()))
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}
