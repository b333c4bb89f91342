//! `evalmark view`: local pages over the runs of a folder.
//!
//! **What it does.** [`Viewer::bind`] opens a port of this machine, [`Viewer::serve`] answers until it
//! is told to stop. [`MetricsServer`] shows figures of a process to Prometheus. The pages show all runs of a folder, the history of a suite, any two runs
//! compared, a run that is under way, and the samples of a run, page by page.
//!
//! **Where to begin reading.** `pages/mod.rs` lists the addresses, one file of `pages` each. Every
//! request passes `guard.rs` first, which lets in only whoever has the token, and asks this machine
//! under its own name. `folder.rs` finds runs and keeps to the folder, `background.rs` lets nobody wait for
//! what takes long, `own_files.rs` tells files that are another run's, `render.rs` makes HTML of a
//! template and data.
//!
//! **What it deliberately does not do.** It changes nothing: every request is a GET. It runs, scores and
//! decides nothing: histories and comparisons come from the [`Analysis`] that it is handed. It
//! fetches nothing from anywhere, and its pages work without their script.
//!
//! **What it owns.** The only listening socket of the workspace, and the token in its address.

mod analysis;
mod background;
mod folder;
mod guard;
mod history_picture;
mod metrics_server;
mod own_files;
mod pages;
mod render;
mod sample_choice;
mod server;
mod token;

pub use self::{
    analysis::Analysis,
    metrics_server::{MetricSource, MetricsServer},
    server::{ViewError, ViewOptions, Viewer, interrupted},
};
