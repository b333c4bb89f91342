//! Two runs side by side: the items that they score differently, with what was asked and answered.
//!
//! Which items those are is the verdict crate's to say; `texts` finds what they say, and `broken` picks
//! the first few for a verdict.

mod broken;
mod texts;

use std::path::{Path, PathBuf};

use evalmark_core::{metric::Range, verdict::Flip};
use evalmark_report::changed_item::ChangedItem;
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline},
    integrity::{self, open_scored},
    run_folder::RunFolder,
    run_record::RunRecord,
};
use evalmark_verdict::{RunScores, Variant, changed_items};

use crate::{
    Host,
    error::{Advised, Result},
    gate::{Differences, changed},
    variants::read_variants,
};

pub(crate) use self::broken::broken_items;
use self::texts::with_texts;

/// What of a difference is wanted.
#[derive(Clone, Debug, Default)]
pub struct DiffOptions {
    /// Only by these metrics; all where there are none.
    pub metrics: Vec<String>,
    /// Only of these prompts, by the names that they have in the later run.
    pub prompts: Vec<String>,
    /// Only of these models.
    pub models: Vec<String>,
    /// Only items that score worse, or only those that score better.
    pub only: Option<ScoreChange>,
    /// How many items, at most.
    pub limit: usize,
}

/// Which way an item's score went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreChange {
    /// It scores worse.
    Worse,
    /// It scores better.
    Better,
}

/// The items that two runs score differently.
#[derive(Clone, Debug)]
pub struct RunDiff {
    /// The earlier run.
    pub before: DiffedRun,
    /// The later one.
    pub after: DiffedRun,
    /// Items that score worse, over all metrics that were asked for.
    pub n_worse: u64,
    /// Items that score better.
    pub n_better: u64,
    /// Metrics whose scores are not the same measure in both runs, and why.
    pub incomparable: Vec<(String, String)>,
    /// The items, those that score worse first; at most as many as were asked for.
    pub items: Vec<ChangedItem>,
}

/// One of two runs.
#[derive(Clone, Debug)]
pub struct DiffedRun {
    /// Its folder.
    pub path: PathBuf,
    /// Its suite.
    pub suite: String,
    /// Its id.
    pub run_id: String,
    /// Why its answers cannot be shown, in a clause; `None` where they can.
    pub answers_left_out: Option<String>,
}

/// A run that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct RunSide<'a> {
    pub(crate) folder: &'a RunFolder,
    pub(crate) record: &'a RunRecord,
}

/// An item that two variants score differently.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub(crate) flip: Flip,
    pub(crate) metric: String,
    pub(crate) range: Range,
    pub(crate) is_worse: bool,
    /// Prompt and model in the earlier run.
    pub(crate) before: VariantName,
    /// Prompt and model in the later run.
    pub(crate) after: VariantName,
}

/// Names of a prompt and a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VariantName {
    pub(crate) prompt: String,
    pub(crate) model: String,
}

impl VariantName {
    pub(crate) fn of(variant: &Variant) -> Self {
        Self { prompt: variant.prompt.clone(), model: variant.model.clone() }
    }
}

/// The items that two runs score differently. The earlier one is a run's folder, or a baseline of the
/// later one's suite by its name.
pub fn diff(
    before: &Path,
    after: &Path,
    options: &DiffOptions,
    host: &Host<'_>,
) -> Result<RunDiff> {
    let (new_folder, new_record) = open_scored(after)?;
    let (old_folder, old_record) = earlier(before, &new_folder, &new_record)?;
    let old = RunSide { folder: &old_folder, record: &old_record };
    let new = RunSide { folder: &new_folder, record: &new_record };
    for side in [old, new] {
        integrity::unchanged(side.folder, side.record, &[side.folder.scores()])?;
    }
    let scores = |side: RunSide<'_>| {
        Ok::<_, crate::RunError>(RunScores {
            scores: read_variants(&side.folder.scores())?,
            ..RunScores::default()
        })
    };
    let (mut earlier, mut later) = (scores(old)?, scores(new)?);
    are_known(options, &new_record, &later)?;
    let differences = Differences::find(&old_record, &new_record, [&mut earlier, &mut later], host);
    let Found { worse, better, incomparable } =
        find([old, new], [&earlier, &later], options, &differences)?;
    let (n_worse, n_better) = (worse.len() as u64, better.len() as u64);
    let [worse, better] = match options.only {
        None => [worse, better],
        Some(ScoreChange::Worse) => [worse, Vec::new()],
        Some(ScoreChange::Better) => [better, Vec::new()],
    };
    let picks: Vec<_> = worse.into_iter().chain(better).take(options.limit).collect();
    let texts = with_texts(&picks, old, new)?;
    let [before_left_out, after_left_out] = texts.left_out;
    let run = |side: RunSide<'_>, answers_left_out| DiffedRun {
        path: side.folder.path.clone(),
        suite: side.record.suite.clone(),
        run_id: side.record.run_id.clone(),
        answers_left_out,
    };
    Ok(RunDiff {
        before: run(old, before_left_out),
        after: run(new, after_left_out),
        n_worse,
        n_better,
        incomparable,
        items: texts.items,
    })
}

