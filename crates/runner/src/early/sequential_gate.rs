//! Looks at a run while it is asked: whether the gate's answer is certain already.

use std::collections::HashMap;

use evalmark_core::{plan::Sample, score::Score, suite::GateSpec};
use evalmark_store::{
    baseline::Baseline,
    run_record::{MetricScale, RunRecord, StopEarly},
};
use evalmark_verdict::{
    Interim, ItemScore, ItemScores, Reason, Rule, Stopping, count_lacking, family_size,
};

use crate::{
    error::Result,
    gate::{changed, left_out},
    load::LoadedSuite,
    metric_scale::scale_of,
    variants::{read_variants, unscored},
};

/// Every comparison of a gate that can be decided early. Holds 128 bytes for each item of each.
pub struct SequentialGate {
    comparisons: Vec<Watched>,
    /// Why a run without a drop must be asked whole; `None` where it need not be.
    pub undecided: Option<String>,
    min_paired: f64,
    asked: usize,
}

/// One gated metric of one prompt and model.
struct Watched {
    prompt: usize,
    model: usize,
    metric: usize,
    stopping: Stopping,
    /// The baseline's items that pair, in the order of asking, and the run's, as far as it came.
    before: Vec<ItemScore>,
    after: Vec<ItemScore>,
    look: Interim,
}

/// Whether a run can be watched.
pub enum SequentialPlan {
    Yes(SequentialGate),
    /// And why not.
    No(String),
}

/// A variant's prompt and model in the plan, and a metric.
struct Place<'a> {
    prompt: usize,
    model: usize,
    metric: &'a str,
    /// The metric's place among those of the suite.
    column: usize,
}

impl SequentialGate {
    /// Pairs the planned items, which are in the order of asking, with those of the baseline.
    pub fn open(
        loaded: &LoadedSuite,
        record: &RunRecord,
        early: &StopEarly,
        baseline: &Baseline,
        planned: &[ItemScore],
    ) -> Result<SequentialPlan> {
        let spec = loaded.suite.gate_or_default();
        let reference = read_variants(&baseline.folder.scores())?;
        let names = loaded.plan.variants().into_iter().map(|(prompt, model)| {
            (&*loaded.plan.prompts[prompt].name, &*loaded.plan.models[model].name)
        });
        let names: Vec<(&str, &str)> = names.collect();
        let lacking = if left_out(record) { 0 } else { count_lacking(&names, &reference) };
        let family = family_size(names.len(), lacking, &spec);
        let mut undecided = undecided(&spec, loaded);
        let mut comparisons = Vec::new();
        for place in places(loaded, &spec) {
            let name = loaded.plan.prompts[place.prompt].name.to_string();
            let model = loaded.plan.models[place.model].name.to_string();
            let before =
                reference.iter().find(|variant| variant.prompt == name && variant.model == model);
            let before = before.and_then(|variant| variant.scores(place.metric));
            let changed = changed(place.metric, &baseline.record, record);
            let (Some(before), None) = (before, changed) else {
                undecided = Some(format!("`{}` has no counterpart in the baseline", place.metric));
                continue;
            };
            let paired = pairs(before, planned);
            let larger = before.len().max(planned.len());
            if (paired.len() as f64) < spec.min_paired * larger as f64 {
                let n = paired.len();
                return Ok(SequentialPlan::No(format!("{n} of {larger} items are in both runs")));
            }
            comparisons.push(Watched::new(loaded, &spec, &place, paired, family, early)?);
        }
        if lacking > 0 {
            undecided =
                Some("the run does not have every prompt and model of the baseline".to_owned());
        }
        if comparisons.is_empty() {
            return Ok(SequentialPlan::No("no gated metric can be compared with it".to_owned()));
        }
        let min_paired = spec.min_paired;
        Ok(SequentialPlan::Yes(Self { comparisons, undecided, min_paired, asked: 0 }))
    }

    /// A chunk of the order, to be filled; its items are at these places of the dataset.
    pub fn chunk(&self, places: &[usize]) -> Chunk {
        Chunk {
            slots: places.iter().enumerate().map(|(slot, place)| (*place as u64, slot)).collect(),
            scores: vec![vec![None; places.len()]; self.comparisons.len()],
        }
    }

    /// Takes in the next chunk; answers whether the gate's answer is certain.
    pub fn look(&mut self, chunk: Chunk) -> bool {
        self.asked += chunk.slots.len();
        for (watched, scores) in self.comparisons.iter_mut().zip(chunk.scores) {
            watched.take(scores.into_iter().flatten());
        }
        // Only what pairs was looked at; of what was asked, enough must.
        let least = self.min_paired * self.asked as f64;
        let is_paired = self.comparisons.iter().all(|one| one.after.len() as f64 >= least);
        let any_drop = self.comparisons.iter().any(|one| one.stopped() == Some(Reason::Drop));
        let no_drop = self.comparisons.iter().all(|one| one.stopped() == Some(Reason::NoDrop));
        is_paired && (any_drop || (no_drop && self.undecided.is_none()))
    }

