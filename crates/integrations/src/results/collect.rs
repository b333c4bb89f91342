//! Results as they are read, answer by answer: what is the same item, prompt, model or metric is told here, and so is
//! what does not add up.

use std::collections::{BTreeMap, HashMap};

use evalmark_core::{
    item::ItemHash,
    metric::{Direction, Range},
    record::{Outcome, Usage},
    tool_results::{
        LeftOutKind, LeftOutResults, ToolAnswer, ToolFile, ToolItem, ToolMetric, ToolPrompt,
        ToolResults, ToolScore,
    },
};

use super::error::ResultsError;

/// Results on their way.
pub(super) struct Collector {
    pub(super) results: ToolResults,
    items: HashMap<ItemKey, usize>,
    prompts: HashMap<String, usize>,
    models: HashMap<String, usize>,
    metrics: HashMap<String, usize>,
    /// Where an answer stands, by whose it is.
    seen: HashMap<(usize, usize, usize, u32), Place>,
    /// The epoch of the next answer, where the tool counts none.
    next_epoch: HashMap<(usize, usize, usize), u32>,
}

#[derive(PartialEq, Eq, Hash)]
enum ItemKey {
    Id(String),
    Content(ItemHash),
}

/// Where something stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file.
    pub(super) file: String,
    /// Where in it.
    pub(super) at: String,
}

impl Place {
    pub(super) fn new(file: &str, at: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: at.into() }
    }

    /// Something that is wrong here.
    pub(super) fn error(&self, message: impl Into<String>) -> ResultsError {
        ResultsError::at(&self.file, &*self.at, message)
    }
}

/// An answer as it is read.
pub(super) struct NewAnswer {
    pub(super) item: ToolItem,
    pub(super) prompt: usize,
    pub(super) model: usize,
    /// Repetition, from 0; `None` where the tool does not tell repetitions apart.
    pub(super) epoch: Option<u32>,
    pub(super) messages: Vec<(String, String)>,
    pub(super) output: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) error: Option<String>,
    pub(super) scores: Vec<(usize, ToolScore)>,
    pub(super) latency_ms: Option<f64>,
    pub(super) usage: Usage,
    pub(super) cost_usd: Option<f64>,
}

impl NewAnswer {
    /// An answer to an item that has no more than that.
    pub(super) fn to(item: ToolItem, prompt: usize, model: usize) -> Self {
        Self {
            item,
            prompt,
            model,
            epoch: None,
            messages: Vec::new(),
            output: None,
            outcome: Outcome::Answered,
            error: None,
            scores: Vec::new(),
            latency_ms: None,
            usage: Usage::default(),
            cost_usd: None,
        }
    }

    /// There is no answer, and why.
    pub(super) fn fail(&mut self, error: impl Into<String>) {
        self.outcome = Outcome::Failed;
        self.error = Some(error.into());
        self.scores.clear();
    }
}

impl Collector {
    pub(super) fn new(tool: &str) -> Self {
        Self {
            results: ToolResults { tool: tool.to_owned(), ..ToolResults::default() },
            items: HashMap::new(),
            prompts: HashMap::new(),
            models: HashMap::new(),
            metrics: HashMap::new(),
            seen: HashMap::new(),
            next_epoch: HashMap::new(),
        }
    }

    /// A file was read to its end.
    pub(super) fn file(&mut self, file: ToolFile) {
        self.results.files.push(file);
    }

    /// The place of a prompt; of two with one name the text tells, where the tool keeps it.
    pub(super) fn prompt(&mut self, name: &str, text: Option<&str>) -> usize {
        let key = format!("{name}\0{}", text.unwrap_or_default());
        if let Some(place) = self.prompts.get(&key) {
            return *place;
        }
        let prompts = &mut self.results.prompts;
        let is_taken = |name: &str| prompts.iter().any(|prompt| prompt.name == name);
        let mut numbered = (2..).map(|n| format!("{name} ({n})"));
        let name = if is_taken(name) {
            numbered.find(|name| !is_taken(name)).unwrap_or_default()
        } else {
            name.to_owned()
        };
        prompts.push(ToolPrompt { name, text: text.map(str::to_owned) });
        self.prompts.insert(key, prompts.len() - 1);
        prompts.len() - 1
    }

