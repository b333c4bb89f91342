//! Simulations that show the error rates of a verdict, and programs that measure.
//!
//! **What it does.** [`simulate`] draws evaluations whose true difference is known, hands them to
//! `evalmark-verdict` as a run would, and counts how often the answer is wrong: the binary
//! `error-rates` prints that as a table. [`end_to_end`] does it once more through the whole
//! program and a local server: the binary `end-to-end`.
//!
//! **Where to begin reading.** `grid.rs` lists every experiment. An experiment is a `cell` (one
//! comparison), a `family` (twenty), `sliced`, stopped `early`, a `history` of many runs, or a year of `drift`, whose `drift_delay` is a table of its own (`monitored` is that year with the settings of `evalmark monitor`); what it draws is in `shapes.rs`
//! and the designs: `items.rs`, `epochs.rs`, `clusters.rs`, `whole.rs`, `judged.rs`, `level.rs`, `ratio.rs`. `runner.rs` repeats it, each repeat with its own seed,
//! so that the result depends on neither the threads nor the rest of the grid.
//!
//! Beside them [`harness`] measures the whole program beside a bare loop of requests, and
//! [`likeness`] the fuzzy metrics beside Python's rapidfuzz, and [`view`] the viewer's pages over a million samples.
//!
//! **What it deliberately does not do.** It knows no formula of the verdicts but the closed forms
//! that power is held against, and has no access to anything that users have not.
//!
//! **What it owns.** The grid, and the tolerances a rate is held to. The timings beside it
//! (`*.rs` in this package's folder) are criterion's and use none of this.

mod cell;
mod clusters;
mod drift;
mod drift_delay;
mod early;
mod epochs;
mod family;
mod grid;
mod history;
mod items;
mod judged;
mod level;
mod metric;
mod monitored;
mod ratio;
mod runner;
mod shapes;
mod sliced;
mod table;
mod variants;
mod whole;

pub mod end_to_end;
#[cfg(unix)]
pub mod harness;
pub mod likeness;
pub mod view;

pub use drift_delay::{DELAY_HEAD, Delay};
pub use grid::{Settings, simulate, simulate_delays};
pub use metric::metric;
pub use runner::Effort;
pub use table::{HEAD, Row, Tolerance};
