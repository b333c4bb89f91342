//! Records of a suite's monitor, picked and written to a review file.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use evalmark_core::{
    fields::Fields,
    number_format::{counted, exact},
};
use evalmark_report::records::{RecordRow, RecordTexts, for_each_record};
use evalmark_store::monitor::{MonitorFolder, MonitorFolderError, MonitorState};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    append::AppendedFile,
    draw::Draw,
    error::LogCasesError,
    freeze::file_of,
    released::releases_by_hash,
    review,
    why::{Judge, PickedKind, Quota},
};
use crate::{
    Host,
    dataset::{DatasetOptions, OpenedDataset, OutputFile, TooAlike, WrittenRows, near_pairs},
    error::{Hinted, Result, RunError},
    feedback::JoinedFeedback,
    monitor::{MonitorStatusOptions, MonitoredSuite, moment, monitor_status},
};

/// So many times as many records are drawn as are asked for: some are nearly the same as others.
const SPARE: usize = 4;

/// What is picked, and where it goes.
#[derive(Clone, Debug)]
pub struct FromLogsOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// The folder of releases, which tells what was served; it may not be there.
    pub releases: PathBuf,
    /// How many records of which kind.
    pub quotas: Vec<Quota>,
    /// Records from this moment on alone: microseconds since 1970.
    pub since: Option<i64>,
    /// Another seed is another draw.
    pub seed: u64,
    /// The least similarity of texts that count as the same.
    pub near: f64,
    /// The review file: .csv, .jsonl or .parquet.
    pub file: PathBuf,
    /// Whether a file that is there is replaced.
    pub replaces: bool,
}

/// What was picked.
#[derive(Clone, Debug, Serialize)]
pub struct CasesFromLogs {
    /// The suite's name.
    pub suite: String,
    /// Records that were looked at.
    pub records: u64,
    /// Those of them whose texts were kept.
    pub with_texts: u64,
    /// By kind, in the order in which they were asked for.
    pub kinds: Vec<Picked>,
    /// What was written.
    pub written: WrittenRows,
    /// Texts that are longer than a cell of a spreadsheet, which would cut them; of a CSV file alone.
    pub too_long: u64,
}

/// What was picked of a kind.
#[derive(Clone, Debug, Serialize)]
pub struct Picked {
    /// The kind.
    pub kind: PickedKind,
    /// Records that are of it.
    pub found: u64,
    /// Those of them that were looked at already: under an earlier kind, or another record with the same id.
    pub repeated: u64,
    /// Those that were left out since they are nearly the same as an item of the dataset, or as another.
    pub near: u64,
    /// Those that were taken.
    pub taken: u64,
    /// All others: more than were asked for.
    pub left: u64,
}

/// A record that may be taken.
struct Case {
    id: String,
    at: Option<i64>,
    names: [Option<String>; 3],
    input: Map<String, Value>,
    output: Option<String>,
    targets: Vec<String>,
    scores: Vec<(String, f64)>,
    why: Vec<String>,
}

/// What became of a case.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Taken,
    Near,
    Left,
}

