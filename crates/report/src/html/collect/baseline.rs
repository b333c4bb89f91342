//! The baseline's side of the samples that the page shows: its scores, and its answers where it keeps
//! them.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    super::data::{BaselineScore, PageSamples},
    BaselineFiles, bounded,
    scores::{Distributions, Graded, PartBins, Side},
};
use crate::{
    ReadError,
    answers::for_each_answer,
    gathered_rows::{ScoreRows, gather_passed},
};

/// What a part of the baseline's scores adds to the page.
struct PartBaseline {
    bins: PartBins,
    /// Scores with their sample's place on the page and their metric's.
    scores: Vec<(usize, usize, BaselineScore)>,
}

/// Adds what the baseline has to the samples and the distributions.
pub(super) fn add_baseline(
    page: &mut PageSamples,
    distributions: &mut Distributions,
    baseline: &BaselineFiles,
) -> Result<(), ReadError> {
    let places = Places::of(page);
    let (graded, shown) = (distributions.graded.clone(), &*page);
    let make = |rows: &ScoreRows<'_>| part_baseline(rows, (baseline, shown, &places), &graded);
    let mut found = Vec::new();
    gather_passed(&baseline.scores, make, |part: PartBaseline| {
        distributions.add(part.bins, Side::Baseline);
        found.extend(part.scores);
        Ok::<_, ReadError>(())
    })?;
    for (place, metric, score) in found {
        if let Some(own) = page.samples[place].scores.get_mut(metric) {
            own.baseline = Some(score);
        }
    }
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

fn part_baseline(
    rows: &ScoreRows<'_>,
    (baseline, page, places): (&BaselineFiles, &PageSamples, &Places),
    graded: &Graded,
) -> Result<PartBaseline, ReadError> {
    let (mut bins, mut scores) = (PartBins::default(), Vec::new());
    let mut row = 0;
    while row < rows.height {
        let epoch = rows.epoch(row)?;
        let about = rows.subjects.get(row)?;
        let (item, item_hash) = (about.item_id, about.item_hash);
        let key = Key { epoch, ..Key::of(baseline.name_now(about.prompt), about.model, item) };
        let place = places.find(page, &key);
        let place =
            place.filter(|place| baseline.is_same_item(&page.samples[*place].item_hash, item_hash));
        let end = rows.subjects.same_until(row);
        // Epochs of an item follow each other.
        while row < end && rows.epoch(row)? == epoch {
            let name = rows.metric.some(row)?;
            if !baseline.incomparable.iter().any(|metric| metric == name) {
                let named = |prompt: &str| baseline.name_now(prompt).to_owned();
                bins.see(rows, row, graded, named)?;
                let metric = || page.metrics.iter().position(|metric| metric.name == name);
                if let Some((place, metric)) = place.and_then(|place| Some((place, metric()?))) {
                    let (value, passed) = (rows.score(row), rows.passed(row));
                    scores.push((place, metric, BaselineScore { value, passed }));
                }
            }
            row += 1;
        }
    }
    Ok(PartBaseline { bins, scores })
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
