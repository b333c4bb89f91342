//! The table of tools whose results can be imported: one file and one line each.

mod collect;
mod deepeval;
mod error;
mod helm;
mod input;
mod inspect;
mod inspect_sample;
mod langfuse;
mod lm_eval;
mod mlflow;
mod openai_evals;
mod promptfoo;
mod server;
mod table;
mod text;

use std::path::PathBuf;

use evalmark_core::tool_results::ToolResults;

use self::collect::Collector;
pub use self::{
    error::ResultsError,
    server::{ResultsServer, ToolServer},
    table::{ColumnRole, NamedColumn},
};

/// A tool whose results can be imported.
#[derive(Clone, Copy)]
pub struct Importer {
    /// The name that it is imported under.
    pub name: &'static str,
    /// Which files of it are read, in a clause.
    pub files: &'static str,
    /// Where its server is, where results are asked of one.
    pub server: Option<ToolServer>,
    read: fn(&ResultsRequest<'_>, &mut Collector) -> Result<(), ResultsError>,
}

/// Which results to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultsRequest<'a> {
    /// The files; of a tool with a server, also what the server calls its results.
    pub files: &'a [PathBuf],
    /// The task, where the files hold several.
    pub task: Option<&'a str>,
    /// What the columns of a table hold.
    pub columns: &'a [NamedColumn],
    /// Metrics of which lower values are better, beyond those that the tool knows.
    pub lower_is_better: &'a [String],
    /// The server that results are asked of.
    pub server: ResultsServer<'a>,
}

/// Every tool whose results can be imported.
pub fn importers() -> &'static [Importer] {
    const TABLE: &[Importer] = &[
        promptfoo::IMPORTER,
        inspect::IMPORTER,
        lm_eval::IMPORTER,
        helm::IMPORTER,
        deepeval::IMPORTER,
        openai_evals::IMPORTER,
        langfuse::IMPORTER,
        mlflow::IMPORTER,
        table::IMPORTER,
    ];
    TABLE
}

impl Importer {
    /// Reads a tool's files.
    pub fn read(&self, request: &ResultsRequest<'_>) -> Result<ToolResults, ResultsError> {
        let mut collector = Collector::new(self.name);
        (self.read)(request, &mut collector)?;
        collector.finish(request.lower_is_better)
    }
}
