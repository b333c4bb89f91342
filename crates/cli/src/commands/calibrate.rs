//! `evalmark calibrate`: the suite against itself. Two sets of answers to the same questions say
//! how much scores change when nothing has changed, and so which margins a gate can resolve.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use evalmark_core::{
    model::Provider,
    record::ErrorKind,
    suite::{GateSpec, file_name},
};
use evalmark_harness::Budget;
use evalmark_runner::{Host, known_keys::hide};
use evalmark_store::{
    LocalFolder,
    calibration::{Calibration, CalibrationFigure, CalibrationSets, FORMAT_VERSION, path_of},
    git::look_up,
    record::{RunOptions, RunRecord, RunStatus},
    run_folder::RunFolder,
};
use evalmark_verdict::{ComparisonSubject, Noise, Rule, Variant, compare, noise};
use serde_json::json;

use super::{resume::same_experiment, run::begin};
use crate::{
    against::Against,
    args::{CacheArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    ask::{Asks, keys},
    calibration::{Measured, POWER, resolution},
    calibration_text,
    exit::Exit,
    hint::Hinted,
    load::{LoadedSuite, load},
    options::selected,
    power_plan::is_planned,
    print::Printer,
    run::{EndedRun, Run, RunEnd},
    run_id::{new_run_id, now},
    run_text,
    variants::{read_halves, read_variants},
};

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and calibrations
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the calibration's run folders: ID-a and ID-b, or ID if epochs are split in half;
    /// resumes a calibration of that name [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// The least share of the items that must have a score in both sets.
const LEAST_PAIRED: f64 = 0.95;

/// One of the runs that a calibration asks.
struct Part {
    run_id: String,
    no_cache: bool,
}

/// One of the runs, answered.
enum Answered {
    /// By an earlier command.
    Before(RunFolder, RunRecord),
    Now(Box<EndedRun>),
}

pub(crate) fn calibrate(args: &CalibrateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = RunOptions {
        allow_exec: args.exec.allow_exec,
        no_cache: args.cache.no_cache,
        cache_dir: args.cache.cache_dir.as_ref().map(std::path::absolute).transpose()?,
        working_dir: Some(std::env::current_dir().context("the working folder is gone")?),
        ..selected(&args.selection)
    };
    let loaded = load(&args.suite, &options, host)?;
    can_answer_twice(&loaded)?;
    keys(&loaded, Asks::Everyone, host)?;
    let id = args.run_id.clone().unwrap_or_else(new_run_id);
    if let Err(why) = file_name(&id) {
        anyhow::bail!("the run id {why}");
    }
    let sets = if loaded.plan.epochs > 1 {
        CalibrationSets::EpochHalves
    } else {
        CalibrationSets::TwoRuns
    };
    let mut runs = Vec::new();
    for part in parts(&id, sets, options.no_cache) {
        let options = RunOptions { no_cache: part.no_cache, ..options.clone() };
        match answered(&loaded, args, &id, part, options, host)? {
            Answered::Before(folder, record) => runs.push((folder, record)),
            Answered::Now(run) => {
                let ending = Exit::from(&run.findings());
                match run.end {
                    RunEnd::Finished { .. } => run_text::tell_missing(&run, printer),
                    RunEnd::Interrupted => {
                        printer.remark(&go_on(args, &id));
                        return Ok(ending);
                    }
                    RunEnd::BrokenOff(error) => {
                        printer.run_error(&error);
                        return Ok(ending);
                    }
                }
                runs.push((run.folder, run.record));
            }
        }
    }
    let calibration = measure(&loaded, sets, &runs)?;
    let not_recorded = ErrorKind::NotRecorded.as_str();
    let go_on = if runs.iter().any(|(_, run)| run.counts.errors.contains_key(not_recorded)) {
        "answers are missing from the recording; record every epoch of the live model".to_owned()
    } else {
        go_on(args, &id)
    };
    if let Some(exit) = incomplete(&calibration, &go_on, printer) {
        return Ok(exit);
    }
    calibration.write(&LocalFolder::new(&args.out), hide)?;
    let path = path_of(&args.out, &calibration.suite);
    tell(&calibration, &runs, &path, args.output, printer)?;
    // A margin that the suite itself declares and cannot resolve is refused.
    let declared = loaded.suite.gate.is_some();
    let refused = calibration.figures.iter().any(|figure| figure.resolves == Some(false));
    Ok(if declared && refused { Exit::Inconclusive } else { Exit::Done })
}

/// Whether every model can be asked twice; a recording may hold one answer only.
fn can_answer_twice(loaded: &LoadedSuite) -> Result<()> {
    for &candidate in &loaded.suite.candidates {
        let model = &loaded.suite.models[candidate];
        let why = match &model.provider {
            Provider::RecordedColumn(_) => "the dataset's column has one answer per item",
            Provider::RecordedFile(_) if loaded.plan.epochs == 1 => {
                "the recording has one answer per request, the same every time"
            }
            _ => continue,
        };
        return Err(anyhow!("model `{}` cannot answer twice: {why}", model.name)).hint(
            "calibrate against the live model; or record two epochs of it (`evalmark run --epochs \
             2`, then `evalmark export-answers`) and calibrate the recording with `--epochs 2`",
        );
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

fn go_on(args: &CalibrateArgs, id: &str) -> String {
    let suite = args.suite.display();
    format!(
        "`evalmark calibrate {suite} --run-id {id}`, with the same options, goes on with the calibration"
    )
}

/// One run of the calibration, asked or as it was asked before.
fn answered(
    loaded: &LoadedSuite,
    args: &CalibrateArgs,
    id: &str,
    part: Part,
    options: RunOptions,
    host: &Host<'_>,
) -> Result<Answered> {
    let path = args.out.join(&loaded.suite.name).join(&part.run_id);
    let is_new = args.run_id.is_none() || !path.join("run.json").is_file();
    let (folder, record) = if is_new {
        let record = begin(loaded, look_up(&loaded.suite.path), part.run_id, options);
        (RunFolder::begin(&args.out, &record, hide)?, record)
    } else {
        let (folder, record) = begun(loaded, &path, part.no_cache)?;
        if record.status == RunStatus::Complete {
            return Ok(Answered::Before(folder, record));
        }
        (folder, record)
    };
    let run = Run {
        loaded: loaded.clone(),
        folder: folder.clone(),
        record,
        keys: keys(loaded, Asks::Everyone, host)?,
        asks: Asks::Everyone,
        budget: Budget::default(),
        against: Against::default(),
        host,
    };
    let discard = |_: &anyhow::Error| {
        if is_new {
            folder.discard();
        }
    };
    Ok(Answered::Now(Box::new(run.answers(&go_on(args, id)).inspect_err(discard)?)))
}

/// A run that an earlier attempt began, if it is of the same experiment.
fn begun(loaded: &LoadedSuite, path: &Path, no_cache: bool) -> Result<(RunFolder, RunRecord)> {
    let (folder, record) = RunFolder::open(path)?;
    same_experiment(loaded, &record)?;
    let fresh = begin(loaded, None, record.run_id.clone(), record.options.clone());
    let same = record.prompts == fresh.prompts
        && record.models == fresh.models
        && record.epochs == fresh.epochs
        && record.options.no_cache == no_cache;
    same.then_some((folder, record))
        .with_context(|| format!("{} was begun with other options", path.display()))
        .hint("give the same options again, or another `--run-id`")
}

fn measure(
    loaded: &LoadedSuite,
    sets: CalibrationSets,
    runs: &[(RunFolder, RunRecord)],
) -> Result<Calibration> {
    let [first, second] = match runs {
        [(a, _), (b, _)] => [read_variants(&a.scores())?, read_variants(&b.scores())?],
        [(one, _)] => read_halves(&one.scores())?,
        _ => anyhow::bail!("a calibration has one run or two"),
    };
    let gate = loaded.suite.gate_or_default();
    let measured = Measured::by_plan(loaded);
    let plan = &loaded.plan;
    let mut calibration = Calibration {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: loaded.suite.name.clone(),
        made_at: now(),
        run_ids: runs.iter().map(|(_, record)| record.run_id.clone()).collect(),
        sets,
        dataset_hash: measured.dataset_hash.to_owned(),
        n_items: plan.survey.n_items,
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
        p_same: tails.map(|(fell, rose)| (2.0 * fell.min(rose)).min(1.0)),
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

/// Too little to measure anything: nothing is kept.
fn incomplete(calibration: &Calibration, go_on: &str, printer: Printer) -> Option<Exit> {
    let n_items = calibration.n_items;
    let least = LEAST_PAIRED * n_items as f64;
    let measured = calibration.figures.len();
    let lacking = calibration.figures.iter().find(|figure| (figure.n_paired as f64) < least);
    let what = match lacking {
        Some(figure) => format!(
            "`{}` of {} has two scores of {} of {n_items} items only",
            figure.metric,
            figure.variant(),
            figure.n_paired
        ),
        None if measured == 0 => "no item has two scores".to_owned(),
        None => return None,
    };
    let error = anyhow!("nothing was calibrated: {what}");
    printer.error(&crate::hint::hinted(error, go_on));
    Some(Exit::Incomplete)
}

/// Figures to stdout; what cannot be resolved to stderr.
fn tell(
    calibration: &Calibration,
    runs: &[(RunFolder, RunRecord)],
    path: &Path,
    output: OutputArgs,
    printer: Printer,
) -> Result<()> {
    let warnings = calibration_text::warnings(calibration);
    if output.format == Format::Json {
        let folders: Vec<_> = runs.iter().map(|(folder, _)| &folder.path).collect();
        let told = json!({
            "path": path,
            "run_dirs": folders,
            "calibration": calibration,
            "warnings": warnings,
        });
        printer.json(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    printer.result(&calibration_text::render(calibration));
    printer.result(&format!("\nwrote\n  {}", path.display()));
    for warning in &warnings {
        printer.warning(warning);
    }
    Ok(())
}
