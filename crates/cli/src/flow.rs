//! From a planned run to its end: ask, judge, score, report, gate. `run` begins it, `resume` goes
//! on with it, and the way is the same.

use std::{path::PathBuf, thread};

use anyhow::{Context, Result, bail};
use evalmark_core::{
    dataset::DatasetError, plan::PlanError, record::ErrorKind, suite::GateSpec, verdict::Verdict,
};
use evalmark_harness::{Budget, Secret, Stop, Tally};
use evalmark_report::{files, html::HtmlReport, summary::SummaryRow};
use evalmark_store::record::{FORMAT_VERSION, RunRecord, RunStatus, RunTotals};
use serde_json::json;

use crate::{
    against::{self, Against},
    args::{Format, OutputArgs},
    ask::{Asks, Endpoints, LedgerFile, shared_ledger},
    baseline::cannot_be_baseline,
    calibration::judge_margins,
    collect::Source,
    exit::Exit,
    failure_sample::FailedSamples,
    failures,
    gate::{DEFAULT_GATE, GateOutcome, gate_minima, gate_or_refuse, gate_without, write_verdict},
    hint::hinted,
    judges::questions_each,
    judging,
    leaderboard::groups,
    load::{LoadedSuite, metric_hashes},
    print::Printer,
    progress::Progress,
    records::{AwaitedRecords, RecordedSamples, Records},
    reorder::{PATIENCE, ReorderBuffer},
    run_folder::{RunFolder, now, write_whole},
    scored::{Scored, tell_reasoning, write_reports},
    table, verdict_text,
    whole::TOO_MANY_MISSING,
};

/// A run that is ready to go: everything that could be wrong has been looked at.
pub(crate) struct Run {
    pub(crate) loaded: LoadedSuite,
    pub(crate) folder: RunFolder,
    pub(crate) record: RunRecord,
    pub(crate) keys: Vec<Option<Secret>>,
    pub(crate) asks: Asks,
    pub(crate) budget: Budget,
    pub(crate) against: Against,
    pub(crate) output: OutputArgs,
}

impl Run {
    /// Carries the run out. What goes wrong before the first request is an error; what goes wrong
    /// later is told, and the run can be resumed.
    pub(crate) fn finish(mut self, printer: Printer) -> Result<Exit> {
        let _lock = self.folder.lock()?;
        let endpoints = self.open_endpoints()?;
        self.begin()?;
        let resume = format!("`evalmark resume {}` continues it", self.folder.path.display());
        let put_back = format!(
            "nothing of this is a result: put the dataset back as it was, and {resume}; or start a \
             new run with `evalmark run`, which asks for what is new alone"
        );
        self.carry_out(&endpoints, printer).or_else(|error| {
            self.broken_off();
            let advice = if is_of_dataset(&error) { put_back } else { resume };
            printer.error(&hinted(error, advice));
            Ok(Exit::Incomplete)
        })
    }

    /// From here on the files are those of an earlier pass.
    fn begin(&mut self) -> Result<()> {
        if self.asks == Asks::Judges || self.record.status == RunStatus::Running {
            return Ok(());
        }
        self.record.status = RunStatus::Running;
        // All answers are scored again, by the programs as they are now.
        self.record.metrics = metric_hashes(&self.loaded);
        self.folder.write(&self.record)
    }

    /// The run ended in an error, and nobody is at work on it any more.
    fn broken_off(&mut self) {
        if self.record.status == RunStatus::Running {
            self.record.status = RunStatus::Interrupted;
            // The error that is told is the one that came first.
            drop(self.folder.write(&self.record));
        }
    }

    /// The whole flow, from the first request to the exit code.
    fn carry_out(&mut self, endpoints: &Endpoints, printer: Printer) -> Result<Exit> {
        let Some(scored) = self.answer(endpoints, printer)? else {
            return Ok(Exit::Interrupted);
        };
        let decision = self.gate(printer)?;
        let verdict = decision.as_ref().map(|decision| &decision.verdict);
        write_html(&self.folder, &self.record, scored.rows.clone(), scored.failing, verdict)?;
        let exit = decision.as_ref().map_or(Exit::Done, |decision| decision.exit);
        let exit =
            if self.record.incomplete.is_some() { exit.worse(Exit::Incomplete) } else { exit };
        self.tell(&scored.rows, verdict, exit, printer)?;
        Ok(exit)
    }

