//! A metric as a suite would write it, to be timed.

use evalmark_core::metric::MetricSpec;
use evalmark_scoring::{Metric, catalog};
use serde_json::Value;

/// A kind with these parameters; `None` where there is no such kind, or it does not take them.
pub fn metric(kind: &str, params: Value) -> Option<Metric> {
    let kind = catalog().iter().find(|known| known.name == kind)?.name;
    Metric::compile(&MetricSpec::new(kind, kind, params)).ok()
}
