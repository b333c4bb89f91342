//! The index template of Elasticsearch and `OpenSearch`: it makes a data stream or an index, whose fields have types that figures
//! and words need.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where documents go, unless the suite names another data stream or index.
pub const RUNS_INDEX: &str = "logs-evalmark.runs-default";

/// Above the templates that Elasticsearch brings with it for `logs-*-*`, which have 100.
const PRIORITY: u32 = 500;

/// What a template makes of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    /// A data stream, whose documents are only added.
    DataStream,
    /// A plain index.
    Index,
}

/// The template for a data stream or an index of this name.
pub fn index_template(index: &str, kind: IndexKind) -> Value {
    let mut template = mappings(index);
    if kind == IndexKind::DataStream {
        template["data_stream"] = json!({});
    }
    template
}

fn mappings(index: &str) -> Value {
    let word = json!({ "type": "keyword", "ignore_above": 1024 });
    let number = json!({ "type": "double" });
    let count = json!({ "type": "long" });
    json!({
        "index_patterns": [index],
        "priority": PRIORITY,
        "template": {
            "mappings": {
                "dynamic": true,
                "dynamic_templates": [
                    { "words": { "match_mapping_type": "string", "mapping": word } },
                ],
                "properties": {
                    "@timestamp": { "type": "date" },
                    "message": { "type": "text" },
                    "ecs": { "properties": { "version": word } },
                    "service": { "properties": { "name": word } },
                    "event": { "properties": {
                        "kind": word, "dataset": word, "action": word, "outcome": word, "url": word,
                    } },
                    "evalmark": { "properties": {
                        "suite": word, "run_id": word, "commit": word, "baseline": word,
                        "answer": word, "fails": { "type": "boolean" },
                        "started_at": { "type": "date" },
                        "prompt": word, "model": word, "metric": word,
                        "score": number, "lower": number, "upper": number,
                        "n_scored": count, "n_missing": count,
                        "change": number, "is_ratio": { "type": "boolean" },
                    } },
                },
            },
        },
        "_meta": { "description": "Runs of evalmark: verdicts, comparisons and scores." },
    })
}
