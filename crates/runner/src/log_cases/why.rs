//! Why a record of production is worth an item: it failed a metric, users do not agree with the metrics, its metric
//! drifts, or it was drawn at random.

use std::{fmt, str::FromStr};

use evalmark_core::{feedback::FeedbackValue, metric::Direction, number_format::exact};
use evalmark_report::records::RecordRow;
use evalmark_scoring::Metric;

use crate::{
    feedback::{JoinedFeedback, score},
    monitor::{MonitorStatus, day_of},
};

/// A kind of records that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PickedKind {
    /// A metric scored the answer in the worse half of its range.
    Failing,
    /// Users say one thing of the answer, and the metrics, or other users, another.
    Disputed,
    /// Answered since a metric that drifts began to, and worse than the released run on average.
    Drifting,
    /// Drawn from all records, each of production with the same chance.
    Random,
}

impl PickedKind {
    /// Every kind; a record that is of several counts as the first of them.
    pub const ALL: [Self; 4] = [Self::Failing, Self::Disputed, Self::Drifting, Self::Random];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Disputed => "disputed",
            Self::Drifting => "drifting",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for PickedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many records of a kind are taken at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The kind.
    pub kind: PickedKind,
    /// How many.
    pub most: usize,
}

impl Quota {
    /// The most that can be asked for: a person has to look at each.
    const MOST: usize = 100_000;
}

impl FromStr for Quota {
    type Err = String;

    /// `failing` or `failing=50`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, most) = text.split_once('=').map_or((text, None), |(name, n)| (name, Some(n)));
        let kind = PickedKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
        let kind = kind.ok_or_else(|| "write failing, disputed, drifting or random".to_owned())?;
        let most = match most {
            None => 50,
            Some(most) => most
                .trim()
                .parse()
                .ok()
                .filter(|n| (1..=Self::MOST).contains(n))
                .ok_or_else(|| format!("`{most}` must be a number from 1 to {}", Self::MOST))?,
        };
        Ok(Self { kind, most })
    }
}

/// A metric that drifts, since when, and what its released run had on average.
struct Drifting {
    metric: usize,
    began: i64,
    released: f64,
}

/// Decides for each record why it is worth an item.
pub(super) struct Judge<'a> {
    metrics: &'a [Metric],
    drifting: Vec<Drifting>,
    feedback: JoinedFeedback,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        metrics: &'a [Metric],
        status: Option<&MonitorStatus>,
        feedback: JoinedFeedback,
    ) -> Self {
        let mut drifting = Vec::new();
        if let Some(report) = status.and_then(|status| status.drift.report.as_ref()) {
            for stream in report.alarmed() {
                let metric = metrics.iter().position(|metric| metric.name() == stream.name);
                if let (Some(metric), Some(alarm)) = (metric, &stream.alarm) {
                    let released = stream.released.mean;
                    drifting.push(Drifting { metric, began: alarm.began, released });
                }
            }
        }
        Self { metrics, drifting, feedback }
    }

    /// The kinds that the record at a place among all is of, and the reasons in words.
    pub(super) fn reasons(&self, row: &RecordRow<'_>, place: u64) -> Vec<(PickedKind, String)> {
        let mut reasons = Vec::new();
        let failed: Vec<_> = self.graded(row).filter(|(_, good, _)| *good < 0.5).collect();
        for (metric, _, score) in &failed {
            reasons.push((PickedKind::Failing, format!("{} {}", metric.name(), exact(*score))));
        }
        if let Some(says) = self.dispute(row, place, !failed.is_empty()) {
            reasons.push((PickedKind::Disputed, says.to_owned()));
        }
        let day = row.at.map(day_of);
        for one in &self.drifting {
            let metric = &self.metrics[one.metric];
            let score = row.scores.get(one.metric).copied().flatten();
            let (Some(day), Some(score)) = (day, score) else { continue };
            let is_worse = match metric.direction() {
                Direction::Higher => score < one.released,
                Direction::Lower => score > one.released,
            };
            if day >= one.began && is_worse {
                reasons.push((PickedKind::Drifting, format!("{} drifts", metric.name())));
            }
        }
        reasons
    }

    /// Who disagrees about a record: users among each other, or with the metrics.
    fn dispute(&self, row: &RecordRow<'_>, place: u64, has_failed: bool) -> Option<&'static str> {
        let output = row.texts.and_then(|texts| texts.output);
        let said = self.feedback.of(place);
        let said = said.filter(|event| event.value != FeedbackValue::Happened);
        let scores: Vec<f64> = said.map(|event| score(event, output)).collect();
        let (is_bad, is_good) =
            (scores.iter().any(|score| *score < 0.5), scores.iter().any(|score| *score > 0.5));
        match (is_bad, is_good) {
            (true, true) => Some("users disagree with each other"),
            (true, false) if !has_failed => Some("users say that it is bad"),
            (false, true) if has_failed => Some("users say that it is good"),
            _ => None,
        }
    }

    /// The answer that users corrected it to, the last of them.
    pub(super) fn corrected(&self, place: u64) -> Option<&str> {
        let edits = self.feedback.of(place).filter_map(|event| match &event.value {
            FeedbackValue::Edit(text) => Some((event.at, text.as_str())),
            _ => None,
        });
        edits.max_by_key(|(at, _)| *at).map(|(_, text)| text)
    }

    /// The metrics whose range has two ends, with how good the record is there from 0 to 1, and its score.
    fn graded(&self, row: &RecordRow<'_>) -> impl Iterator<Item = (&Metric, f64, f64)> {
        self.metrics.iter().zip(row.scores).filter_map(|(metric, score)| {
            let (range, score) = (metric.range(), (*score)?);
            let share = (score - range.min()) / (range.max()? - range.min());
            let good = if metric.direction() == Direction::Lower { 1.0 - share } else { share };
            Some((metric, good, score))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read() {
        let read = |text: &str| text.parse::<Quota>().map(|quota| (quota.kind, quota.most));
        assert_eq!(read("failing"), Ok((PickedKind::Failing, 50)));
        assert_eq!(read("random = 7"), Ok((PickedKind::Random, 7)));
        for wrong in ["", "bad", "failing=", "failing=0", "failing=-1", "random=1000000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
