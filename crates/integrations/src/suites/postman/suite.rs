//! Requests that differ only in what they say, as one suite: a model that is asked over HTTP, a row for
//! each request and each row of the data, and a metric for each test.

use std::collections::{BTreeSet, HashSet};

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    asked::{Asked, Query},
    formula::Piece,
    sent_text::{header_text, template, url},
    tests::Tests,
    variables::{Part, Variables, filled, identifier},
};
use crate::suites::{
    draft::{Losses, SuiteDraft},
    node::Node,
};

/// A request that is carried over.
pub(super) struct Carried {
    pub(super) name: String,
    pub(super) node: Node,
    pub(super) asked: Asked,
    pub(super) tests: Tests,
    pub(super) losses: Losses,
}

/// Requests that become one suite.
pub(super) struct Group {
    pub(super) carried: Vec<Carried>,
}

impl Group {
    /// Whether a request differs from those of this group only in what it says.
    pub(super) fn takes(&self, asked: &Asked) -> bool {
        let names = |asked: &Asked| {
            asked
                .query
                .iter()
                .map(|(name, value)| (name.clone(), value.is_some()))
                .collect::<Vec<_>>()
        };
        self.carried.first().is_some_and(|Carried { asked: first, .. }| {
            first.method == asked.method
                && first.address == asked.address
                && first.headers == asked.headers
                && first.key == asked.key
                && first.body.is_some() == asked.body.is_some()
                && names(first) == names(asked)
        })
    }

    /// The suite.
    pub(super) fn suite(
        self,
        name: &str,
        collection: &str,
        rows: &[Map<String, Value>],
        variables: &Variables,
    ) -> ImportedSuite {
        let mut draft = SuiteDraft::new(name);
        let names: Vec<_> = self.carried.iter().map(|one| format!("`{}`", one.name)).collect();
        draft.description = Some(match names.as_slice() {
            [one] => format!("The request {one} of the collection {collection}"),
            several => format!("{} requests of the collection {collection}", several.len()),
        });
        let mut making = Making { draft, data: renamed(rows, variables), carried: &self.carried };
        making.rows();
        making.request();
        making.metrics();
        let mut draft = making.draft;
        for one in self.carried {
            draft.losses().append(one.losses);
        }
        draft.finish()
    }
}

/// Rows with names that templates and formulas can use; one without values where there is no data.
fn renamed(rows: &[Map<String, Value>], variables: &Variables) -> Vec<Map<String, Value>> {
    let one = |row: &Map<String, Value>| {
        let entry = |(name, value): (&String, &Value)| {
            let name = variables.column(name).unwrap_or(name).to_owned();
            (name, value.clone())
        };
        row.iter().map(entry).collect()
    };
    if rows.is_empty() { vec![Map::new()] } else { rows.iter().map(one).collect() }
}

/// A suite that is being made.
pub(super) struct Making<'a> {
    pub(super) draft: SuiteDraft,
    data: Vec<Map<String, Value>>,
    pub(super) carried: &'a [Carried],
}

