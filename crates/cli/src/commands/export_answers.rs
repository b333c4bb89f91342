//! `evalmark export-answers`: recorded answers as JSONL, for replay by a `recorded` model. Those of
//! judges are among them.

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use clap::Args;
use evalmark_core::number_format::counted;
use evalmark_report::safe_text::inert_json;
use evalmark_runner::{Host, export_answers};

use crate::{
    args::RunDirArgs,
    exit::Exit,
    print::{Printer, keep_failure},
};

#[derive(Debug, Args)]
pub(crate) struct ExportAnswersArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    /// Only this model's answers
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

pub(crate) fn export(args: &ExportAnswersArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (mut out, mut failure) = (BufWriter::new(stdout().lock()), None);
    let mut write = |answer: &_| {
        let line = serde_json::to_string(answer)?;
        writeln!(out, "{}", inert_json(&line)).map_err(|error| {
            let kind = error.kind();
            failure.get_or_insert(error);
            kind.into()
        })
    };
    let exported = export_answers(&args.run.path()?, args.model.as_deref(), &mut write, host);
    failure = failure.or(out.flush().err());
    if let Some(error) = failure {
        // The rest would fail, too.
        drop(out.into_parts());
        keep_failure(Err(error));
        return Ok(Exit::Done);
    }
    let exported = exported?;
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
