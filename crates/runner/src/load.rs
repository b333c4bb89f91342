//! From a suite file to a plan and compiled metrics: everything that can be wrong before a request.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    item::Item,
    label::{LabelSpec, Labels},
    metric::{Extract, InvalidPolicy, MetricSpec, Reasoning, Which},
    model::Provider,
    plan::{Checks, Plan, Sample},
    prompt::Prompt,
    suite::{Suite, near_and_known, nearest},
};
use evalmark_scoring::{Judge, Metric, QuestionError, Subject};
use evalmark_store::run_record::{NamedHash, RunOptions};

use crate::{
    Host, Notice,
    all_cores::AllCores,
    ask::Asks,
    error::{Advised, Result, RunError},
    model_keys::allowed_keys,
    permissions::RefusedKeys,
    programs::{self, Programs},
    revisions::{add_prompts_at, asked_at},
    target_check::{UsableTargets, unusable_targets},
    tried_forms::{TriedForms, mistake},
};

/// A suite that is ready to run.
#[derive(Clone)]
pub struct LoadedSuite {
    /// The checked suite.
    pub suite: Suite,
    /// What it asks.
    pub plan: Plan,
    /// Its metrics, compiled.
    pub metrics: Vec<Metric>,
    /// What runs the programs of those that have one.
    pub(crate) programs: Arc<Programs>,
    /// Human labels, parallel to the metrics.
    pub labels: Vec<Option<Labels>>,
    /// BLAKE3 of the effective suite, 64 hexadecimal digits.
    pub hash: String,
}

impl LoadedSuite {
    /// Whether the keys of all its models may go where it sends them.
    pub fn check_keys(&self, host: &Host<'_>) -> Result<(), RefusedKeys> {
        allowed_keys(self, Asks::Everyone, host)
    }
}

/// Reads, checks and plans a suite with what the command line says of it.
pub fn load(path: &Path, options: &RunOptions, host: &Host<'_>) -> Result<LoadedSuite> {
    let mut suite = asked_suite(path, options, host)?;
    suite.select(&options.prompts, &options.models)?;
    suite.dataset.limit_to(options.limit);
    suite.epochs = options.epochs.unwrap_or(suite.epochs);
    if let Some(concurrency) = options.concurrency {
        for model in &mut suite.models {
            model.limits.concurrency = concurrency as usize;
        }
    }
    for note in &suite.notes {
        host.notices.tell(&Notice::SuiteNote(note));
    }
    for warning in &suite.warnings {
        host.notices.tell(&Notice::SuiteWarning(warning));
    }
    let metrics: Vec<_> = suite
        .metrics
        .iter()
        .map(|spec| {
            Metric::compile(spec).map_err(|error| LoadError::Metric {
                name: spec.name.clone(),
                problem: error.message,
            })
        })
        .collect::<Result<_, _>>()?;
    programs::allowed(&metrics, host.allow_exec)?;
    check_recorded_judges(&suite, &metrics)?;
    let mut usable = UsableTargets::new(&metrics, &suite.dataset);
    let forms = TriedForms::of(&suite);
    let plan = Plan::checked(
        &suite,
        AllCores,
        &Checks {
            item: |item: &Item| {
                check_item(&metrics, item)?;
                Ok(unusable_targets(&metrics, item))
            },
            messages: |prompt: &Prompt, messages| forms.try_on(prompt, &messages),
        },
        |item, unusable| usable.see(item, unusable),
    );
    let plan = plan.map_err(|unplanned| mistake(&suite, unplanned))?;
    for warning in plan.warnings.iter().chain(&usable.told()?) {
        host.notices.tell(&Notice::SuiteWarning(warning));
    }
    check_rubrics(&plan, &metrics)?;
    let hash = blake3::hash(suite.identity().as_bytes()).to_hex().to_string();
    let labels = suite.metrics.iter().map(|spec| spec.labels.as_ref().map(LabelSpec::open));
    let labels = labels.map(Option::transpose).collect::<Result<_, _>>()?;
    let programs = Arc::new(Programs::new(&suite.path, metrics.len(), host.program_variables));
    Ok(LoadedSuite { suite, plan, metrics, programs, labels, hash })
}

/// Reads a suite with the prompts of the revisions that the command line names.
fn asked_suite(path: &Path, options: &RunOptions, host: &Host<'_>) -> Result<Suite> {
    let mut suite = match &options.asked_at {
        Some(commit) => asked_at(path, commit, true, options, host)?,
        None => read_suite(path, options, host)?,
    };
    if let Some(commit) = &options.prompts_at {
        add_prompts_at(&mut suite, commit, options, host)?;
    }
    Ok(suite)
}

