//! The runs before, as a property of a page keeps them, and as a picture.

use evalmark_report::run_message::{MessageScore, RunMessage};
use serde::{Deserialize, Serialize};

use crate::receivers::{
    history_picture::{MOST_LINES, ScoreLine, ScorePoint, history_picture},
    samples::stable_id,
};

/// Runs that a page's history has: a property takes 32 KB.
const MOST_RUNS: usize = 50;

/// The history as a page keeps it.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct History {
    #[serde(default)]
    pub(super) runs: Vec<PastRun>,
}

/// A score in few bytes.
type ShortScore = (String, f64, Option<(f64, f64)>);

/// A run in the history.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct PastRun {
    pub(super) run_id: String,
    pub(super) started_at: String,
    pub(super) answer: String,
    /// The first scores of the run, as people read them.
    pub(super) scores: String,
    /// The same as numbers: the key of a score, its value, and the ends of its interval where it has one.
    #[serde(default)]
    values: Vec<ShortScore>,
}

/// The history with a run, the newest first; a run that is there is there once.
pub(super) fn with_run(mut runs: Vec<PastRun>, message: &RunMessage) -> Vec<PastRun> {
    let run_id: String = message.run_id.chars().take(100).collect();
    runs.retain(|run| run.run_id != run_id);
    let scores: Vec<_> = message.scores.iter().take(3).map(MessageScore::line).collect();
    let run = PastRun {
        run_id,
        started_at: message.started_at.clone(),
        answer: message.answer.clone(),
        scores: scores.join("; ").chars().take(300).collect(),
        values: message.scores.iter().take(MOST_LINES).map(value).collect(),
    };
    runs.push(run);
    runs.sort_by(|a, b| b.started_at.cmp(&a.started_at));
    runs.truncate(MOST_RUNS);
    runs
}

/// A score as the history keeps it, in few bytes.
fn value(score: &MessageScore) -> ShortScore {
    let short = |value: f64| (value * 1e4).round() / 1e4;
    let interval = score.lower.zip(score.upper);
    (key(score), short(score.value), interval.map(|(low, high)| (short(low), short(high))))
}

/// What a score is called where names would be too long.
fn key(score: &MessageScore) -> String {
    stable_id(&[&score.metric, &score.prompt, &score.model])[..8].to_owned()
}

/// The first scores of a run, and what they were in the runs before.
pub(super) fn picture(runs: &[PastRun], message: &RunMessage) -> Option<Vec<u8>> {
    let oldest_first = || runs.iter().rev();
    let point = |run: &PastRun, key: &str| {
        let (_, value, interval) = run.values.iter().find(|(of, ..)| of == key)?;
        Some(ScorePoint { value: *value, interval: *interval })
    };
    let lines = message.scores.iter().take(MOST_LINES).map(|score| {
        let key = key(score);
        let points = oldest_first().map(|run| point(run, &key)).collect();
        ScoreLine { name: score.name(), points }
    });
    let day = |run: Option<&PastRun>| {
        run.map(|run| run.started_at.chars().take(10).collect::<String>()).unwrap_or_default()
    };
    history_picture(&lines.collect::<Vec<_>>(), &day(runs.last()), &day(runs.first()))
}
