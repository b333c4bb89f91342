//! What this process may have asked: a Bloom filter, so that requests to an endpoint that the ledger
//! knew nothing of are not looked up one by one.

use std::sync::{Mutex, PoisonError};

use evalmark_core::request::RequestHash;

/// 8 MB when all are in use. Ten million requests fill them so far that one in about 25 is looked up
/// in vain; beyond that the filter is of less and less use, and never wrong.
const BLOCKS: usize = 1 << 17;
/// A request's bits lie within so many words: a line of a processor's cache.
const BLOCK: usize = 8;
/// Bits of a request.
const BITS: usize = 4;
/// Words of a page: what is made at once.
const PAGE: usize = 512;

/// The requests of one ledger that went through here, and a few that only look like one.
#[derive(Debug)]
pub(crate) struct RequestFilter(Mutex<Vec<Option<Box<Page>>>>);

/// Pages are made when a request falls into them, and written at once: memory that the system has
/// zeroed, and that is read before it is written, costs a fault more and halts the other threads.
type Page = [u64; PAGE];

impl Default for RequestFilter {
    fn default() -> Self {
        Self(Mutex::new(vec![None; BLOCKS * BLOCK / PAGE]))
    }
}

impl RequestFilter {
    /// Takes in a request. `true`: it has certainly not been here before.
    pub(crate) fn insert(&self, endpoint: i64, RequestHash(hash): &RequestHash) -> bool {
        // A hash is as good as random. The same one at another endpoint is in another block.
        let [a, b, c, d, rest @ ..] = hash;
        let [low, high, ..] = endpoint.to_le_bytes();
        let block = u32::from_le_bytes([a ^ low, b ^ high, *c, *d]) as usize % BLOCKS * BLOCK;
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (page, block) = (block / PAGE, block % PAGE);
        let words = pages[page].get_or_insert_with(written_page);
        let mut is_new = false;
        for [word, bit] in rest.as_chunks().0.iter().take(BITS) {
            let (word, bit) = (block + usize::from(*word) % BLOCK, 1 << (bit % 64));
            is_new |= words[word] & bit == 0;
            words[word] |= bit;
        }
        is_new
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
        for number in 0..20_000 {
            asked.insert(1, &hash(number));
        }
        assert!(!(0..20_000).any(|number| asked.insert(1, &hash(number))));
    }

    #[test]
    fn hardly_anybody_else_is() {
        let asked = RequestFilter::default();
        let mistaken = (0..1_000_000).filter(|number| !asked.insert(1, &hash(*number))).count();
        assert!(mistaken < 1_000, "{mistaken} of a million");
        let mistaken = (0..10_000).filter(|number| !asked.insert(2, &hash(*number))).count();
        assert!(mistaken < 100, "{mistaken} of another endpoint's");
    }
}
