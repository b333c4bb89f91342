//! lm-evaluation-harness: `samples_TASK_TIME.jsonl` of `lm_eval --log_samples`, and `results_TIME.json` beside it, or
//! the folder that holds both.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{
    metric::Direction,
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    input::Input,
    text::{text_of, texts_of},
};

pub(super) const IMPORTER: Importer = Importer {
    name: "lm-eval",
    files: "the folder of `lm_eval --log_samples --output_path`, or its `samples_….jsonl`",
    server: None,
    read,
};

/// Folders below the one that is named: lm-eval makes one a model.
const DEPTH: usize = 3;

/// What a run of lm-eval says of all its tasks.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    higher_is_better: BTreeMap<String, BTreeMap<String, Option<bool>>>,
    lm_eval_version: Option<String>,
    model_name: Option<String>,
    date: Option<f64>,
}

/// A document under one filter.
#[derive(Deserialize)]
struct Row {
    doc_id: Value,
    doc: Value,
    #[serde(default)]
    target: Value,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    resps: Value,
    #[serde(default)]
    filtered_resps: Value,
    filter: Option<String>,
    metrics: Option<Vec<String>>,
    #[serde(flatten)]
    values: Map<String, Value>,
}

/// What the rows of one file have in common.
struct OfTask<'a> {
    model: usize,
    lower: BTreeSet<&'a str>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    let Files { samples, summaries } = files(request.files)?;
    let (task, samples) = of_task(samples, request)?;
    let mut summary = Summary::default();
    for path in summaries {
        let (read, file) = Input::open(&path)?.json::<Summary>().map_err(not_lm_eval)?;
        into.file(file);
        summary = read;
    }
    let results = &mut into.results;
    results.tool_version.clone_from(&summary.lm_eval_version);
    results.evaluated_at = summary.date.and_then(moment);
    let lower = summary.higher_is_better.get(&task).into_iter().flatten();
    let lower = lower.filter(|(_, higher)| **higher == Some(false)).map(|(name, _)| name.as_str());
    let lower: BTreeSet<_> = lower.collect();
    results.task = Some(task);
    for path in samples {
        let folder = path.parent().and_then(Path::file_name);
        let of_folder = folder.map(|name| name.to_string_lossy().into_owned());
        let model = summary.model_name.clone().or(of_folder).filter(|name| !name.is_empty());
        let model = into.model(model.as_deref().unwrap_or("model"));
        task_file(&path, &OfTask { model, lower: lower.clone() }, into)?;
    }
    Ok(())
}

fn not_lm_eval(error: ResultsError) -> ResultsError {
    error.hint("`lm_eval --log_samples --output_path FOLDER` writes such files; name the folder, or a `samples_….jsonl`")
}

fn moment(seconds: f64) -> Option<String> {
    let time =
        jiff::Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?);
    Some(time.ok()?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The files of lm-eval among what the user names.
struct Files {
    /// Samples, with their tasks.
    samples: Vec<(String, PathBuf)>,
    summaries: Vec<PathBuf>,
}

/// Samples by task, and summaries, out of what the user names.
fn files(named: &[PathBuf]) -> Result<Files, ResultsError> {
    let (mut samples, mut summaries) = (Vec::new(), Vec::new());
    let mut all = Vec::new();
    for path in named {
        if path.is_dir() { below(path, DEPTH, &mut all)? } else { all.push((path.clone(), true)) }
    }
    for (path, is_named) in all {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if let Some(task) = task_of(&name) {
            samples.push((task, path));
        } else if name.starts_with("results") && name.contains(".json") {
            summaries.push(path);
        } else if is_named {
            let message = "is not called `samples_TASK_TIME.jsonl` or `results_TIME.json`";
            return Err(not_lm_eval(ResultsError::of_file(&path.display().to_string(), message)));
        }
    }
    if samples.is_empty() {
        let name = named.first().map_or_else(String::new, |path| path.display().to_string());
        let message = "holds no `samples_….jsonl`: scores of single documents were not logged";
        return Err(not_lm_eval(ResultsError::of_file(&name, message)));
    }
    Ok(Files { samples, summaries })
}

fn below(folder: &Path, depth: usize, all: &mut Vec<(PathBuf, bool)>) -> Result<(), ResultsError> {
    let wrong = |error: std::io::Error| {
        ResultsError::of_file(&folder.display().to_string(), format!("cannot be read: {error}"))
    };
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(wrong)?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if !path.is_dir() {
            all.push((path, false));
        } else if depth > 0 {
            below(&path, depth - 1, all)?;
        }
    }
    Ok(())
}