    /// The place of a model.
    pub(super) fn model(&mut self, name: &str) -> usize {
        let models = &mut self.results.models;
        *self.models.entry(name.to_owned()).or_insert_with(|| {
            models.push(name.to_owned());
            models.len() - 1
        })
    }

    /// The place of a metric whose higher values are better, as far as the tool tells.
    pub(super) fn metric(&mut self, name: &str) -> usize {
        self.metric_of(name, None, Direction::Higher, false)
    }

    /// The place of a metric.
    pub(super) fn metric_of(
        &mut self,
        name: &str,
        range: Option<Range>,
        direction: Direction,
        is_judged: bool,
    ) -> usize {
        if let Some(place) = self.metrics.get(name) {
            self.results.metrics[*place].is_judged |= is_judged;
            return *place;
        }
        let metrics = &mut self.results.metrics;
        metrics.push(ToolMetric { name: name.to_owned(), range, direction, is_judged });
        self.metrics.insert(name.to_owned(), metrics.len() - 1);
        metrics.len() - 1
    }

    /// A result that was read and is not taken over.
    pub(super) fn leave_out(&mut self, why: &str, place: &Place) {
        self.results.n_read += 1;
        self.not_taken(LeftOutKind::Result, why, place);
    }

    /// A result that is a part of an answer that is taken over.
    pub(super) fn joined(&mut self) {
        self.results.n_read += 1;
        self.results.n_kept += 1;
    }

    /// Something to know of all results.
    pub(super) fn remark(&mut self, remark: String) {
        self.results.remarks.push(remark);
    }

    /// A score that is not taken over.
    pub(super) fn leave_score_out(&mut self, why: &str, place: &Place) {
        self.not_taken(LeftOutKind::Score, why, place);
    }

    fn not_taken(&mut self, kind: LeftOutKind, why: &str, place: &Place) {
        let all = &mut self.results.left_out;
        if let Some(known) = all.iter_mut().find(|left| left.kind == kind && left.why == why) {
            known.count += 1;
            return;
        }
        let first = format!("{}, {}", place.file, place.at);
        all.push(LeftOutResults { kind, why: why.to_owned(), count: 1, first });
    }

    /// Takes an answer over.
    pub(super) fn answer(&mut self, new: NewAnswer, place: &Place) -> Result<(), ResultsError> {
        self.results.n_read += 1;
        let has_id = new.item.id.is_some();
        let item = self.item(new.item, place)?;
        let of = (item, new.prompt, new.model);
        let next = self.next_epoch.entry(of).or_default();
        let epoch = new.epoch.unwrap_or(*next);
        *next = epoch.saturating_add(1).max(*next);
        let key = (item, new.prompt, new.model, epoch);
        let is_again = has_id && new.epoch.is_none() && epoch > 0;
        if is_again || self.seen.contains_key(&key) {
            return Err(self.twice(&key, is_again, place));
        }
        if epoch >= MOST_EPOCHS {
            return Err(place.error(format!("the epoch {epoch} is larger than any run has")));
        }
        self.seen.insert(key, place.clone());
        self.results.answers.push(ToolAnswer {
            item,
            prompt: new.prompt,
            model: new.model,
            epoch,
            messages: new.messages,
            output: new.output,
            outcome: new.outcome,
            error: new.error,
            scores: new.scores,
            latency_ms: new.latency_ms.filter(|ms| ms.is_finite() && *ms >= 0.0),
            usage: new.usage,
            cost_usd: new.cost_usd.filter(|usd| usd.is_finite() && *usd >= 0.0),
        });
        self.results.n_kept += 1;
        Ok(())
    }

    /// The place of an item: of its id, or else of its content.
    fn item(&mut self, item: ToolItem, place: &Place) -> Result<usize, ResultsError> {
        let hash = item.hash();
        let key = item.id.clone().map_or(ItemKey::Content(hash), ItemKey::Id);
        let items = &mut self.results.items;
        let Some(known) = self.items.get(&key) else {
            items.push(item);
            self.items.insert(key, items.len() - 1);
            return Ok(items.len() - 1);
        };
        if items[*known].hash() != hash {
            let id = item.id.unwrap_or_default();
            return Err(place
                .error(format!("the id `{id}` is already that of an item with another content"))
                .hint("ids must be unique within a file"));
        }
        Ok(*known)
    }

