//! Why streams cannot be watched.

use thiserror::Error;

/// Why a monitor cannot be set up.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DriftError {
    /// The yearly error rate is not within (0, 0.5).
    #[error("alpha must lie between 0 and 0.5, not {0}")]
    Alpha(f64),
    /// A year without looks, or a cycle without.
    #[error("a year and a cycle must each have a look at least, and a year a whole cycle")]
    Looks,
    /// A weight that is no number from 0 on, or a tolerance outside of 0 to 1.
    #[error("the stream `{0}` must have a weight from 0 on and a tolerance from 0 to 1")]
    Stream(String),
    /// Two streams of one name.
    #[error("two streams are called `{0}`")]
    SameName(String),
    /// There is nothing to hold the stream against.
    #[error("the released run has no value for the stream `{0}`")]
    Empty(String),
    /// A value of the released run is no number, or lies outside of its range.
    #[error("a value of the released run is not usable: {0}")]
    Value(f64),
}
