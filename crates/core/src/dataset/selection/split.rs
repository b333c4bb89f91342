//! One part of a dataset: by what a column says, or by the items themselves.

use super::{column_text, draw::identity, uniform};
use crate::{dataset::DatasetSpec, fields::Fields};

/// A split, as a suite asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Split {
    /// Rows whose column says one of these.
    Column { column: String, take: Vec<String> },
    /// Parts with their shares, of which some are taken.
    Parts { parts: Vec<(String, f64)>, take: Vec<String>, seed: u64 },
}

impl Split {
    /// Whether a row is in a part that is taken. Items of a cluster are in one part.
    pub(super) fn takes(&self, spec: &DatasetSpec, row: &Fields) -> Result<bool, String> {
        match self {
            Self::Column { column, take } => Ok(take.contains(&column_text(row, column)?)),
            Self::Parts { parts, take, seed } => {
                let cluster = match &spec.cluster {
                    Some(column) => column_text(row, column)?,
                    None => String::new(),
                };
                let key = if cluster.is_empty() { identity(spec, row)? } else { cluster };
                Ok(part_of(parts, *seed, &key).is_some_and(|part| take.iter().any(|t| t == part)))
            }
        }
    }
}

/// The part that a key falls into; `None` where the shares do not add up to one. A key keeps its part
/// whatever else there is.
pub(crate) fn part_of<'a>(parts: &'a [(String, f64)], seed: u64, key: &str) -> Option<&'a str> {
    let at = uniform(seed, "evalmark dataset split v1", key) as f64 / 2.0_f64.powi(64);
    let mut end = 0.0;
    parts.iter().find_map(|(name, share)| {
        end += share;
        // Shares such as 0.7, 0.2 and 0.1 add up to a bit less than one.
        (at < end || end > 1.0 - 1e-9).then_some(name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_their_shares_and_keys_keep_their_part() {
        let parts = [("train".to_owned(), 0.7), ("dev".to_owned(), 0.2), ("test".to_owned(), 0.1)];
        let mut counts = [0_u32; 3];
        for i in 0..20_000 {
            let part = part_of(&parts, 1, &format!("item {i}")).expect("a part");
            let at = parts.iter().position(|(name, _)| name == part).expect("known");
            counts[at] += 1;
        }
        for (count, expected) in counts.into_iter().zip([14_000_u32, 4_000, 2_000]) {
            assert!(count.abs_diff(expected) < 250, "{counts:?}");
        }
        // A contract: a suite selects the same items for ever.
        let of = |key: &str| part_of(&parts, 7, key);
        assert_eq!(["a", "b", "c", "d", "e", "f"].map(of), EXPECTED.map(Some));
        assert_eq!(part_of(&[("some".to_owned(), 1e-12)], 1, "a"), None);
    }

    const EXPECTED: [&str; 6] = ["train", "train", "dev", "train", "train", "train"];
}
