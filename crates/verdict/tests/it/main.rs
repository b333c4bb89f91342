//! The crate from outside: golden values, decisions by example, laws, simulated error rates.

mod clusters;
mod common;
mod decisions;
mod direction;
mod estimates;
mod families;
mod gated_runs;
mod golden;
mod labels;
mod laws;
mod leaderboard;
mod minimum;
mod pooled;
mod raters;
mod rates;
mod ratios;
mod stopping;
mod trends;
