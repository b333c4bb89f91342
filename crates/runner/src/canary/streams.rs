//! Streams of a canary: scores, held against the baseline, and what the answers are like, held against
//! those of the baseline's run, or of the first look where that run is gone.

use std::{collections::BTreeMap, path::Path};

use evalmark_core::{metric::Range, record::Outcome};
use evalmark_report::samples::{SampleRecord, samples};
use evalmark_store::{
    baseline::Baseline,
    run_folder::RunFolder,
    run_record::{MetricScale, MetricScales},
};
use evalmark_verdict::{
    DriftError, DriftMonitor, ItemScore, ItemScores, ReferenceSample, ScoreRange, StreamRule,
    StreamValue, Variant,
};

use crate::{
    error::{Hinted, Result},
    variants::{cluster_key, read_variants},
};

/// A stream and the sample that it is held against.
pub(super) type Stream = (StreamRule, ReferenceSample);

/// The model's name where the server does not call it otherwise.
const AS_ASKED: &str = "as asked";

/// The scores of a run or baseline.
pub(super) struct Scores(Vec<Variant>);

impl Scores {
    pub(super) fn read(folder: &RunFolder) -> Result<Self> {
        Ok(Self(read_variants(&folder.scores())?))
    }

    /// One stream for each prompt, model and metric.
    pub(super) fn streams(&self, scales: &MetricScales) -> Result<Vec<Stream>, DriftError> {
        let one = |(name, items, scale): (String, ItemScores<'_>, &MetricScale)| {
            let values = values(items, scale.range);
            if values.is_empty() {
                return Ok(None);
            }
            let range = ScoreRange::of(scale.range);
            let sample = if range.high.is_finite() {
                ReferenceSample::of_scores(range, &values)?
            } else {
                ReferenceSample::of_amounts(&values)?
            };
            Ok(Some((StreamRule::new(name).worse(scale.direction), sample)))
        };
        self.metrics(scales).filter_map(|metric| one(metric).transpose()).collect()
    }

    pub(super) fn observe(&self, scales: &MetricScales, monitor: &mut DriftMonitor) {
        for (name, items, scale) in self.metrics(scales) {
            let Some(place) = monitor.place(&name) else { continue };
            for value in values(items, scale.range) {
                monitor.observe(place, &value);
            }
        }
    }

    /// Metrics whose value is the mean of their scores.
    fn metrics<'a>(
        &'a self,
        scales: &'a MetricScales,
    ) -> impl Iterator<Item = (String, ItemScores<'a>, &'a MetricScale)> {
        self.0.iter().flat_map(move |variant| {
            variant.metric_names().filter_map(move |metric| {
                let scale = scales.get(metric).filter(|scale| scale.value.is_none())?;
                let name = format!("{} · {} · {metric}", variant.prompt, variant.model);
                Some((name, variant.scores(metric)?, scale))
            })
        })
    }
}

/// Every item's mean over its epochs.
fn values(items: ItemScores<'_>, range: Range) -> Vec<StreamValue<'static, f64>> {
    let ScoreRange { low, high } = ScoreRange::of(range);
    let scored = items.iter().filter(|item| item.n_scored > 0);
    let one = |item: ItemScore| {
        // Sums of scores may miss an end of the range by a rounding.
        let mean = (item.sum / f64::from(item.n_scored)).clamp(low, high);
        StreamValue { cluster: item.cluster, ..StreamValue::of(mean) }
    };
    scored.map(one).collect()
}

/// What the answers of a run are like, by model.
pub(super) struct Answers(BTreeMap<String, Vec<AnswerFacts>>);

/// One answer.
struct AnswerFacts {
    cluster: u64,
    served: String,
    fingerprint: Option<String>,
    finish_reason: String,
    outcome: Outcome,
    length: f64,
}

impl AnswerFacts {
    fn of(sample: &SampleRecord) -> Self {
        let record = &sample.record;
        let details = record.details.as_deref();
        let output = record.output.as_deref().unwrap_or_default();
        Self {
            cluster: cluster_key(sample.cluster.as_deref().unwrap_or(&sample.item_id)),
            served: details.and_then(|told| told.model.clone()).unwrap_or(AS_ASKED.to_owned()),
            fingerprint: details.and_then(|told| told.system_fingerprint.clone()),
            finish_reason: match &record.finish_reason {
                Some(reason) => reason.as_str().to_owned(),
                None => "none".to_owned(),
            },
            outcome: record.outcome,
            length: output.chars().count() as f64,
        }
    }

    fn value<V>(&self, value: V) -> StreamValue<'static, V> {
        StreamValue { cluster: Some(self.cluster), ..StreamValue::of(value) }
    }

    /// What it is in one of the streams of categories.
    fn category(&self, what: &str) -> Option<StreamValue<'_, &str>> {
        let word = match what {
            SERVED => &self.served,
            FINISH_REASON => &self.finish_reason,
            FINGERPRINT => self.fingerprint.as_deref()?,
            _ => self.outcome.as_str(),
        };
        Some(self.value(word))
    }
}

