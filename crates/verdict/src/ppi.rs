//! A judge's scores of every item, corrected by human labels of some: prediction-powered
//! inference on the differences of two variants.
//!
//! Angelopoulos, Duchi, Zrnic, "PPI++", arXiv 2311.01453. With Y the human difference on n
//! labelled items, Ŷ the judge's there and on the N others:
//! `λ = clip01[Cov(Y, Ŷ)/((1 + n/N) Var Ŷ)]`, estimate `mean Y + λ(mean_N Ŷ - mean_n Ŷ)`,
//! `SE² = Var(Y - λŶ)/n + λ² Var_N(Ŷ)/N`, and t on n - 1 degrees of freedom, with which a
//! studentised bootstrap must agree. The labels must be a random part of the items. A
//! judge who errs on one variant more than on the other shifts Ŷ, not the estimate.

mod few_labels;

use evalmark_core::number_format;

use self::few_labels::{hold_back, hold_back_clusters};
use crate::bootstrap::{Studentised, seed_of};
use crate::clustered;
use crate::compare::{Decision, flips, match_variants};
use crate::continuous::{counted, differing_share, moments_of};
use crate::decide::{Case, Kind};
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::intervals::{Interval, tail_of};
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ComparisonSubject, ItemScore, Side};
use crate::missing::{Assumption, Pair, Variants};
use crate::paired_t::TEvidence;
use crate::pairing::{Places, by_key};
use crate::power::whole_items;
use crate::rare_events::variance_is_unseen;
use crate::rule::Rule;
use crate::running_moments::Moments;
use crate::special::{normal_upper, student_upper};
use crate::test_result::{POWER, Reach, TestResult, deciding_effect};

/// Fewer labels than this are advisory.
const ENOUGH: u64 = 50;

/// Nothing passes on labels from fewer clusters than this.
const FEWEST_CLUSTERS: usize = 5;

/// How far the judge's scores count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lambda {
    /// As far as serves best, with the variance of Ŷ over all items.
    Pooled,
    /// As far as serves best, with the variance of Ŷ over the unlabelled items.
    Unlabelled,
    /// So far; 0 leaves the labels alone.
    Fixed(f64),
}

/// A prediction-powered mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PpiMean {
    /// How far the judge's scores count, within [0, 1] unless it was fixed.
    pub lambda: f64,
    /// The mean.
    pub estimate: f64,
    /// Its standard error.
    pub stderr: f64,
    /// Degrees of freedom: labels less one.
    pub df: u64,
}

impl PpiMean {
    /// The two-sided interval.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let half = student_upper(tail_of(confidence)?, self.df as f64) * self.stderr;
        Some(Interval { low: self.estimate - half, high: self.estimate + half })
    }
}

/// The mean of `y` over all items, from labels `y` of some, predictions of the same, and
/// predictions of the rest; `None` with fewer than two labels, with lengths that differ, or with
/// a number that is not finite. With fewer than two other items the predictions count for nothing.
pub fn ppi_mean(
    y: &[f64],
    yhat_labelled: &[f64],
    yhat_unlabelled: &[f64],
    lambda: Lambda,
) -> Option<PpiMean> {
    let (labels, judged) = (Moments::of(y)?, Moments::of(yhat_labelled)?);
    if y.len() < 2 || y.len() != yhat_labelled.len() {
        return None;
    }
    let rest = Moments::of(yhat_unlabelled).filter(|rest| rest.n > 1);
    let n = labels.n as f64;
    let lambda = match (rest, lambda) {
        (None, _) => 0.0,
        (Some(_), Lambda::Fixed(lambda)) => lambda,
        (Some(rest), Lambda::Unlabelled) => best(y, yhat_labelled, rest, n / rest.n as f64),
        (Some(rest), Lambda::Pooled) => {
            let all: Vec<f64> = yhat_labelled.iter().chain(yhat_unlabelled).copied().collect();
            best(y, yhat_labelled, Moments::of(&all)?, n / rest.n as f64)
        }
    };
    let residuals: Vec<f64> = y.iter().zip(yhat_labelled).map(|(y, f)| y - lambda * f).collect();
    let of_residuals = Moments::of(&residuals)?.stderr()?;
    let (others, of_rest) = match rest {
        Some(rest) => (rest.mean, rest.stderr()?),
        None => (judged.mean, 0.0),
    };
    Some(PpiMean {
        lambda,
        estimate: labels.mean + lambda * (others - judged.mean),
        stderr: of_residuals.hypot(lambda * of_rest),
        df: labels.n - 1,
    })
}

