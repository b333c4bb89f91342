//! Metrics from the outside: what suites write and what scores they get.

mod batch;
mod catalog;
mod choice;
mod extract;
mod fuzzy;
mod judge;
mod laws;
mod matching;
mod number;
mod presets;
mod reference;
mod support;
