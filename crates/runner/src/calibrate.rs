//! A suite against itself: two sets of answers to the same questions say how much scores change when
//! nothing has changed, and so which margins a gate can resolve.

use std::path::{Path, PathBuf};

use evalmark_core::{
    model::Provider,
    number_format::count,
    policy::Policy,
    record::ErrorKind,
    suite::{GateSpec, file_name},
    verdict::Answer,
};
use evalmark_store::{
    LocalFolder,
    calibration::{Calibration, CalibrationFigure, CalibrationSets, FORMAT_VERSION, path_of},
    run_folder::RunFolder,
    run_record::{RunOptions, RunRecord, RunStatus},
};
use evalmark_verdict::{ComparisonSubject, Noise, Rule, Variant, compare, noise, two_sided};

use crate::{
    Ending, Findings, Host, Notice, RunError,
    ask::Asks,
    error::{Advised, Result},
    load::{LoadedSuite, load},
    model_keys::keys,
    power_plan::is_planned,
    redacted_keys::hide,
    resolvable_margins::{Measured, POWER, resolution},
    run::{EndedRun, Run, RunEnd, first_record, record_now, same_experiment},
    run_id::{new_run_id, now},
    variants::{read_halves, read_variants},
};

/// The least share of the items that must have a score in both sets.
const LEAST_PAIRED: f64 = 0.95;

/// What is calibrated.
#[derive(Clone, Debug)]
pub struct CalibrateOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of run folders and calibrations.
    pub out: PathBuf,
    /// Name of the calibration's run folders; one that is known is gone on with.
    pub run_id: Option<String>,
    /// What is run of the suite, and how.
    pub options: RunOptions,
}

/// What became of a calibration.
pub enum CalibrationEnd {
    /// The suite is calibrated.
    Calibrated(Box<CalibratedSuite>),
    /// It was interrupted; how it goes on.
    Interrupted(String),
    /// There is too little to measure anything, and nothing is kept.
    Incomplete(RunError),
}

/// A suite with its calibration.
pub struct CalibratedSuite {
    /// What was measured.
    pub calibration: Calibration,
    /// Where it is kept.
    pub path: PathBuf,
    /// The folders of the runs that it was measured with.
    pub run_dirs: Vec<PathBuf>,
    /// Whether the suite itself declares a margin that it cannot resolve.
    is_refused: bool,
}

impl CalibrationEnd {
    /// How the command ends.
    pub fn ending(&self) -> Ending {
        let found = Findings::default();
        let found = match self {
            Self::Calibrated(calibrated) => {
                Findings { answer: calibrated.is_refused.then_some(Answer::Inconclusive), ..found }
            }
            Self::Interrupted(_) => Findings { is_interrupted: true, ..found },
            Self::Incomplete(_) => Findings { is_incomplete: true, ..found },
        };
        found.ending(Policy::default())
    }
}

/// Why a suite cannot be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// No folder can be called so.
    #[error("the run id {why}")]
    RunId {
        /// What is wrong with it.
        why: String,
    },
    /// Too few items have two scores.
    #[error("nothing was calibrated: {what}")]
    TooLittle {
        /// What there is too little of.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A recording that holds one answer only.
    #[error("model `{model}` cannot answer twice: {why}")]
    AnswersOnce {
        /// The model.
        model: String,
        /// Why not.
        why: &'static str,
    },
    /// A run of the calibration that was begun otherwise.
    #[error("{} was begun with other options", path.display())]
    OtherOptions {
        /// The run's folder.
        path: PathBuf,
    },
    /// A calibration compares two sets of answers, from one run or two.
    #[error("a calibration has one run or two")]
    NumberOfRuns,
}

impl Advised for CalibrateError {
    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::RunId { .. } | Self::NumberOfRuns => return None,
            Self::TooLittle { hint, .. } => hint,
            Self::AnswersOnce { .. } => {
                "calibrate against the live model; or record two epochs of it (`evalmark run \
                 --epochs 2`, then `evalmark export-answers`) and calibrate the recording with \
                 `--epochs 2`"
            }
            Self::OtherOptions { .. } => "give the same options again, or another `--run-id`",
        };
        Some(advice.to_owned())
    }
}

/// One of the runs that a calibration asks.
struct Part {
    run_id: String,
    no_cache: bool,
}

/// One of the runs, answered.
enum Answered {
    /// By an earlier command.
    Before(RunFolder, Box<RunRecord>),
    Now(Box<EndedRun>),
}

