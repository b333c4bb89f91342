//! The engine's results as text for a terminal: tables, verdicts, what failed.
//!
//! Begin with [`Screen`], which says what there is to write on, then [`summary`] and [`verdict`].
//! `grid.rs` lays out every table, so that none wraps.
//!
//! What it deliberately does not do: it prints nothing, reads neither the environment nor a clock, and
//! computes no figure. Names and texts of datasets and models are untrusted; they become harmless here.
//!
//! It owns no file.

pub mod across_suites;
pub mod baselines;
pub mod cache;
pub mod calibration;
mod changed_items;
pub mod datasets;
pub mod diff;
pub mod failures;
pub mod first_suite;
mod grid;
pub mod imported;
pub mod imported_suite;
pub mod judge_agreement;
pub mod judge_check;
pub mod leaderboard;
pub mod power_plan;
pub mod prices;
pub mod probe;
pub mod progress;
pub mod prompts;
pub mod providers;
pub mod runs;
mod screen;
pub mod summary;
pub mod trend;
mod variant_tables;
pub mod verdict;

pub use self::{
    changed_items::changed_items,
    screen::{Screen, Tone},
};
