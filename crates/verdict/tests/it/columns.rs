//! Columns of scores that share their items give the decisions of plain lists of items, however a run is cut
//! into parts.

use evalmark_core::metric::Direction;
use evalmark_verdict::{
    AnswerScore, ItemIdentity, ItemScore, Rule, ScoreRange, Variant, compare, minimum,
};
use proptest::prelude::*;

use crate::common::subject;

/// What an item scored, epoch by epoch, and in whose run it is.
#[derive(Clone, Debug)]
struct Row {
    baseline: Vec<Option<f64>>,
    candidate: Vec<Option<f64>>,
    cluster: Option<u64>,
    /// 0: the candidate lacks it, 1: the baseline does, 2: it holds something else now.
    fate: u8,
    ends_part: bool,
}

fn score() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => any::<bool>().prop_map(|right| Some(if right { 1.0 } else { 0.0 })),
        2 => (0.0..=1.0_f64).prop_map(Some),
        1 => Just(Some(0.5)),
        1 => Just(None),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    (any::<bool>(), any::<bool>(), 1_usize..3).prop_flat_map(|(has_clusters, is_same, epochs)| {
        let scores = || prop::collection::vec(score(), epochs);
        let cluster =
            if has_clusters { (0..9_u64).prop_map(Some).boxed() } else { Just(None).boxed() };
        let fate = if is_same { Just(9).boxed() } else { (0..80_u8).boxed() };
        let row = (scores(), scores(), cluster, fate, any::<bool>());
        let row = row.prop_map(|(baseline, candidate, cluster, fate, ends_part)| Row {
            baseline,
            candidate,
            cluster,
            fate,
            ends_part,
        });
        prop::collection::vec(row, 1..60)
    })
}

/// One side's rows: key, content, and scores.
type SideRow<'a> = (ItemIdentity, &'a [Option<f64>], bool);

fn side(rows: &[Row], is_baseline: bool) -> Vec<SideRow<'_>> {
    let mut there = Vec::new();
    for (at, row) in (0_u64..).zip(rows) {
        if row.fate == u8::from(is_baseline) {
            continue;
        }
        let content = u128::from(row.fate == 2 && is_baseline);
        // Keys are hashes: in no order.
        let key = u128::from(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
        let item = ItemIdentity { key, content, cluster: row.cluster };
        let scores = if is_baseline { &row.baseline } else { &row.candidate };
        there.push((item, scores.as_slice(), row.ends_part));
    }
    there
}

/// The rows, each part a variant of its own before all are put together.
fn in_columns(rows: &[SideRow<'_>], like: Option<&Variant>) -> Variant {
    let new = || Variant::new("p", "m");
    let mut whole = like.map_or_else(new, |like| new().with_items_of(like));
    let mut part = new();
    for (item, scores, ends_part) in rows {
        for &score in *scores {
            let answer = AnswerScore { score, ..AnswerScore::default() };
            part.push(&item.key.to_string(), "exact", answer, item);
        }
        if *ends_part {
            whole.append(std::mem::replace(&mut part, new()));
        }
    }
    if part.n_items() > 0 {
        whole.append(part);
    }
    whole
}

fn in_a_list(rows: &[SideRow<'_>]) -> Vec<ItemScore> {
    let one = |(item, scores, _): &SideRow<'_>| ItemScore {
        key: item.key,
        content: item.content,
        cluster: item.cluster,
        sum: scores.iter().flatten().fold(0.0, |sum, score| sum + score),
        n_scored: u32::try_from(scores.iter().flatten().count()).unwrap_or_default(),
        n_planned: u32::try_from(scores.len()).unwrap_or_default(),
    };
    rows.iter().map(one).collect()
}

proptest! {
    #[test]
    fn columns_decide_as_lists_do(
        rows in rows(),
        rotated in 0_usize..4,
        is_lower in any::<bool>(),
        is_any in any::<bool>(),
        keeps_units in any::<bool>(),
        max_flips in prop_oneof![Just(0_usize), 1..5_usize, Just(48)],
    ) {
        let (before, mut after) = (side(&rows, true), side(&rows, false));
        let turns = if rotated == 0 { after.len() / 3 } else { 0 };
        after.rotate_left(turns);
        let candidate = in_columns(&after, None);
        let baseline = in_columns(&before, Some(&candidate));
        let lists = [in_a_list(&before), in_a_list(&after)];
        let columns = [&baseline, &candidate].map(|one| one.scores("exact").unwrap_or_default());
        prop_assert_eq!(columns[0].to_vec(), lists[0].clone());
        prop_assert_eq!(columns[1].to_vec(), lists[1].clone());
        let rule = Rule {
            direction: if is_lower { Direction::Lower } else { Direction::Higher },
            range: if is_any { ScoreRange { low: 0.0, high: 40.0 } } else { ScoreRange::UNIT },
            min_paired_share: 0.5,
            resamples: 200,
            keeps_units,
            max_flips,
            ..Rule::new(0.05, 0.05)
        };
        let decided = compare(&subject(), columns[0], columns[1], &rule);
        prop_assert_eq!(decided, compare(&subject(), &lists[0], &lists[1], &rule));
        let decided = minimum(&subject(), columns[1], 0.6, &rule);
        prop_assert_eq!(decided, minimum(&subject(), &lists[1], 0.6, &rule));
    }
}
