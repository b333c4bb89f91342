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
pub mod affected;
pub mod audit;
pub mod baselines;
pub mod bisect;
pub mod cache;
pub mod calibration;
mod changed_items;
pub mod datasets;
pub mod diff;
pub mod drift;
pub mod failures;
pub mod feedback;
pub mod first_suite;
mod grid;
pub mod imported;
pub mod imported_suite;
pub mod judge_agreement;
pub mod judge_check;
pub mod leaderboard;
pub mod log_cases;
pub mod monitor;
pub mod outbox;
pub mod power_plan;
pub mod prices;
pub mod probe;
pub mod progress;
pub mod prompt_history;
pub mod prompt_registry;
pub mod prompts;
pub mod providers;
pub mod releases;
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
