//! Whether the metrics can use the targets of the dataset, before anything is asked: a metric that
//! cannot has no score, whatever is answered.

use std::path::PathBuf;

use evalmark_core::{dataset::DatasetSpec, item::Item, number_format::count};
use evalmark_scoring::{Metric, UnusableTarget};

use crate::error::Advised;

/// How many rows are named.
const NAMED: usize = 3;

/// What a pass over all items finds.
pub(crate) struct UsableTargets {
    path: PathBuf,
    target: String,
    /// Whether the suite puts up with them.
    is_allowed: bool,
    n_items: u64,
    /// Parallel to the metrics.
    unusable: Vec<Unusable>,
    /// Whether some row can be used by no metric that looks at its target.
    is_useless: bool,
}

/// The rows whose targets a metric cannot use.
struct Unusable {
    metric: String,
    n: u64,
    /// The first of them.
    named: Vec<String>,
    is_mistake: bool,
}

/// Targets that metrics cannot use.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct UnusableTargets {
    /// A sentence for each metric.
    problems: Vec<String>,
}

impl Advised for UnusableTargets {
    fn hint(&self) -> Option<String> {
        let advice = "change the targets or the metric; with `allow_unusable_target: true` under \
                      `dataset` such rows have no score of it";
        Some(advice.to_owned())
    }
}

/// The metrics that cannot use an item's targets, by their place, and why.
pub(crate) fn unusable_targets(metrics: &[Metric], item: &Item) -> Vec<(usize, UnusableTarget)> {
    let of_metric = |(at, metric): (usize, &Metric)| Some((at, metric.check_targets(item).err()?));
    metrics.iter().enumerate().filter_map(of_metric).collect()
}

impl UsableTargets {
    pub(crate) fn new(metrics: &[Metric], dataset: &DatasetSpec) -> Self {
        let unusable = |metric: &Metric| Unusable {
            metric: metric.name().to_owned(),
            n: 0,
            named: Vec::new(),
            is_mistake: false,
        };
        Self {
            path: dataset.file.origin.clone(),
            target: dataset.targets.join("`, `"),
            is_allowed: dataset.allow_unusable_target,
            n_items: 0,
            unusable: metrics.iter().map(unusable).collect(),
            is_useless: false,
        }
    }

    /// Takes in what was found of an item.
    pub(crate) fn see(&mut self, item: &Item, found: Vec<(usize, UnusableTarget)>) {
        self.n_items += 1;
        self.is_useless |= !found.is_empty() && found.len() == self.unusable.len();
        for (metric, unusable) in found {
            let of_metric = &mut self.unusable[metric];
            of_metric.n += 1;
            of_metric.is_mistake |= unusable.is_mistake;
            if of_metric.named.len() < NAMED {
                of_metric.named.push(format!("row {}: {}", item.row, unusable.problem));
            }
        }
    }

    /// Warnings; or an error where a metric cannot use any target, or what it cannot use must be a
    /// mistake, or no metric can use some row.
    pub(crate) fn told(&self) -> Result<Vec<String>, UnusableTargets> {
        let found: Vec<_> = self.unusable.iter().filter(|found| found.n > 0).collect();
        let is_wrong =
            |found: &&&Unusable| found.is_mistake || found.n == self.n_items || self.is_useless;
        let wrong: Vec<_> = found.iter().filter(is_wrong).map(|found| self.say(found)).collect();
        if wrong.is_empty() || self.is_allowed {
            return Ok(found.into_iter().map(|found| self.say(found)).collect());
        }
        Err(UnusableTargets { problems: wrong })
    }

    fn say(&self, found: &Unusable) -> String {
        let Unusable { metric, n, named, .. } = found;
        let rows = match (*n, self.n_items) {
            (1, _) => "1 row".to_owned(),
            (n, all) if n == all => format!("all {} rows", count(n)),
            (n, all) => format!("{} of {} rows", count(n), count(all)),
        };
        let more = *n - named.len() as u64;
        let more = if more > 0 { format!("; and {} more", count(more)) } else { String::new() };
        format!(
            "dataset {}: metric `{metric}` cannot use the target (`{}`) of {rows}: {}{more}",
            self.path.display(),
            self.target,
            named.join("; "),
        )
    }
}
