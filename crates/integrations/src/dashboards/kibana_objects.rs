//! Saved objects of Kibana 7.10: searches, charts, and what they refer to.

use serde_json::{Value, json};

/// Lines of a chart at most.
const MOST_SERIES: u32 = 20;

/// A saved object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    kind: &'static str,
    id: String,
    attributes: Value,
    references: Vec<Value>,
}

impl Object {
    /// An object whose id follows from its kind and from what it is about: to import it again changes it, and makes no other.
    pub(super) fn new(
        kind: &'static str,
        about: &str,
        attributes: Value,
        references: Vec<Value>,
    ) -> Self {
        let hash = blake3::hash(format!("{kind}\n{about}").as_bytes()).to_hex();
        Self { kind, id: format!("evalmark-{}", &hash[..24]), attributes, references }
    }

    /// How another object refers to it.
    pub(super) fn reference(&self, name: &str) -> Value {
        json!({ "name": name, "type": self.kind, "id": self.id })
    }

    /// The object as a line of JSON.
    pub(super) fn line(&self) -> String {
        let version = match self.kind {
            "index-pattern" => "7.6.0",
            "search" | "dashboard" => "7.9.3",
            _ => "7.10.0",
        };
        let mut migration = json!({});
        migration[self.kind] = version.into();
        json!({
            "id": self.id,
            "type": self.kind,
            "attributes": self.attributes,
            "references": self.references,
            "migrationVersion": migration,
        })
        .to_string()
    }
}

/// A panel of a dashboard.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// How many of the dashboard's columns it takes.
    pub(super) width: u64,
    /// What it shows.
    pub(super) shows: Search,
}

impl Panel {
    pub(super) fn new(width: u64, shows: Search) -> Self {
        Self { width, shows }
    }
}

/// A field that holds this value, whatever stands in it: no language of queries reads it.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    field: &'static str,
    value: String,
}

impl Phrase {
    pub(super) fn new(field: &'static str, value: &str) -> Self {
        Self { field, value: value.to_owned() }
    }
}

/// Documents, and how they are shown.
#[derive(Clone, Debug)]
pub(super) struct Search {
    title: String,
    suite: String,
    documents: Vec<Phrase>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Table(&'static [&'static str]),
    Chart(Series),
}

/// What a chart has over time.
#[derive(Clone, Debug)]
pub(super) enum Series {
    /// How many documents, by a field.
    Counts {
        /// The field.
        by: &'static str,
    },
    /// The mean of a number, by two fields.
    Means {
        /// The number.
        of: &'static str,
        /// The fields.
        by: [&'static str; 2],
    },
}

/// The name of the reference to the pattern of indices.
const INDEX: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";

impl Search {
    pub(super) fn table(
        title: &str,
        suite: &str,
        documents: Vec<Phrase>,
        columns: &'static [&'static str],
    ) -> Self {
        let form = Form::Table(columns);
        Self { title: title.to_owned(), suite: suite.to_owned(), documents, form }
    }

    pub(super) fn chart(title: &str, suite: &str, documents: Vec<Phrase>, series: Series) -> Self {
        let form = Form::Chart(series);
        Self { title: title.to_owned(), suite: suite.to_owned(), documents, form }
    }