/// The task of `samples_TASK_2026-11-28T11-45-21.232392.jsonl`, packed or not.
fn task_of(name: &str) -> Option<String> {
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(name);
    let stem = name.strip_prefix("samples_")?.strip_suffix(".jsonl")?;
    let (task, time) = stem.rsplit_once('_').unwrap_or((stem, ""));
    let is_time = time.contains('T') && time.starts_with(|c: char| c.is_ascii_digit());
    Some(if is_time { task } else { stem }.to_owned())
}

/// The files of the only task, or of the one that is asked for.
fn of_task(
    samples: Vec<(String, PathBuf)>,
    request: &ResultsRequest<'_>,
) -> Result<(String, Vec<PathBuf>), ResultsError> {
    let tasks: BTreeSet<String> = samples.iter().map(|(task, _)| task.clone()).collect();
    let listed = tasks.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let first = &samples[0].1.display().to_string();
    let task = match (request.task, tasks.first(), tasks.len()) {
        (None, Some(task), 1) => task.clone(),
        (Some(task), ..) if tasks.contains(task) => task.to_owned(),
        (Some(task), ..) => {
            let message = format!("there is no task `{task}`; there are: {listed}");
            return Err(ResultsError::of_file(first, message));
        }
        (None, ..) => {
            let message = format!("there are several tasks: {listed}");
            return Err(ResultsError::of_file(first, message).hint("name one: `--task NAME`"));
        }
    };
    let of_it = samples.into_iter().filter(|(of, _)| *of == task).map(|(_, path)| path);
    let of_it = of_it.collect();
    Ok((task, of_it))
}

/// The rows of one file, which has one a document and filter. A document is what it holds: `doc_id` is a position.
fn task_file(path: &Path, of: &OfTask<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    let input = Input::open(path)?;
    let name = input.name().to_owned();
    let mut answers: Vec<(NewAnswer, Place)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut filters: HashMap<String, BTreeSet<String>> = HashMap::new();
    let file = input.json_lines(|line, row: Row| {
        let place = Place::new(&name, format!("line {line}"));
        let key = format!("{}\0{}", row.doc_id, row.doc);
        let filter = row.filter.clone().unwrap_or_else(|| "none".to_owned());
        if !filters.entry(key.clone()).or_default().insert(filter.clone()) {
            let message = format!("a second row of document {} and filter `{filter}`", row.doc_id);
            return Err(place.error(message));
        }
        let scores = scores(&row, &filter, of, into, &place);
        if let Some(at) = places.get(&key) {
            answers[*at].0.scores.extend(scores);
            into.joined();
            return Ok(());
        }
        places.insert(key, answers.len());
        let prompt = into.prompt("task", None);
        let answer = NewAnswer { scores, ..answer(row, prompt, of.model) };
        answers.push((answer, place));
        Ok(())
    });
    into.file(file.map_err(not_lm_eval)?);
    answers.into_iter().try_for_each(|(answer, place)| into.answer(answer, &place))
}

fn answer(row: Row, prompt: usize, model: usize) -> NewAnswer {
    let asked = row.arguments.pointer("/gen_args_0/arg_0").or(row.arguments.pointer("/0/0"));
    let messages = asked.map(texts_of).unwrap_or_default();
    let messages = messages.into_iter().map(|text| ("user".to_owned(), text)).collect();
    let first = row.resps.pointer("/0/0").filter(|answer| answer.is_string());
    let output = first.map_or_else(|| text_of(&row.filtered_resps), text_of);
    let fields = match row.doc {
        Value::Object(fields) => fields,
        other => Map::from_iter([("doc".to_owned(), other)]),
    };
    let item = ToolItem { fields, targets: texts_of(&row.target), ..ToolItem::default() };
    NewAnswer { messages, output, ..NewAnswer::to(item, prompt, model) }
}

/// The values of a row under the names that lm-eval's summary has for them: `METRIC,FILTER`, or the metric alone where
/// there is no filter.
fn scores(
    row: &Row,
    filter: &str,
    of: &OfTask<'_>,
    into: &mut Collector,
    place: &Place,
) -> Vec<(usize, ToolScore)> {
    let mut scores = Vec::new();
    for metric in row.metrics.iter().flatten() {
        let name = if filter == "none" { metric.clone() } else { format!("{metric},{filter}") };
        let score = match row.values.get(metric) {
            Some(Value::Bool(passed)) => ToolScore::passed(*passed),
            Some(Value::Number(number)) => {
                ToolScore { value: number.as_f64(), ..ToolScore::default() }
            }
            Some(Value::Null) | None => {
                ToolScore::missing("lm-eval's score is none, or not a number")
            }
            Some(_) => {
                let why = format!(
                    "`{metric}` is a value of the whole run, made of texts: no document has a score"
                );
                into.leave_score_out(&why, place);
                continue;
            }
        };
        let is_lower = of.lower.contains(metric.as_str());
        let direction = if is_lower { Direction::Lower } else { Direction::Higher };
        scores.push((into.metric_of(&name, None, direction, false), score));
    }
    scores
}
