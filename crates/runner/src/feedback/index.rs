//! The feedback of a suite by the record that it is of.

use std::{collections::HashMap, path::Path};

use evalmark_core::feedback::FeedbackValue;
use evalmark_store::feedback::{FeedbackFile, KeptFeedback};

use crate::error::Result;

/// The feedback of a suite by the record that it is of.
#[derive(Default)]
pub(crate) struct FeedbackIndex(HashMap<String, Vec<KeptFeedback>>);

impl FeedbackIndex {
    /// That of a suite; empty where there is none.
    pub(crate) fn of_suite(out: &Path, suite: &str) -> Result<Self> {
        Ok(Self::new(FeedbackFile::of_suite(out, suite).read()?))
    }

    pub(crate) fn new(events: Vec<KeptFeedback>) -> Self {
        let mut by_record: HashMap<String, Vec<KeptFeedback>> = HashMap::new();
        for event in events {
            by_record.entry(event.record_id.clone()).or_default().push(event);
        }
        Self(by_record)
    }

    /// What was said of a record: under its id, or, of a span, under its trace's.
    pub(crate) fn of<'a>(
        &'a self,
        record_id: &str,
    ) -> impl Iterator<Item = &'a KeptFeedback> + use<'a> {
        let trace = record_id.split_once(':').map(|(trace, _)| trace);
        let of_id = self.0.get(record_id).into_iter();
        of_id.chain(trace.and_then(|trace| self.0.get(trace))).flatten()
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &KeptFeedback> {
        self.0.values().flatten()
    }
}

/// What an event says of an answer, from 0 to 1: one that was edited was right only if nothing was changed.
pub(crate) fn score(event: &KeptFeedback, output: Option<&str>) -> f64 {
    match &event.value {
        FeedbackValue::Score(score) => *score,
        FeedbackValue::Happened => 1.0,
        FeedbackValue::Edit(text) => {
            f64::from(u8::from(output.is_some_and(|output| output.trim() == text.trim())))
        }
    }
}
