//! `evalmark score`: recorded answers scored again with the suite as it is now. No model is asked,
//! except judges about what they have not judged yet.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, Run};

use crate::{
    args::{ExecArgs, OutputArgs},
    exit::Exit,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn score(args: &ScoreArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let run = Run::rescore(&args.run, args.exec.allow_exec, host)?.finish()?;
    run_text::tell(&run, args.output, printer)
}
