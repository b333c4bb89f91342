//! The vocabulary of evalmark: what a suite says, what a run plans, what an answer and a score are.
//!
//! Begin with [`suite::Suite`], the checked form of a suite file, and [`plan::Plan`], which expands
//! it lazily into [`plan::Sample`]s. Everything else is a word that the other crates share.
//!
//! What is deliberately absent: network, clocks, threads, randomness, and any metric or model by
//! name. Reading files is here (suites, prompts, datasets); writing files is not.

pub mod changes;
pub mod dataset;
pub mod details;
pub mod embedding;
pub mod estimate;
pub mod expression;
pub mod fields;
pub mod figures;
pub mod files;
pub mod finish_reason;
pub mod item;
pub mod key_hosts;
pub mod label;
pub mod message;
pub mod metric;
pub mod model;
pub mod plan;
pub mod prices;
pub mod prompt;
pub mod provider;
pub mod record;
pub mod request;
pub mod score;
pub mod suite;
pub mod template;
pub mod verdict;