/// λ with the smallest variance, within [0, 1]; `share` is n/N.
fn best(y: &[f64], yhat: &[f64], of_yhat: Moments, share: f64) -> f64 {
    let (Some(labels), Some(judged), Some(sd)) = (Moments::of(y), Moments::of(yhat), of_yhat.sd)
    else {
        return 0.0;
    };
    let products = y.iter().zip(yhat).map(|(y, f)| (y - labels.mean) * (f - judged.mean));
    let covariance = products.sum::<f64>() / (labels.n as f64 - 1.0);
    let variance = (1.0 + share) * sd * sd;
    if variance > 0.0 { (covariance / variance).clamp(0.0, 1.0) } else { 0.0 }
}

/// Compares a judge's scores of two variants, corrected by human labels of some items in both.
///
/// `judge` and `labels` are the baseline's and the candidate's scores; labels pair with items by
/// key and content, and count where both variants have one. Without two of them the comparison is
/// judge-relative. Fewer than 50 are advisory: a note says so.
pub fn compare_labelled<'a, S: Into<ItemScores<'a>>>(
    subject: &ComparisonSubject,
    judge: [S; 2],
    labels: [S; 2],
    rule: &Rule,
) -> Result<Decision, CompareError> {
    rule.check()?;
    let (as_given, oriented) = (rule, rule.oriented());
    let rule = &oriented;
    let judge = judge.map(Into::into);
    let by_people = labels.map(|labels| labels.into().oriented(as_given));
    let by_judge = judge.map(|judge: ItemScores<'a>| judge.oriented(as_given));
    let humans = [
        Humans::new(Side::Baseline, by_people[0], rule)?,
        Humans::new(Side::Candidate, by_people[1], rule)?,
    ];
    let mut n_labels = 0;
    let judged = match_variants(subject, by_judge, rule, |mut matched| {
        let variants = matched.variants;
        let complete = labelled(variants, &humans, Assumption::Complete, rule);
        n_labels = complete.iter().filter(|item| item.label.is_some()).count() as u64;
        let trusting = Rule { judge_relative: false, ..rule.clone() };
        matched.comparison.labels = Some(n_labels);
        let case = Case::build(Kind::Difference, matched.missing, &trusting, |assumption| {
            weigh(&labelled(variants, &humans, assumption, rule), rule)
        });
        matched.decide(case, &flips(variants, rule.range, rule.max_flips))
    })?;
    if n_labels < 2 {
        let relative = Rule { judge_relative: true, ..as_given.clone() };
        return crate::compare::compare(subject, judge[0], judge[1], &relative);
    }
    Ok(judged)
}

/// One variant's labels, to be found by key.
struct Humans<'a> {
    labels: ItemScores<'a>,
    order: Vec<usize>,
    rule: &'a Rule,
}

impl<'a> Humans<'a> {
    fn new(side: Side, labels: ItemScores<'a>, rule: &'a Rule) -> Result<Self, CompareError> {
        Ok(Self { labels, order: by_key(side, labels, rule.range)?, rule })
    }

    fn label(&self, item: &ItemScore) -> Option<f64> {
        let at = self.order.binary_search_by_key(&item.key, |&at| self.labels.key(at)).ok()?;
        let label = self.labels.get(self.order[at]);
        (label.content == item.content).then(|| label.mean(self.rule.range)).flatten()
    }
}