    /// Asks, scores and writes the report files, without a verdict and without a word on stdout. An
    /// end that leaves no scores is told, with `go_on` as the way to go on.
    pub(crate) fn answers(
        mut self,
        go_on: &str,
        printer: Printer,
    ) -> Result<Result<(RunFolder, RunRecord), Exit>> {
        let _lock = self.folder.lock()?;
        let endpoints = self.open_endpoints()?;
        self.begin()?;
        let answered = self.answer(&endpoints, printer).and_then(|scored| {
            let Some(scored) = scored else { return Ok(false) };
            write_html(&self.folder, &self.record, scored.rows, scored.failing, None)?;
            Ok(true)
        });
        Ok(match answered {
            Ok(true) => {
                self.tell_missing(printer);
                Ok((self.folder, self.record))
            }
            Ok(false) => {
                printer.remark(go_on);
                Err(Exit::Interrupted)
            }
            Err(error) => {
                printer.error(&hinted(error, go_on));
                Err(Exit::Incomplete)
            }
        })
    }

    /// From the first request to the data files and an up-to-date `run.json`; `None` when it was
    /// interrupted.
    fn answer(&mut self, endpoints: &Endpoints, printer: Printer) -> Result<Option<Scored>> {
        let stop = endpoints.stop_on_signals()?;
        let mut scored = match self.watch(printer)? {
            Some(watched) => {
                let interrupted = self.ask_until_certain(watched, endpoints, &stop, printer)?;
                if interrupted { None } else { self.score(endpoints, None, &stop)? }
            }
            None => self.ask_and_score(endpoints, &stop, printer)?,
        };
        match &mut scored {
            Some(scored) => {
                self.close(scored, endpoints)?;
                self.tell_budget(endpoints, printer);
            }
            None => self.interrupted(printer)?,
        }
        Ok(scored)
    }

    fn open_endpoints(&mut self) -> Result<Endpoints> {
        let options = &self.record.options;
        let ledger = if options.no_cache {
            LedgerFile::Own(self.folder.own_ledger())
        } else {
            LedgerFile::Shared(shared_ledger(options.cache_dir.as_deref())?)
        };
        let keys = std::mem::take(&mut self.keys);
        let means = (self.asks, self.budget.clone());
        Endpoints::open(&self.loaded, &ledger, &self.record.run_id, keys, means)
    }

