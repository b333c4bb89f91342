//! Categories become shares: one of each frequent category, one of all others that the released run has, and
//! one of those that it has not.

use std::collections::BTreeMap;

use evalmark_core::drift::UnseenCategory;
use serde::{Deserialize, Serialize};

/// Categories that have a share of their own.
const LARGEST: usize = 20;

/// Unseen categories whose names are kept, and how many letters of them.
const NAMED: usize = 16;
const NAME_LENGTH: usize = 200;

/// What the shares are called that no single category has.
const OTHERS: &str = "(others)";
const UNSEEN: &str = "(unseen)";

/// The categories of a released run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Categories {
    /// The share that a category is counted in.
    share_of: BTreeMap<String, usize>,
    /// What each share is called.
    names: Vec<String>,
    unseen: Vec<UnseenCategory>,
}

impl Categories {
    pub(super) fn of<'a>(categories: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for category in categories {
            *counts.entry(category).or_default() += 1;
        }
        let mut by_count: Vec<(&str, u64)> = counts.into_iter().collect();
        by_count.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let own = if by_count.len() > LARGEST + 1 { LARGEST } else { by_count.len() };
        let mut names: Vec<String> = by_count[..own].iter().map(|one| one.0.to_owned()).collect();
        if by_count.len() > own {
            names.push(OTHERS.to_owned());
        }
        let share_of = by_count.iter().enumerate();
        let share_of = share_of.map(|(at, one)| (one.0.to_owned(), at.min(own))).collect();
        names.push(UNSEEN.to_owned());
        Self { share_of, names, unseen: Vec::new() }
    }

    /// What each share is called; the last one is that of unseen categories.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn share_of(&self, category: &str) -> usize {
        self.share_of.get(category).copied().unwrap_or(self.names.len() - 1)
    }

    /// Remembers a category that the released run has not.
    pub(super) fn notice(&mut self, category: &str, at: i64) {
        let name: String = category.chars().take(NAME_LENGTH).collect();
        if let Some(one) = self.unseen.iter_mut().find(|one| one.name == name) {
            one.n += 1;
        } else if self.unseen.len() < NAMED {
            self.unseen.push(UnseenCategory { name, first_seen: at, n: 1 });
        }
    }

    pub(super) fn forget_unseen(&mut self) {
        self.unseen.clear();
    }

    pub(super) fn unseen(&self) -> &[UnseenCategory] {
        &self.unseen
    }
}
