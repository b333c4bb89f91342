//! Estimates, intervals, paired tests and the decision rule of evalmark.
//!
//! **What it does.** Two variants of one metric, item by item, go into [`compare`]; out comes one of
//! the four answers (or "incomparable") with every figure behind it, and which items do not pair.
//! Its relatives take other questions to the same answers: [`minimum`] holds one run against a
//! threshold, [`compare_labelled`] corrects a judge by human labels, [`compare_ratio`] compares
//! latency, cost and tokens, [`compare_corpus_metric`] values of whole runs. [`gate`] and [`gate_with`] combine a family of them into the answer
//! of a gate; [`slices`] explores and [`leaderboard`] ranks, and neither decides. [`Stopping`]
//! says when asking can end. [`noise`](noise()) measures a suite against itself, and a [`Design`] says
//! what it can resolve; [`trend`](trend()) follows a score over many runs. Whole runs come as [`RunScores`]: [`VariantPair`] finds the comparison that
//! fits a metric of two [`Variant`]s, and a [`ComparisonFamily`] decides all of a gate together. [`Accumulator`], [`pass_estimate`] and [`corpus_estimates`] make the estimates of one run.
//! The rest is the mathematics those stand on, public because planning, calibration and tests
//! use it too.
//!
//! **Where to begin reading.** `compare.rs` is the flow: check, pair, weigh, decide. `test_choice.rs`
//! chooses the test (`binary.rs` on `unconditional.rs`, `continuous.rs` on `bootstrap.rs`,
//! `clustered.rs` on `cr2.rs` and `few_changed.rs`), `decide.rs` turns a `TestResult` into an answer, `family_correction.rs` corrects for many comparisons (`adjust.rs`, `max_t.rs`). A new test
//! is a new file that returns a `TestResult`: one more arm in `test_choice::weigh`, or, for another
//! question, an entry point of its own beside it, as in `against_minimum.rs`, `ratio.rs`, `ppi.rs` and
//! `corpus_metric/`. Metrics where lower is better are mirrored on the way in (`direction.rs`).
//!
//! **What it deliberately does not do.** No clock, no files, no randomness but that of resampling,
//! whose seed comes from the data (an early stop's order of items: from the caller): the same
//! scores give the same verdict whatever the order of the rows, the number of threads or the day.
//! It does not test means with Wilcoxon, does not pool epochs, and never gates on a point
//! estimate.
//!
//! **What it owns.** Everything that decides: a verdict is made here and nowhere else. The shapes
//! of results belong to `evalmark-core` (`verdict.rs`, `estimate.rs`).

mod adjust;
mod against_minimum;
mod agreement;
mod binary;
mod bootstrap;
mod changed_items;
mod clustered;
mod compare;
mod comparison_family;
mod continuous;
mod corpus_metric;
mod cr2;
mod decide;
mod direction;
mod drift;
mod effective_sample_size;
mod explain;
mod family_correction;
mod few_changed;
mod final_look;
mod gated_pair;
mod intervals;
mod item_names;
mod item_places;
mod item_scores;
mod item_table;
mod items;
mod leaderboard;
mod max_t;
mod mcnemar;
mod mean_estimate;
mod missing;
mod noise;
mod online;
mod paired_t;
mod pairing;
mod passk;
mod power;
mod ppi;
mod quantile;
mod quantile_interval;
mod random;
mod rare_events;
mod rater;
mod ratio;
mod resolution;
mod rule;
mod run_scores;
mod running_moments;
mod same_items;
mod sign_flip;
mod slices;
mod special;
mod stopping;
mod tallies;
mod tango;
mod test_choice;
mod test_result;
mod trend;
mod unconditional;
mod variant_scores;
mod weighted_mean;

pub use adjust::{benjamini_hochberg, bonferroni, holm, two_sided};
pub use against_minimum::minimum;
pub use agreement::{AlphaSums, Scale, cohen_kappa, fleiss_kappa, krippendorff_alpha};
pub use changed_items::{ChangedItems, PairCounts, changed_items};
pub use clustered::{ClusterMean, cluster_mean};
pub use compare::{Decision, compare};
pub use comparison_family::{ComparisonFamily, count_lacking, family_size};
pub use corpus_metric::{
    CorpusEstimate, CorpusMetric, CountedVariant, ItemCounts, compare_corpus_metric,
    corpus_estimates, corpus_metric_minimum, pseudo_scores,
};
pub use decide::Cause;
pub use drift::{
    DriftError, DriftMonitor, DriftRule, ReferenceSample, StreamRule, StreamValue, ValueSums,
};
pub use family_correction::{EmptyFamily, FamilyCorrection, Gated, gate, gate_with};
pub use final_look::LookedAt;
pub use gated_pair::{GateError, GatedRuns, MetricTraits, VariantPair, compare_minimum};
pub use intervals::{Interval, agresti_coull, clopper_pearson, mean_t, wilson};
pub use item_names::ItemName;
pub use item_places::{ItemPlaces, TablePlaces};
pub use item_scores::ItemScores;
pub use item_table::ItemIdentity;
pub use items::{CompareError, ComparisonSubject, FlipAt, ItemScore, Side};
pub use leaderboard::{Leaderboard, Pairing, Rank, leaderboard};
pub use mcnemar::{PValues, mcnemar_exact, mcnemar_midp, midp_attainable_pairs};
pub use mean_estimate::{Accumulator, ValueError, estimate};
pub use noise::{Clustering, Noise, noise, unrelated};
pub use online::{OnlineComparison, compare_online};
pub use paired_t::{PairedT, paired_t};
pub use pairing::Changes;
pub use passk::{NotBinary, PassEstimate, PassRule, pass_at_k, pass_estimate, pass_hat_k};
pub use power::{
    Level, paired_proportions_drop, paired_proportions_n, paired_proportions_power,
    paired_t_effect, paired_t_n, paired_t_power,
};
pub use ppi::{Labelled, Lambda, PpiMean, compare_labelled, ppi_estimate, ppi_mean};
pub use quantile_interval::quantile_ends;
pub use rater::{Figure, Leaning, Rated, RaterCheck, check_rater, check_rater_with_ties};
pub use ratio::{RatioOf, compare_ratio};
pub use resolution::{Design, Resolution, Spread};
pub use rule::{Rule, RuleError, ScoreRange};
pub use run_scores::RunScores;
pub use sign_flip::sign_flip_exact;
pub use slices::{Slice, slices};
pub use stopping::{EarlyStop, Interim, Reason, Stopping, StoppingError};
pub use tango::{tango_bounds, tango_p_greater, tango_p_less, tango_z};
pub use trend::{TrendRule, trend};
pub use variant_scores::{AnswerScore, SameItem, Variant};
pub use weighted_mean::{WeightedMean, WeightedValue, weighted_mean};
