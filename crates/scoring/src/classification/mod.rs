//! Classification as scikit-learn 1.9.1 measures it: values of a confusion matrix, of single
//! probabilities, and of a ranking. Pure functions: sums in, values out.

mod averages;
mod chance;
mod confusion;
mod probabilities;
mod ranking;

pub(crate) use averages::{Average, Rates};
pub(crate) use chance::Weighting;
pub(crate) use confusion::Confusion;
pub(crate) use probabilities::{brier, log_loss};
pub(crate) use ranking::{Averaging, Histograms, MultiClass};
