//! `evalmark export-answers`: recorded answers as JSONL, for replay by a `recorded` model.

use std::{
    collections::HashMap,
    io::{BufWriter, ErrorKind, Write, stdout},
};

use anyhow::{Context, Result, bail};
use evalmark_core::request::RequestHash;
use evalmark_harness::RecordedAnswer;
use evalmark_report::{samples::samples, text::inert_json};

use super::gate::open_scored;
use crate::{args::ExportArgs, exit::Exit, print::Printer};

pub(crate) fn export(args: &ExportArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let mut out = BufWriter::new(stdout().lock());
    // Identical requests share one answer; a recording holds it once.
    let mut written: HashMap<RequestHash, (String, Option<String>)> = HashMap::new();
    for sample in samples(&folder.samples())? {
        let sample = sample?;
        if args.model.as_ref().is_some_and(|model| *model != sample.model) {
            continue;
        }
        let request = sample.request().context("a recorded request cannot be read")?;
        let hash = request.hash();
        let Some(answer) = RecordedAnswer::new(hash, &sample.record) else { continue };
        if let Some((model, output)) = written.get(&hash) {
            if *output != sample.record.output {
                bail!(
                    "models `{model}` and `{}` got the same request on two servers and answered item \
                     `{}` differently; export them one by one with `--model NAME`",
                    sample.model,
                    sample.item_id
                );
            }
            continue;
        }
        written.insert(hash, (sample.model, sample.record.output));
        let line = serde_json::to_string(&answer)?;
        match writeln!(out, "{}", inert_json(&line)).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Done),
            written => written.context("the answers cannot be written")?,
        }
    }
    if record.counts.failed > 0 {
        let failed = record.counts.failed;
        printer.warning(&format!("{failed} samples have no answer and are left out"));
    }
    Ok(Exit::Done)
}
