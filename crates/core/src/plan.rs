//! Which samples a run consists of: prompts x models x items x epochs, expanded lazily.

use std::{convert::Infallible, fmt::Display, sync::Arc};

use crate::{
    dataset::{
        DatasetError, DatasetProfile, DatasetProfiler, DatasetSpec, ItemBatches, ItemDigest,
        OfEachItem, RowSet, SchemaCheck, SchemaViolations, SelectedRows,
    },
    executor::{CallingThread, Executor},
    item::Item,
    model::Model,
    prompt::Prompt,
    request::{Message, Request},
    suite::Suite,
    template::TemplateError,
};

/// One prompt x model x item x epoch: one answer.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which prompt of the suite.
    pub prompt: usize,
    /// Which model of the suite.
    pub model: usize,
    /// The item.
    pub item: Item,
    /// Repetition, from 0.
    pub epoch: u32,
    /// What is asked.
    pub request: Request,
}

/// A plan that cannot be carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// The dataset is unusable.
    #[error("dataset {0}")]
    Dataset(DatasetError),
    /// Columns hold what the suite says that they do not.
    #[error("dataset {0}")]
    Schema(SchemaViolations),
    /// Something that an item says cannot be used.
    #[error("dataset {path}, row {row}: {problem}")]
    Item {
        /// The dataset.
        path: String,
        /// The row, from 1.
        row: u64,
        /// What is wrong.
        problem: String,
    },
    /// A prompt does not render for some item.
    #[error("dataset {path}, row {row}: {problem}")]
    Template {
        /// The dataset.
        path: String,
        /// The row, from 1.
        row: u64,
        /// What the template says.
        problem: TemplateError,
    },
}

impl From<DatasetError> for PlanError {
    fn from(error: DatasetError) -> Self {
        Self::Dataset(error)
    }
}

/// All samples of a run. Cheap to clone; expanding it reads the dataset anew.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Prompt variants.
    pub prompts: Arc<[Prompt]>,
    /// Every model of the suite, judges included.
    pub models: Arc<[Model]>,
    /// Indices of the models that prompts are run against.
    pub candidates: Arc<[usize]>,
    /// Where the items come from.
    pub dataset: Arc<DatasetSpec>,
    /// Repetitions.
    pub epochs: u32,
    /// What the pass over all items found.
    pub profile: DatasetProfile,
    /// What that pass found to be worth a warning.
    pub warnings: Arc<[String]>,
}

impl Plan {
    /// Checks every item and renders every prompt for it once, so that nothing can go wrong later.
    pub fn new(suite: &Suite) -> Result<Self, PlanError> {
        let messages = |_: &Prompt, _: Arc<[Message]>| Ok::<_, Infallible>(());
        let checks = Checks { item: |_: &Item| Ok(()), messages };
        Self::checked(suite, CallingThread, &checks, |_, ()| ())
            .map_err(|unplanned| unplanned.error)
    }

    /// The same, and asks `checks` what else may be wrong with every item and with every prompt rendered for
    /// it; `see` is shown each item with what its check found, in order.
    pub fn checked<S: Send, P: Display + Send>(
        suite: &Suite,
        executor: impl Executor,
        checks: &Checks<
            impl Fn(&Item) -> Result<S, String> + Sync,
            impl Fn(&Prompt, Arc<[Message]>) -> Result<(), P> + Sync,
        >,
        mut see: impl FnMut(&Item, S),
    ) -> Result<Self, Unplanned<P>> {
        let dataset = Arc::new(suite.dataset.clone());
        schema_of(&dataset)?;
        let mut profiler = DatasetProfiler::new(dataset.clone());
        let mut remarks = Remarks::default();
        let mut batches = ItemBatches::open(&dataset, executor)?;
        let look = &|item: Item| {
            let digest = ItemDigest::of(&dataset, &item);
            let found = checks.check(&dataset, &suite.prompts, &item);
            (item, digest, found)
        };
        while let Some(batch) = batches.next(look) {
            for looked_at in batch {
                let (item, digest, found) = looked_at?;
                profiler.see(&item, &digest)?;
                remarks.see(item.fields.remarks());
                see(&item, found?);
            }
        }
        Self::of_profile(suite, &dataset, profiler, remarks).map_err(Unplanned::from)
    }

    /// Once all items were seen.
    fn of_profile(
        suite: &Suite,
        dataset: &Arc<DatasetSpec>,
        profiler: DatasetProfiler,
        remarks: Remarks,
    ) -> Result<Self, PlanError> {
        let (profile, planned) = profiler.finish()?;
        let origin = &suite.dataset.file.origin;
        let selected = match &dataset.selection {
            // Fewer rows than a sample may be those of a limit.
            Some(selection) if dataset.limit.is_none() => selection.remarks(profile.n_items),
            Some(selection) => selection.without_rows(),
            None => Vec::new(),
        };
        let selected = selected.into_iter().map(|of| format!("dataset {}: {of}", origin.display()));
        let warnings: Vec<_> = remarks.told(origin).into_iter().chain(selected).collect();
        // From now on, whoever reads the dataset reads these items.
        let dataset = Arc::new(DatasetSpec { planned: Some(planned), ..(**dataset).clone() });
        Ok(Self {
            prompts: suite.prompts.clone().into(),
            models: suite.models.clone().into(),
            candidates: suite.candidates.clone().into(),
            dataset,
            epochs: suite.epochs,
            profile,
            warnings: warnings.into(),
        })
    }