/// Suites that are run together, each file once; no two may have one name, which is that of their runs and
/// baselines.
pub fn load_all(
    paths: &[PathBuf],
    options: &RunOptions,
    host: &Host<'_>,
) -> Result<Vec<LoadedSuite>> {
    let loaded = paths.iter().map(|path| load(path, options, host));
    let loaded: Vec<_> = loaded.collect::<Result<_>>()?;
    for (at, one) in loaded.iter().enumerate() {
        if let Some(other) = loaded[..at].iter().find(|other| other.suite.name == one.suite.name) {
            return Err(LoadError::SameName {
                name: one.suite.name.clone(),
                first: other.suite.path.clone(),
                second: one.suite.path.clone(),
            }
            .into());
        }
    }
    Ok(loaded)
}

/// The files, each once, in the order in which they are named first; a file that is named again is told.
pub fn each_once(paths: &[PathBuf], host: &Host<'_>) -> Vec<PathBuf> {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let mut once: Vec<PathBuf> = Vec::new();
    for path in paths {
        if once.iter().any(|known| real(known) == real(path)) {
            let note = format!("{} is named more than once, and counts once", path.display());
            host.notices.tell(&Notice::SuiteNote(&note));
        } else {
            once.push(path.clone());
        }
    }
    once
}

/// Reads a suite alone, without its items.
pub(crate) fn read_suite(path: &Path, options: &RunOptions, host: &Host<'_>) -> Result<Suite> {
    Suite::read(path, host.readers(options)).map_err(|error| {
        let advice = (!path.is_file()).then(|| near_file(path)).flatten();
        advice.into_iter().fold(RunError::new(error), RunError::with_hint)
    })
}

/// The suites beside one that is not there, and which of them is called nearly so; or those of a folder.
fn near_file(path: &Path) -> Option<String> {
    let folder = if path.is_dir() { path } else { path.parent()? };
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let files = std::fs::read_dir(here).ok()?.flatten().map(|entry| folder.join(entry.file_name()));
    let is_suite = |file: &PathBuf| {
        file.extension().is_some_and(|of| of == "yaml" || of == "yml" || of == "json")
    };
    let mut files: Vec<_> = files.filter(is_suite).collect();
    files.sort();
    let name = |file: &Path| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let names: Vec<_> = files.iter().filter_map(|file| name(file)).collect();
    let near = nearest(&name(path).unwrap_or_default(), names.iter().map(String::as_str));
    let near = files.iter().find(|file| near.is_some() && name(file).as_deref() == near);
    let near = near.map_or(String::new(), |near| format!("did you mean `{}`? ", near.display()));
    let shown: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let shown: Vec<_> = shown.iter().map(String::as_str).collect();
    Some(near + &near_and_known("", &shown, "there are")?)
}

/// What is wrong with a suite's metrics, beyond what its file shows.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its parameters cannot be used.
    #[error("metric `{name}`: {problem}")]
    Metric {
        /// The metric.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Two suites of one name, whose runs and baselines could not be told apart.
    #[error("two suites are called `{name}`: {} and {}", first.display(), second.display())]
    SameName {
        /// Their name.
        name: String,
        /// The file of one.
        first: PathBuf,
        /// The file of the other.
        second: PathBuf,
    },
    /// A judge whose one recorded reply cannot answer several questions.
    #[error(
        "metric `{metric}` asks model `{model}` more than one question about an answer, and column \
         `{column}` holds one reply"
    )]
    RecordedJudge {
        /// The metric.
        metric: String,
        /// The judge.
        model: String,
        /// The column of its replies.
        column: String,
    },
    /// What a judge is asked needs what no item has.
    #[error("metric `{metric}`")]
    Question {
        /// The metric.
        metric: String,
        /// What it needs.
        source: QuestionError,
    },
}

impl Advised for LoadError {
    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::RecordedJudge { .. } => {
                "record its replies by request: `recorded: { file: … }`, as `evalmark \
                 export-answers` writes it"
            }
            Self::SameName { .. } => {
                "give each its own `name`: runs and baselines are kept under it"
            }
            Self::Metric { .. } | Self::Question { .. } => return None,
        };
        Some(advice.to_owned())
    }
}

/// Whether every metric can use what an item says to it.
fn check_item(metrics: &[Metric], item: &Item) -> Result<(), String> {
    metrics.iter().try_for_each(|metric| {
        metric.check_item(item).map_err(|problem| format!("metric `{}`: {problem}", metric.name()))
    })
}

/// A column of the dataset holds one answer to each item, so a judge that answers from one can be
/// asked for one opinion only.
fn check_recorded_judges(suite: &Suite, metrics: &[Metric]) -> Result<(), LoadError> {
    for metric in metrics {
        let Some(judge) = metric.judge() else { continue };
        let models = judge.models().iter().filter_map(|name| suite.model_index(name));
        let each = judge.questions_each() / (judge.models().len() as u64).max(1);
        let mut columns = models.filter_map(|model| match &suite.models[model].provider {
            Provider::RecordedColumn(column) => Some((&suite.models[model].name, column.of(0))),
            _ => None,
        });
        if let Some((model, column)) = columns.next().filter(|_| each > 1 || !judge.is_opinion()) {
            return Err(LoadError::RecordedJudge {
                metric: metric.name().to_owned(),
                model: model.to_string(),
                column: column.to_owned(),
            });
        }
    }
    Ok(())
}

