//! Settings of models, metrics and the dataset, key by key.

use serde_json::{Map, Value};

use super::{Change, ChangeKind, RunFacts};

/// Characters of a value in a sentence.
const MOST_CHARACTERS: usize = 80;

/// Keys of a model that decide neither its answers nor what they cost.
const NOT_COMPARED: [&str; 9] = [
    "name",
    "limits",
    "api_key_env",
    "api_key_command",
    "api_key_lifetime",
    "ca_file",
    "evaluate",
    "base_url",
    "stream",
];

/// A setting that differs.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its path, such as `params.seed`.
    pub(super) key: String,
    /// What it is in the baseline.
    pub(super) before: Option<Value>,
    /// What it is in the run.
    pub(super) after: Option<Value>,
}

impl Setting {
    /// Both values, as the end of a sentence about it.
    pub(super) fn was_and_is(&self) -> String {
        format!("was {}, is {}", abridged(self.before.as_ref()), abridged(self.after.as_ref()))
    }
}

/// The keys that differ, as paths: a mapping on both sides is entered.
pub(super) fn settings(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    left_out: &[&str],
) -> Vec<Setting> {
    let mut found = Vec::new();
    let new_keys = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(new_keys) {
        if left_out.contains(&key.as_str()) {
            continue;
        }
        match (before.get(key), after.get(key)) {
            (Some(then), Some(now)) if then == now => {}
            (Some(Value::Object(then)), Some(Value::Object(now))) => {
                let inner = settings(then, now, &[]).into_iter();
                found.extend(
                    inner.map(|inner| Setting { key: format!("{key}.{}", inner.key), ..inner }),
                );
            }
            (then, now) => {
                let (before, after) = (then.cloned(), now.cloned());
                found.push(Setting { key: key.clone(), before, after });
            }
        }
    }
    found
}