impl Making<'_> {
    /// The request and the data of a row.
    fn of_row(&self, row: usize) -> (&Carried, &Map<String, Value>) {
        (&self.carried[row % self.carried.len()], &self.data[row / self.carried.len()])
    }

    /// A row for each row of the data and each request, in the order in which Postman asks.
    fn rows(&mut self) {
        let names: HashSet<String> = self.data.iter().flat_map(|row| row.keys().cloned()).collect();
        let id = self.draft.free_column("id", &names);
        let sorted: BTreeSet<&String> = names.iter().collect();
        let n = self.carried.len() * self.data.len();
        for at in 0..n {
            let (carried, data) = self.of_row(at);
            let number = at / self.carried.len() + 1;
            let name = if self.data.len() > 1 {
                format!("{} #{number}", carried.name)
            } else {
                carried.name.clone()
            };
            let is_taken = |name: &str| self.draft.rows.iter().any(|row| row[&id] == name);
            let name = crate::suites::draft::free(&name, is_taken);
            let mut row = Map::from_iter([(id.clone(), Value::from(name))]);
            row.extend(data.clone());
            for name in &sorted {
                row.entry((*name).clone()).or_insert_with(|| "".into());
            }
            self.draft.rows.push(row);
        }
        self.draft.id = Some(id);
    }

    /// A new column, with what each row has in it.
    pub(super) fn column(
        &mut self,
        name: &str,
        value: impl Fn(&Carried, &Map<String, Value>) -> Value,
    ) -> String {
        let column = self.draft.free_column(&identifier(name), &HashSet::new());
        for at in 0..self.draft.rows.len() {
            let (carried, data) = self.of_row(at);
            let value = value(carried, data);
            self.draft.rows[at].insert(column.clone(), value);
        }
        column
    }

    /// The model and the prompt.
    fn request(&mut self) {
        let first = &self.carried[0].asked;
        let query = self.query();
        let body = self.body();
        let mut slots: Vec<String> = Vec::new();
        let used = first.address.iter().chain(
            query.iter().flat_map(|(name, value)| name.iter().chain(value.iter().flatten())),
        );
        let used = used.chain(first.headers.iter().flat_map(|(_, value)| value));
        for part in used {
            if let Part::Column(name) = part
                && !slots.contains(name)
            {
                slots.push(name.clone());
            }
        }
        let is_alone = body.is_none() && slots.len() == 1;
        let slot = |name: &str| match slots.iter().position(|slot| slot == name) {
            Some(_) if is_alone => "{{ prompt }}".to_owned(),
            Some(at) => format!("{{{{ messages[{at}].content }}}}"),
            None => String::new(),
        };
        let mut http = Map::new();
        http.insert("method".to_owned(), first.method.as_str().into());
        http.insert("url".to_owned(), url(&first.address, &query, &slot).into());
        let mut headers = Map::new();
        for (name, value) in &first.headers {
            let text: String = value.iter().map(|part| header_text(part, &slot)).collect();
            headers.insert(name.clone(), text.into());
        }
        if let Some(key) = &first.key {
            headers.insert(key.header.clone(), format!("{}{{{{ key }}}}", key.before).into());
        }
        if !headers.is_empty() {
            http.insert("headers".to_owned(), headers.into());
        }
        if body.is_some() {
            http.insert("body".to_owned(), "{{ prompt }}".into());
        }
        self.tests_need(&mut http);
        let mut model = Map::from_iter([("provider".to_owned(), Value::from("http"))]);
        if let Some(key) = &first.key {
            model.insert("api_key_env".to_owned(), key.variable.as_str().into());
        }
        model.insert("http".to_owned(), http.into());
        self.draft.model("endpoint", model);
        self.prompt(&slots, body);
    }

    /// What tests look at beside the answer.
    fn tests_need(&self, http: &mut Map<String, Value>) {
        let formulas =
            || self.carried.iter().flat_map(|one| &one.tests.list).map(|test| &test.formula);
        let names_status =
            |piece: &Piece| matches!(piece, Piece::Code(code) if code.contains("status"));
        if formulas().any(|formula| formula.0.iter().any(names_status)) {
            http.insert("statuses".to_owned(), "any".into());
        }
        let headers: BTreeSet<&String> =
            self.carried.iter().flat_map(|one| &one.tests.headers).collect();
        if !headers.is_empty() {
            http.insert("keep_headers".to_owned(), json!(headers));
        }
    }

    /// The query, with a column for each value that differs from request to request.
    fn query(&mut self) -> Query {
        let mut query = self.carried[0].asked.query.clone();
        for (at, (name, value)) in query.iter_mut().enumerate() {
            let of = |carried: &Carried| carried.asked.query[at].1.clone();
            if self.carried.iter().all(|one| &of(one) == value) {
                continue;
            }
            let name = filled(name, &Map::new());
            let text = |carried: &Carried, row: &Map<String, Value>| {
                filled(&of(carried).unwrap_or_default(), row).into()
            };
            *value = Some(vec![Part::Column(self.column(&name, text))]);
        }
        query
    }

    /// The body as a template: the one that all have, or a column with what each row sends.
    fn body(&mut self) -> Option<Vec<Part>> {
        let body = self.carried[0].asked.body.clone()?;
        let is_one = self.carried.iter().all(|one| one.asked.body.as_ref() == Some(&body));
        if let Some(parts) = body.as_template().filter(|_| is_one) {
            return Some(parts);
        }
        let text = |carried: &Carried, row: &Map<String, Value>| {
            carried.asked.body.as_ref().map(|body| body.filled(row)).unwrap_or_default().into()
        };
        Some(vec![Part::Column(self.column("body", text))])
    }

    /// The prompt: a message for each column that the address or a header takes, and the body.
    fn prompt(&mut self, slots: &[String], body: Option<Vec<Part>>) {
        let mut texts: Vec<String> = slots.iter().map(|name| format!("{{{{ {name} }}}}")).collect();
        texts.extend(body.map(|parts| template(&parts)));
        match texts.as_slice() {
            // What is sent does not depend on it.
            [] => {
                let id = self.draft.id.clone().unwrap_or_default();
                self.draft.prompt_text("request", &format!("{{{{ {id} }}}}"));
            }
            [one] => self.draft.prompt_text("request", one),
            several => {
                let messages: Vec<_> =
                    several.iter().map(|text| json!({ "role": "user", "content": text })).collect();
                self.draft.prompt_messages("request", &messages);
            }
        }
    }
}
