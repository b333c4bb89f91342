//! METRICS.md is what the code says, and CONTRIBUTING.md quotes the code as it is.

use std::{env, fmt::Write, fs};

use evalmark_scoring::Corpus;

use crate::support::{deterministic, metric, spec};

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

/// The table says `mean` just where a run's value is one.
#[test]
fn the_aggregation_is_what_it_says() {
    let reference = evalmark_scoring::reference();
    for entry in deterministic() {
        let (metric, kind) = (metric(&entry), spec(&entry).kind);
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{kind}` |")));
        let says_mean = row.expect("a row").contains(" | mean | ");
        // What changes the values turns them into something whose mean counts; `label` says that its
        // run value is a choice.
        if entry.get("binary").is_none() && kind != "label" {
            let is_mean = metric.corpus().is_none_or(Corpus::is_mean);
            assert_eq!(says_mean, is_mean, "{entry}");
        }
    }
}

/// What CONTRIBUTING.md shows, a metric or a command, is what is compiled.
#[test]
fn contributing_md_quotes_the_code() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let path = format!("{root}/CONTRIBUTING.md");
    let text = fs::read_to_string(&path).expect("CONTRIBUTING.md");
    let mut quotations = text.split("<!-- crates/");
    let mut current = quotations.next().expect("a beginning").to_owned();
    for quotation in quotations {
        let (source, rest) = quotation.split_once(" -->\n```rust\n").expect("its source");
        let (_, after) = rest.split_once("```\n").expect("its end");
        let code = fs::read_to_string(format!("{root}/crates/{source}")).expect("the source");
        write!(current, "<!-- crates/{source} -->\n```rust\n{code}```\n{after}").expect("a text");
    }
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, current).expect("CONTRIBUTING.md can be written");
    } else {
        assert!(
            text == current,
            "CONTRIBUTING.md does not quote the code as it is: run `UPDATE=1 cargo test -p \
             evalmark-scoring --test it reference`"
        );
    }
}
