//! Streams of production values against a released run: whether they drift, since when, and what
//! changed with them.
//!
//! **The question.** A stream is as the released run was when its mean is: the mean score, the share
//! of a category, or, of amounts, the chance ½ to lie above a value of the run. It may be looked at
//! for ever. With chance `alpha` at most any of the streams raises an alarm within a year while all of them
//! are as the run was.
//!
//! **The test.** Two errors share a stream's alpha. Half is the released run's own: it is a sample,
//! so production is held against the end of the run's confidence interval (`bounds.rs`), not against
//! its mean. The other half is the stream's: an e-process bets against "the mean is there or
//! better" (`bets.rs`), and Ville's inequality bounds the chance that it ever gets rich.
//! It is a mixture over the look at which drift may begin, so that years of good values do not delay
//! the alarm (the Shiryaev-Roberts e-detector with the weights of a year: Shin, Ramdas and Rinaldo, arXiv 2203.03532),
//! and over sizes of the bet (Waudby-Smith and Ramdas, arXiv 2010.09686). Bets on values between 0 and 1 use a lower bound of the wealth
//! that sums tell exactly (Howard et al., arXiv 1810.08240), so that a million values cost what a handful does.
//!
//! **What may vary without an alarm.** Values of one cluster within a look are one unit, its mean. The
//! mix of strata may change: each look is weighted back to the run's mix (`look.rs`). Within a cycle
//! of looks, such as a week, the mean may come and go as it likes while it is the run's over the whole. Values
//! of different clusters in one look are taken for independent, and so are looks, given the true mean.
//!
//! `stream.rs` is one stream, `monitor.rs` all of them and the share of alpha, `onset.rs` says when it began.

mod amounts;
mod bets;
mod bounds;
mod categories;
mod describe;
mod error;
mod look;
mod monitor;
mod onset;
mod reference;
mod rule;
mod stream;
mod sums;

pub use error::DriftError;
pub use monitor::DriftMonitor;
pub use reference::ReferenceSample;
pub use rule::{DriftRule, StreamRule};
pub use sums::{StreamValue, ValueSums};