/// Tries what each metric asks of models on the first item: a variable or column that it lacks, all
/// items lack.
fn check_rubrics(plan: &Plan, metrics: &[Metric]) -> Result<()> {
    for metric in metrics.iter().filter(|metric| metric.judge().is_some()) {
        let Some(sample) = first_concerned(plan, metric)? else { continue };
        let item = &sample.item;
        let subject = Subject { fields: &item.fields, ..Subject::of_texts("", &item.targets) };
        let Some(questions) = metric.questions(subject, &sample.request.messages) else { continue };
        match questions {
            Err(error @ (QuestionError::Template(_) | QuestionError::Column(_))) => {
                let metric = metric.name().to_owned();
                return Err(LoadError::Question { metric, source: error }.into());
            }
            // What this item lacks another may have.
            Ok(_) | Err(QuestionError::Lacking(_) | QuestionError::Invalid(_)) => {}
        }
    }
    Ok(())
}

/// The first sample of an item that the metric concerns.
fn first_concerned(plan: &Plan, metric: &Metric) -> Result<Option<Sample>> {
    for sample in plan.in_report_order() {
        let sample = sample?;
        if !metric.is_partial() || metric.concerns(&sample.item.fields) {
            return Ok(Some(sample));
        }
    }
    Ok(None)
}

/// Every metric's name with the hash of its configuration.
pub(crate) fn metric_hashes(loaded: &LoadedSuite) -> Vec<NamedHash> {
    let metrics = loaded.suite.metrics.iter().zip(&loaded.metrics);
    metrics.map(|(spec, metric)| metric_hash(&loaded.suite, spec, metric)).collect()
}

/// Names of the metrics whose scores are a model's judgement.
pub(crate) fn judged_names(loaded: &LoadedSuite) -> Vec<String> {
    let is_judged = |metric: &&Metric| metric.judge().is_some_and(Judge::is_opinion);
    let judged = loaded.metrics.iter().filter(is_judged);
    judged.map(|metric| metric.name().to_owned()).collect()
}

/// A metric's name with the hash of all that decides its scores, the models that it asks included.
pub(crate) fn metric_hash(suite: &Suite, spec: &MetricSpec, metric: &Metric) -> NamedHash {
    let models = metric.judge().map_or(&[][..], Judge::models).iter();
    let models: Vec<_> = models
        .filter_map(|name| suite.models.get(suite.model_index(name)?))
        .map(|model| {
            format!("{} {}", model.model, serde_json::Value::Object((*model.params).clone()))
        })
        .collect();
    let judge =
        if models.is_empty() { "None".to_owned() } else { format!("Some({:?})", models.join(" ")) };
    let extract = hashed_extract(spec.extract.as_ref());
    let invalid = match spec.invalid {
        InvalidPolicy::Zero => "Zero",
        InvalidPolicy::Missing => "Missing",
    };
    let text = format!("{} {} {extract} {} {invalid} {judge}", spec.kind, spec.params, spec.negate);
    let text = match metric.departs_on_reasoning() {
        Some(Reasoning::Cut) => format!("{text} reasoning Cut"),
        Some(Reasoning::Keep) => format!("{text} reasoning Keep"),
        None => text,
    };
    // As it was hashed before there was `binary`, so that baselines of then still compare.
    let text = match (spec.binary, spec.threshold) {
        (false, _) => text,
        (true, None) => format!("{text} binary from None"),
        (true, Some(threshold)) => format!("{text} binary from Some({threshold:?})"),
    };
    // What every item was asked before there was `when` is hashed as ever.
    let text = match &spec.when {
        Some(when) => format!("{text} when {when:?}"),
        None => text,
    };
    let text = match spec.targets.as_slice() {
        [] => text,
        columns => format!("{text} targets {columns:?}"),
    };
    let text = match metric.program() {
        Some(program) => format!("{text} {}", programs::contents(&suite.path, program)),
        None => text,
    };
    let hash = blake3::hash(text.as_bytes()).to_hex()[..32].to_owned();
    NamedHash { name: spec.name.clone(), hash }
}

/// An `extract` as metrics are hashed by it, the same ever since it meant the same.
fn hashed_extract(extract: Option<&Extract>) -> String {
    match extract {
        None => "None".to_owned(),
        Some(Extract::Json { path, which: Some(Which::First) }) => format!("Some(Json({path:?}))"),
        Some(Extract::Json { path, .. }) => format!("Some(Json({path:?}) last)"),
        Some(Extract::Regex { pattern, group, which }) => {
            let group = group.map_or_else(|| "None".to_owned(), |group| format!("Some({group})"));
            let which = match which {
                Which::First => "First",
                Which::Last => "Last",
            };
            let fields = format!("pattern: {pattern:?}, group: {group}, which: {which}");
            format!("Some(Regex {{ {fields} }})")
        }
    }
}
