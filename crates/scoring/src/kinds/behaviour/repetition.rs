//! `repetition`: how much of the answer says again what it has said.

use std::{collections::HashSet, sync::Arc};

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// The longest n-gram.
const MAX_N: usize = 20;

/// Parameters of `repetition`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Units in an n-gram, from 1 to 20.
    #[serde(default = "default_n")]
    #[schemars(range(min = 1, max = 20))]
    n: usize,
    /// What n-grams are made of.
    #[serde(default)]
    unit: Unit,
}

fn default_n() -> usize {
    4
}

/// What n-grams are made of.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unit {
    /// Runs of anything but white space, as they are written.
    #[default]
    Words,
    /// Unicode scalar values: for languages without spaces between words.
    Characters,
}

#[derive(Debug)]
pub(crate) struct Repetition {
    n: usize,
    unit: Unit,
}

impl MetricDefinition for Repetition {
    const ABOUT: About = About {
        name: "repetition",
        summary: "The share of n-grams that occur earlier in the answer, too: 1 - distinct \
                  n-grams / n-grams; 0 where the answer is too short to have any.",
        range: Range::Unit,
        direction: Direction::Lower,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "seq-rep-n, Welleck et al. 2019 (arXiv:1908.04319); 1 - distinct-n, Li et al. 2016 (arXiv:1510.03055).",
    };
    type Params = Params;

    fn compile(Params { n, unit }: Params) -> Result<Backend, ParamError> {
        if !(1..=MAX_N).contains(&n) {
            let message = format!("`n` must lie between 1 and {MAX_N}");
            return Err(ParamError { pointer: "/n".to_owned(), message });
        }
        Ok(Backend::Text(Arc::new(Self { n, unit })))
    }
}

impl Measure for Repetition {
    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Measurement {
        let share = match self.unit {
            Unit::Words => repeated(&answer.split_whitespace().collect::<Vec<_>>(), self.n),
            Unit::Characters => repeated(&answer.chars().collect::<Vec<_>>(), self.n),
        };
        share.map_or_else(
            || Measurement::Value(0.0, Some(format!("too short for an n-gram of {}", self.n))),
            Measurement::of,
        )
    }
}

/// The share of n-grams that are not the first of their kind; `None` where there are none.
fn repeated<T: Eq + std::hash::Hash>(units: &[T], n: usize) -> Option<f64> {
    let n_grams = units.windows(n).len();
    let distinct: HashSet<&[T]> = units.windows(n).collect();
    (n_grams > 0).then(|| (n_grams - distinct.len()) as f64 / n_grams as f64)
}