    /// The same plan over some of its items only: those at these places. Each pass still
    /// reads the whole dataset.
    #[must_use]
    pub fn only(&self, items: RowSet) -> Self {
        let n_items = items.count();
        Self {
            dataset: Arc::new(DatasetSpec {
                only: Some(Arc::new(items)),
                ..(*self.dataset).clone()
            }),
            profile: DatasetProfile { n_items, ..self.profile.clone() },
            ..self.clone()
        }
    }

    /// How many samples there are.
    pub fn n_samples(&self) -> u64 {
        self.n_samples_per_model() * self.candidates.len() as u64
    }

    /// How many samples one model answers.
    pub fn n_samples_per_model(&self) -> u64 {
        self.prompts.len() as u64 * self.n_samples_per_variant()
    }

    /// One model's samples in the order of asking: item by item, so that all prompts meet the
    /// same conditions.
    pub fn by_item(
        &self,
        model: usize,
    ) -> Result<impl Iterator<Item = Result<Sample, PlanError>> + Send + use<>, PlanError> {
        // Not read far ahead: a dataset that changes while it is asked must be noticed.
        let samples = self.samples(model, None, CallingThread)?;
        Ok(samples.flat_map(one_by_one))
    }

    /// Prompt and model of every variant, in the order of reports.
    pub fn variants(&self) -> Vec<(usize, usize)> {
        let prompts = 0..self.prompts.len();
        prompts.flat_map(|prompt| self.candidates.iter().map(move |m| (prompt, *m))).collect()
    }

    /// All samples in the order of reports: variant by variant.
    pub fn in_report_order(
        &self,
    ) -> impl Iterator<Item = Result<Sample, PlanError>> + Send + use<> {
        self.from_rank(0, CallingThread)
    }

    /// Samples in the order of reports, beginning with the one of this [`rank`](Self::rank).
    pub fn from_rank<E: Executor + Clone>(
        &self,
        rank: u64,
        executor: E,
    ) -> impl Iterator<Item = Result<Sample, PlanError>> + Send + use<E> {
        let plan = self.clone();
        let per_variant = self.n_samples_per_variant();
        let variants = self
            .variants()
            .into_iter()
            .zip(0..)
            .skip_while(move |(_, variant)| *variant < rank / per_variant);
        variants.flat_map(move |((prompt, model), variant)| {
            let first = rank.saturating_sub(variant * per_variant);
            let (samples, error) =
                match plan.by_variant_from(prompt, model, first, executor.clone()) {
                    Ok(samples) => (Some(samples), None),
                    Err(error) => (None, Some(Err(error))),
                };
            samples.into_iter().flatten().chain(error)
        })
    }

    /// The sample's place in the order of reports, from 0, where the plan is over all items.
    pub fn rank(&self, sample: &Sample) -> u64 {
        let model = self.candidates.iter().position(|model| *model == sample.model);
        let variant = (sample.prompt * self.candidates.len() + model.unwrap_or_default()) as u64;
        let epochs = u64::from(self.epochs);
        variant * self.n_samples_per_variant()
            + sample.item.index * epochs
            + u64::from(sample.epoch)
    }

    /// How many samples one prompt and model have.
    pub fn n_samples_per_variant(&self) -> u64 {
        self.profile.n_items * u64::from(self.epochs)
    }

    /// One prompt's and model's samples in the order of reports, without the first so many.
    fn by_variant_from<E: Executor>(
        &self,
        prompt: usize,
        model: usize,
        first: u64,
        executor: E,
    ) -> Result<impl Iterator<Item = Result<Sample, PlanError>> + Send + use<E>, PlanError> {
        let skipped = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let epochs = u64::from(self.epochs.max(1));
        let samples = self.samples(model, Some(prompt), executor)?.skip(skipped(first / epochs));
        Ok(samples.flat_map(one_by_one).skip(skipped(first % epochs)))
    }

    /// The samples of each item: of one prompt, or of all.
    fn samples<E: Executor>(
        &self,
        model: usize,
        prompt: Option<usize>,
        executor: E,
    ) -> Result<impl Iterator<Item = Result<Samples, DatasetError>> + Send + use<E>, PlanError>
    {
        let plan = self.clone();
        let samples = move |item: Item| plan.samples_of(model, prompt, &item);
        let prompts = prompt.map_or(self.prompts.len(), |_| 1);
        let of_item = prompts.saturating_mul(self.epochs as usize);
        Ok(OfEachItem::open(&self.dataset, executor, samples)?.makes(of_item))
    }

