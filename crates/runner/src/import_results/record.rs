//! `run.json` of imported results: what stands in for a suite, and what was read, kept and left out.

use std::collections::BTreeMap;

use evalmark_core::{
    metric::{Direction, Range},
    suite::file_name,
    tool_results::{ToolFile, ToolItem, ToolMetric, ToolPrompt, ToolResults},
};
use evalmark_report::summary::SummaryRow;
use evalmark_store::{
    integrity::TOO_MANY_MISSING,
    run_record::{
        FORMAT_VERSION, ImportedFile, ImportedFrom, ImportedRest, MetricScale, MetricScales,
        NamedHash, RunOptions, RunRecord, RunStatus, RunTotals, SampleCounts,
    },
};
use serde_json::{Map, Value, json};

use super::{ImportOptions, ImportedGate, no_suite_file};
use crate::{error::Result, run_id::now};

/// Letters of a suite's name that is made of a tool's own.
const NAME_LENGTH: usize = 60;

/// The record of a run of these results that has no files yet.
pub(super) fn record(
    results: &ToolResults,
    options: &ImportOptions,
    run_id: String,
) -> Result<RunRecord> {
    let suite = options.suite.clone().unwrap_or_else(|| suite_name(results));
    let effective = effective_suite(results, &suite, &options.gate);
    let items: BTreeMap<_, _> =
        results.items.iter().map(|item| (item_id(item), item.hash())).collect();
    let mut dataset = blake3::Hasher::new_derive_key("evalmark imported dataset v1");
    for (id, hash) in &items {
        dataset.update(&(id.len() as u64).to_le_bytes());
        dataset.update(id.as_bytes());
        dataset.update(&hash.0);
    }
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    Ok(RunRecord {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id,
        suite_path: no_suite_file(&results.tool),
        source_places: None,
        suite_hash: hash(&effective.to_string()),
        suite,
        dataset_hash: dataset.finalize().to_hex().to_string(),
        dataset_source: None,
        n_items: results.items.len() as u64,
        columns: Some(columns(results)),
        epochs: results.answers.iter().map(|answer| answer.epoch + 1).max().unwrap_or(1),
        status: RunStatus::Running,
        started_at: results.evaluated_at.clone().unwrap_or_else(now),
        finished_at: None,
        git: None,
        prompts: results.prompts.iter().map(named_prompt).collect(),
        models: results.models.clone(),
        metrics: results.metrics.iter().map(|metric| metric_hash(results, metric)).collect(),
        judged: judged(results),
        judging: BTreeMap::new(),
        scales: scales(results),
        options: RunOptions::default(),
        counts: SampleCounts::default(),
        totals: RunTotals::default(),
        slices: Vec::new(),
        stop_early: None,
        stopped_early: None,
        incomplete: None,
        files: BTreeMap::new(),
        answers_left_out: None,
        ungated: None,
        imported: Some(imported(results)),
        effective_suite: effective.try_into()?,
    })
}

/// The id that an item has in the run: its own, or its content's hash.
pub(super) fn item_id(item: &ToolItem) -> String {
    item.id.clone().unwrap_or_else(|| item.hash().to_string())
}

/// A name for the suite, made of the tool's name of what it evaluated.
pub(super) fn suite_name(results: &ToolResults) -> String {
    let named = [&results.task, &results.title].into_iter().flatten();
    let name = named.map(|name| as_file_name(name)).find(|name| file_name(name).is_ok());
    name.filter(|name| name != "baselines").unwrap_or_else(|| results.tool.clone())
}

fn as_file_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split(|c: char| !plain(c)).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    let name: String = name.chars().take(NAME_LENGTH).collect();
    name.trim_matches(['.', '-']).to_owned()
}

fn named_prompt(prompt: &ToolPrompt) -> NamedHash {
    let text = prompt.text.as_ref().unwrap_or(&prompt.name);
    NamedHash {
        name: prompt.name.clone(),
        hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
    }
}

/// What makes two metrics the same: the tool, its name of the metric, and which values are better.
fn metric_hash(results: &ToolResults, metric: &ToolMetric) -> NamedHash {
    let text = format!("imported v1\0{}\0{}\0{}", results.tool, metric.name, metric.direction);
    NamedHash {
        name: metric.name.clone(),
        hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
    }
}

