//! `report.html`: one page for people, that works without a network.
//!
//! [`PageFiles::collect`] reads a run's files, [`PageData`] is what the page shows, and [`html`] renders
//! it: each section of the page is a file of `sections`, each picture one of `pictures`. The script
//! in `script` shows the samples; it computes no figure, and writes texts as texts.

mod collect;
mod data;
mod embed;
mod pictures;
mod render;
mod sections;

pub use collect::{BaselineFiles, PageFiles};
pub use data::{
    AnswerCost, BaselineScore, FailureGroup, JudgeWords, MedianLatency, OutcomeCount, PageBaseline,
    PageData, PageFact, PageMetric, PageRun, PageSample, PageSamples, PageScore, PromptFrame,
    SampleChange, ScoreDistribution,
};
pub use render::{RenderError, html};