const SERVED: &str = "model as served";
const OUTCOME: &str = "outcome";
const FINISH_REASON: &str = "finish reason";
const FINGERPRINT: &str = "fingerprint";

/// The streams of categories, and whether each raises alarms. A server's fingerprint changes with every deployment of the vendor's.
const CATEGORIES: [(&str, bool); 4] =
    [(SERVED, true), (OUTCOME, true), (FINISH_REASON, true), (FINGERPRINT, false)];

const LENGTH: &str = "length of answers";

impl Answers {
    pub(super) fn read(folder: &RunFolder) -> Result<Self> {
        let cannot = || format!("the answers in {} cannot be read", folder.path.display());
        let mut answers = Self(BTreeMap::new());
        for sample in samples(&folder.samples()).with_context(cannot)? {
            let sample = sample.with_context(cannot)?;
            if sample.record.outcome != Outcome::Failed {
                let facts = AnswerFacts::of(&sample);
                answers.0.entry(sample.model).or_default().push(facts);
            }
        }
        Ok(answers)
    }

    /// Those of the run that the baseline was made from, where that is still there.
    pub(super) fn of_baseline(baseline: &Baseline, out: &Path, suite: &str) -> Option<Self> {
        let path = out.join(suite).join(&baseline.record.run_id);
        let (folder, record) = RunFolder::open(&path).ok()?;
        let is_its = record.dataset_hash == baseline.record.dataset_hash
            && record.started_at == baseline.record.started_at;
        Some(Self::read(&folder).ok()?).filter(|answers| is_its && !answers.0.is_empty())
    }

    pub(super) fn streams(&self) -> Result<Vec<Stream>, DriftError> {
        let mut streams = Vec::new();
        for (model, answers) in &self.0 {
            for (what, raises) in CATEGORIES {
                let words: Vec<_> = answers.iter().filter_map(|one| one.category(what)).collect();
                if !words.is_empty() {
                    let rule = StreamRule::new(format!("{model} · {what}"));
                    let rule = if raises { rule } else { rule.context() };
                    streams.push((rule, ReferenceSample::of_categories(&words)));
                }
            }
            let lengths: Vec<_> = answers.iter().map(|one| one.value(one.length)).collect();
            let rule = StreamRule::new(format!("{model} · {LENGTH}"));
            streams.push((rule, ReferenceSample::of_amounts(&lengths)?));
        }
        Ok(streams)
    }

    pub(super) fn observe(&self, monitor: &mut DriftMonitor) {
        for (model, answers) in &self.0 {
            for (what, _) in CATEGORIES {
                let Some(place) = monitor.place(&format!("{model} · {what}")) else { continue };
                for word in answers.iter().filter_map(|one| one.category(what)) {
                    monitor.observe_category(place, &word);
                }
            }
            let Some(place) = monitor.place(&format!("{model} · {LENGTH}")) else { continue };
            for one in answers {
                monitor.observe(place, &one.value(one.length));
            }
        }
    }
}
