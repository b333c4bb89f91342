//! `evalmark import results`, and what `evalmark gate --from` shares with it: which tool's files, and how they are
//! read and gated.

use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use clap::{Args, builder::PossibleValuesParser};
use evalmark_core::tool_results::ToolResults;
use evalmark_integrations::results::{
    ColumnRole, NamedColumn, ResultsError, ResultsRequest, ResultsServer, ToolServer, importers,
};
use evalmark_runner::{Host, ImportOptions, ImportedGate, ImportedRun, NamedServerKeys, RunError};
use evalmark_terminal::imported;
use serde_json::json;

use crate::{
    args::{FormatArgs, OutArgs},
    exit::Exit,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ImportResultsArgs {
    /// The tool that wrote the files
    #[arg(long, value_name = "TOOL", value_parser = tools())]
    pub(crate) from: String,
    /// What the tool wrote, or what its server calls it (mlflow: the run's id); several are one run
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Name of the run [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// How another tool's results are read, and gated without a suite.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Results of another tool")]
pub(crate) struct ReadingArgs {
    /// Name of the suite that it is a run of [default: the tool's name of what it evaluated]
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Address of the server that has the results, of a tool that has one [default: what the tool's own variable says]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The task, where files hold several
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// What a column of a table holds: id, input, target, cluster, output, prompt, model, epoch, error or
    /// score; may be repeated [default: columns of these names, and `score.METRIC`]
    #[arg(long = "map", value_name = "ROLE=COLUMN", value_parser = column)]
    columns: Vec<NamedColumn>,
    /// Lower values of this metric are better; may be repeated
    #[arg(long = "lower", value_name = "METRIC")]
    lower_is_better: Vec<String>,
    /// Gate this metric, with this largest acceptable drop; may be repeated [default: every metric, 0.03]
    #[arg(long = "metric", value_name = "METRIC[=MARGIN]", value_parser = gated)]
    metrics: Vec<(String, Option<f64>)>,
    /// One-sided error rate of each bound [default: 0.05]
    #[arg(long, value_name = "RATE", value_parser = alpha)]
    alpha: Option<f64>,
}

/// The names of all tools.
pub(crate) fn tools() -> PossibleValuesParser {
    PossibleValuesParser::new(importers().iter().map(|importer| importer.name))
}

fn column(text: &str) -> Result<NamedColumn, String> {
    let known = || ColumnRole::ALL.map(ColumnRole::name).join(", ");
    let (role, column) = text
        .split_once('=')
        .filter(|(_, column)| !column.is_empty())
        .ok_or("write ROLE=COLUMN, such as `score=correct`")?;
    let role = ColumnRole::named(role).ok_or_else(|| {
        format!("`{role}` is not a role that columns can have; those are: {}", known())
    })?;
    Ok(NamedColumn { role, column: column.to_owned() })
}

fn gated(text: &str) -> Result<(String, Option<f64>), String> {
    // A metric's name may hold `=`; a margin is a number.
    let Some((name, margin)) = text.rsplit_once('=') else { return Ok((text.to_owned(), None)) };
    match margin.parse::<f64>() {
        Ok(margin) if margin.is_finite() && margin > 0.0 => Ok((name.to_owned(), Some(margin))),
        _ => Err("the margin must be a number above 0, such as `accuracy=0.02`".to_owned()),
    }
}

fn alpha(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(alpha) if alpha > 0.0 && alpha < 0.5 => Ok(alpha),
        _ => Err("write a number between 0 and 0.5".to_owned()),
    }
}

impl ReadingArgs {
    /// Reads a tool's files, or asks its server.
    pub(crate) fn read(
        &self,
        tool: &str,
        files: &[PathBuf],
        host: &Host<'_>,
    ) -> Result<ToolResults> {
        let importer = importers().iter().find(|importer| importer.name == tool);
        let importer = importer.with_context(|| format!("there is no importer `{tool}`"))?;
        let server = self.server.clone().or_else(|| tool_server(importer.server?, host));
        let keys = NamedServerKeys { host, server: server.as_deref() };
        let request = ResultsRequest {
            files,
            task: self.task.as_deref(),
            columns: &self.columns,
            lower_is_better: &self.lower_is_better,
            server: ResultsServer { address: server.as_deref(), keys: &keys },
        };
        importer.read(&request).map_err(told)
    }

    /// Where the run goes, and how it is gated.
    pub(crate) fn options(&self, out: &OutArgs, run_id: Option<&str>) -> ImportOptions {
        ImportOptions {
            out: out.out.clone(),
            run_id: run_id.map(str::to_owned),
            suite: self.suite.clone(),
            gate: ImportedGate { metrics: self.metrics.clone(), alpha: self.alpha },
        }
    }
}

/// The address of a tool's server that the environment has, or the usual one.
fn tool_server(server: ToolServer, host: &Host<'_>) -> Option<String> {
    let set = server.variables.iter().filter_map(|variable| host.secrets.secret(variable));
    let set = set.map(|address| address.trim().to_owned()).find(|address| !address.is_empty());
    set.or_else(|| server.usual.map(str::to_owned))
}

/// An error of an importer, with its advice.
fn told(error: ResultsError) -> Error {
    let hint = error.hint.clone();
    let error = RunError::new(error);
    hint.into_iter().fold(error, RunError::with_hint).into()
}

pub(crate) fn import_results(
    args: &ImportResultsArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let results = args.reading.read(&args.from, &args.files, host)?;
    let options = args.reading.options(&args.out, args.run_id.as_deref());
    let run = evalmark_runner::import_results(&results, &options)?;
    if args.format.is_json() {
        let told = json!({ "run_dir": run.folder.path, "run": run.record, "summary": run.rows });
        printer.json(&told.to_string());
        return Ok(Exit::Done);
    }
    printer.result(&format!("{}\n", imported::render(&run.record)));
    run_text::tell_summary(&run.folder, &run.record, &run.rows, printer)?;
    printer.result(&format!("\nwrote {}", run.folder.path.display()));
    Ok(Exit::Done)
}

/// What was read of each side of a comparison, on stderr.
pub(crate) fn tell_sides(sides: [&ImportedRun; 2], printer: Printer) {
    for (name, run) in ["BEFORE", "AFTER"].into_iter().zip(sides) {
        let text = imported::render(&run.record);
        printer.remark(&format!("{name} ({}): {text}", run.folder.path.display()));
    }
}
