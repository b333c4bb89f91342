//! How drift is called: settings of all streams, and of one.

use evalmark_core::drift::Movement;
use evalmark_core::metric::Direction;
use serde::{Deserialize, Serialize};

use super::error::DriftError;

/// How all streams are watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftRule {
    /// The chance of any false alarm in a year, over all streams; within (0, 0.5).
    pub alpha: f64,
    /// How many looks a year has. After so many the tests begin anew, with the same alpha.
    pub looks_per_year: u32,
    /// How many looks belong together: 1, or 7 where looks are days and a weekend differs from a
    /// week's other days. Alarms come at the end of a cycle only.
    pub cycle: u32,
    /// For how many cycles a look waits for strata that production lacks. Then they count at their
    /// best.
    pub patience: u32,
}

impl Default for DriftRule {
    /// 5 % a year, daily looks that each stand for themselves.
    fn default() -> Self {
        Self { alpha: 0.05, looks_per_year: 365, cycle: 1, patience: 7 }
    }
}

impl DriftRule {
    /// Whether every setting makes sense.
    pub fn check(&self) -> Result<(), DriftError> {
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Err(DriftError::Alpha(self.alpha));
        }
        if self.cycle == 0 || self.looks_per_year < self.cycle {
            return Err(DriftError::Looks);
        }
        Ok(())
    }

    /// How often a year is tested, in cycles of so many looks.
    pub(super) fn tests_per_year(&self, cycle: u32) -> u32 {
        (self.looks_per_year / cycle).max(1)
    }
}

/// How one stream is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRule {
    /// What it is called.
    pub name: String,
    /// Which movement raises an alarm. Categories always may move either way.
    pub watched: Movement,
    /// Its share of alpha, in relation to those of the other streams. One of 0 never raises an alarm, and is
    /// there to say what changed with the others.
    pub weight: f64,
    /// The largest movement that does not count as drift: in units of a score's range, of a share, or of the
    /// chance that an amount lies above the released run's.
    pub tolerance: f64,
    /// How many looks belong together in it, where that is not what [`DriftRule::cycle`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<u32>,
}

impl StreamRule {
    /// Either movement, however small, with the weight 1.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, watched: Movement::Either, weight: 1.0, tolerance: 0.0, cycle: None }
    }

    /// Only what is worse raises an alarm.
    #[must_use]
    pub fn worse(self, better: Direction) -> Self {
        let watched = match better {
            Direction::Higher => Movement::Down,
            Direction::Lower => Movement::Up,
        };
        Self { watched, ..self }
    }

    /// Never raises an alarm.
    #[must_use]
    pub fn context(self) -> Self {
        Self { weight: 0.0, ..self }
    }

    /// Tests it in cycles of so many looks.
    #[must_use]
    pub fn in_cycles_of(self, looks: u32) -> Self {
        Self { cycle: Some(looks), ..self }
    }

    /// How many looks belong together.
    pub(super) fn cycle(&self, drift: &DriftRule) -> u32 {
        self.cycle.unwrap_or(drift.cycle)
    }

    pub(super) fn check(&self, drift: &DriftRule) -> Result<(), DriftError> {
        if !(1..=drift.looks_per_year).contains(&self.cycle(drift)) {
            return Err(DriftError::Looks);
        }
        let weighs = self.weight >= 0.0 && self.weight.is_finite();
        if weighs && (0.0..=1.0).contains(&self.tolerance) {
            Ok(())
        } else {
            Err(DriftError::Stream(self.name.clone()))
        }
    }
}