/// A value in a sentence: `unset` where there is none, and the beginning of what is long.
fn abridged(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "unset".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let end = text.char_indices().nth(MOST_CHARACTERS).map(|(at, _)| at);
    match end {
        Some(end) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// How a model of the same name changed.
pub(super) fn model(
    name: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<Change> {
    let change = |what: &str, setting: Setting| {
        let says = format!("model `{name}`: {what} {}", setting.was_and_is());
        Change::new(ChangeKind::ModelEdited, name, says).of(setting.before, setting.after)
    };
    // No parameters are an empty mapping, so that each of them is told by itself.
    let with_params = |model: &Map<String, Value>| {
        let mut model = model.clone();
        model.entry("params").or_insert_with(|| Map::new().into());
        model
    };
    let mut changes: Vec<_> = settings(&with_params(before), &with_params(after), &NOT_COMPARED)
        .into_iter()
        .map(|setting| change(&format!("`{}`", setting.key), setting))
        .collect();
    let url = |model: &Map<String, Value>| model.get("base_url").and_then(Value::as_str).map(clean);
    let (then, now) = (url(before), url(after));
    if then != now {
        let [host_then, host_now] = [&then, &now].map(|url| url.as_deref().map(host));
        if host_then == host_now {
            let host = Some(Value::from(host_now.unwrap_or_default()));
            let says = format!("model `{name}`: `base_url` has another path on the same server");
            changes.push(Change::new(ChangeKind::ModelEdited, name, says).of(host.clone(), host));
        } else {
            let value = |host: Option<String>| Some(Value::from(host.unwrap_or("default".into())));
            let (before, after) = (value(host_then), value(host_now));
            let setting = Setting { key: "base_url".to_owned(), before, after };
            changes.push(change("the server (`base_url`)", setting));
        }
    }
    changes
}

/// Whether two models differ in name only.
pub(super) fn is_same_model(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    // A model without an id of its own is called at the provider by its name; recorded answers
    // are nobody's but the recording's.
    let id = |model: &Map<String, Value>| match model.get("recorded") {
        Some(_) => model.get("model").cloned(),
        None => model.get("model").or(model.get("name")).cloned(),
    };
    let url = |model: &Map<String, Value>| model.get("base_url").and_then(Value::as_str).map(clean);
    let left_out = [&NOT_COMPARED[..], &["model", "price"]].concat();
    id(before) == id(after)
        && url(before) == url(after)
        && settings(before, after, &left_out).is_empty()
}

fn clean(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

/// Host and port of an address: paths and queries may hold what is nobody else's business.
fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    host.unwrap_or_else(|| "an address that cannot be read".to_owned())
}

/// How the dataset's declaration changed.
pub(super) fn dataset(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Change> {
    let section = |facts: &RunFacts<'_>| -> Map<String, Value> {
        let dataset = facts.effective.get("dataset").and_then(Value::as_object);
        let mut dataset = dataset.cloned().unwrap_or_default();
        // A list of one column is that column.
        if let Some([column]) = dataset.get("target").and_then(Value::as_array).map(Vec::as_slice) {
            let column = column.clone();
            dataset.insert("target".to_owned(), column);
        }
        dataset
    };
    let (then, now) = (section(before), section(after));
    let mut changes = Vec::new();
    if !then.is_empty() {
        changes.extend(ids(&then, &now));
        // Slices are looked at, and neither asked nor scored.
        for setting in settings(&then, &now, &["id", "slices", "allow_empty_target", "schema"]) {
            let says = format!("`dataset.{}` {}", setting.key, setting.was_and_is());
            let is_target = setting.key == "target";
            let kind = if is_target { ChangeKind::Target } else { ChangeKind::Dataset };
            changes.push(Change::new(kind, "", says).of(setting.before, setting.after));
        }
    }
    changes.extend(columns(before, after));
    if before.limit != after.limit {
        let items = |limit: Option<u64>| match limit {
            Some(1) => "the first item only".to_owned(),
            Some(limit) => format!("the first {limit} items only"),
            None => "all items".to_owned(),
        };
        let advice =
            if after.limit.is_some() { "; run without `--limit` to compare all" } else { "" };
        let says = format!(
            "`--limit`: the baseline used {}, this run {}{advice}",
            items(before.limit),
            items(after.limit)
        );
        let change = Change::new(ChangeKind::Limit, "", says);
        changes.push(change.of(before.limit.map(Into::into), after.limit.map(Into::into)));
    }
    changes
}

/// Where item ids come from.
fn ids(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Change> {
    let column = |section: &Map<String, Value>| -> Option<String> {
        section.get("id").and_then(Value::as_str).map(str::to_owned)
    };
    let (then, now) = (column(before), column(after));
    if then == now {
        return None;
    }
    let named = |column: &Option<String>| match column {
        Some(column) => format!("the column `{column}`"),
        None => "hashes of the items' content".to_owned(),
    };
    let undo = match &then {
        Some(column) => format!("set `dataset.id: {column}` again"),
        None => "remove `dataset.id` again".to_owned(),
    };
    let says = format!(
        "item ids changed: they were {} and are now {}, so the items do not pair up; {undo}, or \
         promote a new baseline",
        named(&then),
        named(&now)
    );
    let value = |column: Option<String>| column.map(Value::from);
    Some(Change::new(ChangeKind::Ids, "", says).of(value(then), value(now)))
}

fn columns(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Option<Change> {
    let (then, now) = (before.columns?, after.columns?);
    let told_elsewhere = [before, after].into_iter().flat_map(RunFacts::columns_told_elsewhere);
    let elsewhere: Vec<_> = told_elsewhere.collect();
    let without = |list: &[String], other: &[String]| -> Vec<String> {
        let is_new =
            |column: &&String| !other.contains(column) && !elsewhere.contains(&column.as_str());
        list.iter().filter(is_new).cloned().collect()
    };
    let (added, removed) = (without(now, then), without(then, now));
    let counted = [("added", &added), ("removed", &removed)];
    let parts: Vec<_> = counted
        .into_iter()
        .filter(|(_, columns)| !columns.is_empty())
        .map(|(verb, columns)| {
            let noun = if columns.len() == 1 { "column" } else { "columns" };
            format!("{noun} `{}` {verb}", columns.join("`, `"))
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let says = format!("dataset: {}", parts.join(", "));
    Some(Change::new(ChangeKind::Columns, "", says).of(Some(then.into()), Some(now.into())))
}