/// A judged item, and the human labels of both variants where there are any.
struct Item {
    pair: Pair,
    label: Option<(f64, f64)>,
}

impl Item {
    fn predicted(&self) -> f64 {
        self.pair.candidate - self.pair.baseline
    }
}

fn labelled(
    variants: Variants<'_>,
    humans: &[Humans<'_>; 2],
    assumption: Assumption,
    rule: &Rule,
) -> Vec<Item> {
    let one = |&(b, c): &Places| {
        let pair = variants.pair((b, c), assumption, rule.range)?;
        let before = humans[0].label(&variants.baseline.get(b));
        let after = humans[1].label(&variants.candidate.get(c));
        Some(Item { pair, label: before.zip(after) })
    };
    variants.places.iter().filter_map(one).collect()
}

fn weigh(items: &[Item], rule: &Rule) -> Option<TestResult> {
    let (mut y, mut judged, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item.label {
            Some((before, after)) => {
                y.push(after - before);
                judged.push(item.predicted());
            }
            None => rest.push(item.predicted()),
        }
    }
    let mean = ppi_mean(&y, &judged, &rest, Lambda::Pooled)?;
    let pairs: Vec<Pair> = items.iter().map(|item| item.pair).collect();
    let clusters = clustered::dependent(&pairs).then(|| residual_clusters(items, &mean));
    let (stderr, df) = match &clusters {
        Some(found) => (found.stderr?, found.labelled.saturating_sub(1) as u64),
        None => (mean.stderr, mean.df),
    };
    let mut found = if df == 0 {
        TEvidence::NOTHING
    } else {
        TEvidence::new(mean.estimate, stderr, df as f64, rule.alpha, rule.margin)
    };
    let seed = match clusters {
        Some(_) => None,
        None => resample(&mut found, &mean, &y, &judged, rule),
    };
    match &clusters {
        Some(_) => hold_back_clusters(&mut found, items, rule),
        None => hold_back(&mut found, &y, &judged, &rest, rule),
    }
    let groups = counted(items.iter().map(Item::predicted), rule.range);
    let n = items.len() as u64;
    let (baseline_mean, candidate_mean) = levels(items, mean.lambda)?;
    let evidence = TestResult {
        method: match (&clusters, seed) {
            (Some(_), _) => "ppi++_cluster_t",
            (None, Some(_)) => "ppi++_t+bootstrap",
            (None, None) => "ppi++_t",
        },
        n,
        baseline_mean,
        candidate_mean,
        estimate: mean.estimate,
        lower: found.lower,
        upper: found.upper,
        p_regressed: found.p_regressed,
        p_pass: found.p_pass,
        discordant: None,
        discordance: differing_share(&groups, n),
        reach: reach(&mean, (stderr, df), n, rule),
        seed,
        notes: notes(&mean, n, clusters.as_ref()),
        pass_barred: clusters.is_some_and(|found| found.labelled < FEWEST_CLUSTERS),
    };
    Some(evidence.within(rule))
}

/// Labels that mostly agree are skewed: t alone lets through 8 % where 5 % is due (100 binary
/// labels, a tenth of them discordant). So the studentised bootstrap of the residuals must agree.
fn resample(
    found: &mut TEvidence,
    mean: &PpiMean,
    y: &[f64],
    judged: &[f64],
    rule: &Rule,
) -> Option<u64> {
    let residuals = y.iter().zip(judged).map(|(y, f)| y - mean.lambda * f);
    let groups = counted(residuals, rule.range);
    if variance_is_unseen(&groups, y.len() as u64, rule.alpha) || mean.stderr <= 0.0 {
        return None;
    }
    let drawn = Studentised::draw(&groups, &moments_of(&groups)?, rule.resamples);
    *found = drawn.hold_back(*found, [mean.estimate, mean.stderr], y.len() as u64, rule);
    Some(seed_of(&groups))
}

/// Both variants' means, corrected alike, so that their difference is the estimate.
fn levels(items: &[Item], lambda: f64) -> Option<(f64, f64)> {
    let variant = |judge: fn(&Pair) -> f64, human: fn((f64, f64)) -> f64| {
        let of = |wanted: bool| -> Vec<f64> {
            let some = items.iter().filter(|item| item.label.is_some() == wanted);
            some.map(|item| judge(&item.pair)).collect()
        };
        let labels: Vec<f64> = items.iter().filter_map(|item| item.label.map(human)).collect();
        let (judged, rest) = (Moments::of(&of(true))?.mean, Moments::of(&of(false)));
        let shift = rest.map_or(0.0, |rest| lambda * (rest.mean - judged));
        Some(Moments::of(&labels)?.mean + shift)
    };
    Some((variant(|p| p.baseline, |l| l.0)?, variant(|p| p.candidate, |l| l.1)?))
}

/// What clusters make of the standard error.
struct Clustered {
    stderr: Option<f64>,
    /// Clusters with a label.
    labelled: usize,
}

/// CR1 over the items' shares in the estimate: a cluster may have labelled and other items.
fn residual_clusters(items: &[Item], mean: &PpiMean) -> Clustered {
    let residual = |item: &Item| match item.label {
        Some((before, after)) => after - before - mean.lambda * item.predicted(),
        None => mean.lambda * item.predicted(),
    };
    let row = |item: &Item| (item.pair.unit, item.label.is_some(), residual(item));
    Clustered::of(items.iter().map(row).collect())
}

impl Clustered {
    /// Of each item's cluster, whether it has a label, and its residual.
    fn of(mut rows: Vec<(u64, bool, f64)>) -> Self {
        let n = rows.iter().filter(|row| row.1).count() as f64;
        let others = rows.len() as f64 - n;
        let average = |labelled: bool, count: f64| {
            let some = rows.iter().filter(|row| row.1 == labelled);
            if count > 0.0 { some.map(|row| row.2).sum::<f64>() / count } else { 0.0 }
        };
        let (of_labelled, of_others) = (average(true, n), average(false, others));
        for (_, labelled, residual) in &mut rows {
            let (centre, count) = if *labelled { (of_labelled, n) } else { (of_others, others) };
            *residual = (*residual - centre) / count;
        }
        rows.sort_by_key(|row| row.0);
        let (mut labelled, mut squares) = (0, 0.0);
        for cluster in rows.chunk_by(|a, b| a.0 == b.0) {
            labelled += usize::from(cluster.iter().any(|row| row.1));
            squares += cluster.iter().map(|row| row.2).sum::<f64>().powi(2);
        }
        // The labels are the smaller sample: their clusters make the correction.
        let factor = labelled as f64 / (labelled as f64 - 1.0);
        Self { stderr: (labelled > 1).then(|| (factor * squares).sqrt()), labelled }
    }
}

/// One run's item: what people say of it where somebody did, what the judge says, and its cluster
/// (or what else tells it apart).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labelled {
    /// What people say, from 0 to 1.
    pub human: Option<f64>,
    /// The judge's score, from 0 to 1.
    pub judge: f64,
    /// Items that share it are not independent.
    pub unit: u64,
}

