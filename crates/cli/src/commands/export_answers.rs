//! `evalmark export-answers`: recorded answers as JSONL, for replay by a `recorded` model. Those of
//! judges are among them.

use std::io::{BufWriter, ErrorKind, Write, stdout};

use anyhow::{Context, Result};
use clap::Args;
use evalmark_core::number_format::counted;
use evalmark_report::safe_text::inert_json;
use evalmark_runner::{Host, export_answers};

use crate::{args::RunDirArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    /// Only this model's answers
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

pub(crate) fn export(args: &ExportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (mut out, mut is_closed) = (BufWriter::new(stdout().lock()), false);
    let mut write = |answer: &_| {
        let line = serde_json::to_string(answer)?;
        writeln!(out, "{}", inert_json(&line))
            .inspect_err(|error| is_closed = error.kind() == ErrorKind::BrokenPipe)
    };
    let exported = export_answers(&args.run.path()?, args.model.as_deref(), &mut write, host);
    let flushed = out.flush();
    is_closed |= flushed.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
    if is_closed {
        // Whoever read it has seen enough.
        return Ok(Exit::Done);
    }
    let exported = exported?;
    flushed.context("the answers cannot be written")?;
    if exported.failed > 0 {
        let failed = counted(exported.failed, "sample");
        printer.warning(&format!("left out: {failed} without an answer"));
    }
    if exported.written == 0 {
        let whose = args.model.as_ref().map(|model| format!(" of model `{model}`"));
        printer.warning(&format!("the run has no answers{}", whose.unwrap_or_default()));
        return Ok(Exit::Incomplete);
    }
    Ok(Exit::Done)
}
