//! A run's answers with what the judge and what people say of them.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use evalmark_core::{
    dataset::{FileSpec, Format, Items},
    fields::Fields,
    files::FileAccess,
    item::{Item, ItemHash},
    label::{Answered, LabelSpec, Labels},
    suite::{Suite, near_and_known},
};
use evalmark_report::{
    ReadError,
    columnar::columnar_rows,
    samples::{SampleRecord, samples},
    scores::for_each_score,
};
use evalmark_store::{run_folder::RunFolder, run_record::RunRecord};

use crate::{
    Host,
    error::{Advised, Hinted, Result},
    suite_of_run::is_of_run,
};

/// One answer, as far as it matters here.
#[derive(Clone, Debug)]
pub(crate) struct JudgedAnswer {
    pub item_id: String,
    pub cluster: Option<String>,
    pub prompt: String,
    pub model: String,
    /// Characters of the answer.
    pub length: usize,
    /// The judge's score.
    pub judge: Option<f64>,
    /// What people say.
    pub human: Option<f64>,
}

/// Items' columns, by id.
type Rows = HashMap<String, Fields>;

/// Where labels are.
pub(crate) enum LabelSource {
    /// Beside the scores, as the suite's `labels` put them there.
    Run,
    /// In a file of their own, or in a column of the dataset.
    Labels { labels: Labels, fields: Rows },
}

impl LabelSource {
    /// A file of labels, a column of the run's dataset, or what the run has.
    pub(crate) fn open(labels: Option<&str>, record: &RunRecord, host: &Host<'_>) -> Result<Self> {
        let Some(name) = labels else { return Ok(Self::Run) };
        let path = Path::new(name);
        if path.is_file() {
            let format = Format::of(path)
                .ok_or_else(|| LabelSourceError::Format { name: name.to_owned() })?;
            let access = FileAccess::unlimited();
            let file = FileSpec::new(path.to_owned(), format, columnar_rows, access);
            let labels = LabelSpec::File(file).open().context("labels cannot be read")?;
            return Ok(Self::Labels { labels, fields: HashMap::new() });
        }
        column(name, record, host)
    }
}

fn column(name: &str, record: &RunRecord, host: &Host<'_>) -> Result<LabelSource> {
    let suite = Suite::read(&record.suite_file(), host.readers(&record.options))?;
    is_of_run(&suite, record)?;
    let mut fields = HashMap::new();
    for item in Items::open(&Arc::new(suite.dataset))? {
        let item = item?;
        if !item.fields.contains_key(name) {
            let known: Vec<_> = item.fields.keys().map(String::as_str).collect();
            let advice = near_and_known(name, &known, "its columns");
            let name = name.to_owned();
            return Err(LabelSourceError::NeitherFileNorColumn { name, advice }.into());
        }
        fields.insert(item.id.to_string(), item.fields);
    }
    let ([prompt], [_]) = (record.prompts.as_slice(), record.models.as_slice()) else {
        return Err(LabelSourceError::SeveralVariants.into());
    };
    let columns = BTreeMap::from([(prompt.name.clone(), name.to_owned())]);
    Ok(LabelSource::Labels { labels: Labels::Columns(columns), fields })
}

/// Why labels cannot be taken from where they should be.
#[derive(Debug, thiserror::Error)]
pub enum LabelSourceError {
    /// A file of a format that nobody knows.
    #[error("the extension of `{name}` does not show the format")]
    Format {
        /// The file.
        name: String,
    },
    /// There is nothing of that name.
    #[error("`{name}` is neither a file nor a column of the dataset")]
    NeitherFileNorColumn {
        /// What was named.
        name: String,
        /// The dataset's columns.
        advice: Option<String>,
    },
    /// A column has one label for each item.
    #[error("one column cannot hold the labels of several prompts' or models' answers")]
    SeveralVariants,
}

impl Advised for LabelSourceError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Format { .. } => {
                "use a file ending in .csv, .tsv, .jsonl, .json or .parquet".to_owned()
            }
            Self::NeitherFileNorColumn { advice, .. } => return advice.clone(),
            Self::SeveralVariants => {
                "use a file with the columns `item_id`, `prompt`, `model` and `label`".to_owned()
            }
        })
    }
}

/// A run whose files do not belong together.
#[derive(Debug, thiserror::Error)]
#[error("the run has fewer scores of `{metric}` than answers")]
pub struct FewerScores {
    metric: String,
}

impl Advised for FewerScores {}

/// Every answer of a run with its score of `metric`, in the order of the reports.
pub(crate) fn answers(
    folder: &RunFolder,
    metric: &str,
    source: &LabelSource,
) -> Result<Vec<JudgedAnswer>> {
    let mut scores = Vec::new();
    for_each_score(&folder.scores(), |score| {
        if score.metric == metric {
            scores.push((score.score, score.label, score.applies));
        }
        Ok::<_, ReadError>(())
    })?;
    let mut answers = Vec::with_capacity(scores.len());
    let mut scores = scores.into_iter();
    for sample in samples(&folder.samples())? {
        let sample = sample?;
        let Some((judge, label, applies)) = scores.next() else {
            return Err(FewerScores { metric: metric.to_owned() }.into());
        };
        if !applies {
            continue;
        }
        let human = match source {
            LabelSource::Run => label,
            LabelSource::Labels { labels, fields } => label_of(&sample, labels, fields),
        };
        let length = sample.record.output.as_deref().unwrap_or_default().chars().count();
        let SampleRecord { item_id, cluster, prompt, model, .. } = sample;
        answers.push(JudgedAnswer { item_id, cluster, prompt, model, length, judge, human });
    }
    Ok(answers)
}

fn label_of(sample: &SampleRecord, labels: &Labels, fields: &Rows) -> Option<f64> {
    let item = Item {
        index: 0,
        row: 1,
        id: sample.item_id.as_str().into(),
        hash: ItemHash([0; 16]),
        fields: fields.get(&sample.item_id).cloned().unwrap_or_default(),
        targets: Arc::default(),
        cluster: None,
        slices: Arc::default(),
    };
    labels.of(Answered {
        prompt: &sample.prompt,
        model: &sample.model,
        item: &item,
        epoch: sample.epoch,
        output: sample.record.output.as_deref(),
    })
}
