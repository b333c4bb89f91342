//! Which prompts and models of a run can be told apart, metric by metric: groups, not a ranking.

use std::{collections::BTreeMap, fs};

use evalmark_core::{estimate::Estimate, metric::Range};
use evalmark_store::{
    run_folder::RunFolder,
    run_record::{MetricScale, RunRecord},
};
use evalmark_verdict::{Rule, Variant, leaderboard};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Hinted, Result},
    redacted_keys::hide,
    variants::read_variants,
};

/// Variants that are compared with each other at most: every pair is.
const MOST_VARIANTS: usize = 32;

/// Chance of any false difference on a board.
const ALPHA: f64 = 0.05;

/// The margin plays no part in telling variants apart.
const MARGIN: f64 = 0.03;

/// The variants of one metric, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The metric's name.
    pub metric: String,
    /// Where the metric's values lie.
    pub range: Range,
    /// The variants, best first.
    pub places: Vec<BoardPlace>,
    /// Every two of them.
    pub pairs: Vec<BoardPair>,
    /// How the p-values are corrected for the number of pairs.
    pub correction: String,
}

/// One variant on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardPlace {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// Variants that share a letter cannot be told apart.
    pub group: String,
    /// Its mean; `None` where nothing was scored.
    pub estimate: Option<Estimate>,
}

/// Two variants, held against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardPair {
    /// Places on the board, from 0.
    pub places: [usize; 2],
    /// Mean of the second less that of the first.
    pub difference: Option<f64>,
    /// Two-sided p-value, corrected for the number of pairs.
    pub p_adjusted: f64,
    /// Whether the two can be told apart.
    pub differ: bool,
}

/// Groups by prompt, model and metric.
pub type LeaderboardGroups = BTreeMap<(String, String, String), String>;

/// What `leaderboard.json` holds.
#[derive(Serialize, Deserialize)]
struct KeptBoards {
    format_version: u32,
    /// BLAKE3 of the scores that they were made of.
    scores: String,
    /// The same of the boards as they are written here.
    digest: String,
    boards: Vec<Board>,
}

/// Version of `leaderboard.json`.
const FORMAT_VERSION: u32 = 1;

/// A board for every metric of a run; none where there is nothing, or too much, to compare. It is the one that
/// the run kept, or made of its scores where it kept none.
pub fn boards(folder: &RunFolder, record: &RunRecord) -> Result<Vec<Board>> {
    if !has_boards(record) {
        return Ok(Vec::new());
    }
    kept(folder, record).map_or_else(|| made(folder, record), Ok)
}

/// Keeps the boards of scores that have just been written. Where they cannot be made, `show` and `compare` try again and
/// say why.
pub(crate) fn keep_boards(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    if !has_boards(record) {
        return Ok(());
    }
    let (Ok(boards), Some(scores)) = (made(folder, record), scores_of(record)) else {
        return Ok(());
    };
    let (scores, digest) = (scores.clone(), digest(&boards));
    let kept = KeptBoards { format_version: FORMAT_VERSION, scores, digest, boards };
    let text = serde_json::to_string(&kept).context("the leaderboard cannot be written")?;
    Ok(folder.write_text(&folder.leaderboard(), &format!("{text}\n"), hide)?)
}

/// The boards that a run kept, where they are as it left them.
fn kept(folder: &RunFolder, record: &RunRecord) -> Option<Vec<Board>> {
    let text = fs::read_to_string(folder.leaderboard()).ok()?;
    let kept: KeptBoards = serde_json::from_str(&text).ok()?;
    let is_of_scores = scores_of(record) == Some(&kept.scores);
    let is_as_written =
        kept.format_version == FORMAT_VERSION && digest(&kept.boards) == kept.digest;
    (is_of_scores && is_as_written).then_some(kept.boards)
}

/// The BLAKE3 of the scores that a run speaks of.
fn scores_of(record: &RunRecord) -> Option<&String> {
    record.files.get("scores.parquet")
}

fn digest(boards: &[Board]) -> String {
    let text = serde_json::to_vec(boards).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

fn has_boards(record: &RunRecord) -> bool {
    (2..=MOST_VARIANTS).contains(&(record.prompts.len() * record.models.len()))
}

fn made(folder: &RunFolder, record: &RunRecord) -> Result<Vec<Board>> {
    let variants = read_variants(&folder.scores())?;
    // Values of whole runs are compared two by two: `--between A B`.
    let metrics = variants[0].metric_names().filter(|metric| record.scale(metric).value.is_none());
    metrics.map(|metric| board(&variants, metric, &record.scale(metric))).collect()
}

fn board(variants: &[Variant], metric: &str, scale: &MetricScale) -> Result<Board> {
    let scores: Vec<_> =
        variants.iter().map(|variant| variant.scores(metric).unwrap_or_default()).collect();
    let found =
        leaderboard(&scores, &Rule::new(MARGIN, ALPHA).of_metric(scale.range, scale.direction))?;
    let place_of = |variant: usize| found.places.iter().position(|place| place.variant == variant);
    let place = |place: &evalmark_verdict::Rank| BoardPlace {
        prompt: variants[place.variant].prompt.clone(),
        model: variants[place.variant].model.clone(),
        group: place.letters.clone(),
        estimate: place.estimate.clone(),
    };
    let pairing = |pair: &evalmark_verdict::Pairing| {
        let places = [place_of(pair.variants.0)?, place_of(pair.variants.1)?];
        let (difference, p_adjusted, differ) = (pair.difference, pair.p_adjusted, pair.differ);
        Some(BoardPair { places, difference, p_adjusted, differ })
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
pub fn leaderboard_groups(folder: &RunFolder, record: &RunRecord) -> Result<LeaderboardGroups> {
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