    fn twice(
        &self,
        key: &(usize, usize, usize, u32),
        is_again: bool,
        place: &Place,
    ) -> ResultsError {
        let (item, prompt, model, epoch) = *key;
        let first = if is_again { (item, prompt, model, 0) } else { *key };
        let first = self.seen.get(&first);
        let first = first.map_or_else(String::new, |first| format!("{}, {}", first.file, first.at));
        let item = &self.results.items[item];
        let name =
            item.id.as_ref().map_or_else(|| "this item".to_owned(), |id| format!("item `{id}`"));
        let variant = format!(
            "prompt `{}` and model `{}`",
            self.results.prompts[prompt].name, self.results.models[model]
        );
        let epoch = if is_again { String::new() } else { format!(", epoch {epoch}") };
        place
            .error(format!(
                "there is a second result of {name} with {variant}{epoch}; the first is {first}"
            ))
            .hint(
                "repetitions need an epoch; of two evaluations, one is BEFORE and one AFTER: \
                 `evalmark gate --from TOOL BEFORE AFTER`",
            )
    }

    /// The results, once all files are read.
    pub(super) fn finish(mut self, lower: &[String]) -> Result<ToolResults, ResultsError> {
        for name in lower {
            let Some(metric) = self.metrics.get(name) else {
                let known: Vec<_> = self.results.metrics.iter().map(|m| m.name.as_str()).collect();
                let file = self.results.files.first().map(|file| file.name.clone());
                let message =
                    format!("there is no metric `{name}`; there are: {}", known.join(", "));
                return Err(ResultsError::of_file(&file.unwrap_or_default(), message));
            };
            self.results.metrics[*metric].direction = Direction::Lower;
        }
        self.settle_ranges();
        Ok(self.results)
    }

    /// Values outside the range that a tool tells, or that no range holds, are told apart from scores.
    fn settle_ranges(&mut self) {
        let mut values: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let mut n_missing: BTreeMap<usize, u64> = BTreeMap::new();
        for answer in &mut self.results.answers {
            for (metric, score) in &mut answer.scores {
                if score.value.is_some_and(|value| !value.is_finite()) {
                    *score = ToolScore::missing("the tool's score is not a finite number");
                }
                values.entry(*metric).or_default().extend(score.value);
                if score.value.is_none() {
                    *n_missing.entry(*metric).or_default() += 1;
                }
            }
        }
        let mut kept = Vec::new();
        for place in 0..self.results.metrics.len() {
            let values = values.remove(&place).unwrap_or_default();
            let metric = &mut self.results.metrics[place];
            let told = metric.range.filter(|range| {
                let max = range.max().unwrap_or(f64::INFINITY);
                values.iter().all(|value| (range.min()..=max).contains(value))
            });
            let range = told.or_else(|| Range::of_values(values.iter().copied()));
            metric.range = range;
            let name = metric.name.clone();
            kept.push(!values.is_empty() && range.is_some());
            let why = match (values.is_empty(), range) {
                (true, _) => format!("the metric `{name}` has no value"),
                (false, None) => {
                    format!("the values of `{name}` reach below 0 and lie in no range of [-1, 1]")
                }
                (false, Some(_)) => continue,
            };
            let first = self.results.files.first().map_or("", |file| &file.name).to_owned();
            let n_missing = n_missing.remove(&place).unwrap_or_default();
            let count = if values.is_empty() { n_missing.max(1) } else { values.len() as u64 };
            self.results.left_out.push(LeftOutResults {
                kind: LeftOutKind::Score,
                why,
                count,
                first,
            });
        }
        self.keep_metrics(&kept);
    }

    fn keep_metrics(&mut self, kept: &[bool]) {
        let mut places = Vec::with_capacity(kept.len());
        let mut next = 0;
        for is_kept in kept {
            places.push(is_kept.then_some(next));
            next += usize::from(*is_kept);
        }
        let mut metrics = kept.iter();
        self.results.metrics.retain(|_| *metrics.next().unwrap_or(&true));
        for answer in &mut self.results.answers {
            answer
                .scores
                .retain_mut(|(metric, _)| places[*metric].map(|place| *metric = place).is_some());
        }
    }
}

/// Repetitions of one question.
const MOST_EPOCHS: u32 = 100_000;
