//! `evalmark export-answers`: recorded answers as JSONL, for replay by a `recorded` model. Those of
//! judges are among them.

use std::{
    collections::HashMap,
    io::{self, BufWriter, ErrorKind, StdoutLock, Write, stdout},
    path::PathBuf,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use evalmark_core::{record::Record, request::RequestHash};
use evalmark_harness::{Answers, Ledger, RecordedAnswer, endpoint_key};
use evalmark_report::{samples::samples, text::inert_json};
use evalmark_runner::{Host, Notice};
use evalmark_store::record::RunRecord;

use super::{gate::open_scored, resume::same_experiment};
use crate::{
    ask::shared_ledger,
    early::as_stopped,
    exit::Exit,
    hint::{Hinted, run_error},
    judges::all_requests,
    load::{LoadedSuite, load},
    print::Printer,
    records::{RecordedSamples, Records},
    run_folder::RunFolder,
};

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Only this model's answers
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

pub(crate) fn export(args: &ExportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let asked = model_names(&record);
    if let Some(model) = args.model.as_ref().filter(|model| !asked.contains(*model)) {
        return Err(anyhow!("the run has no model `{model}`"))
            .hint(format!("its models: {}", asked.join(", ")));
    }
    let mut lines = Lines::new(args.model.as_deref());
    let written = candidates(&folder, &mut lines)
        .and_then(|()| judges(&folder, &record, &mut lines, host))
        .and_then(|()| lines.end());
    match written {
        Err(error) if is_broken_pipe(&error) => return Ok(Exit::Done),
        written => written?,
    }
    if record.counts.failed > 0 {
        let failed = record.counts.failed;
        printer.warning(&format!("{failed} samples have no answer and are left out"));
    }
    if lines.written.is_empty() {
        let whose = args.model.as_ref().map(|model| format!(" of model `{model}`"));
        printer.warning(&format!("the run holds no answer{}", whose.unwrap_or_default()));
        return Ok(Exit::Incomplete);
    }
    Ok(Exit::Done)
}

/// Names of the models that the run may have asked: candidates first.
fn model_names(record: &RunRecord) -> Vec<String> {
    let mut names = record.models.clone();
    let models = record.effective_suite["models"].as_array().into_iter().flatten();
    for name in models.filter_map(|model| model["name"].as_str()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.root_cause().downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// The lines so far.
struct Lines<'a> {
    out: BufWriter<StdoutLock<'static>>,
    /// Whose answers are wanted; `None`: everyone's.
    model: Option<&'a str>,
    /// Identical requests share one answer; a recording holds it once.
    written: HashMap<RequestHash, (String, Option<String>)>,
}

impl<'a> Lines<'a> {
    fn new(model: Option<&'a str>) -> Self {
        Self { out: BufWriter::new(stdout().lock()), model, written: HashMap::new() }
    }

    fn wants(&self, model: &str) -> bool {
        self.model.is_none_or(|wanted| wanted == model)
    }

    fn write(
        &mut self,
        hash: RequestHash,
        record: &Record,
        (model, item): (&str, &str),
    ) -> Result<()> {
        let Some(answer) = RecordedAnswer::new(hash, record) else { return Ok(()) };
        if let Some((other, output)) = self.written.get(&hash) {
            if *output != record.output {
                bail!(
                    "models `{other}` and `{model}` got the same request on two servers and \
                     answered item `{item}` differently; export them one by one with `--model NAME`"
                );
            }
            return Ok(());
        }
        self.written.insert(hash, (model.to_owned(), record.output.clone()));
        let line = serde_json::to_string(&answer)?;
        writeln!(self.out, "{}", inert_json(&line)).context("the answers cannot be written")
    }

    fn end(&mut self) -> Result<()> {
        self.out.flush().context("the answers cannot be written")
    }
}

/// The answers of those who were evaluated.
fn candidates(folder: &RunFolder, lines: &mut Lines<'_>) -> Result<()> {
    for sample in samples(&folder.samples())? {
        let sample = sample?;
        if lines.wants(&sample.model) {
            let request = sample.request().context("a recorded request cannot be read")?;
            let of = (sample.model.as_str(), &*sample.item_id);
            lines.write(request.hash(), &sample.record, of)?;
        }
    }
    Ok(())
}

/// The answers of those who judged. They are in the ledger alone, by what the suite asks them.
fn judges(
    folder: &RunFolder,
    record: &RunRecord,
    lines: &mut Lines<'_>,
    host: &Host<'_>,
) -> Result<()> {
    let is_wanted = |name: &String| !record.models.contains(name) && lines.wants(name);
    let has_own_judges = !record.judged.is_empty()
        && lines.model.is_none_or(|m| record.models.iter().any(|n| n == m));
    if !has_own_judges && !model_names(record).iter().any(is_wanted) {
        return Ok(());
    }
    let loaded = load(&record.suite_file(), &record.options, host)
        .map_err(anyhow::Error::from)
        .and_then(|loaded| {
            same_experiment(&loaded, record)?;
            let plan = as_stopped(loaded.plan.clone(), record)?;
            Ok(LoadedSuite { plan, ..loaded })
        });
    match loaded {
        Ok(loaded) => judgements(&loaded, folder, record, lines, host),
        Err(error) => {
            host.notices.tell(&Notice::JudgesLeftOut(&run_error(error)));
            Ok(())
        }
    }
}

fn judgements(
    loaded: &LoadedSuite,
    folder: &RunFolder,
    record: &RunRecord,
    lines: &mut Lines<'_>,
    host: &Host<'_>,
) -> Result<()> {
    let plan = &loaded.plan;
    if loaded.metrics.iter().all(|metric| metric.judge().is_none()) {
        return Ok(());
    }
    let ledger = Ledger::open(&ledger_path(folder, record, host)?)?;
    let answers = |model: &evalmark_core::model::Model| -> Result<Option<Answers>> {
        let Some(key) = endpoint_key(model)? else { return Ok(None) };
        Ok(Some(ledger.answers(&key, &record.run_id)?))
    };
    let by_model: Vec<_> = plan.models.iter().map(answers).collect::<Result<_>>()?;
    let mut records = RecordedSamples::open(&folder.samples())?;
    for sample in plan.in_report_order() {
        let mut sample = sample?;
        let answer = records.record(&mut sample)?;
        for (judge, request) in all_requests(plan, &loaded.metrics, &sample, &answer) {
            let name = &*plan.models[judge].name;
            let Some(answers) = by_model[judge].as_ref().filter(|_| lines.wants(name)) else {
                continue;
            };
            let hash = request.hash();
            if let Some(reply) = answers.get(&hash)? {
                lines.write(hash, &reply, (name, &sample.item.id))?;
            }
        }
    }
    Ok(())
}

fn ledger_path(folder: &RunFolder, record: &RunRecord, host: &Host<'_>) -> Result<PathBuf> {
    if record.options.no_cache {
        return Ok(folder.own_ledger());
    }
    Ok(shared_ledger(record.options.cache_dir.as_deref(), host)?)
}
