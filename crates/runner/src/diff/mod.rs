//! Two runs side by side: the items that they score differently, with what was asked and answered.
//!
//! Which items those are is the verdict crate's to say; `texts` finds what they say, and `broken` picks
//! the first few for a verdict.

mod broken;
mod document;
mod texts;

use std::path::{Path, PathBuf};

use evalmark_core::{metric::Range, policy::Policy, verdict::Flip};
use evalmark_report::changed_item::ChangedItem;
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline},
    integrity::open_scored,
    run_folder::RunFolder,
    run_record::RunRecord,
};
use evalmark_verdict::{PairCounts, RunScores, Variant, changed_items};
use serde::Serialize;

use crate::{
    Ending, Findings, Host, Notice,
    error::Result,
    gate::{Differences, changed},
    unknown_name::{UnknownName, all_known},
    variants::read_named_variants,
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

impl DiffOptions {
    fn wants(&self, variant: &Variant) -> bool {
        is_wanted(&self.prompts, &variant.prompt) && is_wanted(&self.models, &variant.model)
    }
}

/// Whether a name is among those that were asked for.
fn is_wanted(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|wanted| wanted == name)
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
    pub incomparable: Vec<IncomparableMetric>,
    /// How the items of each prompt, model and metric pair up.
    pub pairings: Vec<DiffedPair>,
    /// Prompts and models of the earlier run alone.
    pub only_before: Vec<VariantName>,
    /// Prompts and models of the later run alone.
    pub only_after: Vec<VariantName>,
    /// The items, those that score worse first; at most as many as were asked for.
    pub items: Vec<ChangedItem>,
}

/// A metric whose scores are not the same measure in both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncomparableMetric {
    /// The metric's name.
    pub metric: String,
    /// Why, in a clause.
    pub why: String,
}

/// A prompt and model of both runs, by one metric.
#[derive(Clone, Debug)]
pub struct DiffedPair {
    /// Prompt and model, by the names that they have in the later run.
    pub variant: VariantName,
    /// The metric.
    pub metric: String,
    /// How their items pair up.
    pub counts: PairCounts,
}

impl RunDiff {
    /// Scores that both runs have of the same item.
    pub fn n_paired(&self) -> u64 {
        self.pairings.iter().map(|pair| pair.counts.paired).sum()
    }

    /// Items that score worse, better, or either, whatever the limit.
    pub fn n_matching(&self, only: Option<ScoreChange>) -> u64 {
        match only {
            None => self.n_worse + self.n_better,
            Some(ScoreChange::Worse) => self.n_worse,
            Some(ScoreChange::Better) => self.n_better,
        }
    }

    /// The difference as a JSON document, for programs.
    pub fn document(&self, only: Option<ScoreChange>) -> serde_json::Value {
        document::document(self, only)
    }

    /// How a command ends on it: where nothing belongs together, nothing was compared.
    pub fn ending(&self) -> Ending {
        let is_incomplete = self.n_paired() == 0;
        Findings { is_incomplete, ..Findings::default() }.ending(Policy::default())
    }
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
pub struct VariantName {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
}

impl VariantName {
    pub(crate) fn of(variant: &Variant) -> Self {
        Self { prompt: variant.prompt.clone(), model: variant.model.clone() }
    }
}

/// The items that two runs score differently. The earlier one is a run's folder, or a baseline of the
/// later one's suite by its name.
///
/// Fails where one of them is not finished, or its scores are not those that were written.
pub fn diff(
    before: &Path,
    after: &Path,
    options: &DiffOptions,
    host: &Host<'_>,
) -> Result<RunDiff> {
    let (folder, record) = open_scored(after)?;
    let baseline = earlier(before, &folder, &record, host)?;
    let old = RunSide { folder: &baseline.folder, record: &baseline.record };
    let new = RunSide { folder: &folder, record: &record };
    let scores = |side: RunSide<'_>, like: &[Variant]| {
        let scores = read_named_variants(&side.folder.scores(), like)?;
        Ok::<_, crate::RunError>(RunScores { scores, ..RunScores::default() })
    };
    let mut later = scores(new, &[])?;
    let mut earlier = scores(old, &later.scores)?;
    are_known(options, &record, &later)?;
    let differences = Differences::find(old.record, &record, [&mut earlier, &mut later], host);
    let found = find([old, new], [&earlier, &later], options, &differences)?;
    let (n_worse, n_better) = (found.worse.len() as u64, found.better.len() as u64);
    let [worse, better] = match options.only {
        None => [found.worse, found.better],
        Some(ScoreChange::Worse) => [found.worse, Vec::new()],
        Some(ScoreChange::Better) => [found.better, Vec::new()],
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
        incomparable: found.incomparable,
        pairings: found.pairings,
        only_before: alone(&earlier, &later, options),
        only_after: alone(&later, &earlier, options),
        items: texts.items,
    })
}

