//! What this process may have asked: Bloom filters, so that requests to an endpoint that the ledger
//! knew nothing of are not looked up one by one.

use std::sync::{Mutex, PoisonError};

use evalmark_core::request::RequestHash;

/// Blocks of the first filter, 512 KB when all are in use. Each one after it has twice as many.
const FIRST_BLOCKS: usize = 1 << 13;
/// The last one has 8 MB. Ten million requests fill it so far that one in about 60 is looked up in
/// vain; beyond that it is of less and less use, and never wrong.
const MOST_FILTERS: usize = 5;
/// A request's bits lie within so many words: a line of a processor's cache.
const BLOCK: usize = 8;
/// Bits of a request.
const BITS: usize = 4;
/// Requests to a block after which a filter is full: one in about 250 is then looked up in vain.
const REQUESTS: usize = 24;
/// Words of a page: what is made at once.
const PAGE: usize = 512;

/// The requests of one ledger that went through here, and a few that only look like one.
#[derive(Debug, Default)]
pub(crate) struct RequestFilter(Mutex<Vec<Filter>>);

/// Pages are made when a request falls into them, and written at once: memory that the system has
/// zeroed, and that is read before it is written, costs a fault more and halts the other threads.
type Page = [u64; PAGE];

#[derive(Debug)]
struct Filter {
    pages: Vec<Option<Box<Page>>>,
    /// How many more it takes.
    room: usize,
}

/// Where a request's bits are.
struct Place<'a> {
    /// Which block, in a filter of as many as there may be.
    block: usize,
    bits: &'a [[u8; 2]],
}

impl RequestFilter {
    /// Takes in a request. `true`: it has certainly not been here before.
    pub(crate) fn insert(&self, endpoint: i64, RequestHash(hash): &RequestHash) -> bool {
        // A hash is as good as random. The same one at another endpoint is in another block.
        let [a, b, c, d, rest @ ..] = hash;
        let [low, high, ..] = endpoint.to_le_bytes();
        let block = u32::from_le_bytes([a ^ low, b ^ high, *c, *d]) as usize;
        let place = Place { block, bits: &rest.as_chunks().0[..BITS] };
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = filters.last().is_none_or(|last| last.room == 0);
        if is_full && filters.len() < MOST_FILTERS {
            let filter = Filter::new(FIRST_BLOCKS << filters.len());
            filters.push(filter);
        }
        let Some((last, full)) = filters.split_last_mut() else { return false };
        full.iter().all(|filter| !filter.holds(&place)) && last.insert(&place)
    }
}

impl Filter {
    fn new(blocks: usize) -> Self {
        Self { pages: vec![None; blocks * BLOCK / PAGE], room: blocks * REQUESTS }
    }

    /// Its page, and where in that its block begins.
    fn page_of(&self, place: &Place<'_>) -> (usize, usize) {
        let word = place.block * BLOCK % (self.pages.len() * PAGE);
        (word / PAGE, word % PAGE)
    }

    fn holds(&self, place: &Place<'_>) -> bool {
        let (page, block) = self.page_of(place);
        let holds = |words: &Page| place.words(block).all(|(word, bit)| words[word] & bit != 0);
        self.pages[page].as_deref().is_some_and(holds)
    }

    /// Whether it was not here.
    fn insert(&mut self, place: &Place<'_>) -> bool {
        let (page, block) = self.page_of(place);
        let words = self.pages[page].get_or_insert_with(written_page);
        let mut is_new = false;
        for (word, bit) in place.words(block) {
            is_new |= words[word] & bit == 0;
            words[word] |= bit;
        }
        self.room = self.room.saturating_sub(usize::from(is_new));
        is_new
    }
}

impl Place<'_> {
    /// Its words within a page, and the bit in each.
    fn words(&self, block: usize) -> impl Iterator<Item = (usize, u64)> {
        self.bits
            .iter()
            .map(move |[word, bit]| (block + usize::from(*word) % BLOCK, 1 << (bit % 64)))
    }
}

/// A page without requests, whose memory has been written.
fn written_page() -> Box<Page> {
    // Hidden from the compiler, which would otherwise ask for memory that is zero already.
    Box::new([std::hint::black_box(0); PAGE])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> RequestHash {
        RequestHash(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    #[test]
    fn whoever_was_here_is_known() {
        let asked = RequestFilter::default();
        let number_of_filters = || asked.0.lock().expect("the filters").len();
        for number in 0..1_000_000 {
            asked.insert(1, &hash(number));
        }
        assert_eq!(number_of_filters(), 3);
        assert!(!(0..1_000_000).any(|number| asked.insert(1, &hash(number))));
        assert_eq!(number_of_filters(), 3);
    }

    #[test]
    fn hardly_anybody_else_is() {
        let asked = RequestFilter::default();
        let mistaken = (0..1_000_000).filter(|number| !asked.insert(1, &hash(*number))).count();
        assert!(mistaken < 3_000, "{mistaken} of a million");
        let mistaken = (0..10_000).filter(|number| !asked.insert(2, &hash(*number))).count();
        assert!(mistaken < 100, "{mistaken} of another endpoint's");
    }
}
