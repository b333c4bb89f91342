//! The crate from outside: golden values, decisions by example, laws, simulated error rates.

mod clusters;
mod columns;
mod common;
mod corpus_metric;
mod decisions;
mod direction;
mod drift;
mod drift_laws;
mod estimates;
mod families;
mod gated_runs;
mod golden;
mod labels;
mod laws;
mod leaderboard;
mod minimum;
mod quantile_intervals;
mod raters;
mod rates;
mod ratios;
mod stopping;
mod trends;