/// Prompts and models that only the first of two runs has.
fn alone(of: &RunScores, other: &RunScores, options: &DiffOptions) -> Vec<VariantName> {
    let variants = of.scores.iter().filter(|variant| options.wants(variant));
    let is_alone = |v: &&Variant| other.variant(&v.prompt, &v.model, None).is_none();
    variants.filter(is_alone).map(VariantName::of).collect()
}

/// The earlier of two runs: a folder, whatever its suite was called, or else a baseline of the later
/// run's suite. It is finished, its scores are as they were written, and it is not the later run.
pub(crate) fn earlier(
    named: &Path,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<Baseline> {
    // Whoever names a folder may mean a run of a suite that was called otherwise.
    let by_path = named.join("run.json").is_file();
    let by_path = by_path.then(|| RunFolder::open(named)).transpose()?;
    let of_suite = by_path.map(|(_, record)| record.suite);
    let name = named.display().to_string();
    let wanted = WantedBaseline::of_run(&name, of_suite.as_deref(), folder, record);
    let Some(baseline) = Baseline::find(&wanted)? else {
        return Err(StoreError::from(wanted.not_a_run()).into());
    };
    baseline.is_another_than(folder, record)?;
    for warning in baseline.warnings() {
        host.notices.tell(&Notice::BaselineWarning(&warning));
    }
    Ok(baseline)
}

/// Fails where a filter names what the later run does not have: it would find nothing.
fn are_known(
    options: &DiffOptions,
    record: &RunRecord,
    scores: &RunScores,
) -> Result<(), UnknownName> {
    let check = |what: &str, wanted: &[String], mut known: Vec<&str>| {
        known.dedup();
        all_known(&format!("the run has no {what}"), wanted, &known, "it has")
    };
    let variants = scores.scores.iter();
    let mut models: Vec<_> = variants.clone().map(|variant| variant.model.as_str()).collect();
    models.sort_unstable();
    check("metric", &options.metrics, record.metrics.iter().map(|m| m.name.as_str()).collect())?;
    check("prompt", &options.prompts, variants.map(|variant| variant.prompt.as_str()).collect())?;
    check("model", &options.models, models)
}

/// What was found in two runs.
#[derive(Default)]
struct Found {
    worse: Vec<Pick>,
    better: Vec<Pick>,
    incomparable: Vec<IncomparableMetric>,
    pairings: Vec<DiffedPair>,
}

fn find(
    [old, new]: [RunSide<'_>; 2],
    [before, after]: [&RunScores; 2],
    options: &DiffOptions,
    differences: &Differences,
) -> Result<Found> {
    let mut found = Found::default();
    let metrics = new.record.metrics.iter().map(|metric| metric.name.as_str());
    for metric in metrics.filter(|metric| is_wanted(&options.metrics, metric)) {
        if let Some(why) = changed(metric, old.record, new.record) {
            found.incomparable.push(IncomparableMetric { metric: metric.to_owned(), why });
            continue;
        }
        let scale = new.record.scale(metric);
        for variant in after.scores.iter().filter(|variant| options.wants(variant)) {
            let Some(earlier) = before.variant(&variant.prompt, &variant.model, None) else {
                continue;
            };
            let items = changed_items(earlier, variant, metric, scale.direction)?;
            found.pairings.push(DiffedPair {
                variant: VariantName::of(variant),
                metric: metric.to_owned(),
                counts: items.counts,
            });
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