    /// The samples of one item: of one prompt, or of all.
    fn samples_of(&self, model: usize, prompt: Option<usize>, item: &Item) -> Samples {
        let prompts = prompt.map_or(0..self.prompts.len(), |prompt| prompt..prompt + 1);
        let mut samples = Vec::with_capacity(prompts.len() * self.epochs as usize);
        for prompt in prompts {
            match render(&self.dataset, &self.prompts[prompt], item) {
                Err(error) => samples.push(Err(error)),
                Ok(messages) => samples.extend((0..self.epochs).map(|epoch| {
                    let asked = &self.prompts[prompt];
                    let request = asked.request(&self.models[model], messages.clone(), epoch);
                    Ok(Sample { prompt, model, item: item.clone(), epoch, request })
                })),
            }
        }
        samples
    }
}

/// The samples of an item, or why there is none.
type Samples = Vec<Result<Sample, PlanError>>;

fn one_by_one(samples: Result<Samples, DatasetError>) -> Samples {
    samples.unwrap_or_else(|error| vec![Err(error.into())])
}

/// What else may be wrong with a dataset: asked of items at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Checks<I, M> {
    /// Of an item.
    pub item: I,
    /// Of a prompt as it was rendered for an item.
    pub messages: M,
}

/// A plan that failed its checks.
#[derive(Clone, Debug)]
pub struct Unplanned<P> {
    /// What is wrong.
    pub error: PlanError,
    /// What the check of messages found, where that is it.
    pub messages: Option<P>,
}

impl<P, E: Into<PlanError>> From<E> for Unplanned<P> {
    fn from(error: E) -> Self {
        Self { error: error.into(), messages: None }
    }
}

impl<I, M> Checks<I, M> {
    /// What the item's check finds, where nothing is wrong.
    fn check<S, P: Display>(
        &self,
        dataset: &DatasetSpec,
        prompts: &[Prompt],
        item: &Item,
    ) -> Result<S, Unplanned<P>>
    where
        I: Fn(&Item) -> Result<S, String>,
        M: Fn(&Prompt, Arc<[Message]>) -> Result<(), P>,
    {
        let found = (self.item)(item).map_err(|problem| of_item(dataset, item, problem))?;
        for prompt in prompts {
            let messages = render(dataset, prompt, item)?;
            (self.messages)(prompt, messages).map_err(|problem| Unplanned {
                error: of_item(dataset, item, problem.to_string()),
                messages: Some(problem),
            })?;
        }
        Ok(found)
    }
}

fn of_item(dataset: &DatasetSpec, item: &Item, problem: String) -> PlanError {
    let (path, row) = dataset.place_of_row(item.row);
    PlanError::Item { path: path.display().to_string(), row, problem }
}

/// Every value of the selected rows that is not what the suite says of its column, before anything else
/// that may be wrong with them.
fn schema_of(dataset: &Arc<DatasetSpec>) -> Result<(), PlanError> {
    match schema_violations(dataset)? {
        Some(violations) => Err(PlanError::Schema(violations)),
        None => Ok(()),
    }
}

/// What of a dataset is not what its suite says; reads it once where the suite says something.
pub fn schema_violations(
    dataset: &Arc<DatasetSpec>,
) -> Result<Option<SchemaViolations>, DatasetError> {
    let rules = match &dataset.selection {
        Some(selection) if !selection.schema.is_empty() => &selection.schema,
        _ => return Ok(None),
    };
    let mut check = SchemaCheck::new(rules);
    let rows = SelectedRows::open(dataset)?;
    let most = dataset.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    for row in rows.take(most) {
        let (place, row) = row?;
        check.see(place, &row);
    }
    Ok(check.finish(dataset.file.origin.clone(), |row| dataset.place_of_row(row)))
}

/// How many remarks about rows are told one by one.
const TOLD: usize = 3;

/// What rows had that is worth a warning: the first of it, and how much there is.
#[derive(Default)]
struct Remarks {
    first: Vec<String>,
    n: u64,
}

impl Remarks {
    fn see(&mut self, remarks: &[String]) {
        let room = TOLD.saturating_sub(self.first.len());
        self.first.extend(remarks.iter().take(room).cloned());
        self.n += remarks.len() as u64;
    }

    fn told(self, path: &std::path::Path) -> Vec<String> {
        let more = self.n - self.first.len() as u64;
        let told = self.first.iter().map(|remark| format!("dataset {}, {remark}", path.display()));
        let more =
            (more > 0).then(|| format!("dataset {}: {more} more such places", path.display()));
        told.chain(more).collect()
    }
}

fn render(
    dataset: &DatasetSpec,
    prompt: &Prompt,
    item: &Item,
) -> Result<Arc<[Message]>, PlanError> {
    prompt.render(item).map(Arc::from).map_err(|problem| {
        let (path, row) = dataset.place_of_row(item.row);
        PlanError::Template { path: path.display().to_string(), row, problem }
    })
}
