//! What `run.json` keeps of early stopping.

use evalmark_core::number_format::count;
use serde::{Deserialize, Serialize};

/// What a run that may stop early needs to ask and to look in the same order again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopEarly {
    /// Seed of the order; below 2^53, so that every reader of JSON reads the same.
    pub seed: u64,
    /// What it is compared with, as it was named.
    pub baseline: String,
    /// All items of the plan.
    pub planned_items: u64,
    /// Items of the largest cluster; 1 where there are none.
    pub largest_cluster: u64,
    /// Nothing is watched any more: the run stopped, or all its items have been asked.
    pub ended: bool,
}

/// What a run that stopped early did without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedEarly {
    /// Items that were asked.
    pub asked_items: u64,
    /// All items of the plan.
    pub planned_items: u64,
    /// Samples that were asked.
    pub asked_samples: u64,
    /// All samples of the plan.
    pub planned_samples: u64,
    /// Samples that were not requested.
    pub saved_samples: u64,
    /// Seed of the order.
    pub seed: u64,
}

impl StoppedEarly {
    /// In a sentence, without its subject.
    pub fn summary(&self) -> String {
        format!(
            "stopped early after {} of {} items; {} of {} samples were not requested",
            count(self.asked_items),
            count(self.planned_items),
            count(self.saved_samples),
            count(self.planned_samples),
        )
    }
}
