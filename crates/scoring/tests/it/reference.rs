//! METRICS.md is what the code says.

use std::{env, fs};

#[test]
fn metrics_md_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
    let generated = evalmark_scoring::reference();
    if env::var_os("UPDATE").is_some() {
        fs::write(path, &generated).expect("METRICS.md can be written");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "METRICS.md is out of date: run `UPDATE=1 cargo test -p evalmark-scoring --test it reference`"
    );
}
