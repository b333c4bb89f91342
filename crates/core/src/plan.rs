//! Which samples a run consists of: prompts x models x items x epochs, expanded lazily.

use std::sync::Arc;

use crate::{
    dataset::{
        DatasetError, DatasetProfile, DatasetProfiler, DatasetSpec, Items, RowSet, SchemaCheck,
        SchemaViolations, SelectedRows,
    },
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
        Self::checked(suite, |_| Ok(()), |_, _| Ok(()))
    }

    /// The same, and asks `check` of every item what else may be wrong with it, and `check_messages` of
    /// every prompt rendered for it.
    pub fn checked(
        suite: &Suite,
        mut check: impl FnMut(&Item) -> Result<(), String>,
        mut check_messages: impl FnMut(&Prompt, Arc<[Message]>) -> Result<(), String>,
    ) -> Result<Self, PlanError> {
        let dataset = Arc::new(suite.dataset.clone());
        let mut profiler = DatasetProfiler::new(dataset.clone());
        let mut remarks = Remarks::default();
        schema_of(&dataset)?;
        for item in Items::open(&dataset)? {
            let item = item?;
            profiler.see(&item)?;
            remarks.see(item.fields.remarks());
            check(&item).map_err(|problem| of_item(&dataset, &item, problem))?;
            for prompt in &suite.prompts {
                let messages = render(&dataset, prompt, &item)?;
                check_messages(prompt, messages)
                    .map_err(|problem| of_item(&dataset, &item, problem))?;
            }
        }
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
        let dataset = Arc::new(DatasetSpec { planned: Some(planned), ..(*dataset).clone() });
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
        let plan = self.clone();
        Ok(Items::open(&self.dataset)?.flat_map(move |item| plan.samples_of(model, None, item)))
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
        self.from_rank(0)
    }

    /// Samples in the order of reports, beginning with the one of this [`rank`](Self::rank).
    pub fn from_rank(
        &self,
        rank: u64,
    ) -> impl Iterator<Item = Result<Sample, PlanError>> + Send + use<> {
        let plan = self.clone();
        let per_variant = self.n_samples_per_variant();
        let variants = self
            .variants()
            .into_iter()
            .zip(0..)
            .skip_while(move |(_, variant)| *variant < rank / per_variant);
        variants.flat_map(move |((prompt, model), variant)| {
            let first = rank.saturating_sub(variant * per_variant);
            let (samples, error) = match plan.by_variant_from(prompt, model, first) {
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
    fn by_variant_from(
        &self,
        prompt: usize,
        model: usize,
        first: u64,
    ) -> Result<impl Iterator<Item = Result<Sample, PlanError>> + Send + use<>, PlanError> {
        let plan = self.clone();
        let skipped = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let epochs = u64::from(self.epochs.max(1));
        // Left out before they are rendered, as far as that goes.
        let items = Items::open(&self.dataset)?.skip(skipped(first / epochs));
        let samples = items.flat_map(move |item| plan.samples_of(model, Some(prompt), item));
        Ok(samples.skip(skipped(first % epochs)))
    }

    /// The samples of one item: of one prompt, or of all.
    fn samples_of(
        &self,
        model: usize,
        prompt: Option<usize>,
        item: Result<Item, DatasetError>,
    ) -> Vec<Result<Sample, PlanError>> {
        let item = match item {
            Ok(item) => item,
            Err(error) => return vec![Err(error.into())],
        };
        let prompts = prompt.map_or(0..self.prompts.len(), |prompt| prompt..prompt + 1);
        let mut samples = Vec::with_capacity(prompts.len() * self.epochs as usize);
        for prompt in prompts {
            match render(&self.dataset, &self.prompts[prompt], &item) {
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
