//! From opinions to one score: a judge's own grade over its repeats, and a panel's over its judges.

use super::{
    grade::bounded,
    panel::{Aggregate, Opinion},
};
use crate::kind::Measurement;

/// One judge's say.
#[derive(Debug)]
pub(crate) struct Vote<'a> {
    judge: &'a str,
    /// The mean over the repeats that can be read, or why none can.
    pub(crate) grade: Result<f64, String>,
    /// Of the first opinion that can be read.
    reason: Option<String>,
    /// The repeats that can be read, of how many.
    values: Vec<f64>,
    asked: usize,
}

impl<'a> Vote<'a> {
    pub(crate) fn of(judge: &'a str, opinions: &[Result<Opinion, String>]) -> Self {
        let read: Vec<&Opinion> = opinions.iter().filter_map(|said| said.as_ref().ok()).collect();
        let values: Vec<f64> = read.iter().map(|opinion| opinion.value).collect();
        let why = || {
            let why = opinions.iter().find_map(|said| said.as_ref().err().cloned());
            why.unwrap_or_else(|| "the judge was not called".to_owned())
        };
        let grade = if values.is_empty() { Err(why()) } else { Ok(mean(&values)) };
        let reason = read.first().and_then(|opinion| opinion.reason.clone());
        Self { judge, grade, reason, values, asked: opinions.len() }
    }

    /// The variance between repeats, pooled over the judges that were asked again.
    pub(crate) fn variance(votes: &[Self]) -> Option<f64> {
        let (mut squares, mut freedom) = (0.0, 0_usize);
        for vote in votes.iter().filter(|vote| vote.values.len() > 1) {
            let mean = mean(&vote.values);
            squares += vote.values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            freedom += vote.values.len() - 1;
        }
        (freedom > 0).then(|| squares / freedom as f64)
    }

    /// What the judge said, in a few words.
    fn says(&self) -> String {
        let spread = if self.asked < 2 {
            String::new()
        } else {
            let each: Vec<_> = self.values.iter().map(|value| rounded(*value)).collect();
            format!(" ({} of {} times: {})", each.len(), self.asked, each.join(", "))
        };
        match &self.grade {
            Ok(grade) => format!("{} {}{spread}", self.judge, rounded(*grade)),
            Err(why) => format!("{}: {why}", self.judge),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // A sum of shares may round beyond what any of them was.
    mean.clamp(0.0, 1.0)
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The panel's score; a grade from `threshold` on is a yes.
pub(crate) fn one_of(votes: &[Vote<'_>], aggregate: Aggregate, threshold: f64) -> Measurement {
    if let [Vote { grade, reason, asked: 1, .. }] = votes {
        let is_mean = aggregate == Aggregate::Mean;
        return match grade {
            Ok(grade) if is_mean => Measurement::Value(*grade, reason.clone()),
            Ok(grade) => Measurement::Value(f64::from(*grade >= threshold), reason.clone()),
            Err(why) => Measurement::Missing(why.clone()),
        };
    }
    let said: Vec<_> = votes.iter().map(Vote::says).collect();
    let said = bounded(&said.join("; "));
    match combined(votes, aggregate, threshold) {
        Some(value) => Measurement::Value(value, Some(said)),
        None => Measurement::Missing(said),
    }
}

/// `None` where it takes a grade that is missing.
fn combined(votes: &[Vote<'_>], aggregate: Aggregate, threshold: f64) -> Option<f64> {
    let grades: Vec<f64> =
        votes.iter().filter_map(|vote| vote.grade.as_ref().ok().copied()).collect();
    let is_whole = grades.len() == votes.len();
    let yes = grades.iter().filter(|grade| **grade >= threshold).count();
    let no = grades.len() - yes;
    match aggregate {
        Aggregate::Mean => is_whole.then(|| mean(&grades)),
        Aggregate::Majority if 2 * yes > votes.len() => Some(1.0),
        Aggregate::Majority if 2 * no > votes.len() => Some(0.0),
        Aggregate::Majority => is_whole.then_some(0.5),
        Aggregate::Unanimity if no > 0 => Some(0.0),
        Aggregate::Unanimity => is_whole.then_some(1.0),
    }
}
