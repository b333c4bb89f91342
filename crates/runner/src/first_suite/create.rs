//! The flow of `evalmark init`: the dataset is read, every column guessed, the files written, and the
//! suite checked; where that fails, nothing is left.

use std::path::{Path, PathBuf};

use evalmark_core::{
    dataset::{FileSpec, Format},
    number_format::counted,
    suite::{file_name, schema},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    ci_recipe::{CiService, WrittenRecipe},
    column_profile::DatasetColumns,
    error::FirstSuiteError,
    example,
    gate_margin::GateMargin,
    gitignore::Gitignore,
    guess::Guess,
    metric_choice::{MAX_TOKENS, MetricChoice},
    model_choice::{ModelChoice, WantedModel},
    new_files::{FileOutcome, NewFiles, WrittenFile},
    next_steps::{NextSteps, way},
    open_dataset::open_dataset,
    prompt_text::prompt_file,
    roles::{ColumnRoles, guess_target, no_column},
    suite_text::{SCHEMA, SuiteText},
    target_shape::TargetShape,
};
use crate::{Host, RunOptions, load};

/// What a first suite is made of; what is `None` is guessed.
#[derive(Clone, Debug, Default)]
pub struct FirstSuiteOptions {
    /// The folder that gets `suites/` and `.gitignore`.
    pub folder: PathBuf,
    /// The dataset's file.
    pub dataset: Option<PathBuf>,
    /// Whether a small dataset with recorded answers is written instead.
    pub example: bool,
    /// The column with the right answers.
    pub target: Option<String>,
    /// Who answers.
    pub provider: Option<String>,
    /// The provider's model.
    pub model: Option<String>,
    /// The server's address, where it is not the provider's own.
    pub base_url: Option<String>,
    /// The suite's name.
    pub name: Option<String>,
    /// Where the suite is to run on every change.
    pub ci: Option<CiService>,
    /// Whether files of the same names are replaced.
    pub force: bool,
}

impl FirstSuiteOptions {
    /// What becomes of files of the same names.
    pub(super) fn replaces(&self) -> FileOutcome {
        if self.force { FileOutcome::Replaced } else { FileOutcome::New }
    }
}

/// A first suite that was written.
#[derive(Clone, Debug, Serialize)]
pub struct FirstSuite {
    /// Its file.
    pub suite: PathBuf,
    /// Its name.
    pub name: String,
    /// Items of its dataset.
    pub n_items: u64,
    /// What was guessed.
    pub guesses: Vec<Guess>,
    /// Files, with what became of each.
    pub files: Vec<WrittenFile>,
    /// What is worth a warning.
    pub warnings: Vec<String>,
    /// The commands that come next, in order.
    pub next: Vec<String>,
}

/// Writes a first suite, or nothing.
pub fn create_first_suite(
    options: &FirstSuiteOptions,
    host: &Host<'_>,
) -> Result<FirstSuite, FirstSuiteError> {
    let mut files = NewFiles::default();
    match create(options, &mut files, host) {
        Ok(suite) => Ok(FirstSuite { files: files.keep(), ..suite }),
        Err(error) => {
            files.take_back();
            Err(error)
        }
    }
}

fn create(
    options: &FirstSuiteOptions,
    files: &mut NewFiles,
    host: &Host<'_>,
) -> Result<FirstSuite, FirstSuiteError> {
    let replace = options.replaces();
    let dataset = dataset_file(options, files, replace)?;
    let name = suite_name(options, &dataset)?;
    let file = open_dataset(&dataset, host)?;
    let about = AboutDataset::read(&file, options.target.as_deref())?;
    let AboutDataset { columns, roles, shape, .. } = &about;
    let recorded = options.example.then_some("recorded");
    let wanted = WantedModel {
        provider: options.provider.as_deref().or(recorded),
        model: options.model.as_deref(),
        base_url: options.base_url.as_deref(),
        recorded: roles.recorded.as_deref(),
        target: &roles.target,
    };
    let model = ModelChoice::of(wanted)?;
    let target = columns.column(&roles.target).ok_or_else(|| no_column(columns, &roles.target))?;
    let (metrics, gate) = (MetricChoice::of(shape, target), GateMargin::of(columns, roles));
    let prompt =
        if options.example { example::prompt() } else { prompt_file(columns, roles, shape) };
    let suites = options.folder.join("suites");
    let (suite, prompt_name) =
        (suites.join(format!("{name}.yaml")), format!("prompts/{name}.{}", prompt.ending));
    let text = SuiteText {
        name: &name,
        dataset: &way(&suites, &dataset),
        delimiter: delimiter(&file),
        roles,
        prompt: &prompt_name,
        model: &model,
        metrics: &metrics,
        gate: &gate,
    };
    files.write(&suite, &text.render(), replace)?;
    files.write(&suites.join(&prompt_name), &prompt.text, replace)?;
    files.write(&suites.join(SCHEMA), &format!("{}\n", suite_schema(host)), FileOutcome::Kept)?;
    let mut warnings = ignore_runs(&options.folder, files)?;
    let recipe = write_recipe(options, &model, gate.margin.is_some(), files)?;
    warnings.extend(recipe.iter().flat_map(|recipe| recipe.remarks.clone()));
    checked(&suite, host)?;
    let next = NextSteps {
        folder: &options.folder,
        dataset: &dataset,
        recipe: recipe.as_ref().map(|recipe| recipe.path.as_path()),
        name: &name,
        model: &model,
        has_gate: gate.margin.is_some(),
    };
    let next = next.commands(host);
    let n_items = columns.n_rows;
    let guesses = about.guesses(MoreGuesses {
        model: model.guess(wanted),
        metrics: metrics.guesses,
        gate: gate.guess,
        is_asked: matches!(model, ModelChoice::Asked { .. }),
    });
    Ok(FirstSuite { suite, name, n_items, guesses, files: Vec::new(), warnings, next })
}