/// Picks records of a suite's monitor and writes them to a review file.
pub fn cases_from_logs(options: &FromLogsOptions, host: &Host<'_>) -> Result<CasesFromLogs> {
    let suite = MonitoredSuite::read(&options.suite, host)?;
    let dataset = DatasetOptions { of: options.suite.clone(), ..DatasetOptions::default() };
    let dataset = OpenedDataset::open(&dataset, host)?;
    let columns = dataset.columns()?;
    review::taken(columns.iter().chain(suite.spec.fields.variables.iter().map(|(name, _)| name)))?;
    takes_rows(&dataset)?;
    if options.replaces && options.file.exists() && !is_review(&options.file, host) {
        return Err(LogCasesError::NoReview(options.file.clone()).into());
    }
    let file = OutputFile::create(&options.file, options.replaces, false)?;
    let folder = MonitorFolder::of_suite(&options.out, &suite.suite.name);
    let state = folder.state(&suite.suite.name)?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let feedback = JoinedFeedback::of_suite(&options.out, &suite.suite.name, &folder, &state)?;
    let judge = judge(options, &suite, feedback, host)?;
    let mut drawn = Drawn::new(options);
    drawn.read(&suite, &folder, &state, &judge)?;
    let (looked_at, with_texts) = (drawn.records, drawn.with_texts);
    let (cases, mut kinds) = drawn.finish();
    let fates = fates(&cases, &dataset, &columns, options)?;
    for (fate, (kind, _)) in fates.iter().zip(&cases) {
        let picked = kinds.iter_mut().find(|picked| picked.kind == *kind);
        let Some(picked) = picked else { continue };
        picked.near += u64::from(*fate == Fate::Near);
        picked.taken += u64::from(*fate == Fate::Taken);
    }
    for picked in &mut kinds {
        picked.left = picked.found.saturating_sub(picked.repeated + picked.near + picked.taken);
    }
    let taken = cases.into_iter().zip(fates).filter(|(_, fate)| *fate == Fate::Taken);
    let taken: Vec<_> = taken.map(|((_, case), _)| case).collect();
    if taken.is_empty() {
        return Err(nothing(&kinds, with_texts).into());
    }
    let rows = rows(taken, &dataset, &columns, options)?;
    let too_long = if is_csv(options) { rows.iter().flat_map(review::too_long).count() } else { 0 };
    let row = |row: Fields| -> Result<Fields> { Ok(row) };
    let written = file.write(|| Ok(Box::new(rows.clone().into_iter().map(row))))?;
    Ok(CasesFromLogs {
        suite: suite.suite.name.clone(),
        records: looked_at,
        with_texts,
        kinds,
        written,
        too_long: too_long as u64,
    })
}

/// Fails where no file of the dataset can ever get the rows, before somebody reviews them.
fn takes_rows(dataset: &OpenedDataset) -> Result<(), LogCasesError> {
    let file = &dataset.spec.file;
    if file.parts.is_empty() || dataset.spec.snapshot.is_some() {
        return AppendedFile::new(file_of(dataset, None)?).map(drop);
    }
    let each = file.parts.iter().map(|part| AppendedFile::new(file.part(part)).map(drop));
    each.reduce(Result::or).unwrap_or(Ok(()))
}

/// Whether a file is one that was written for review: nothing else is replaced.
fn is_review(file: &Path, host: &Host<'_>) -> bool {
    let dataset = DatasetOptions { of: file.to_owned(), ..DatasetOptions::default() };
    let columns = OpenedDataset::open(&dataset, host).and_then(|opened| Ok(opened.columns()?));
    columns
        .is_ok_and(|columns| review::OWN.iter().all(|own| columns.iter().any(|name| name == own)))
}

fn is_csv(options: &FromLogsOptions) -> bool {
    options.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// Why nothing was taken.
fn nothing(kinds: &[Picked], with_texts: u64) -> LogCasesError {
    let near: u64 = kinds.iter().map(|picked| picked.near).sum();
    let names: Vec<_> = kinds.iter().map(|picked| picked.kind.name()).collect();
    let names = names.join(", ");
    if near > 0 {
        let (found, verb) = (counted(near, "record"), if near == 1 { "is" } else { "are" });
        return LogCasesError::AllNear { found: format!("{found} {verb}"), kinds: names };
    }
    let kept = if with_texts == 1 { "keeps" } else { "keep" };
    LogCasesError::Nothing { looked_at: counted(with_texts, "record"), kept, kinds: names }
}

/// What decides why a record is worth an item; drift is looked at where it is asked for.
fn judge<'a>(
    options: &FromLogsOptions,
    suite: &'a MonitoredSuite,
    feedback: JoinedFeedback,
    host: &Host<'_>,
) -> Result<Judge<'a>> {
    let asks = |kind: PickedKind| options.quotas.iter().any(|quota| quota.kind == kind);
    let releases = options.releases.clone();
    let status =
        MonitorStatusOptions { releases, ..MonitorStatusOptions::of(&options.suite, &options.out) };
    let status = asks(PickedKind::Drifting).then(|| monitor_status(&status, host)).transpose()?;
    Ok(Judge::new(&suite.metrics, status.as_ref(), feedback))
}

/// The records that were drawn, by kind.
struct Drawn<'a> {
    options: &'a FromLogsOptions,
    draws: Vec<(Quota, u64, Draw<Case>)>,
    records: u64,
    with_texts: u64,
}

