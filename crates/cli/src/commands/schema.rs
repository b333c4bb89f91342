//! `evalmark schema`: what a suite may say, and what the report files hold.

use anyhow::Result;
use clap::{Args, ValueEnum};
use evalmark_report::columns::Table;
use evalmark_runner::{Host, suite_schema};
use serde_json::{Value, json};

use crate::{exit::Exit, print::Printer};

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Suite,
    Samples,
    Scores,
    Summary,
    RunValues,
    Confusion,
    Records,
    Verdict,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// What to describe
    #[arg(value_enum)]
    pub(crate) of: SchemaOf,
}

pub(crate) fn schema(args: &SchemaArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let schema = match args.of {
        SchemaOf::Suite => suite_schema(host),
        SchemaOf::Samples => columns(Table::Samples),
        SchemaOf::Scores => columns(Table::Scores),
        SchemaOf::Summary => columns(Table::Summary),
        SchemaOf::RunValues => columns(Table::RunValues),
        SchemaOf::Confusion => columns(Table::Confusion),
        SchemaOf::Records => columns(Table::Records),
        SchemaOf::Verdict => evalmark_core::verdict::schema(),
    };
    printer.json(&serde_json::to_string_pretty(&schema)?);
    Ok(Exit::Done)
}

fn columns(table: Table) -> Value {
    let columns: Vec<_> = table
        .columns()
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.kind.as_str(),
                "nullable": column.nullable,
                "description": column.says,
            })
        })
        .collect();
    json!({ "file": table.file_name(), "one_row_per": table.row_is(), "columns": columns })
}
