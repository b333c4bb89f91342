//! How far vectors of production are from those of the first days: one minus the cosine to their centre.
//!
//! A vector that the centre is made of lies closer to it than others do. So half of the clusters of the first days, drawn by their
//! hashes, make the centre, and the other half are what later days are held against; of clusters, later days count those of
//! the other half alone, as a user who comes again is as close as before. A record of no cluster is one by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evalmark_core::embedding::decode;
use evalmark_report::records::{EmbeddingRow, for_each_embedding, for_each_moment};
use evalmark_store::monitor::{MonitorFolder, MonitorState};

use super::{
    super::{
        log_time::day_of,
        open::MonitoredSuite,
        reference::Scope,
        status::{CLOCK_SKEW, cluster_number},
    },
    streams::FIRST_DAYS,
    values::Seen,
};
use crate::error::{Hinted, Result};

/// What helps where a segment cannot be read.
const ADVICE: &str = "bring the file back, or remove the monitor's folder and read the logs again";

/// What is known of a vector beside it.
#[derive(Clone, Copy, Debug)]
struct Place {
    day: i64,
    cluster: Option<u64>,
    /// Whether the centre is made of it where its day is one of the first.
    is_anchor: bool,
}

/// The sum of the directions of the vectors that are as long as most.
#[derive(Default)]
struct Sums(HashMap<usize, (Vec<f64>, u64)>);

/// Distances by day, each with its cluster.
#[derive(Default)]
pub(in super::super) struct Distances(pub(super) BTreeMap<i64, Vec<Seen<f64>>>);

/// The distances of a suite's vectors; none where it watches no vectors, or the first days are not over.
pub(in super::super) fn distances(
    suite: &MonitoredSuite,
    (folder, state): (&MonitorFolder, &MonitorState),
    (scope, now): (&Scope, i64),
) -> Result<Distances> {
    let mut distances = Distances::default();
    let Some(hash) = suite.hashes.get(suite.metrics.len()) else { return Ok(distances) };
    let first = first_days((folder, state), (scope, now))?;
    let each = |visit: &mut dyn FnMut(Place, &[f64])| -> Result<()> {
        for segment in state.segments.iter().filter(|segment| segment.metrics.contains(hash)) {
            let seen = for_each_embedding(&folder.segment(&segment.name), |row| {
                let Some(place) = place(row, scope, now) else { return };
                if let Some(vector) = decode(row.embedding).and_then(|vector| direction(&vector)) {
                    visit(place, &vector);
                }
            });
            seen.hint(ADVICE)?;
        }
        Ok(())
    };
    let mut sums = Sums::default();
    each(&mut |place, vector| {
        if place.is_anchor && first.contains(&place.day) {
            sums.add(vector);
        }
    })?;
    let Some(centre) = sums.centre() else { return Ok(distances) };
    each(&mut |place, vector| {
        let is_of_centre =
            place.is_anchor && (place.cluster.is_some() || first.contains(&place.day));
        if !is_of_centre && vector.len() == centre.len() {
            let value = distance(vector, &centre);
            distances.0.entry(place.day).or_default().push(Seen { value, cluster: place.cluster });
        }
    })?;
    Ok(distances)
}

/// The first days with records that are over; empty where there are not enough of them.
fn first_days(
    (folder, state): (&MonitorFolder, &MonitorState),
    (scope, now): (&Scope, i64),
) -> Result<BTreeSet<i64>> {
    let mut first = BTreeSet::new();
    for segment in &state.segments {
        let seen = for_each_moment(&folder.segment(&segment.name), |at, prompt_hash| {
            let at = at.filter(|at| day_of(*at) < day_of(now) && scope.has(Some(*at), prompt_hash));
            first.extend(at.map(day_of));
            if first.len() > FIRST_DAYS {
                first.pop_last();
            }
        });
        seen.hint(ADVICE)?;
    }
    Ok(if first.len() == FIRST_DAYS { first } else { BTreeSet::new() })
}

