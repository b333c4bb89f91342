//! The baseline's side of the samples that the page shows: its scores, and its answers where it keeps
//! them.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    super::data::{BaselineScore, PageSamples},
    BaselineFiles, bounded,
    scores::{Distributions, Side},
};
use crate::{
    ReadError,
    answers::for_each_answer,
    scores::{ScoreRef, for_each_score},
};

/// Adds what the baseline has to the samples and the distributions.
pub(super) fn add_baseline(
    page: &mut PageSamples,
    distributions: &mut Distributions,
    baseline: &BaselineFiles,
) -> Result<(), ReadError> {
    let places = Places::of(page);
    for_each_score::<ReadError>(&baseline.scores, |score| {
        if baseline.incomparable.iter().any(|metric| metric == score.metric) {
            return Ok(());
        }
        let score = ScoreRef { prompt: baseline.name_now(score.prompt), ..score };
        distributions.see(&score.value(), Side::Baseline);
        let key = Key { epoch: score.epoch, ..Key::of(score.prompt, score.model, score.item_id) };
        let Some(place) = places.find(page, &key) else { return Ok(()) };
        let metric = page.metrics.iter().position(|metric| metric.name == score.metric);
        let sample = &mut page.samples[place];
        if let Some(metric) = metric
            && baseline.is_same_item(&sample.item_hash, score.item_hash)
            && let Some(own) = sample.scores.get_mut(metric)
        {
            own.baseline = Some(BaselineScore { value: score.score, passed: score.passed });
        }
        Ok(())
    })?;
    page.baseline.has_scores = true;
    match &baseline.answers {
        None => page.baseline.lacks.clone_from(&baseline.lacks_answers),
        Some(path) => {
            for_each_answer::<ReadError>(path, |answer| {
                let prompt = baseline.name_now(answer.prompt);
                let key =
                    Key { epoch: answer.epoch, ..Key::of(prompt, answer.model, answer.item_id) };
                if let Some(place) = places.find(page, &key)
                    && baseline.is_same_item(&page.samples[place].item_hash, answer.item_hash)
                {
                    page.samples[place].baseline_answer = answer.output.map(bounded);
                }
                Ok(())
            })?;
            page.baseline.has_answers = true;
        }
    }
    Ok(())
}

impl BaselineFiles {
    /// Whether two items of the same id have the same content.
    fn is_same_item(&self, now: &str, then: &str) -> bool {
        self.is_paired_by_id || now == then
    }

    /// What the run calls a prompt of the baseline.
    fn name_now<'a>(&'a self, prompt: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|rename| rename.before == prompt);
        renamed.map_or(prompt, |rename| &rename.after)
    }
}

/// Where samples are found by their names.
struct Places(HashMap<u64, Vec<usize>>);

/// What a sample is found by.
#[derive(Hash, PartialEq, Eq)]
struct Key<'a> {
    prompt: &'a str,
    model: &'a str,
    item: &'a str,
    epoch: u32,
}

impl<'a> Key<'a> {
    fn of(prompt: &'a str, model: &'a str, item: &'a str) -> Self {
        Self { prompt, model, item, epoch: 0 }
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }
}

/// A sample's own key.
fn key(page: &PageSamples, place: usize) -> Key<'_> {
    let sample = &page.samples[place];
    let frame = &page.frames[sample.frame];
    Key { epoch: sample.epoch, ..Key::of(&frame.prompt, &frame.model, &sample.item_id) }
}

impl Places {
    fn of(page: &PageSamples) -> Self {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for place in 0..page.samples.len() {
            places.entry(key(page, place).hash()).or_default().push(place);
        }
        Self(places)
    }

    fn find(&self, page: &PageSamples, wanted: &Key<'_>) -> Option<usize> {
        let places = self.0.get(&wanted.hash())?;
        places.iter().copied().find(|place| key(page, *place) == *wanted)
    }
}
