//! Collections of Postman: requests with their variables, keys and data, and the tests of their scripts.
//!
//! Requests that differ only in what they say (values of the query, the body) become the rows of one suite;
//! each other kind of request becomes a suite of its own.

mod asked;
mod body;
mod collection;
mod expect;
mod formula;
mod metrics;
mod response;
mod script;
mod sent_text;
mod suite;
mod tests;
mod variables;

use std::collections::{BTreeMap, HashSet};

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value};

use self::{
    asked::Reader,
    collection::{Collection, Item},
    suite::{Carried, Group},
    variables::Part,
};
use super::{
    data_rows,
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::{Losses, free, safe_name},
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "postman",
    summary: "a collection of Postman (version 2.0 or 2.1), with an environment and data",
    read,
};

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let mut collection = collection::read(request)?;
    let rows = request.data.map(rows).transpose()?.unwrap_or_default();
    collection.variables.add_columns(&rows);
    let name = request.name.unwrap_or(&collection.name).to_owned();
    let chained = tests::chained(&collection.items);
    let items = std::mem::take(&mut collection.items);
    let mut groups: Vec<Group> = Vec::new();
    for item in items {
        let Some(carried) = carried(item, &mut collection, &name, &chained) else { continue };
        match groups.iter_mut().find(|group| group.takes(&carried.asked)) {
            Some(group) => group.carried.push(carried),
            None => groups.push(Group { carried: vec![carried] }),
        }
    }
    if groups.is_empty() {
        return Err(nothing(&collection));
    }
    other_keys(&mut collection);
    let is_one = groups.len() == 1;
    let mut taken = HashSet::new();
    let mut suites = Vec::new();
    for group in groups {
        let last = group.carried[0].name.rsplit(" / ").next().unwrap_or_default().to_owned();
        let own = if is_one { safe_name(&name) } else { safe_name(&format!("{name}-{last}")) };
        let own = free(&own, |own| taken.contains(own));
        taken.insert(own.clone());
        suites.push(group.suite(&own, &collection.name, &rows, &collection.variables));
    }
    if let Some(first) = suites.first_mut() {
        let mut lost = collection.losses.into_list();
        lost.append(&mut first.not_carried);
        first.not_carried = lost;
    }
    Ok(suites)
}

/// A request, unless it is left out, which is told.
fn carried(
    item: Item,
    collection: &mut Collection,
    suite: &str,
    chained: &BTreeMap<String, String>,
) -> Option<Carried> {
    let mut losses = Losses::default();
    let variables = &collection.variables;
    let asked = Reader { item: &item, variables, suite, losses: &mut losses }.read();
    let asked = match asked {
        Ok(asked) => asked,
        Err(out) => {
            collection.losses.at(out.place, format!("the request `{}`", item.name), out.why);
            return None;
        }
    };
    if let Some(body) = &asked.body {
        let parts = body.parts();
        let node = item.request.get("body").unwrap_or(item.request.clone());
        Reader { item: &item, variables, suite, losses: &mut losses }
            .tell(&node, &parts, "the body");
    }
    let everything = asked
        .address
        .iter()
        .chain(asked.query.iter().flat_map(|(_, value)| value.iter().flatten()));
    let body = asked.body.as_ref().map(body::Body::parts).unwrap_or_default();
    for part in everything.chain(&body) {
        if let Part::Unknown(name) = part
            && let Some(owner) = chained.get(name)
        {
            let why = format!(
                "a script of {owner} sets it from a response; a suite asks each item by itself, so nothing is sent in its place"
            );
            losses.push(&item.request, format!("`{{{{{name}}}}}` of `{}`", item.name), why);
        }
    }
    let tests = tests::of_item(&item, variables, &mut losses);
    let Item { name, node, .. } = item;
    Some(Carried { name, node, asked, tests, losses })
}

/// Settings of a collection that change what is asked.
fn other_keys(collection: &mut Collection) {
    const READ: [&str; 6] = ["info", "item", "variable", "auth", "event", "collection"];
    for (key, node) in collection.root.entries() {
        if !READ.contains(&key.as_str()) {
            collection.losses.push(&node, format!("`{key}`"), "the importer does not know it");
        }
    }
}

fn nothing(collection: &Collection) -> SuiteImportError {
    let lost = collection.losses.list();
    let because = lost.iter().find(|one| one.what.starts_with("the request"));
    match because {
        Some(lost) => {
            let problem = format!("no request could be carried over; {}: {}", lost.what, lost.why);
            SuiteImportError::new(lost.place.clone(), problem)
        }
        None => SuiteImportError::new(collection.root.place(), "the collection has no request"),
    }
}

/// The rows of a data file. As newman reads it, a CSV file's cells are trimmed, and those that are numbers are numbers.
fn rows(path: &std::path::Path) -> Result<Vec<Map<String, Value>>, SuiteImportError> {
    let mut rows = data_rows::read(path)?;
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    for value in rows.iter_mut().filter(|_| is_csv).flat_map(Map::values_mut) {
        let text = value.as_str().unwrap_or_default().trim().to_owned();
        // A number that would be written otherwise, such as 007, stays as it is.
        let number = serde_json::from_str::<serde_json::Number>(&text).ok();
        let number = number.filter(|number| number.to_string() == text);
        *value = number.map_or(Value::String(text), Value::Number);
    }
    Ok(rows)
}