    /// Puts a sample's scores into the chunk.
    pub fn see(&self, chunk: &mut Chunk, sample: &Sample, scores: &[Score]) {
        let Some(&slot) = chunk.slots.get(&sample.item.index) else { return };
        for (watched, items) in self.comparisons.iter().zip(&mut chunk.scores) {
            if (watched.prompt, watched.model) != (sample.prompt, sample.model) {
                continue;
            }
            let item = items[slot].get_or_insert_with(|| unscored(&sample.item));
            let score = scores[watched.metric].value;
            item.add(score);
        }
    }
}

/// The scores of a chunk: by comparison, then by place in the order.
pub struct Chunk {
    /// By the item's place in the dataset.
    slots: HashMap<u64, usize>,
    scores: Vec<Vec<Option<ItemScore>>>,
}

impl Watched {
    fn new(
        loaded: &LoadedSuite,
        spec: &GateSpec,
        place: &Place<'_>,
        before: Vec<ItemScore>,
        family: usize,
        early: &StopEarly,
    ) -> Result<Self> {
        let gated = spec.metrics.get(place.metric).copied().unwrap_or_default();
        let MetricScale { range, direction, .. } = scale_of(&loaded.metrics[place.column]);
        let rule = Rule::of_gate(spec, gated, range, direction);
        let stopping = Stopping::new(&rule, &before, family, early.seed)?
            .part_of(as_usize(early.planned_items), as_usize(early.largest_cluster));
        Ok(Self {
            prompt: place.prompt,
            model: place.model,
            metric: place.column,
            stopping,
            before,
            after: Vec::new(),
            look: Interim::Continue,
        })
    }

    /// Takes in the run's next items, which are in the order of asking.
    fn take(&mut self, items: impl Iterator<Item = ItemScore>) {
        for item in items {
            let next = self.before.get(self.after.len());
            if next.is_some_and(|before| before.key == item.key) {
                self.after.push(item);
            }
        }
        self.look = self.stopping.look(&self.before, &self.after);
    }

    fn stopped(&self) -> Option<Reason> {
        match self.look {
            Interim::Stop(stop) => Some(stop.reason),
            Interim::Continue => None,
        }
    }
}

/// The gated metrics of every variant that looks can decide.
fn places<'a>(loaded: &LoadedSuite, spec: &'a GateSpec) -> Vec<Place<'a>> {
    let decides = |metric: &str| {
        !is_labelled(loaded, metric) && !at_the_end(loaded, metric) && !is_partial(loaded, metric)
    };
    let column = |name| loaded.metrics.iter().position(|metric| metric.name() == name);
    let names = spec.scores().map(|(name, _)| name).filter(|name| decides(name));
    let metrics: Vec<(&str, usize)> =
        names.filter_map(|name| Some((name, column(name)?))).collect();
    let variants = loaded.plan.variants().into_iter();
    variants
        .flat_map(|(prompt, model)| {
            let place = move |&(metric, column)| Place { prompt, model, metric, column };
            metrics.iter().map(place).collect::<Vec<_>>()
        })
        .collect()
}

fn is_labelled(loaded: &LoadedSuite, metric: &str) -> bool {
    loaded.suite.metrics.iter().any(|spec| *spec.name == *metric && spec.labels.is_some())
}

/// Whether a metric concerns some items only: chunks of the order hold any number of them.
fn is_partial(loaded: &LoadedSuite, metric: &str) -> bool {
    loaded.metrics.iter().any(|compiled| compiled.name() == metric && compiled.is_partial())
}

/// Whether a metric's value is one of the whole run, or has no largest one to bet on.
fn at_the_end(loaded: &LoadedSuite, metric: &str) -> bool {
    let compiled = loaded.metrics.iter().find(|compiled| compiled.name() == metric);
    compiled.map(scale_of).is_some_and(|scale| scale.value.is_some() || scale.range.max().is_none())
}

/// What of the gate no look can decide.
fn undecided(spec: &GateSpec, loaded: &LoadedSuite) -> Option<String> {
    let amounts = spec.metrics.iter().filter(|(_, gated)| gated.amount.is_some());
    let minima = spec.metrics.iter().filter(|(_, gated)| gated.min.is_some());
    let labelled = spec.scores().filter(|(name, _)| is_labelled(loaded, name));
    let whole =
        spec.scores().filter(|(name, _)| at_the_end(loaded, name) || is_partial(loaded, name));
    let of = |what: &str, name: &str| format!("{what}`{name}`");
    let parts = amounts.map(|(name, _)| of("", name)).chain(whole.map(|(name, _)| of("", name)));
    let parts = parts.chain(minima.map(|(name, _)| of("the minimum of ", name)));
    let parts: Vec<_> = parts.chain(labelled.map(|(name, _)| of("the labels of ", name))).collect();
    match parts.as_slice() {
        [] => None,
        [one] => Some(format!("{one} is decided only at the end")),
        _ => Some(format!("{} are decided only at the end", parts.join(", "))),
    }
}

/// The baseline's items that pair with planned ones, in the order of those.
fn pairs(before: ItemScores<'_>, planned: &[ItemScore]) -> Vec<ItemScore> {
    let by_key: HashMap<u128, ItemScore> = before.iter().map(|item| (item.key, item)).collect();
    let pair = |item: &ItemScore| {
        let before = by_key.get(&item.key).filter(|before| before.content == item.content)?;
        Some(ItemScore { cluster: item.cluster, ..*before })
    };
    planned.iter().filter_map(pair).collect()
}

fn as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
