//! The baselines of an output folder: one by its name, what it holds, and its means.

use std::{error::Error, iter::successors, path::Path};

use evalmark_core::suite::near_and_known;
use evalmark_store::{
    StoreError,
    baseline::{ListedBaseline, cannot_be_baseline, list},
    named_run::check_folder,
    run_record::RunRecord,
};
use evalmark_verdict::Variant;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{Result, RunError},
    variants::read_variants,
};

/// One mean of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineMean {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// `None` where nothing was scored, or the metric is a value of the whole run.
    pub mean: Option<f64>,
}

/// The baselines in `out` that `name` names: by their name, or with their suite before it
/// (`SUITE/NAME`). There is one, or more where several suites have one of that name.
pub fn named_baselines(name: &str, out: &Path) -> Result<Vec<ListedBaseline>> {
    check_folder(out)?;
    let all = list(out)?;
    let in_suite = |one: &ListedBaseline| format!("{}/{}", one.suite, one.name);
    let has_name = |one: &ListedBaseline| name == one.name || name == in_suite(one);
    if all.iter().any(has_name) {
        return Ok(all.into_iter().filter(has_name).collect());
    }
    // Those of the form that was typed.
    let form =
        |one: &ListedBaseline| if name.contains('/') { in_suite(one) } else { one.name.clone() };
    let mut known: Vec<_> = all.iter().map(form).collect();
    known.dedup();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let advice = near_and_known(name, &known, "there are").unwrap_or_else(|| {
        "`evalmark baseline promote RUN_DIR NAME` makes one; `--out DIR` names another folder"
            .to_owned()
    });
    let none = RunError::new(format!("there is no baseline `{name}` in {}", out.display()));
    Err(none.with_hint(advice))
}

/// The means of a baseline, by prompt, model and metric.
pub fn baseline_means(listed: &ListedBaseline, record: &RunRecord) -> Result<Vec<BaselineMean>> {
    Ok(variant_means(&read_variants(&listed.folder.scores())?, record))
}

/// The means of prompts and models that a run measured.
pub(crate) fn variant_means(variants: &[Variant], record: &RunRecord) -> Vec<BaselineMean> {
    let of_metrics = variants.iter().flat_map(|variant| {
        record.metrics.iter().map(|metric| {
            let mean = Some(variant.mean(&metric.name)).filter(|mean| mean.is_finite());
            BaselineMean {
                prompt: variant.prompt.clone(),
                model: variant.model.clone(),
                metric: metric.name.clone(),
                mean: mean.filter(|_| record.scale(&metric.name).value.is_none()),
            }
        })
    });
    of_metrics.collect()
}

/// Why a baseline is broken, with the causes.
pub fn broken_in_full(error: &StoreError) -> String {
    let causes = successors(Some(error as &dyn Error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A baseline as a JSON document, for programs.
pub fn baseline_document(listed: &ListedBaseline) -> Value {
    let ListedBaseline { suite, name, folder, record } = listed;
    let (record, problem) = (record.as_ref().ok(), record.as_ref().err().map(broken_in_full));
    json!({
        "suite": suite,
        "name": name,
        "baseline_dir": folder.path,
        "problem": problem,
        "missing_files": listed.missing_files(),
        "run_id": record.map(|record| &record.run_id),
        "started_at": record.map(|record| &record.started_at),
        "items": record.map(|record| record.n_items),
        "prompts": record.map(|record| {
            record.prompts.iter().map(|prompt| &prompt.name).collect::<Vec<_>>()
        }),
        "models": record.map(|record| &record.models),
        "metrics": record.map(|record| {
            record.metrics.iter().map(|metric| &metric.name).collect::<Vec<_>>()
        }),
        "answers_left_out": record.and_then(|record| record.answers_left_out.as_ref()),
        "incomplete": record.and_then(cannot_be_baseline),
    })
}
