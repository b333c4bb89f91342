//! Whatever speaks another product's language: the sources of datasets, and the importers of results.
//!
//! Begin with [`sources::catalog`], the table of what `dataset.source` may name: one file and one
//! line a source. A source brings its data to a file of this machine, a snapshot in the user's cache
//! folder; whoever reads suites reads that file as it reads any other.
//!
//! [`results::importers`] is the table of tools whose results can be read: one file and one line a tool, too. Each makes
//! [`evalmark_core::tool_results::ToolResults`] of the tool's files; whoever writes run folders takes it from there.
//!
//! [`logs`] reads production logs: files that grow and are rotated, and streams.
//!
//! [`feedback`] reads what users said of answers, as products export it.
//!
//! [`registries`] pushes prompts of the library to other products' registries, pulls them from there, and tells where both
//! differ.
//!
//! [`receivers::catalog`] is the table of those who are told what became of a run, and [`receivers::send_all`] delivers what waits
//! in an outbox.
//!
//! [`dashboards`] makes dashboards and alerting rules over the metrics that evalmark exposes.
//!
//! What is deliberately absent: asking models, scores, verdicts and runs, which this crate does not
//! see; formats of datasets, which `core` and `report` read; environment variables and arguments,
//! which are the program's. A source sends no key.
//!
//! It owns the folder `datasets` in the cache folder: `content/` holds snapshots under the BLAKE3 of
//! their bytes, and `index/` says which snapshot a file with a given checksum becomes.

pub mod dashboards;
pub mod feedback;
pub mod logs;
pub mod receivers;
pub mod registries;
pub mod results;
mod services;
pub mod sources;
pub mod suites;
