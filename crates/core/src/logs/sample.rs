//! Which records of production logs keep their texts: drawn by a seed and the record's id, so that whoever
//! reads the same logs again draws the same.

use std::collections::BTreeMap;

use crate::dataset::selection::uniform;

/// A sample of records.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSample {
    /// The share of the records, in [0, 1].
    pub rate: f64,
    /// Another seed is another sample.
    pub seed: u64,
    /// Shares of some strata, by their value.
    pub rates: BTreeMap<String, f64>,
}

/// What a record is to the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stratum {
    /// Whether it is in it.
    pub is_drawn: bool,
    /// How probable that was.
    pub rate: f64,
}

impl LogSample {
    /// Whether the record of this id and stratum is drawn. One that failed always is.
    pub fn draw(&self, id: &str, stratum: Option<&str>, has_failed: bool) -> Stratum {
        if has_failed {
            return Stratum { is_drawn: true, rate: 1.0 };
        }
        let own = stratum.and_then(|stratum| self.rates.get(stratum));
        let rate = *own.unwrap_or(&self.rate);
        Stratum { is_drawn: Self::place(self.seed, id) < rate, rate }
    }

    /// The place of an id among all, in [0, 1].
    pub(super) fn place(seed: u64, id: &str) -> f64 {
        uniform(seed, "evalmark log sample v1", id) as f64 / 2_f64.powi(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_share_whatever_the_order() {
        let rates = BTreeMap::from([("rare".to_owned(), 1.0), ("none".to_owned(), 0.0)]);
        let sample = LogSample { rate: 0.1, seed: 7, rates };
        let drawn = |stratum: Option<&str>, has_failed| {
            let ids = (0..20_000).map(|i| format!("id-{i}"));
            ids.filter(|id| sample.draw(id, stratum, has_failed).is_drawn).count()
        };
        let usual = drawn(None, false);
        assert!((1_850..2_150).contains(&usual), "{usual}");
        assert_eq!(drawn(Some("other"), false), usual);
        assert_eq!(drawn(Some("rare"), false), 20_000);
        assert_eq!(drawn(Some("none"), false), 0);
        assert_eq!(drawn(None, true), 20_000);
        let other = LogSample { seed: 8, ..sample.clone() };
        let both = (0..20_000).map(|i| format!("id-{i}")).filter(|id| {
            sample.draw(id, None, false).is_drawn && other.draw(id, None, false).is_drawn
        });
        assert!(both.count() < 300);
    }
}