fn place(row: &EmbeddingRow<'_>, scope: &Scope, now: i64) -> Option<Place> {
    let at = row.at.filter(|at| *at <= now.saturating_add(CLOCK_SKEW))?;
    if !scope.has(Some(at), row.prompt_hash) {
        return None;
    }
    let cluster = row.cluster.map(cluster_number);
    let group = cluster.unwrap_or_else(|| cluster_number(row.record_id));
    Some(Place { day: day_of(at), cluster, is_anchor: group & 1 == 1 })
}

/// A vector of length one; `None` where it has no direction.
fn direction(vector: &[f32]) -> Option<Vec<f64>> {
    let squares: f64 = vector.iter().map(|x| f64::from(*x).powi(2)).sum();
    let length = squares.sqrt();
    (length > 0.0).then(|| vector.iter().map(|x| f64::from(*x) / length).collect())
}

/// One minus the cosine of a direction to the centre, which has length one.
fn distance(direction: &[f64], centre: &[f64]) -> f64 {
    let cosine: f64 = direction.iter().zip(centre).map(|(x, y)| x * y).sum();
    (1.0 - cosine).clamp(0.0, 2.0)
}

impl Sums {
    fn add(&mut self, direction: &[f64]) {
        let none = || (vec![0.0; direction.len()], 0);
        let (sum, n) = self.0.entry(direction.len()).or_insert_with(none);
        *n += 1;
        for (sum, x) in sum.iter_mut().zip(direction) {
            *sum += x;
        }
    }

    /// The direction of the sum.
    fn centre(self) -> Option<Vec<f64>> {
        let (_, (sum, _)) = self.0.into_iter().max_by_key(|(len, (_, n))| (*n, *len))?;
        let squares: f64 = sum.iter().map(|x| x * x).sum();
        let length = squares.sqrt();
        (length > 0.0).then(|| sum.iter().map(|x| x / length).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_one_minus_the_cosine() {
        let mut sums = Sums::default();
        for vector in [[2.0, 0.0], [0.0, 5.0]] {
            sums.add(&direction(&vector).expect("a direction"));
        }
        sums.add(&direction(&[1.0, 2.0, 3.0]).expect("one of another length"));
        let centre = sums.centre().expect("a centre");
        let check = |vector: &[f32], expected: f64| {
            let found = distance(&direction(vector).expect("a direction"), &centre);
            assert!((found - expected).abs() < 1e-9, "{vector:?}: {found}");
        };
        check(&[3.0, 3.0], 0.0);
        check(&[-1.0, -1.0], 2.0);
        check(&[7.0, 0.0], 1.0 - 0.5_f64.sqrt());
        assert_eq!(direction(&[0.0, 0.0]), None);
    }

    /// The vectors of the first days that are not in the centre are as far from it as later ones: in few records and
    /// many dimensions, those that are in it would not be.
    #[test]
    fn the_first_days_are_no_closer_than_later_ones() {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f64 / f64::from(1_u32 << 31)) - 0.5
        };
        let mut vector = || -> Vec<f64> {
            let plain: Vec<f64> = (0..200).map(|i| next() + f64::from(i == 0) * 2.0).collect();
            let length = plain.iter().map(|x| x * x).sum::<f64>().sqrt();
            plain.iter().map(|x| x / length).collect()
        };
        let (mut within, mut without) = (0.0, 0.0);
        let n = 300;
        for _ in 0..n {
            let mut sums = Sums::default();
            let anchors: Vec<_> = (0..30).map(|_| vector()).collect();
            for one in &anchors {
                sums.add(one);
            }
            let centre = sums.centre().expect("a centre");
            let later = distance(&vector(), &centre);
            within += f64::from(u8::from(later > distance(&anchors[0], &centre)));
            without += f64::from(u8::from(later > distance(&vector(), &centre)));
        }
        let (within, without) = (within / f64::from(n), without / f64::from(n));
        assert!((0.42..0.58).contains(&without), "{without}");
        assert!(within > 0.65, "this is why: {within}");
    }
}
