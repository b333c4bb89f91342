//! Some items of variants, by where they stand among all.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use crate::item_table::ItemTable;

/// Where the items of a variant stand.
#[derive(Clone, Debug)]
pub struct TablePlaces {
    items: Arc<ItemTable>,
    n_items: usize,
}

/// Some items, each once.
#[derive(Clone, Debug)]
pub struct ItemPlaces {
    items: Arc<ItemTable>,
    /// They ascend.
    places: Arc<Vec<u32>>,
    /// Their keys in ascending order, for variants with other items.
    keys: OnceLock<Vec<u128>>,
}

impl TablePlaces {
    pub(crate) fn new(items: Arc<ItemTable>, n_items: usize) -> Self {
        Self { items, n_items }
    }

    /// How many items there are.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// Which item stands there.
    pub fn key(&self, place: usize) -> Option<u128> {
        (place < self.n_items).then(|| self.items.key(place))
    }

    /// Whether no two items have the same key.
    pub fn are_distinct(&self) -> bool {
        !self.items.order().has_duplicates
    }

    /// Items by their places, which ascend.
    pub fn some(&self, places: Vec<u32>) -> ItemPlaces {
        let (items, places) = (self.items.clone(), Arc::new(places));
        ItemPlaces { items, places, keys: OnceLock::new() }
    }

    /// The same of variants with other items, too, where they have these keys.
    pub fn with_keys(&self, places: Vec<u32>, mut keys: Vec<u128>) -> ItemPlaces {
        keys.sort_unstable();
        ItemPlaces { keys: OnceLock::from(keys), ..self.some(places) }
    }

    /// Where each of these items stands, by its key.
    pub fn find(&self, keys: &[u128]) -> Vec<Option<u32>> {
        let own = (0_u32..).take(self.n_items);
        let by_key: HashMap<u128, u32> = own.map(|at| (self.items.key(at as usize), at)).collect();
        keys.iter().map(|key| by_key.get(key).copied()).collect()
    }

    /// Whether another variant has the same items in the same places.
    pub fn is_of_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.items, &other.items)
    }
}

impl ItemPlaces {
    pub(crate) fn are_of(&self, items: &Arc<ItemTable>) -> bool {
        Arc::ptr_eq(&self.items, items)
    }

    pub(crate) fn places(&self) -> &Arc<Vec<u32>> {
        &self.places
    }

    /// Their keys in ascending order.
    pub(crate) fn keys(&self) -> &[u128] {
        self.keys.get_or_init(|| {
            let keys = self.places.iter().map(|&place| self.items.key(place as usize));
            let mut keys: Vec<u128> = keys.collect();
            keys.sort_unstable();
            keys
        })
    }
}
