//! What the ledger of shared answers holds, and what was deleted of it.

use std::path::Path;

use evalmark_core::number_format::{bytes, counted};
use evalmark_harness::{Info, Pruned};

/// The ledger at `path`, and a line for each endpoint that answered.
pub fn info(path: &Path, info: &Info) -> String {
    let (path, answers) = (path.display(), counted(info.answers, "answer"));
    let (failures, size) = (counted(info.failures, "failure"), bytes(info.bytes));
    let endpoints = info.endpoints.iter().map(|endpoint| {
        let span = match (endpoint.oldest_day(), endpoint.newest_day()) {
            (Some(oldest), Some(newest)) => format!(", {oldest} to {newest}"),
            _ => String::new(),
        };
        format!("\n  {}: {}{span}", endpoint.key, counted(endpoint.answers, "answer"))
    });
    let head = format!("{path}\n{answers}, {failures}, {size}");
    std::iter::once(head).chain(endpoints).collect()
}

/// What was deleted.
pub fn pruned(pruned: &Pruned) -> String {
    format!(
        "deleted {} and {}; {} before, {} now",
        counted(pruned.answers, "answer"),
        counted(pruned.failures, "failure"),
        bytes(pruned.bytes_before),
        bytes(pruned.bytes_after)
    )
}
