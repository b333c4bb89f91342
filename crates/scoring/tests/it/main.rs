//! Metrics from the outside: what suites write and what scores they get.

mod batch;
mod catalog;
mod choice;
mod classification;
mod combining;
mod custom;
mod extract;
mod extremes;
mod facts;
mod finish;
mod fuzzy;
mod judge;
mod judge_kinds;
mod laws;
mod matching;
mod number;
mod overlap;
mod panel;
mod presets;
mod reasoning;
mod reference;
mod semantic;
mod support;

mod behaviour;
mod structure;