/// The earlier run: a folder, or else a baseline of the later run's suite.
fn earlier(named: &Path, folder: &RunFolder, record: &RunRecord) -> Result<(RunFolder, RunRecord)> {
    if named.join("run.json").exists() {
        return Ok(open_scored(named)?);
    }
    let name = named.display().to_string();
    let wanted = WantedBaseline::of_run(&name, None, folder, record);
    match Baseline::find(&wanted)? {
        Some(Baseline { folder, record, .. }) => Ok((folder, record)),
        None => Err(StoreError::from(wanted.not_a_run()).into()),
    }
}

/// Fails where a filter names what the later run does not have: it would find nothing.
fn are_known(
    options: &DiffOptions,
    record: &RunRecord,
    scores: &RunScores,
) -> Result<(), UnknownFilter> {
    let check = |what: &'static str, wanted: &[String], mut known: Vec<&str>| {
        known.dedup();
        let unknown = wanted.iter().find(|name| !known.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => Err(UnknownFilter { what, name: name.clone(), known: known.join(", ") }),
        }
    };
    let variants = scores.scores.iter();
    let mut models: Vec<_> = variants.clone().map(|variant| variant.model.as_str()).collect();
    models.sort_unstable();
    check("metric", &options.metrics, record.metrics.iter().map(|m| m.name.as_str()).collect())?;
    check("prompt", &options.prompts, variants.map(|variant| variant.prompt.as_str()).collect())?;
    check("model", &options.models, models)
}

/// A filter that names what the later run does not have.
#[derive(Debug, thiserror::Error)]
#[error("the run has no {what} `{name}`")]
pub struct UnknownFilter {
    /// `metric`, `prompt` or `model`.
    what: &'static str,
    name: String,
    known: String,
}

impl Advised for UnknownFilter {
    fn hint(&self) -> Option<String> {
        Some(format!("it has: {}", self.known))
    }
}

/// What was found in two runs.
#[derive(Default)]
struct Found {
    worse: Vec<Pick>,
    better: Vec<Pick>,
    incomparable: Vec<(String, String)>,
}

fn find(
    [old, new]: [RunSide<'_>; 2],
    [before, after]: [&RunScores; 2],
    options: &DiffOptions,
    differences: &Differences,
) -> Result<Found> {
    let wants = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let mut found = Found::default();
    let metrics = new.record.metrics.iter().map(|metric| metric.name.as_str());
    for metric in metrics.filter(|metric| wants(&options.metrics, metric)) {
        if let Some(why) = changed(metric, old.record, new.record) {
            found.incomparable.push((metric.to_owned(), why));
            continue;
        }
        let scale = new.record.scale(metric);
        let is_wanted = |variant: &&Variant| {
            wants(&options.prompts, &variant.prompt) && wants(&options.models, &variant.model)
        };
        for variant in after.scores.iter().filter(is_wanted) {
            let Some(earlier) = before.variant(&variant.prompt, &variant.model, None) else {
                continue;
            };
            let items = changed_items(earlier, variant, metric, scale.direction)?;
            let pick = |(flip, is_worse)| Pick {
                flip,
                metric: metric.to_owned(),
                range: scale.range,
                is_worse,
                before: differences.name_before(VariantName::of(variant)),
                after: VariantName::of(variant),
            };
            found.worse.extend(items.worse.into_iter().map(|flip| pick((flip, true))));
            found.better.extend(items.better.into_iter().map(|flip| pick((flip, false))));
        }
    }
    Ok(found)
}