/// Runs a suite against itself, and keeps what that measures.
pub fn calibrate(of: &CalibrateOptions, host: &Host<'_>) -> Result<CalibrationEnd> {
    let loaded = load(&of.suite, &of.options, host)?;
    can_answer_twice(&loaded)?;
    keys(&loaded, Asks::Everyone, host)?;
    let id = of.run_id.clone().unwrap_or_else(new_run_id);
    if let Err(why) = file_name(&id) {
        return Err(CalibrateError::RunId { why: why.clone() }.into());
    }
    let sets = if loaded.plan.epochs > 1 {
        CalibrationSets::EpochHalves
    } else {
        CalibrationSets::TwoRuns
    };
    let mut runs = Vec::new();
    for part in parts(&id, sets, of.options.no_cache) {
        match answered(&loaded, of, &id, part, host)? {
            Answered::Before(folder, record) => runs.push((folder, *record)),
            Answered::Now(run) => {
                if let RunEnd::Finished { .. } = &run.end {
                    host.notices.tell(&Notice::RunAnswered(&run));
                }
                match run.end {
                    RunEnd::Finished { .. } => runs.push((run.folder, run.record)),
                    RunEnd::Interrupted => return Ok(CalibrationEnd::Interrupted(go_on(of, &id))),
                    RunEnd::BrokenOff(error) => return Ok(CalibrationEnd::Incomplete(error)),
                }
            }
        }
    }
    let calibration = measure(&loaded, sets, &runs)?;
    if let Some(what) = lacking(&calibration) {
        let not_recorded = ErrorKind::NotRecorded.as_str();
        let hint = if runs.iter().any(|(_, run)| run.counts.errors.contains_key(not_recorded)) {
            "answers are missing from the recording; record every epoch of the live model"
                .to_owned()
        } else {
            go_on(of, &id)
        };
        let error = CalibrateError::TooLittle { what, hint };
        return Ok(CalibrationEnd::Incomplete(error.into()));
    }
    calibration.write(&LocalFolder::new(&of.out), hide)?;
    // A margin that the suite itself declares and cannot resolve is refused.
    let is_unresolved = calibration.figures.iter().any(|figure| figure.resolves == Some(false));
    Ok(CalibrationEnd::Calibrated(Box::new(CalibratedSuite {
        path: path_of(&of.out, &calibration.suite),
        run_dirs: runs.into_iter().map(|(folder, _)| folder.path).collect(),
        is_refused: loaded.suite.gate.is_some() && is_unresolved,
        calibration,
    })))
}

fn go_on(of: &CalibrateOptions, id: &str) -> String {
    let suite = of.suite.display();
    format!(
        "`evalmark calibrate {suite} --run-id {id}`, with the same options, continues the \
         calibration"
    )
}

/// One run of the calibration, asked or as it was asked before.
fn answered(
    loaded: &LoadedSuite,
    of: &CalibrateOptions,
    id: &str,
    part: Part,
    host: &Host<'_>,
) -> Result<Answered> {
    let path = of.out.join(&loaded.suite.name).join(&part.run_id);
    let is_new = of.run_id.is_none() || !path.join("run.json").is_file();
    let (folder, record) = if is_new {
        let options = RunOptions { no_cache: part.no_cache, ..of.options.clone() };
        let record = record_now(loaded, part.run_id, options)?;
        (RunFolder::begin(&of.out, &record, hide)?, record)
    } else {
        let (folder, record) = begun(loaded, &path, part.no_cache)?;
        if record.status == RunStatus::Complete {
            return Ok(Answered::Before(folder, Box::new(record)));
        }
        (folder, record)
    };
    let run = Run::ungated(loaded.clone(), (folder, record, is_new), host)?;
    Ok(Answered::Now(Box::new(run.answers(&go_on(of, id))?)))
}

/// What is too little to measure anything.
fn lacking(calibration: &Calibration) -> Option<String> {
    let n_items = calibration.n_items;
    let least = LEAST_PAIRED * n_items as f64;
    let lacking = calibration.figures.iter().find(|figure| (figure.n_paired as f64) < least);
    match lacking {
        Some(figure) => Some(format!(
            "`{}` of {} has two scores for only {} of {} items",
            figure.metric,
            figure.variant(),
            count(figure.n_paired),
            count(n_items)
        )),
        None if calibration.figures.is_empty() => Some("no item has two scores".to_owned()),
        None => None,
    }
}

/// Whether every model can be asked twice; a recording may hold one answer only.
fn can_answer_twice(loaded: &LoadedSuite) -> Result<(), CalibrateError> {
    for &candidate in &loaded.suite.candidates {
        let model = &loaded.suite.models[candidate];
        let why = match &model.provider {
            Provider::RecordedColumn(_) => "the dataset's column has one answer per item",
            Provider::RecordedFile(_) if loaded.plan.epochs == 1 => {
                "the recording has one answer per request, the same every time"
            }
            _ => continue,
        };
        return Err(CalibrateError::AnswersOnce { model: model.name.to_string(), why });
    }
    Ok(())
}