/// A prediction-powered mean of one run with its two-sided interval, over whole clusters where items
/// share them; `None` with fewer than two labels.
///
/// Where nearly all labels (or all of the judge's errors) are equal, the exact bound on what they
/// have not shown is taken in. There is no interval from labels of one cluster.
pub fn ppi_estimate(items: &[Labelled], confidence: f64) -> Option<(PpiMean, Option<Interval>)> {
    let labelled = || items.iter().filter_map(|item| Some((item.human?, item)));
    let rest = || items.iter().filter(|item| item.human.is_none());
    let y: Vec<f64> = labelled().map(|(human, _)| human).collect();
    let judged: Vec<f64> = labelled().map(|(_, item)| item.judge).collect();
    let unlabelled: Vec<f64> = rest().map(|item| item.judge).collect();
    let mut mean = ppi_mean(&y, &judged, &unlabelled, Lambda::Pooled)?;
    let mut units: Vec<u64> = items.iter().map(|item| item.unit).collect();
    units.sort_unstable();
    let is_clustered = units.windows(2).any(|two| two[0] == two[1]);
    if is_clustered {
        let residual = |item: &Labelled| item.human.unwrap_or(0.0) - mean.lambda * item.judge;
        let row = |item: &Labelled| (item.unit, item.human.is_some(), residual(item));
        let found = Clustered::of(items.iter().map(row).collect());
        let Some(stderr) = found.stderr else { return Some((mean, None)) };
        mean = PpiMean { stderr, df: found.labelled.saturating_sub(1) as u64, ..mean };
    }
    let tail = tail_of(confidence)?;
    let few = |values: &dyn Fn(f64, &Labelled) -> f64, ends: Ends| {
        let clusters =
            Clusters::of(labelled().map(|(human, item)| (values(human, item), item.unit)));
        if is_clustered {
            FewChanged::find(&clusters, ends)
        } else {
            FewChanged::find_among_items(&clusters, ends, tail)
        }
    };
    let unseen = match few(&|human, _| human, Ends { low: 0.0, high: 1.0 }) {
        Some(labels) => Some(Interval { low: labels.lower(tail), high: labels.upper(tail) }),
        None => {
            few(&|human, item| human - item.judge, Ends { low: -1.0, high: 1.0 }).map(|errors| {
                let (values, names): (Vec<f64>, Vec<u64>) =
                    rest().map(|item| (item.judge, item.unit)).unzip();
                let judge = clustered::cluster_mean(&values, &names);
                let judge = judge.and_then(|judge| judge.interval(confidence));
                let judge = judge.unwrap_or(Interval { low: mean.estimate, high: mean.estimate });
                Interval {
                    low: judge.low + errors.lower(tail),
                    high: judge.high + errors.upper(tail),
                }
            })
        }
    };
    let student = mean.interval(confidence)?;
    let ends = unseen.map_or(student, |unseen| Interval {
        low: student.low.min(unseen.low),
        high: student.high.max(unseen.high),
    });
    Some((mean, Some(ends.clipped(0.0, 1.0))))
}