fn judged(results: &ToolResults) -> Vec<String> {
    let judged = results.metrics.iter().filter(|metric| metric.is_judged);
    judged.map(|metric| metric.name.clone()).collect()
}

/// Where each metric's values lie, parallel to the metrics.
pub(super) fn metric_scales(results: &ToolResults) -> Vec<MetricScale> {
    let scale = |metric: &ToolMetric| MetricScale {
        range: metric.range.unwrap_or(Range::Unit),
        direction: metric.direction,
        value: None,
    };
    results.metrics.iter().map(scale).collect()
}

fn scales(results: &ToolResults) -> MetricScales {
    let names = results.metrics.iter().map(|metric| metric.name.clone());
    names.zip(metric_scales(results)).collect()
}

fn columns(results: &ToolResults) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for name in results.items.iter().flat_map(|item| item.fields.keys()) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns
}

fn imported(results: &ToolResults) -> ImportedFrom {
    let file =
        |file: &ToolFile| ImportedFile { name: file.name.clone(), blake3: file.blake3.clone() };
    let left_out = results.left_out.iter().map(|left| ImportedRest {
        what: left.kind.as_str().to_owned(),
        why: left.why.clone(),
        count: left.count,
        first: left.first.clone(),
    });
    ImportedFrom {
        tool: results.tool.clone(),
        tool_version: results.tool_version.clone(),
        files: results.files.iter().map(file).collect(),
        read: results.n_read,
        kept: results.n_kept,
        left_out: left_out.collect(),
        remarks: results.remarks.clone(),
    }
}

/// What stands in a suite's place, in its form, so that whatever compares two runs finds prompts, models and metrics.
fn effective_suite(results: &ToolResults, name: &str, gate: &ImportedGate) -> Value {
    let prompt = |prompt: &ToolPrompt| match &prompt.text {
        Some(text) => {
            json!({ "name": prompt.name, "messages": [{ "role": "user", "content": text }] })
        }
        None => json!({ "name": prompt.name }),
    };
    let models = results.models.iter().map(|name| json!({ "name": name, "model": name }));
    let metric = |metric: &ToolMetric| {
        let lower = metric.direction == Direction::Lower;
        json!({ "name": metric.name, "imported": { "from": results.tool, "lower_is_better": lower } })
    };
    let has_ids = results.items.iter().any(|item| item.id.is_some());
    let mut suite = json!({
        "name": name,
        "dataset": { "id": has_ids.then_some("id"), "target": null },
        "prompts": results.prompts.iter().map(prompt).collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
        "metrics": results.metrics.iter().map(metric).collect::<Vec<_>>(),
    });
    if let Some(gate) = gate_section(gate) {
        suite["gate"] = gate;
    }
    suite
}

/// The gate as a suite has it; `None` where nothing is said.
fn gate_section(gate: &ImportedGate) -> Option<Value> {
    if *gate == ImportedGate::default() {
        return None;
    }
    let mut section = Map::new();
    if let Some(alpha) = gate.alpha {
        section.insert("alpha".to_owned(), alpha.into());
    }
    if !gate.metrics.is_empty() {
        let metric = |(name, margin): &(String, Option<f64>)| {
            let margin = margin.map(|margin| ("margin".to_owned(), margin.into()));
            (name.clone(), Value::Object(margin.into_iter().collect()))
        };
        let metrics: Map<_, _> = gate.metrics.iter().map(metric).collect();
        section.insert("metrics".to_owned(), metrics.into());
    }
    Some(section.into())
}

/// Why a run is incomplete whose scores are missing too often; `None` where they are not. Where the gate names its
/// metrics, the others do not count.
pub(super) fn lacks_too_much(rows: &[SummaryRow], gate: &ImportedGate) -> Option<String> {
    let counts = |row: &SummaryRow| {
        gate.metrics.is_empty() || gate.metrics.iter().any(|(name, _)| *name == row.metric)
    };
    let lacks = rows.iter().filter(|row| counts(row)).find(|row| {
        row.slice.is_none() && row.n_missing as f64 > TOO_MANY_MISSING * row.n_planned as f64
    })?;
    Some(format!(
        "{} of {} scores of `{}` are missing",
        lacks.n_missing, lacks.n_planned, lacks.metric
    ))
}