    /// The answers, from the first: those in the ledger, or those that the run has in its files.
    pub(crate) fn records<'a>(&self, endpoints: &'a Endpoints) -> Result<Box<dyn Records + 'a>> {
        match self.asks {
            Asks::Everyone => Ok(Box::new(endpoints.records(&self.loaded)?)),
            Asks::Judges => Ok(Box::new(RecordedSamples::open(&self.folder)?)),
        }
    }

    /// Asks samples and judges, and scores; `None` when it was interrupted.
    fn ask_and_score(
        &mut self,
        endpoints: &Endpoints,
        stop: &Stop,
        printer: Printer,
    ) -> Result<Option<Scored>> {
        let plan = &self.loaded.plan;
        // A program is not started for a handful of answers.
        let has_program = self.loaded.metrics.iter().any(|metric| metric.program().is_some());
        let patience = (!has_program).then_some(PATIENCE);
        let arrivals = ReorderBuffer::new(plan, |model| endpoints.asks(model), patience);
        // Scores that wait for judges are made when all is there; so are those over some items
        // only, which have no ranks.
        let is_judged = questions_each(&self.loaded) > 0;
        let along = self.asks == Asks::Everyone && !is_judged && plan.dataset.only.is_none();
        let (asked, scored) = thread::scope(|scope| {
            let score = || self.score(endpoints, Some(&arrivals), stop);
            let scoring = along.then(|| scope.spawn(score));
            let asked = self.ask(endpoints, &arrivals, stop, printer);
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            (asked, scoring.map(join))
        });
        asked?;
        self.record.totals.spent_usd += endpoints.spent_usd();
        match scored {
            Some(scored) => scored,
            None if stop.is_requested() => Ok(None),
            None => self.score(endpoints, None, stop),
        }
    }

    /// Scores and report files, after asking or along with it; `None` when it was interrupted.
    fn score(
        &self,
        endpoints: &Endpoints,
        arrivals: Option<&ReorderBuffer>,
        stop: &Stop,
    ) -> Result<Option<Scored>> {
        let (loaded, run_id) = (&self.loaded, &self.record.run_id);
        let mut judges = endpoints.judges(loaded)?;
        let records = self.records(endpoints)?;
        let source = match arrivals {
            Some(arrivals) => Source::along(arrivals, records),
            None => Source::after(records),
        };
        write_reports(loaded, &self.folder, run_id, source, &mut judges, stop)
    }

    /// Asks every sample, and every judge about the answers as they come.
    fn ask(
        &self,
        endpoints: &Endpoints,
        arrivals: &ReorderBuffer,
        stop: &Stop,
        printer: Printer,
    ) -> Result<()> {
        let loaded = &self.loaded;
        let n_judged = questions_each(loaded);
        let (doing, passes) = match self.asks {
            Asks::Everyone => ("Running", 1 + n_judged),
            Asks::Judges => ("Judging", n_judged),
        };
        let total = loaded.plan.n_samples() * passes;
        let quiet = self.output.quiet;
        let (plan, asked) = (&loaded.plan, endpoints.asked());
        let progress =
            Progress::start((doing, total), plan, &loaded.metrics, asked, quiet, printer);
        let events = |model, event| {
            progress.tell(model, &event);
            arrivals.see(event);
        };
        let records = || self.records_along(endpoints, arrivals);
        let judged = thread::scope(|scope| {
            let judging = scope.spawn(|| endpoints.ask_judges(loaded, &records, &events, stop));
            let asked = match self.asks {
                Asks::Everyone => endpoints.ask_samples(loaded, &events, stop),
                Asks::Judges => Ok(Tally::default()),
            };
            // An interrupted run is not scored.
            if asked.is_err() || stop.is_requested() {
                arrivals.give_up();
            } else {
                arrivals.close();
            }
            let judged = judging.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            asked.and(judged)
        });
        endpoints.tidy();
        progress.finish();
        judged.map(drop)
    }

    /// The answers while they come in.
    fn records_along<'a>(
        &self,
        endpoints: &'a Endpoints,
        arrivals: &'a ReorderBuffer,
    ) -> Result<Box<dyn Records + 'a>> {
        match self.asks {
            Asks::Everyone => {
                let records = endpoints.records(&self.loaded)?;
                Ok(Box::new(AwaitedRecords { records, arrivals }))
            }
            Asks::Judges => self.records(endpoints),
        }
    }

    /// What to do where the budget did not reach.
    fn tell_budget(&self, endpoints: &Endpoints, printer: Printer) {
        if !endpoints.out_of_budget() {
            return;
        }
        let run = self.folder.path.display();
        let left = self.record.counts.errors.get(ErrorKind::Budget.as_str()).copied();
        let left = match left {
            Some(1) => "the remaining request was not sent".to_owned(),
            Some(left) => format!("the remaining {left} requests were not sent"),
            None => "the remaining requests to judges were not sent".to_owned(),
        };
        printer.warning(&format!(
            "Budget reached ({}); {left}. `evalmark resume {run}` continues with a budget of its own",
            endpoints.spent()
        ));
    }

    fn interrupted(&mut self, printer: Printer) -> Result<()> {
        self.record.status = RunStatus::Interrupted;
        self.folder.write(&self.record)?;
        let path = self.folder.path.display();
        printer.remark(&format!(
            "interrupted; every answer that arrived is kept. Resume with:\n  evalmark resume {path}"
        ));
        Ok(())
    }

    /// Gives the files their names and brings `run.json` up to date. Until that is done, the run
    /// says that it is not whole.
    fn close(&mut self, scored: &mut Scored, endpoints: &Endpoints) -> Result<()> {
        if metric_hashes(&self.loaded) != self.record.metrics {
            bail!("the program of a metric was changed while it scored");
        }
        let record = &mut self.record;
        record.format_version = FORMAT_VERSION;
        record.counts = scored.counts.clone();
        record.judging = scored.judging.finish();
        record.totals = RunTotals { spent_usd: record.totals.spent_usd, ..scored.totals.clone() };
        record.finished_at = Some(now());
        record.incomplete = unfinished(endpoints, &scored.rows);
        let files = std::mem::take(&mut scored.files);
        let digests = files.iter().map(|file| (file.file_name(), file.digest().to_owned()));
        record.files = digests.collect();
        if record.status != RunStatus::Running {
            record.status = RunStatus::Scoring;
            self.folder.write(record)?;
        }
        self.folder.take_in(files)?;
        let is_whole = scored.counts.failed == 0 && scored.counts.unscored.is_empty();
        record.status = if is_whole { RunStatus::Complete } else { RunStatus::Partial };
        self.folder.write(record)
    }

    /// The verdict, where there is something to compare with.
    fn gate(&self, printer: Printer) -> Result<Option<GateOutcome>> {
        let spec = self.loaded.suite.gate_or_default();
        let mut decision = self.decide(&spec, printer)?;
        if let Some(GateOutcome { verdict, .. }) = &mut decision {
            let out = self.folder.out();
            for warning in judge_margins(&out, &self.record, &spec, verdict) {
                printer.warning(&warning);
            }
        }
        match &decision {
            Some(decision) => write_verdict(&self.folder, &decision.verdict)?,
            // What an earlier pass over this run decided holds no longer.
            None => drop(files::remove(&self.folder.verdict())),
        }
        Ok(decision)
    }

    /// The verdict against the baseline; where there is none, against the minima, and a gate that
    /// should have one does not pass.
    fn decide(&self, spec: &GateSpec, printer: Printer) -> Result<Option<GateOutcome>> {
        let (folder, record, is_quiet) = (&self.folder, &self.record, self.output.quiet);
        match (&self.against.baseline, &self.against.missing) {
            (Some(baseline), _) => {
                if spec.is_default && !is_quiet {
                    printer.remark(DEFAULT_GATE);
                }
                if let Some(warning) = baseline.warning() {
                    printer.warning(&warning);
                }
                gate_or_refuse(folder, record, baseline, spec, printer).map(Some)
            }
            (None, Some(missing)) if !missing.is_allowed => {
                let can = cannot_be_baseline(record).is_none();
                printer.error(&missing.error(can.then_some(&*folder.path)));
                gate_without(folder, record, missing, spec).map(Some)
            }
            (None, Some(missing)) => {
                if !is_quiet {
                    printer.remark(&missing.first_run(&folder.path, record));
                }
                gate_minima(folder, record, spec)
            }
            (None, None) => {
                if let Some(why) = &record.ungated {
                    printer.warning(why);
                    printer.remark(&against::how_to_compare(&folder.path, record));
                }
                gate_minima(folder, record, spec)
            }
        }
    }

    /// Table, verdict and paths to stdout; what is missing to stderr.
    fn tell(
        &self,
        rows: &[SummaryRow],
        verdict: Option<&Verdict>,
        exit: Exit,
        printer: Printer,
    ) -> Result<()> {
        if self.output.format == Format::Json {
            let told = json!({
                "run_dir": self.folder.path,
                "run": self.record,
                "summary": rows,
                "verdict": verdict,
                "exit_code": exit.code(),
            });
            printer.json(&told.to_string());
            return Ok(());
        }
        printer.result(&table::render(rows, &groups(&self.folder, &self.record)?));
        judging::tell(&self.record.judging, printer);
        if let Some(stopped) = &self.record.stopped_early {
            printer.result(&format!("\n{}", stopped.summary()));
        }
        if let Some(verdict) = verdict {
            printer.result(&format!("\n{}", verdict_text::render(verdict, printer)));
        }
        printer.result(&format!("\n{}", self.paths(verdict.is_some())));
        self.tell_missing(printer);
        Ok(())
    }

    fn paths(&self, has_verdict: bool) -> String {
        let folder = &self.folder;
        let mut paths = vec![folder.html(), folder.summary(), folder.scores(), folder.samples()];
        let run_wide = [folder.run_values(), folder.confusion()];
        paths.extend(run_wide.into_iter().filter(|path| path.exists()));
        if has_verdict {
            paths.push(folder.verdict());
        }
        let lines = paths.iter().map(|path: &PathBuf| format!("  {}", path.display()));
        format!("wrote\n{}", lines.collect::<Vec<_>>().join("\n"))
    }

    /// What has no answer or no score, and what to do about it.
    fn tell_missing(&self, printer: Printer) {
        let (counts, run) = (&self.record.counts, self.folder.path.display());
        for (is_share, remark) in failures::cut_off_remarks(counts, self.record.models.len()) {
            if is_share {
                printer.warning(&remark);
            } else {
                printer.remark(&format!("note: {remark}"));
            }
        }
        for (metric, unscored) in &counts.unscored {
            let (count, planned, example) = (unscored.count, counts.planned, &unscored.example);
            printer.warning(&format!(
                "{count} of {planned} samples have an answer but no score of `{metric}`: {example}"
            ));
        }
        tell_reasoning(counts, printer);
        let labels = self.loaded.metrics.iter().zip(&self.loaded.labels);
        for (metric, _) in labels.filter(|(_, labels)| labels.is_some()) {
            if !counts.labelled.contains_key(metric.name()) {
                printer.warning(&format!(
                    "no label of `{}` matches an answer of this run",
                    metric.name()
                ));
            }
        }
        let models = &self.loaded.plan.models;
        if let Some(text) = failures::describe(counts, models, &run.to_string()) {
            printer.warning(&text);
        }
    }
}