/// As if labels and items grew alike.
fn reach(mean: &PpiMean, (stderr, df): (f64, u64), n: u64, rule: &Rule) -> Reach {
    if stderr <= 0.0 || df == 0 {
        return Reach::default();
    }
    let t = student_upper(rule.alpha, df as f64);
    let detected = (t + normal_upper(1.0 - POWER)) * stderr;
    let items = |effect: f64| whole_items(n as f64 * (detected / effect).powi(2));
    Reach {
        detectable_drop: Some(detected),
        items_needed: items(rule.margin),
        items_to_decide: items(deciding_effect(mean.estimate, rule.margin)),
    }
}

fn notes(mean: &PpiMean, n: u64, clusters: Option<&Clustered>) -> Vec<String> {
    let labels = mean.df + 1;
    let mut notes = vec![format!(
        "{} correct the judge's scores of {}, which count by a factor of {}",
        number_format::counted(labels, "human label"),
        number_format::counted(n, "item"),
        number_format::decimal(mean.lambda)
    )];
    match clusters.map(|found| found.labelled) {
        Some(clusters) if (clusters as u64) < ENOUGH => notes.push(format!(
            "advisory: the human labels are in {} clusters, which count as the sample, and \
             those are fewer than {ENOUGH}",
            number_format::count(clusters as u64)
        )),
        None if labels < ENOUGH => {
            notes.push(format!("advisory: {labels} human labels are fewer than {ENOUGH}"));
        }
        _ => {}
    }
    notes
}