impl<'a> Drawn<'a> {
    fn new(options: &'a FromLogsOptions) -> Self {
        let draw =
            |quota: &Quota| (*quota, 0, Draw::new(quota.most.saturating_mul(SPARE), options.seed));
        let draws = options.quotas.iter().map(draw).collect();
        Self { options, draws, records: 0, with_texts: 0 }
    }

    /// Looks at every record of the monitor.
    fn read(
        &mut self,
        suite: &MonitoredSuite,
        folder: &MonitorFolder,
        state: &MonitorState,
        judge: &Judge<'_>,
    ) -> Result<()> {
        let (names, mut place) = (&suite.names, 0);
        for segment in &state.segments {
            let is_current: Vec<_> =
                suite.hashes.iter().map(|hash| segment.metrics.contains(hash)).collect();
            let path = folder.segment(&segment.name);
            let seen = for_each_record::<RunError>(&path, names, true, |row| {
                let current = row.scores.iter().zip(&is_current);
                let scores: Vec<_> =
                    current.map(|(score, is_current)| score.filter(|_| *is_current)).collect();
                self.see(&RecordRow { scores: &scores, ..*row }, place, &names.metrics, judge);
                place += 1;
                Ok(())
            });
            seen.hint(
                "bring the file back, or remove the monitor's folder and read the logs again",
            )?;
        }
        Ok(())
    }

    fn see(&mut self, row: &RecordRow<'_>, place: u64, names: &[String], judge: &Judge<'_>) {
        if self.options.since.is_some_and(|since| row.at.is_none_or(|at| at < since)) {
            return;
        }
        self.records += 1;
        // Of a failed call there is nothing to judge.
        let Some(texts) = row.texts.filter(|_| row.error.is_none()) else { return };
        self.with_texts += 1;
        let reasons = judge.reasons(row, place);
        for (quota, found, draw) in &mut self.draws {
            let is_random = quota.kind == PickedKind::Random;
            if is_random || reasons.iter().any(|(kind, _)| *kind == quota.kind) {
                *found += 1;
                let case = || {
                    let mut case = Case::of(row, texts, names, &reasons);
                    if let (true, Some(text)) = (case.targets.is_empty(), judge.corrected(place)) {
                        case.targets.push(text.to_owned());
                    }
                    case
                };
                draw.offer(row.record_id, row.sample_rate, case);
            }
        }
    }

    /// The cases in the order in which they are taken, each once, and what was found of every kind.
    fn finish(self) -> (Vec<(PickedKind, Case)>, Vec<Picked>) {
        let (mut cases, mut kinds, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (quota, found, draw) in self.draws {
            let n_before = cases.len();
            let mut n_drawn = 0;
            for case in draw.finish() {
                n_drawn += 1;
                if seen.insert(case.id.clone()) {
                    cases.push((quota.kind, case));
                }
            }
            let repeated = n_drawn - (cases.len() - n_before) as u64;
            kinds.push(Picked { kind: quota.kind, found, repeated, near: 0, taken: 0, left: 0 });
        }
        (cases, kinds)
    }
}

impl Case {
    fn of(
        row: &RecordRow<'_>,
        texts: RecordTexts<'_>,
        names: &[String],
        reasons: &[(PickedKind, String)],
    ) -> Self {
        let scores = names.iter().zip(row.scores);
        let why = reasons.iter().map(|(kind, why)| format!("{kind}: {why}"));
        Self {
            id: row.record_id.to_owned(),
            at: row.at,
            names: [row.prompt, row.prompt_hash, row.model].map(|name| name.map(str::to_owned)),
            input: serde_json::from_str(texts.input).unwrap_or_default(),
            output: texts.output.map(str::to_owned),
            targets: texts.targets.to_vec(),
            scores: scores.filter_map(|(name, score)| Some((name.clone(), (*score)?))).collect(),
            why: if reasons.is_empty() { vec!["random".to_owned()] } else { why.collect() },
        }
    }