/// The recipe for a CI service, where one is wanted.
fn write_recipe(
    options: &FirstSuiteOptions,
    model: &ModelChoice,
    has_gate: bool,
    files: &mut NewFiles,
) -> Result<Option<WrittenRecipe>, FirstSuiteError> {
    let Some(ci) = options.ci else { return Ok(None) };
    let keys: Vec<_> = model.key_variable().into_iter().map(str::to_owned).collect();
    let mut recipe = ci.write(&options.folder, &keys, options.replaces(), files)?;
    if !has_gate {
        recipe.remarks.push("the job fails until the suite has a gate".to_owned());
    }
    Ok(Some(recipe))
}

/// Guesses that need more than the dataset's columns.
struct MoreGuesses {
    model: Option<Guess>,
    metrics: Vec<Guess>,
    gate: Guess,
    /// Whether a model is asked.
    is_asked: bool,
}

/// What a dataset's rows tell.
struct AboutDataset {
    columns: DatasetColumns,
    target: Guess,
    roles: ColumnRoles,
    shape: TargetShape,
}

impl AboutDataset {
    fn read(file: &FileSpec, wanted: Option<&str>) -> Result<Self, FirstSuiteError> {
        let columns = read_columns(file, &[])?;
        let target = guess_target(&columns, wanted)?;
        let columns = match columns.column(&target.is) {
            Some(_) => columns,
            None => read_columns(file, std::slice::from_ref(&target.is))?,
        };
        let column = columns.column(&target.is).filter(|column| column.n_values > 0);
        let column = column.ok_or_else(|| no_column(&columns, &target.is))?;
        if let Some(empty) = column.empty_rows(columns.n_rows) {
            return Err(FirstSuiteError::EmptyTargets {
                rows: counted(empty.n, "row"),
                first: empty.first,
                column: target.is.clone(),
            });
        }
        let roles = ColumnRoles::guess(&columns, &target.is);
        let lists = roles.inputs.iter().filter_map(|name| columns.column(name));
        let options = lists.map(|column| column.most_elements).max().unwrap_or_default();
        let options = options.max(roles.options.len());
        let shape = TargetShape::of(column).with_options(options);
        Ok(Self { columns, target, roles, shape })
    }

    fn guesses(&self, more: MoreGuesses) -> Vec<Guess> {
        let MoreGuesses { model, metrics, gate, is_asked } = more;
        let roles = self.roles.guesses(&self.columns, is_asked);
        // Nobody is asked for a recorded answer, however long it may be.
        let metrics = metrics.into_iter().filter(|guess| is_asked || guess.what != MAX_TOKENS);
        let all = std::iter::once(self.target.clone()).chain(roles).chain(metrics);
        all.chain(model).chain([gate]).collect()
    }
}

/// The dataset's file; the example's is written first.
fn dataset_file(
    options: &FirstSuiteOptions,
    files: &mut NewFiles,
    replace: FileOutcome,
) -> Result<PathBuf, FirstSuiteError> {
    match (&options.dataset, options.example) {
        (Some(dataset), _) => Ok(dataset.clone()),
        (None, true) => {
            let path = options.folder.join(example::DATASET);
            files.write(&path, example::ROWS, replace)?;
            Ok(path)
        }
        (None, false) => Err(FirstSuiteError::Missing {
            what: "the dataset",
            pass: "pass `--dataset FILE` (csv, tsv, jsonl, json or parquet) with `--provider NAME`, or \
                   `--example` for a small one that runs without a key"
                .to_owned(),
        }),
    }
}

