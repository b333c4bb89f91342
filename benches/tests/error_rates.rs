//! The grid at a glance: every rate within its tolerance, whatever the number of threads.

use evalmark_benches::{Effort, Row, Settings, simulate};

fn rows(only: Option<&str>) -> Vec<Row> {
    let only = only.map(str::to_owned);
    let mut rows = Vec::new();
    simulate(&Settings { effort: Effort::Glance, seed: 1, only }, |row| rows.push(row.clone()));
    rows
}

#[test]
fn rates_are_within_tolerance() {
    let rows = rows(None);
    assert!(rows.len() > 100, "{} rows", rows.len());
    for row in rows {
        assert!(row.holds(), "{row}");
    }
}

#[test]
fn rates_do_not_depend_on_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| rows(Some("5 epochs")))
    };
    let alone = with(1);
    assert!(!alone.is_empty());
    assert_eq!(alone, with(3));
}