    /// The dataset's columns, as far as the record fills them.
    fn columns(&self, columns: &[String]) -> Map<String, Value> {
        let mut row: Map<_, _> = columns.iter().map(|name| (name.clone(), Value::Null)).collect();
        row.extend(self.input.clone());
        row
    }
}

/// What becomes of every case: of those that are nearly the same, the first is taken.
fn fates(
    cases: &[(PickedKind, Case)],
    dataset: &OpenedDataset,
    columns: &[String],
    options: &FromLogsOptions,
) -> Result<Vec<Fate>> {
    let items = dataset.texts()?;
    let text = |(_, case): &(PickedKind, Case)| {
        let row = Fields::from(case.columns(columns));
        let input = || Value::Object(case.input.clone()).to_string();
        dataset.text_of(&row, "").unwrap_or_else(|_| input())
    };
    let texts: Vec<String> = cases.iter().map(text).collect();
    let all = items.iter().map(|item| item.text.as_str()).chain(texts.iter().map(String::as_str));
    // Where too many texts are alike, those that were found until then are left out.
    let pairs = near_pairs(all, options.near).unwrap_or_else(TooAlike::found);
    let mut before: HashMap<usize, Vec<(usize, f64)>> = HashMap::new();
    for pair in pairs {
        before.entry(pair.second).or_default().push((pair.first, pair.similarity));
    }
    let mut left: HashMap<PickedKind, usize> =
        options.quotas.iter().map(|quota| (quota.kind, quota.most)).collect();
    let mut fates: Vec<Fate> = Vec::with_capacity(cases.len());
    for (at, (kind, _)) in cases.iter().enumerate() {
        let alike = before.get(&(items.len() + at)).into_iter().flatten();
        let is_near = alike.into_iter().any(|(first, similarity)| {
            let fate = first.checked_sub(items.len()).map_or(Fate::Taken, |first| fates[first]);
            fate == Fate::Taken || fate == Fate::Near && *similarity >= 1.0
        });
        let left = left.entry(*kind).or_default();
        fates.push(match (is_near, *left) {
            (true, _) => Fate::Near,
            (false, 0) => Fate::Left,
            (false, _) => {
                *left -= 1;
                Fate::Taken
            }
        });
    }
    Ok(fates)
}

/// The rows of the review file.
fn rows(
    cases: Vec<Case>,
    dataset: &OpenedDataset,
    columns: &[String],
    options: &FromLogsOptions,
) -> Result<Vec<Fields>> {
    let mut ids = dataset.keys()?;
    let releases = releases_by_hash(&options.releases)?;
    let is_csv = is_csv(options);
    let row = |case: Case| {
        let mut row = case.columns(columns);
        if let Some(column) = &dataset.spec.id {
            let id = new_id(&mut ids, &case.id);
            row.insert(column.clone(), id.into());
        }
        if let [column] = &*dataset.spec.targets {
            let target = match &*case.targets {
                [] => Value::Null,
                [one] => one.clone().into(),
                several => several.into(),
            };
            row.insert(column.clone(), target);
        }
        let [prompt, hash, model] = case.names;
        let release = hash.as_ref().and_then(|hash| releases.get(hash));
        let scores = case.scores.iter().map(|(name, score)| format!("{name} {}", exact(*score)));
        let own = [
            (review::KEEP, None),
            (review::WHY, Some(case.why.join("; "))),
            (review::ANSWER, case.output),
            (review::SCORES, Some(scores.collect::<Vec<_>>().join("; "))),
            (review::ID, Some(case.id)),
            (review::TIME, case.at.map(moment)),
            (review::PROMPT, prompt),
            (review::PROMPT_HASH, hash.clone()),
            (review::RELEASE, release.cloned()),
            (review::MODEL, model),
        ];
        row.extend(own.map(|(name, text)| (name.to_owned(), text.into())));
        Fields::from(if is_csv { review::guarded(row) } else { row })
    };
    Ok(cases.into_iter().map(row).collect())
}

/// The record's own id, unless an item has it.
fn new_id(ids: &mut HashSet<String>, record: &str) -> String {
    let names = (1..).map(|n| match n {
        1 => record.to_owned(),
        2 => format!("log-{record}"),
        n => format!("log-{record}-{n}"),
    });
    let mut free = names.skip_while(|name| ids.contains(name));
    let id = free.next().unwrap_or_default();
    ids.insert(id.clone());
    id
}
