//! How far judges agree, over a run: the judges of a panel with each other, a judge with itself when
//! it is asked again, and with itself when two answers change places.

use std::collections::BTreeMap;

use evalmark_core::score::Score;
use evalmark_store::run_record::JudgeAgreement;
use evalmark_verdict::AlphaSums;

/// Sums over the answers so far, by metric.
#[derive(Debug, Default)]
pub(crate) struct Judging(BTreeMap<String, Sums>);

#[derive(Debug, Default)]
struct Sums {
    judges: usize,
    graded: u64,
    panel: AlphaSums,
    pairs: u64,
    flipped: u64,
    variance: f64,
    repeated: u64,
}

impl Judging {
    /// Takes in the scores of one answer, parallel to the metrics.
    pub(crate) fn see(&mut self, metrics: &[String], scores: &[Score]) {
        for (metric, score) in metrics.iter().zip(scores) {
            let Some(trace) = &score.judge else { continue };
            let says_more =
                trace.grades.len() > 1 || trace.flips.is_some() || trace.variance.is_some();
            if !says_more {
                continue;
            }
            let sums = self.0.entry(metric.clone()).or_default();
            sums.judges = trace.grades.len();
            sums.graded += u64::from(trace.grades.iter().flatten().count() > 1);
            sums.panel.add(trace.grades.iter().flatten().copied());
            let flips = trace.flips.unwrap_or_default();
            sums.pairs += u64::from(flips.pairs);
            sums.flipped += u64::from(flips.flipped);
            if let Some(variance) = trace.variance {
                sums.variance += variance;
                sums.repeated += 1;
            }
        }
    }

    /// What the sums say.
    pub(crate) fn finish(&self) -> BTreeMap<String, JudgeAgreement> {
        self.0.iter().map(|(metric, sums)| (metric.clone(), sums.agreement())).collect()
    }
}

impl Sums {
    fn agreement(&self) -> JudgeAgreement {
        let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
        JudgeAgreement {
            judges: self.judges,
            graded: self.graded,
            alpha: self.panel.alpha(),
            pairs: self.pairs,
            flip_rate: share(self.flipped as f64, self.pairs),
            repeat_sd: share(self.variance, self.repeated).map(f64::sqrt),
        }
    }
}