/// Whether a dataset, which was read without an error before, could not be read as it was.
fn is_of_dataset(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<PlanError>() || cause.is::<DatasetError>())
}

/// Why a run that ended is not finished.
fn unfinished(endpoints: &Endpoints, rows: &[SummaryRow]) -> Option<String> {
    let why = if endpoints.out_of_budget() {
        "the budget did not reach"
    } else if endpoints.any_down() {
        "a model was not asked to the end"
    } else if lacks_too_much(rows) {
        "too many of its scores are missing"
    } else {
        return None;
    };
    Some(why.to_owned())
}

fn lacks_too_much(rows: &[SummaryRow]) -> bool {
    rows.iter()
        .filter(|row| row.slice.is_none())
        .any(|row| row.n_missing as f64 > TOO_MANY_MISSING * row.n_planned as f64)
}

/// Writes `report.html`.
pub(crate) fn write_html(
    folder: &RunFolder,
    record: &RunRecord,
    summary: Vec<SummaryRow>,
    failing: FailedSamples,
    verdict: Option<&Verdict>,
) -> Result<()> {
    let (outcomes, failures, failing) = failing.finish();
    let mut facts = vec![
        ("items".to_owned(), record.n_items.to_string()),
        ("epochs".to_owned(), record.epochs.to_string()),
        ("dataset".to_owned(), record.dataset_hash.chars().take(16).collect()),
        ("evalmark".to_owned(), record.tool_version.clone()),
    ];
    if let Some(why) = record.ungated.as_ref().filter(|_| verdict.is_none()) {
        facts.insert(0, ("gate".to_owned(), why.clone()));
    }
    if let Some(stopped) = &record.stopped_early {
        facts.insert(0, ("asked".to_owned(), stopped.summary()));
    }
    if let Some(git) = &record.git {
        let state = if git.clean { "" } else { " (with changes)" };
        facts.push(("git revision".to_owned(), format!("{}{state}", git.revision)));
    }
    let cut_off = failures::cut_off_remarks(&record.counts, record.models.len());
    let page = HtmlReport {
        suite: record.suite.clone(),
        run_id: record.run_id.clone(),
        started_at: record.started_at.clone(),
        facts,
        warnings: cut_off.into_iter().map(|(_, remark)| remark).collect(),
        verdicts: verdict.cloned().into_iter().collect(),
        summary,
        outcomes,
        failures,
        failing,
    };
    let text = evalmark_report::html::html(&page).context("the page cannot be made")?;
    write_whole(&folder.html(), &text)
}
