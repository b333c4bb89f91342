//! A run's recorded answers, for replay by a `recorded` model. Those of judges are among them.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use evalmark_core::{model::Model, record::Record, request::RequestHash};
use evalmark_harness::{Answers, Ledger, RecordedAnswer, endpoint_key};
use evalmark_report::samples::samples;
use evalmark_store::{integrity::open_answered, run_folder::RunFolder, run_record::RunRecord};

use crate::{
    Host, Notice,
    early::as_stopped,
    error::{Advised, Hinted, Result},
    judges::all_requests,
    load::{LoadedSuite, load},
    records::{RecordedSamples, Records},
    run::same_experiment,
    shared_ledger::shared_ledger,
    unknown_name::all_known,
};

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportedAnswers {
    /// Answers that were written.
    pub written: usize,
    /// Samples that have no answer.
    pub failed: u64,
}

/// A recording holds one answer to a request.
#[derive(Debug, thiserror::Error)]
#[error(
    "models `{other}` and `{model}` got the same request on two servers and answered item `{item}` \
     differently; export them one by one with `--model NAME`"
)]
pub struct ConflictingAnswers {
    other: String,
    model: String,
    item: String,
}

impl Advised for ConflictingAnswers {}

/// Takes one recorded answer.
pub type WriteAnswer<'a> = dyn FnMut(&RecordedAnswer) -> io::Result<()> + 'a;

/// Hands every recorded answer of a run to `write`, or those of one model.
pub fn export_answers(
    path: &Path,
    model: Option<&str>,
    write: &mut WriteAnswer<'_>,
    host: &Host<'_>,
) -> Result<ExportedAnswers> {
    let (folder, record) = open_answered(path)?;
    let asked = model_names(&record);
    let (wanted, known): (Vec<_>, Vec<_>) = (
        model.map(str::to_owned).into_iter().collect(),
        asked.iter().map(String::as_str).collect(),
    );
    all_known("the run has no model", &wanted, &known, "its models")?;
    let mut lines = RecordedLines { write, model, written: HashMap::new() };
    candidates(&folder, &mut lines)?;
    judges(&folder, &record, &mut lines, host)?;
    Ok(ExportedAnswers { written: lines.written.len(), failed: record.counts.failed })
}

/// Names of the models that the run may have asked: candidates first.
fn model_names(record: &RunRecord) -> Vec<String> {
    let mut names = record.models.clone();
    for model in record.effective_suite.models() {
        if !names.contains(&model.name) {
            names.push(model.name.clone());
        }
    }
    names
}

/// The lines so far.
struct RecordedLines<'a> {
    write: &'a mut WriteAnswer<'a>,
    /// Whose answers are wanted; `None`: everyone's.
    model: Option<&'a str>,
    /// Identical requests share one answer; a recording holds it once.
    written: HashMap<RequestHash, (String, Option<String>)>,
}

impl RecordedLines<'_> {
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
                let [other, model, item] = [other, model, item].map(str::to_owned);
                return Err(ConflictingAnswers { other, model, item }.into());
            }
            return Ok(());
        }
        self.written.insert(hash, (model.to_owned(), record.output.clone()));
        (self.write)(&answer).context("the answers cannot be written")
    }
}

/// The answers of those who were evaluated.
fn candidates(folder: &RunFolder, lines: &mut RecordedLines<'_>) -> Result<()> {
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
    lines: &mut RecordedLines<'_>,
    host: &Host<'_>,
) -> Result<()> {
    let is_wanted = |name: &String| !record.models.contains(name) && lines.wants(name);
    let has_own_judges = !record.judged.is_empty()
        && lines.model.is_none_or(|m| record.models.iter().any(|n| n == m));
    if !has_own_judges && !model_names(record).iter().any(is_wanted) {
        return Ok(());
    }
    let loaded = load(&record.suite_file(), &record.options, host).and_then(|loaded| {
        same_experiment(&loaded, record)?;
        let plan = as_stopped(loaded.plan.clone(), record)?;
        Ok(LoadedSuite { plan, ..loaded })
    });
    match loaded {
        Ok(loaded) => judgements(&loaded, folder, record, lines, host),
        Err(error) => {
            host.notices.tell(&Notice::JudgesLeftOut(&error));
            Ok(())
        }
    }
}

fn judgements(
    loaded: &LoadedSuite,
    folder: &RunFolder,
    record: &RunRecord,
    lines: &mut RecordedLines<'_>,
    host: &Host<'_>,
) -> Result<()> {
    let plan = &loaded.plan;
    if loaded.metrics.iter().all(|metric| metric.judge().is_none()) {
        return Ok(());
    }
    let ledger = Ledger::open(&ledger_path(folder, record, host)?)?;
    let answers = |model: &Model| -> Result<Option<Answers>> {
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
