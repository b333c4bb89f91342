//! Variables that a prompt uses and does not declare, and the other way round.

use std::{collections::BTreeSet, sync::LazyLock};

use evalmark_core::{prompt_library::LibraryPrompt, template::Template};
use evalmark_report::finding::FindingRule;
use regex::Regex;

use super::finding::Found;

/// What every template has without anybody declaring it.
const BUILT_IN: [&str; 2] = ["item", "examples"];

/// Names that a template gives values itself, and hands on to what it includes.
static ASSIGNED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{%[+-]?\s*(set|for|with|macro|import|from)\s([^%]*)").ok());

/// A name in such a statement.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{L}_][\p{L}\p{N}_]*").ok());

/// Variables that are used and declared nowhere.
pub(super) fn undefined(prompt: &LibraryPrompt) -> Vec<Found> {
    let declared = &prompt.file.front_matter.variables;
    let assigned = assigned(prompt);
    let is_unknown = |name: &String| {
        !declared.contains_key(name)
            && !assigned.contains(name)
            && !BUILT_IN.contains(&name.as_str())
    };
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for message in &prompt.file.messages {
        for name in used_in(&message.text).into_iter().filter(is_unknown) {
            if told.insert(name.clone()) {
                let line = message.line + line_of(&message.text, &name);
                found.push(not_declared(prompt, &name, line, None));
            }
        }
    }
    for (file, text) in &prompt.content.included {
        for name in used_in(text).into_iter().filter(is_unknown) {
            if told.insert(name.clone()) {
                found.push(not_declared(prompt, &name, 1, Some(file)));
            }
        }
    }
    found
}

/// Variables that are declared and not used. Where a prompt makes names when it renders, nobody knows.
pub(super) fn unused(prompt: &LibraryPrompt) -> Vec<Found> {
    let mut used = BTreeSet::new();
    for text in texts(prompt) {
        used.extend(used_in(text));
    }
    if prompt.content.are_computed || used.contains("item") {
        return Vec::new();
    }
    let declared = prompt.file.front_matter.variables.keys();
    let unused = declared.filter(|name| !used.contains(*name)).map(|name| {
        let line = prompt.file.line_of_variable(name);
        let message = format!("`{name}` is declared, and nothing uses it");
        Found::at(FindingRule::UnusedVariable, prompt, line, message)
    });
    unused.collect()
}

fn not_declared(prompt: &LibraryPrompt, name: &str, line: u64, file: Option<&str>) -> Found {
    let where_used =
        file.map_or_else(String::new, |file| format!(" in the included file `{file}`"));
    let message = format!("`{name}` is used{where_used}, and not declared");
    let declared = prompt.file.front_matter.variables.keys().map(String::as_str);
    let near = evalmark_core::suite::nearest(name, declared);
    let hint = near.map_or_else(
        || format!("declare it: `variables: {{ {name}: string }}`"),
        |near| format!("did you mean `{near}`?"),
    );
    Found::at(FindingRule::UndefinedVariable, prompt, line, message).hint(hint)
}

/// The variables of a template; none where it does not compile, which is told elsewhere.
pub(super) fn used_in(text: &str) -> BTreeSet<String> {
    Template::compile_alone("prompt", text).map(|template| template.variables()).unwrap_or_default()
}

/// Every template of a prompt.
pub(super) fn texts(prompt: &LibraryPrompt) -> impl Iterator<Item = &str> {
    let own = prompt.file.messages.iter().map(|message| message.text.as_str());
    own.chain(prompt.content.included.values().map(String::as_str))
}

/// How many lines above its first use a text has.
pub(super) fn line_of(text: &str, name: &str) -> u64 {
    let holds = |line: &str| {
        NAME.as_ref().is_some_and(|names| names.find_iter(line).any(|m| m.as_str() == name))
    };
    let braced = |line: &str| (line.contains("{{") || line.contains("{%")) && holds(line);
    let at = text.lines().position(braced).or_else(|| text.lines().position(holds));
    at.unwrap_or_default() as u64
}

fn assigned(prompt: &LibraryPrompt) -> BTreeSet<String> {
    let mut assigned = BTreeSet::new();
    let (Some(statements), Some(names)) = (&*ASSIGNED, &*NAME) else { return assigned };
    for text in texts(prompt) {
        for statement in statements.captures_iter(text) {
            let given = given_names(&statement[1], &statement[2]);
            assigned.extend(names.find_iter(given).map(|name| name.as_str().to_owned()));
        }
    }
    assigned
}

/// The part of a statement that names what it gives values to.
fn given_names<'t>(keyword: &str, rest: &'t str) -> &'t str {
    match keyword {
        "for" => rest.split_once(" in ").map_or(rest, |(names, _)| names),
        "set" => rest.split_once('=').map_or(rest, |(names, _)| names),
        "import" => rest.rsplit_once(" as ").map_or("", |(_, names)| names),
        "from" => rest.split_once(" import ").map_or("", |(_, names)| names),
        _ => rest,
    }
}