/// The suite's name: the user's, or the dataset's as a folder can be called.
fn suite_name(options: &FirstSuiteOptions, dataset: &Path) -> Result<String, FirstSuiteError> {
    if let Some(name) = &options.name {
        file_name(name).map_err(FirstSuiteError::Name)?;
        if name == "baselines" {
            let taken = "`baselines` is taken by the folder of baselines";
            return Err(FirstSuiteError::Name(taken.to_owned()));
        }
        return Ok(name.clone());
    }
    let file = dataset.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = stem.chars().map(plain).collect();
    let parts: Vec<_> = name.split('-').filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    let is_free = file_name(&name).is_ok() && name != "baselines";
    Ok(if is_free { name } else { "first".to_owned() })
}

/// What separates the cells, where the file's format does not say.
fn delimiter(file: &FileSpec) -> Option<char> {
    let own = match file.format {
        Format::Csv => b',',
        Format::Tsv => b'\t',
        _ => return None,
    };
    file.layout.delimiter.filter(|found| *found != own).map(char::from)
}

/// Keeps run folders out of git; warns where baselines stay out, too.
fn ignore_runs(folder: &Path, files: &mut NewFiles) -> Result<Vec<String>, FirstSuiteError> {
    let path = folder.join(".gitignore");
    let old = match std::fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(FirstSuiteError::Unwritable { path, source }),
    };
    let gitignore = Gitignore::extended(&old);
    files.write(&path, &gitignore.text.unwrap_or(old), FileOutcome::Extended)?;
    let warning = |line: String| {
        format!(
            "{} has the line `{line}`, which keeps baselines out of git, too: remove it, as `/reports/*` is \
             enough",
            path.display()
        )
    };
    Ok(gitignore.hides_baselines.map(warning).into_iter().collect())
}

/// The JSON Schema of suites, which editors read.
pub fn suite_schema(host: &Host<'_>) -> Value {
    let kinds = evalmark_scoring::catalog();
    schema(kinds, evalmark_harness::providers::catalog(), host.sources.kinds, host.receivers)
}

/// What a dialogue says of a dataset before it asks on.
#[derive(Clone, Debug)]
pub struct DatasetLook {
    /// Its columns.
    pub columns: Vec<String>,
    /// The one that looks like right answers.
    pub target: Option<String>,
    /// Whether one holds a model's answers.
    pub has_recorded_answers: bool,
}

/// Looks at a dataset, for a dialogue.
pub fn look_at_dataset(path: &Path, host: &Host<'_>) -> Result<DatasetLook, FirstSuiteError> {
    let file = open_dataset(path, host)?;
    let columns = read_columns(&file, &[])?;
    let target = guess_target(&columns, None).ok().map(|guess| guess.is);
    let roles = ColumnRoles::guess(&columns, target.as_deref().unwrap_or_default());
    Ok(DatasetLook {
        columns: columns.columns.into_iter().map(|column| column.name).collect(),
        target,
        has_recorded_answers: roles.recorded.is_some(),
    })
}

fn read_columns(file: &FileSpec, paths: &[String]) -> Result<DatasetColumns, FirstSuiteError> {
    DatasetColumns::read(file, paths).map_err(|error| FirstSuiteError::Dataset {
        path: file.origin.clone(),
        problem: match error.place {
            Some(place) => format!("{place}: {}", error.message),
            None => error.message,
        },
        advice: None,
    })
}

/// Whether the suite passes `evalmark check`.
pub(super) fn checked(suite: &Path, host: &Host<'_>) -> Result<(), FirstSuiteError> {
    let loaded = load(suite, &RunOptions::default(), host);
    loaded.map(drop).map_err(|error| FirstSuiteError::Mistaken {
        problem: error.in_full(),
        advice: error.hints().first().map(|hint| (*hint).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_called_like_its_dataset() {
        let check = |file: &str, expected: &str| {
            let name = suite_name(&FirstSuiteOptions::default(), Path::new(file));
            assert_eq!(name.expect("a name"), expected, "{file}");
        };
        check("data/Support Tickets (2026).csv.gz", "support-tickets-2026");
        check("con.csv", "first");
        check("données.jsonl", "donn-es");
        check("baselines.csv", "first");
    }
}
