//! `evalmark score`: recorded answers scored again with the suite as it is now. No model is asked,
//! except judges about what they have not judged yet.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, Run};

use crate::{
    args::{ExecArgs, OutputArgs, RunDirArgs},
    exit::Exit,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn score(args: &ScoreArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let run = Run::rescore(&args.run.path()?, host)?.finish()?;
    run_text::tell(&run, args.output, printer)
}
