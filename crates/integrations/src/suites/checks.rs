//! Checks of single items, as other tools write them beside each test, made into metrics for all items.
//!
//! Checks of the same kind and settings are one metric. What differs from item to item (the text that
//! should be there, a schema, a rubric) becomes a column, and a metric that concerns some items only
//! says so with `when`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::draft::SuiteDraft;

/// A check of one item.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// The metric's name.
    pub(crate) name: String,
    /// The metric, without what differs from item to item.
    pub(crate) metric: Map<String, Value>,
    /// What may differ.
    pub(crate) holes: Vec<Hole>,
}

/// A place in a metric that an item fills.
#[derive(Clone, Debug)]
pub(crate) struct Hole {
    /// JSON pointer to the metric that it belongs to: the metric itself, or one within it.
    pub(crate) at: String,
    pub(crate) form: Form,
    /// What this item says.
    pub(crate) value: Value,
    /// The same as a template over the item's columns, where it is one.
    pub(crate) template: Option<String>,
}

/// What a hole holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The right answer, or several.
    Target,
    /// A JSON Schema.
    Schema,
    /// A regular expression that must match.
    Pattern,
    /// A judge's rubric.
    Rubric,
    /// A length in words: `{ min, max }`.
    Words,
}

/// The checks of all items that become one metric.
struct Group {
    key: String,
    /// Which of several alike checks of an item.
    turn: usize,
    check: Check,
    /// By item: what fills the holes; `None` where the item has no such check.
    items: Vec<Option<Vec<Hole>>>,
}

impl Check {
    /// A check whose metric is of this kind.
    pub(crate) fn new(name: &str, kind: &str, params: Value) -> Self {
        let metric = Map::from_iter([(kind.to_owned(), params)]);
        Self { name: name.to_owned(), metric, holes: Vec::new() }
    }

    /// With what an item says.
    pub(crate) fn with(mut self, form: Form, value: Value, template: Option<String>) -> Self {
        self.holes.push(Hole { at: String::new(), form, value, template });
        self
    }

    /// With a setting that every metric has.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.metric.insert(key.to_owned(), value.into());
        self
    }

    /// What makes it the same metric as another.
    fn key(&self) -> String {
        let holes = self.holes.iter().map(|hole| format!("{} {:?}", hole.at, hole.form));
        let metric = Value::Object(self.metric.clone());
        format!("{} {metric} {}", self.name, holes.collect::<Vec<_>>().join(","))
    }
}

/// Makes metrics of the checks of every item, and columns of what they say; `checks` is parallel to the
/// draft's rows.
pub(crate) fn make_metrics(draft: &mut SuiteDraft, checks: Vec<Vec<Check>>) {
    let n_items = checks.len();
    let mut groups: Vec<Group> = Vec::new();
    for (item, checks) in checks.into_iter().enumerate() {
        for check in checks {
            draft.checks += 1;
            let key = check.key();
            let is_free = |group: &Group| group.key == key && group.items[item].is_none();
            let place = groups.iter().position(is_free).unwrap_or_else(|| {
                let turn = groups.iter().filter(|group| group.key == key).count();
                let items = vec![None; n_items];
                groups.push(Group { key: key.clone(), turn, check: check.clone(), items });
                groups.len() - 1
            });
            groups[place].items[item] = Some(check.holes);
        }
    }
    let mut taken = HashSet::new();
    for group in groups {
        group.into_metric(draft, &mut taken);
    }
}

impl Group {
    fn into_metric(self, draft: &mut SuiteDraft, taken: &mut HashSet<String>) {
        let is_for_all = self.items.iter().all(Option::is_some);
        let mut metric = Value::Object(self.check.metric.clone());
        let mut when = None;
        for (place, hole) in self.check.holes.iter().enumerate() {
            let of_item = |holes: &Option<Vec<Hole>>| Some(holes.as_ref()?.get(place)?.clone());
            let said: Vec<Option<Hole>> = self.items.iter().map(of_item).collect();
            let Some(within) = metric.pointer_mut(&hole.at).and_then(Value::as_object_mut) else {
                continue;
            };
            if is_for_all && fill_for_all(within, hole, &said) {
                continue;
            }
            let column = self.column(draft, taken);
            for (row, said) in draft.rows.iter_mut().zip(&said) {
                let value = said.as_ref().map_or(Value::Null, |hole| hole.value.clone());
                row.insert(column.clone(), value);
            }
            when.get_or_insert_with(|| format!("item.{column} is not none"));
            fill_from_column(within, hole.form, &column);
        }
        if !is_for_all && when.is_none() {
            let column = self.column(draft, taken);
            for (row, said) in draft.rows.iter_mut().zip(&self.items) {
                row.insert(column.clone(), said.is_some().into());
            }
            when = Some(format!("item.{column}"));
        }
        let mut entry = Map::new();
        if let Some(when) = when.filter(|_| !is_for_all) {
            entry.insert("when".to_owned(), when.into());
        }
        if let Value::Object(metric) = metric {
            entry.extend(metric);
        }
        draft.metric(&self.check.name, entry);
    }

