//! The interval of a quantile holds it as often as it says, whatever the values and their clusters.

use crate::common::Draw;
use evalmark_verdict::{ScoreRange, estimate, quantile_ends};

/// The smallest value that a share `q` of the sorted ones does not exceed.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil().max(1.0);
    let place = (1..=sorted.len()).find(|place| *place as f64 >= rank).unwrap_or(sorted.len());
    sorted[place - 1]
}

/// The interval of the quantile of these values; items of one cluster stand side by side.
fn interval(values: &[f64], q: f64, of_cluster: Option<usize>) -> Option<[f64; 2]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let found = quantile(&sorted, q);
    let shares = values.iter().enumerate().map(|(i, value)| {
        let cluster = of_cluster.map(|size| (i / size) as u64);
        (if *value <= found { 1.0 } else { 0.0 }, cluster)
    });
    let at_most = estimate(shares, ScoreRange::UNIT, 0.95).expect("shares")?;
    quantile_ends(q, &at_most).map(|ends| ends.map(|end| quantile(&sorted, end)))
}

#[test]
fn the_median_is_in_its_interval_as_often_as_said() {
    let check = |name: &str, n: usize, of_cluster: Option<usize>, effect: f64, grain: f64| {
        let (mut draw, mut n_found, mut n_held) = (Draw::new(n as u64), 0_u32, 0_u32);
        for _ in 0..1_000 {
            let mut shared = 0.0;
            let values: Vec<f64> = (0..n)
                .map(|i| {
                    if of_cluster.is_some_and(|size| i % size == 0) {
                        shared = effect * draw.normal();
                    }
                    let value = 300.0 * (shared + draw.normal()).exp();
                    if grain > 0.0 { (value / grain).round() * grain } else { value }
                })
                .collect();
            let Some([low, high]) = interval(&values, 0.5, of_cluster) else { continue };
            assert!(low <= high);
            n_found += 1;
            n_held += u32::from(low <= 300.0 && 300.0 <= high);
        }
        assert!(n_found >= 990, "{name}: {n_found} intervals");
        let held = f64::from(n_held) / f64::from(n_found);
        assert!(held > 0.92, "{name}: {held}");
        // Not by being much too wide.
        assert!(held < 0.995 || n < 20 || grain > 0.0, "{name}: {held}");
    };
    for n in [10, 31, 100, 400] {
        check("independent", n, None, 0.0, 0.0);
    }
    check("whole tenths of a second", 200, None, 0.0, 100.0);
    for n in [120, 400] {
        check("clusters of eight", n, Some(8), 1.0, 0.0);
    }
}

#[test]
fn too_few_values_bound_no_quantile() {
    assert_eq!(interval(&[1.0], 0.5, None), None);
    assert_eq!(interval(&[1.0, 2.0, 3.0], 0.5, None), None);
    // The largest of twenty is no bound of what one in twenty exceeds.
    let values: Vec<f64> = (1..=20).map(f64::from).collect();
    assert_eq!(interval(&values, 0.95, None), None);
    assert!(interval(&values, 0.5, None).is_some());
    // Equal values are as sure as can be.
    assert_eq!(interval(&[7.0; 30], 0.5, None), Some([7.0, 7.0]));
}
