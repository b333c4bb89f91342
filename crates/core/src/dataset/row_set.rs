//! A set of rows, or of items, by their place: one bit each.

/// Places from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    n: u64,
}

impl RowSet {
    /// Adds a place.
    pub fn insert(&mut self, place: u64) {
        let Ok(word) = usize::try_from(place / 64) else { return };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.n += u64::from(!self.contains(place));
        self.words[word] |= 1 << (place % 64);
    }

    /// Whether a place is in it.
    pub fn contains(&self, place: u64) -> bool {
        let word = usize::try_from(place / 64).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// How many places are in it.
    pub fn count(&self) -> u64 {
        self.n
    }
}

impl FromIterator<u64> for RowSet {
    fn from_iter<I: IntoIterator<Item = u64>>(places: I) -> Self {
        let mut set = Self::default();
        places.into_iter().for_each(|place| set.insert(place));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_it_once() {
        let set: RowSet = [0, 63, 64, 1_000, 63].into_iter().collect();
        assert_eq!(set.count(), 4);
        let found: Vec<u64> = (0..2_000).filter(|place| set.contains(*place)).collect();
        assert_eq!(found, [0, 63, 64, 1_000]);
        assert!(!set.contains(u64::MAX));
    }
}