    fn column(&self, draft: &SuiteDraft, taken: &mut HashSet<String>) -> String {
        let number = if self.turn == 0 { String::new() } else { format!("_{}", self.turn + 1) };
        let column = draft.free_column(&format!("expect_{}{number}", self.check.name), taken);
        taken.insert(column.clone());
        column
    }
}

/// Fills a hole that all items fill in the same way; answers whether that was possible.
fn fill_for_all(within: &mut Map<String, Value>, hole: &Hole, said: &[Option<Hole>]) -> bool {
    let all = || said.iter().flatten();
    if let Some(template) = &hole.template
        && all().all(|other| other.template.as_ref() == Some(template))
    {
        match hole.form {
            Form::Rubric => return rubric(within, template),
            Form::Target => {
                let name = template.trim().strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
                if let Some(name) = name.map(str::trim)
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                {
                    within.insert("target".to_owned(), name.into());
                    return true;
                }
            }
            Form::Schema | Form::Pattern | Form::Words => {}
        }
    }
    if !all().all(|other| other.value == hole.value) {
        return false;
    }
    match (hole.form, &hole.value) {
        (Form::Target, value) => match within.get_mut("includes") {
            Some(includes) => {
                includes["values"] = as_list(value);
                true
            }
            None => false,
        },
        (Form::Schema, schema) => {
            if let Some(params) = within.get_mut("json_schema") {
                params["schema"] = schema.clone();
            }
            true
        }
        (Form::Pattern, pattern) => {
            // With the answer as it is.
            let params = json!({ "pattern": pattern, "normalize": [] });
            within.insert("regex".to_owned(), params);
            true
        }
        (Form::Words, bounds) => {
            let mut params = json!({ "unit": "words" });
            for (bound, value) in bounds.as_object().into_iter().flatten() {
                params[bound] = value.clone();
            }
            within.insert("length_within".to_owned(), params);
            true
        }
        (Form::Rubric, text) => rubric(within, &literal(text.as_str().unwrap_or_default())),
    }
}

fn fill_from_column(within: &mut Map<String, Value>, form: Form, column: &str) {
    match form {
        Form::Target => drop(within.insert("target".to_owned(), column.into())),
        Form::Schema => {
            if let Some(params) = within.get_mut("json_schema") {
                params["column"] = column.into();
            }
        }
        Form::Pattern => {
            let formula = format!("matches(answer, item.{column})");
            within.insert("expression".to_owned(), formula.into());
        }
        Form::Words => {
            let words = "answer | split | length";
            let formula = format!(
                "{words} >= item.{column}.min | default(0) and {words} <= item.{column}.max | default(1000000000)"
            );
            within.insert("expression".to_owned(), formula.into());
        }
        Form::Rubric => drop(rubric(within, &format!("{{{{ item.{column} }}}}"))),
    }
}

fn rubric(within: &mut Map<String, Value>, template: &str) -> bool {
    if let Some(judge) = within.get_mut("judge") {
        // A fixed sentence may stand before what the item says.
        let before = judge["rubric"].as_str().unwrap_or_default().to_owned();
        judge["rubric"] = format!("{before}{template}").into();
    }
    true
}

fn as_list(value: &Value) -> Value {
    match value {
        Value::Array(_) => value.clone(),
        one => json!([one]),
    }
}

/// A text that a template shows as it is.
pub(crate) fn literal(text: &str) -> String {
    if text.contains("{{") || text.contains("{%") || text.contains("{#") {
        format!("{{{{ {} }}}}", Value::from(text))
    } else {
        text.to_owned()
    }
}
