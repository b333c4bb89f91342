//! The shape of a suite's history: a score's values over its runs, and what can be said of their
//! course. Deciding that is the verdict crate's work.

use serde::{Deserialize, Serialize};

use crate::{
    estimate::Estimate,
    metric::{Direction, Range},
    number_format::{change as written_change, counted, declared_percent, difference, values},
};

/// The history of a suite: its runs, the oldest first, and every score's course over them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The suite's name.
    pub suite: String,
    /// The chance that a test calls a change, at any of the looks after each run and in any of the
    /// series, where there is none.
    pub alpha: f64,
    /// The runs, the oldest first.
    pub runs: Vec<HistoryRun>,
    /// Runs that are not part of it, and why.
    pub left_out: Vec<LeftOut>,
    /// One per prompt, model and metric of the latest run.
    pub series: Vec<Series>,
}

/// A run in a history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRun {
    /// The run's name within its suite.
    pub run_id: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// Its commit, where it has one.
    pub revision: Option<String>,
    /// What differs from the run before it, in words: `dataset`, `prompt few-shot`, `metric exact`.
    pub changed: Vec<String>,
}

/// A run that is not part of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The name of its folder.
    pub run_id: String,
    /// Why.
    pub why: String,
}

/// One score over the runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// Where the values lie.
    pub range: Range,
    /// Which values are better.
    pub direction: Direction,
    /// Its values, the oldest first.
    pub points: Vec<SeriesPoint>,
    /// What can be said of its course.
    pub trend: Trend,
}

/// A score's value in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// The run's place in [`History::runs`].
    pub run: usize,
    /// The value with its interval.
    pub estimate: Estimate,
    /// Why it is not compared with the latest run's value; `None` where it is.
    pub apart: Option<String>,
}

/// In which sense a score has changed over its runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It gets worse from run to run, or has got worse at one.
    Worse,
    /// It gets better from run to run, or has got better at one.
    Better,
    /// No change is found: that is not to say that there is none.
    NoneFound,
    /// There are too few runs, or too few items that all of them scored.
    #[default]
    CannotTell,
}

impl Course {
    /// The words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::NoneFound => "no change found",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// What the runs that can be compared say of a score's course. Runs are counted by their place in
/// [`Series::points`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// The answer.
    pub course: Course,
    /// The answer in a sentence.
    pub says: String,
    /// Points that were compared, the oldest first.
    pub points: Vec<usize>,
    /// Items that all of them scored.
    pub n_items: u64,
    /// The straight line through them; `None` where nothing can be told.
    pub slope: Option<Slope>,
    /// Where the score changed for good, the oldest first.
    pub change_points: Vec<ChangePoint>,
}

/// A straight line through a score's values, by least squares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// Change from one run to the next, in units of the score.
    pub per_run: f64,
    /// Lower end of an interval that holds the true one at every look with a chance of 1 - alpha;
    /// `None` where no answer ever changed.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// P-value against "no change", adjusted for the number of series and valid however often one
    /// looks.
    pub p: f64,
    /// The point after which it was first called; `None` where it never was.
    pub first_called: Option<usize>,
}

/// A change from one run to the next that stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The first point after the change.
    pub point: usize,
    /// The mean of the runs since the change before it.
    pub before: f64,
    /// The mean of the runs until the change after it.
    pub after: f64,
    /// P-value against "no change", adjusted and valid as that of the slope.
    pub p: f64,
}

impl Trend {
    /// Whether the slope is told from zero.
    pub fn slope_is_called(&self, alpha: f64) -> bool {
        self.slope.as_ref().is_some_and(|slope| slope.p <= alpha)
    }
}

impl History {
    /// Says of every series in a sentence what its course is.
    pub fn tell(&mut self) {
        for at in 0..self.series.len() {
            let says = self.sentence(&self.series[at]);
            self.series[at].trend.says = says;
        }
    }

    fn sentence(&self, series: &Series) -> String {
        let trend = &series.trend;
        let runs = counted(trend.points.len() as u64, "comparable run");
        let Some(slope) = &trend.slope else {
            return format!(
                "cannot tell from {runs} and {}: it takes three runs and five items, or clusters of \
                 items, that all of them scored",
                counted(trend.n_items, "item")
            );
        };
        let line = slope.sentence(series.range);
        let change = trend.change_points.last();
        match trend.course {
            Course::Worse | Course::Better if trend.slope_is_called(self.alpha) => {
                let first = slope.first_called.and_then(|point| self.run_of(series, point));
                let first = first.map_or_else(String::new, |run| format!(", told since {run}"));
                format!("gets {} from run to run: {line} over {runs}{first}", trend.course.as_str())
            }
            Course::Worse | Course::Better => {
                let change =
                    change.map_or_else(String::new, |change| self.change_sentence(series, change));
                format!("got {} {change}; {line} over {runs}", trend.course.as_str())
            }
            _ => format!("no change found: {line} over {runs}"),
        }
    }

    fn change_sentence(&self, series: &Series, change: &ChangePoint) -> String {
        let run = self.run_of(series, change.point).unwrap_or("a run");
        let [before, after] = values([change.before, change.after], series.range);
        format!("at {run}: {before} before, {after} since")
    }

    /// How far the answers can be trusted, in a sentence.
    pub fn rate(&self) -> String {
        let together = match self.series.len() {
            1 => "One score is".to_owned(),
            n => format!("{n} scores are"),
        };
        format!(
            "Where nothing changes, the slope of some score is called at some look in at most {} of \
             histories, however often one looks; a lasting change in at most as many. {together} \
             looked at together.",
            declared_percent(self.alpha)
        )
    }

    /// The id of the run of a point.
    pub fn run_of(&self, series: &Series, point: usize) -> Option<&str> {
        let run = series.points.get(point)?.run;
        self.runs.get(run).map(|run| run.run_id.as_str())
    }
}

impl Slope {
    /// `-0.4 points a run [-0.6, -0.2]`.
    pub fn sentence(&self, range: Range) -> String {
        let per_run = format!("{} a run", written_change(self.per_run, range));
        match self.lower.zip(self.upper) {
            Some((lower, upper)) => {
                format!("{per_run} [{}, {}]", difference(lower, range), difference(upper, range))
            }
            None => format!("{per_run} (no item's score ever changed)"),
        }
    }
}
