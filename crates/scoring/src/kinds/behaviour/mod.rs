//! Behaviour: how long, how slow, how dear; what the answer refuses, repeats, or should not have said.

pub(super) mod blocklist;
pub(super) mod cost;
pub(super) mod language;
pub(super) mod latency;
pub(super) mod length;
pub(super) mod length_within;
pub(super) mod pii;
pub(super) mod refusal;
pub(super) mod repetition;

mod unit;
