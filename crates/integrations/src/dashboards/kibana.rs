//! A dashboard of a suite for Kibana and for `OpenSearch` Dashboards, over the documents that the receiver `elasticsearch` writes: saved
//! objects as lines of JSON, in the form of Kibana 7.10, which is the last that both know.

use serde_json::{Value, json};

use super::{
    kibana_objects::{Object, Panel, Phrase, Search, Series},
    observed::Observed,
};

/// How wide a dashboard is.
const WIDTH: u64 = 48;

/// The columns of a search, each a field.
const RUN_COLUMNS: [&str; 5] =
    ["evalmark.answer", "evalmark.run_id", "message", "evalmark.commit", "event.url"];
const COMPARISON_COLUMNS: [&str; 6] = [
    "evalmark.answer",
    "evalmark.metric",
    "evalmark.prompt",
    "evalmark.model",
    "evalmark.change",
    "evalmark.run_id",
];
const ALARM_COLUMNS: [&str; 2] = ["event.action", "message"];

/// The saved objects of a suite's dashboard, one a line, over a data stream or an index.
pub fn kibana_dashboard(observed: &Observed, index: &str) -> String {
    let pattern = pattern(index);
    let mut panels = vec![Panel::new(12, latest_answers(observed)), Panel::new(36, runs(observed))];
    panels.extend(
        observed.metrics.iter().map(|metric| Panel::new(24, score(observed, &metric.name))),
    );
    panels.push(Panel::new(WIDTH, comparisons(observed)));
    panels.push(Panel::new(WIDTH, alarms(observed)));
    let objects: Vec<Object> = panels.iter().map(|panel| panel.shows.object(&pattern)).collect();
    let dashboard = dashboard(observed, &panels, &objects);
    let lines = [pattern.line()].into_iter().chain(objects.iter().map(Object::line));
    lines.chain([dashboard.line()]).fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    })
}

/// Which documents are looked at.
fn pattern(index: &str) -> Object {
    let attributes = json!({ "title": index, "timeFieldName": "@timestamp" });
    Object::new("index-pattern", index, attributes, Vec::new())
}

fn of_suite(observed: &Observed, action: &'static str) -> Vec<Phrase> {
    vec![Phrase::new("event.action", action), Phrase::new("evalmark.suite", &observed.suite)]
}

/// How the runs ended.
fn latest_answers(observed: &Observed) -> Search {
    let series = Series::Counts { by: "evalmark.answer" };
    Search::chart("Runs by answer", &observed.suite, of_suite(observed, "run"), series)
}

fn runs(observed: &Observed) -> Search {
    Search::table("Runs", &observed.suite, of_suite(observed, "run"), &RUN_COLUMNS)
}

fn comparisons(observed: &Observed) -> Search {
    let documents = of_suite(observed, "comparison");
    Search::table("Comparisons with the baseline", &observed.suite, documents, &COMPARISON_COLUMNS)
}

fn alarms(observed: &Observed) -> Search {
    let documents = of_suite(observed, "drift");
    Search::table("Alarms of production", &observed.suite, documents, &ALARM_COLUMNS)
}

fn score(observed: &Observed, metric: &str) -> Search {
    let mut documents = of_suite(observed, "score");
    documents.push(Phrase::new("evalmark.metric", metric));
    let series = Series::Means { of: "evalmark.score", by: ["evalmark.prompt", "evalmark.model"] };
    Search::chart(&format!("Score: {metric}"), &observed.suite, documents, series)
}

/// The dashboard, whose panels stand in rows.
fn dashboard(observed: &Observed, panels: &[Panel], objects: &[Object]) -> Object {
    const HEIGHT: u64 = 14;
    let (mut left, mut top) = (0, 0);
    let (mut placed, mut references) = (Vec::new(), Vec::new());
    for (at, (panel, object)) in panels.iter().zip(objects).enumerate() {
        if left + panel.width > WIDTH {
            (left, top) = (0, top + HEIGHT);
        }
        let (index, name) = (at.to_string(), format!("panel_{at}"));
        placed.push(json!({
            "version": "7.10.0",
            "gridData": { "x": left, "y": top, "w": panel.width, "h": HEIGHT, "i": index },
            "panelIndex": index,
            "embeddableConfig": {},
            "panelRefName": name,
        }));
        references.push(object.reference(&name));
        left += panel.width;
    }
    let attributes = json!({
        "title": format!("evalmark: {}", observed.suite),
        "description": "Made by `evalmark export kibana`.",
        "hits": 0,
        "version": 1,
        "timeRestore": true,
        "timeFrom": "now-30d",
        "timeTo": "now",
        "refreshInterval": { "pause": true, "value": 0 },
        "panelsJSON": Value::Array(placed).to_string(),
        "optionsJSON": json!({ "useMargins": true, "hidePanelTitles": false }).to_string(),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json!({ "query": { "query": "", "language": "kuery" }, "filter": [] }).to_string(),
        },
    });
    Object::new("dashboard", &observed.suite, attributes, references)
}
