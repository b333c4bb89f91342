//! A suite with where the values of its metrics lie, for whoever shows them elsewhere.

use std::{collections::BTreeMap, path::Path};

use evalmark_core::{
    metric::{Direction, Range},
    suite::Suite,
};
use evalmark_scoring::Metric;
use evalmark_store::run_record::RunOptions;

use crate::{Host, LoadError, error::Result, load::read_suite};

/// A suite with its metrics' ranges and directions.
#[derive(Clone, Debug)]
pub struct ScaledSuite {
    /// The suite.
    pub suite: Suite,
    /// By the metric's name.
    pub scales: BTreeMap<String, (Range, Direction)>,
}

impl ScaledSuite {
    /// Reads a suite's file.
    pub fn read(path: &Path, host: &Host<'_>) -> Result<Self> {
        let suite = read_suite(path, &RunOptions::default(), host)?;
        let scales = suite.metrics.iter().map(|spec| {
            let metric = Metric::compile(spec).map_err(|error| LoadError::Metric {
                name: spec.name.clone(),
                problem: error.message,
            })?;
            Ok((spec.name.clone(), (metric.range(), metric.direction())))
        });
        let scales = scales.collect::<Result<_>>()?;
        Ok(Self { suite, scales })
    }
}