    /// The saved object, over the documents of a pattern.
    pub(super) fn object(&self, pattern: &Object) -> Object {
        let filter =
            |at: usize| format!("kibanaSavedObjectMeta.searchSourceJSON.filter[{at}].meta.index");
        let filters: Vec<_> =
            self.documents.iter().enumerate().map(|(at, one)| phrase(one, &filter(at))).collect();
        let names = [INDEX.to_owned()].into_iter().chain((0..filters.len()).map(filter));
        let references = names.map(|name| pattern.reference(&name)).collect();
        let source = json!({
            "query": { "query": "", "language": "kuery" },
            "filter": filters,
            "indexRefName": INDEX,
        });
        let title = format!("{} [{}]", self.title, self.suite);
        let mut attributes = json!({
            "title": title,
            "description": "",
            "version": 1,
            "kibanaSavedObjectMeta": { "searchSourceJSON": source.to_string() },
        });
        let kind = match &self.form {
            Form::Table(columns) => {
                attributes["hits"] = 0.into();
                attributes["columns"] = json!(columns);
                attributes["sort"] = json!([["@timestamp", "desc"]]);
                "search"
            }
            Form::Chart(series) => {
                attributes["visState"] = series.state(&title).to_string().into();
                attributes["uiStateJSON"] = "{}".into();
                "visualization"
            }
        };
        Object::new(kind, &title, attributes, references)
    }
}

fn phrase(Phrase { field, value }: &Phrase, index: &str) -> Value {
    let mut query = json!({});
    query[*field] = value.as_str().into();
    json!({
        "meta": {
            "indexRefName": index, "alias": null, "negate": false, "disabled": false,
            "type": "phrase", "key": field, "params": { "query": value },
        },
        "query": { "match_phrase": query },
        "$state": { "store": "appState" },
    })
}

impl Series {
    /// The state of a chart over time.
    fn state(&self, title: &str) -> Value {
        let (kind, label, metric) = match self {
            Self::Counts { .. } => ("histogram", "Runs", json!({ "type": "count", "params": {} })),
            Self::Means { of, .. } => {
                ("line", "Score", json!({ "type": "avg", "params": { "field": of } }))
            }
        };
        let fields = match self {
            Self::Counts { by } => vec![*by],
            Self::Means { by, .. } => by.to_vec(),
        };
        let first = json!({ "id": "1", "enabled": true, "schema": "metric" });
        let time = json!({
            "id": "2", "enabled": true, "type": "date_histogram", "schema": "segment",
            "params": {
                "field": "@timestamp", "useNormalizedEsInterval": true, "scaleMetricValues": false,
                "interval": "auto", "drop_partials": false, "min_doc_count": 1, "extended_bounds": {},
            },
        });
        let groups = fields.into_iter().enumerate().map(|(at, field)| {
            json!({
                "id": (at + 3).to_string(), "enabled": true, "type": "terms", "schema": "group",
                "params": {
                    "field": field, "orderBy": "_key", "order": "asc", "size": MOST_SERIES,
                    "otherBucket": false, "missingBucket": false,
                },
            })
        });
        let aggregations: Vec<_> =
            [merged(first, metric), time].into_iter().chain(groups).collect();
        json!({
            "title": title,
            "type": kind,
            "aggs": aggregations,
            "params": axes(kind, label),
        })
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// How a chart of two axes looks.
fn axes(kind: &str, label: &str) -> Value {
    let shown = json!({ "show": true, "filter": true, "truncate": 100 });
    json!({
        "type": kind,
        "grid": { "categoryLines": false },
        "categoryAxes": [{
            "id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": true,
            "style": {}, "scale": { "type": "linear" }, "labels": shown, "title": {},
        }],
        "valueAxes": [{
            "id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": true,
            "style": {}, "scale": { "type": "linear", "mode": "normal" },
            "labels": { "show": true, "rotate": 0, "filter": false, "truncate": 100 },
            "title": { "text": label },
        }],
        "seriesParams": [{
            "show": true, "type": kind, "mode": if kind == "line" { "normal" } else { "stacked" },
            "data": { "label": label, "id": "1" }, "valueAxis": "ValueAxis-1",
            "drawLinesBetweenPoints": true, "lineWidth": 2, "interpolate": "linear", "showCircles": true,
        }],
        "addTooltip": true, "addLegend": true, "legendPosition": "bottom", "times": [], "addTimeMarker": false,
        "labels": { "show": false },
        "thresholdLine": { "show": false, "value": 10, "width": 1, "style": "full", "color": "#E7664C" },
    })
}
