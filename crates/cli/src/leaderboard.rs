//! Which prompts and models of a run can be told apart, metric by metric: groups, not a ranking.

use std::collections::BTreeMap;

use anyhow::Result;
use evalmark_core::{estimate::Estimate, metric::Range};
use evalmark_report::text::printable;
use evalmark_verdict::{Rule, leaderboard};
use serde::Serialize;

use crate::{
    arms::{Arm, read_arms},
    measured::Scale,
    run_folder::{RunFolder, RunRecord},
    table::{bare, value, wrapped},
};

/// Arms that are compared with each other at most: every pair is.
const MOST_ARMS: usize = 32;

/// Chance of any false difference on a board.
const ALPHA: f64 = 0.05;

/// The margin plays no part in telling arms apart.
const MARGIN: f64 = 0.03;

/// The arms of one metric, best first.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Board {
    pub(crate) metric: String,
    range: Range,
    pub(crate) places: Vec<Place>,
    pairs: Vec<Pairing>,
    correction: String,
}

/// One arm on a board.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) prompt: String,
    pub(crate) model: String,
    /// Arms that share a letter cannot be told apart.
    pub(crate) group: String,
    estimate: Option<Estimate>,
}

/// Two arms, held against each other.
#[derive(Clone, Debug, Serialize)]
struct Pairing {
    /// Places on the board, from 0.
    places: [usize; 2],
    /// Mean of the second less that of the first.
    difference: Option<f64>,
    p_adjusted: f64,
    differ: bool,
}

/// Groups by prompt, model and metric.
pub(crate) type Groups = BTreeMap<(String, String, String), String>;

/// A board for every metric of a run; none where there is nothing, or too much, to compare.
pub(crate) fn boards(folder: &RunFolder, record: &RunRecord) -> Result<Vec<Board>> {
    let n_arms = record.prompts.len() * record.models.len();
    if !(2..=MOST_ARMS).contains(&n_arms) {
        return Ok(Vec::new());
    }
    let arms = read_arms(&folder.scores())?;
    // Values of whole runs are compared two by two: `--between A B`.
    let metrics = arms[0].metric_names().filter(|metric| record.scale(metric).value.is_none());
    metrics.map(|metric| board(&arms, metric, &record.scale(metric))).collect()
}

fn board(arms: &[Arm], metric: &str, scale: &Scale) -> Result<Board> {
    let scores: Vec<_> = arms.iter().map(|arm| arm.scores(metric).unwrap_or_default()).collect();
    let found = leaderboard(&scores, &scale.rule(Rule::new(MARGIN, ALPHA)))?;
    let place_of = |arm: usize| found.places.iter().position(|place| place.arm == arm);
    let place = |place: &evalmark_verdict::Place| Place {
        prompt: arms[place.arm].prompt.clone(),
        model: arms[place.arm].model.clone(),
        group: place.letters.clone(),
        estimate: place.estimate.clone(),
    };
    let pairing = |pair: &evalmark_verdict::Pairing| {
        let places = [place_of(pair.arms.0)?, place_of(pair.arms.1)?];
        let (difference, p_adjusted, differ) = (pair.difference, pair.p_adjusted, pair.differ);
        Some(Pairing { places, difference, p_adjusted, differ })
    };
    Ok(Board {
        metric: metric.to_owned(),
        range: scale.range,
        places: found.places.iter().map(place).collect(),
        pairs: found.pairs.iter().filter_map(pairing).collect(),
        correction: found.correction.clone(),
    })
}

/// The groups of all boards, for a table that has its own order.
pub(crate) fn groups(folder: &RunFolder, record: &RunRecord) -> Result<Groups> {
    let boards = boards(folder, record)?;
    let places = boards.into_iter().flat_map(|board| {
        let metric = board.metric;
        board
            .places
            .into_iter()
            .map(move |place| ((place.prompt, place.model, metric.clone()), place.group))
    });
    Ok(places.collect())
}

/// What the letters say.
pub(crate) const LEGEND: &str =
    "Rows that share a letter do not differ significantly on that metric.";

/// The boards as text, best first.
pub(crate) fn render(boards: &[Board]) -> String {
    let mut lines = Vec::new();
    for board in boards {
        lines.push(format!("{} ({})", printable(&board.metric), board.correction));
        let width = board.places.iter().map(|place| place.group.len()).max().unwrap_or(1);
        lines.extend(board.places.iter().map(|place| {
            let mean = place
                .estimate
                .as_ref()
                .map_or("no score".to_owned(), |mean| written(mean, board.range));
            let (prompt, model) = (printable(&place.prompt), printable(&place.model));
            format!("  {:<width$}  {mean}  {prompt} · {model}", place.group)
        }));
        lines.push(String::new());
    }
    lines.extend(wrapped("", LEGEND));
    lines.join("\n")
}

fn written(estimate: &Estimate, range: Range) -> String {
    let interval = match (estimate.ci_low, estimate.ci_high) {
        (Some(low), Some(high)) => format!(" [{}, {}]", bare(low, range), bare(high, range)),
        _ => String::new(),
    };
    format!("{:>7}{interval:<16}", value(estimate.mean, range))
}