/// The runs to ask. The second of two must not get the first one's answers.
fn parts(id: &str, sets: CalibrationSets, no_cache: bool) -> Vec<Part> {
    match sets {
        CalibrationSets::EpochHalves => vec![Part { run_id: id.to_owned(), no_cache }],
        CalibrationSets::TwoRuns => vec![
            Part { run_id: format!("{id}-a"), no_cache },
            Part { run_id: format!("{id}-b"), no_cache: true },
        ],
    }
}

/// A run that an earlier attempt began, if it is of the same experiment.
fn begun(loaded: &LoadedSuite, path: &Path, no_cache: bool) -> Result<(RunFolder, RunRecord)> {
    let (folder, record) = RunFolder::open(path)?;
    same_experiment(loaded, &record)?;
    let fresh = first_record(loaded, None, record.run_id.clone(), record.options.clone())?;
    let same = record.prompts == fresh.prompts
        && record.models == fresh.models
        && record.epochs == fresh.epochs
        && record.options.no_cache == no_cache;
    let others = || CalibrateError::OtherOptions { path: path.to_owned() };
    Ok(same.then_some((folder, record)).ok_or_else(others)?)
}

fn measure(
    loaded: &LoadedSuite,
    sets: CalibrationSets,
    runs: &[(RunFolder, RunRecord)],
) -> Result<Calibration> {
    let [first, second] = match runs {
        [(a, _), (b, _)] => [read_variants(&a.scores())?, read_variants(&b.scores())?],
        [(one, _)] => read_halves(&one.scores())?,
        _ => return Err(CalibrateError::NumberOfRuns.into()),
    };
    let gate = loaded.suite.gate_or_default();
    let measured = Measured::by_plan(loaded)?;
    let plan = &loaded.plan;
    let mut calibration = Calibration {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: loaded.suite.name.clone(),
        made_at: now(),
        run_ids: runs.iter().map(|(_, record)| record.run_id.clone()).collect(),
        sets,
        dataset_hash: measured.dataset_hash.to_owned(),
        n_items: plan.profile.n_items,
        epochs: plan.epochs,
        alpha: gate.alpha,
        power: POWER,
        prompts: runs.first().map_or(Vec::new(), |(_, record)| record.prompts.clone()),
        metrics: measured.metrics,
        models: measured.models,
        figures: Vec::new(),
    };
    for (before, after) in first.iter().zip(&second) {
        let metrics = calibration.metrics.clone();
        for metric in metrics.iter().filter(|metric| is_planned(loaded, &metric.name)) {
            let figure = figure(before, after, &metric.name, &gate, &calibration)?;
            calibration.figures.extend(figure);
        }
    }
    Ok(calibration)
}

/// One metric of one variant against itself; `None` where no item has two scores.
fn figure(
    before: &Variant,
    after: &Variant,
    metric: &str,
    gate: &GateSpec,
    of: &Calibration,
) -> Result<Option<CalibrationFigure>> {
    let (Some(first), Some(second)) = (before.scores(metric), after.scores(metric)) else {
        return Ok(None);
    };
    let Some(Noise { pairs, differing, right_or_wrong, sd, differing_upper, spread, clustering }) =
        noise(first, second)?
    else {
        return Ok(None);
    };
    let gated = gate.metrics.get(metric).copied();
    let rule = Rule::new(gated.unwrap_or_default().margin, gate.alpha);
    let found = compare(&ComparisonSubject::default(), first, second, &rule)?.comparison;
    let reversed = compare(&ComparisonSubject::default(), second, first, &rule)?.comparison;
    let tails = found.p_regressed.zip(reversed.p_regressed);
    let flip_rate = differing as f64 / pairs as f64;
    let mut figure = CalibrationFigure {
        prompt: before.prompt.clone(),
        model: before.model.clone(),
        metric: metric.to_owned(),
        n_paired: pairs,
        first_mean: found.baseline_mean,
        second_mean: found.candidate_mean,
        difference: found.estimate,
        lower: found.lower,
        upper: found.upper,
        p_same: tails.map(|(fell, rose)| two_sided(fell, rose)),
        right_or_wrong,
        differing,
        flip_rate,
        flip_rate_upper: differing_upper,
        discordance: right_or_wrong.then_some(flip_rate),
        sd,
        variance: spread.variance,
        clusters: clustering.clusters,
        design_effect: clustering.design_effect,
        margin: gated.map(|gated| gated.margin),
        resolvable_margin: None,
        items_needed: None,
        resolves: None,
    };
    let resolution = resolution(&figure, of.n_items, of.epochs, gate.alpha, rule.margin);
    figure.resolvable_margin = resolution.detectable_drop;
    figure.items_needed = gated.and(resolution.items_needed);
    figure.resolves = gated.map(|gated| resolution.resolves(gated.margin));
    Ok(Some(figure))
}
