//! Characters or words as small numbers, so that tables over them stay small.

use std::collections::HashMap;

/// Two sequences over the symbols `0..n_symbols`.
#[derive(Clone, Debug)]
pub(crate) struct Sequences {
    /// The one.
    pub(crate) a: Vec<u32>,
    /// The other.
    pub(crate) b: Vec<u32>,
    /// One more than the largest symbol.
    pub(crate) n_symbols: usize,
}

impl Sequences {
    /// The same without what both begin with and what both end with.
    pub(crate) fn without_common_ends(&self) -> (&[u32], &[u32]) {
        let same = |(x, y): &(&u32, &u32)| x == y;
        let start = self.a.iter().zip(&self.b).take_while(same).count();
        let (a, b) = (&self.a[start..], &self.b[start..]);
        let end = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
        (&a[..a.len() - end], &b[..b.len() - end])
    }
}

/// The characters (Unicode scalar values) of two texts.
pub(crate) fn characters(a: &str, b: &str) -> Sequences {
    if a.is_ascii() && b.is_ascii() {
        let bytes = |text: &str| text.bytes().map(u32::from).collect();
        return Sequences { a: bytes(a), b: bytes(b), n_symbols: 128 };
    }
    let mut alphabet = Alphabet::default();
    let (a, b) = (alphabet.symbols(a), alphabet.symbols(b));
    Sequences { a, b, n_symbols: alphabet.len as usize }
}

/// Words, each one symbol.
pub(crate) fn words<W: std::hash::Hash + Eq>(
    a: impl IntoIterator<Item = W>,
    b: impl IntoIterator<Item = W>,
) -> Sequences {
    let mut known = HashMap::new();
    let mut symbol = |word| {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(word).or_insert(next)
    };
    let a = a.into_iter().map(&mut symbol).collect();
    let b = b.into_iter().map(&mut symbol).collect();
    Sequences { a, b, n_symbols: known.len() }
}

const NONE: u32 = u32::MAX;
const PAGE: usize = 256;

/// Symbols for characters in the order in which they appear; tables of 256 characters, so that a
/// look-up needs no hashing.
struct Alphabet {
    /// Where the page of `c / 256` begins in `symbols`, in pages; the first page always exists, and
    /// stands for "none" at any other place.
    pages: Vec<u16>,
    symbols: Vec<u32>,
    len: u32,
}

impl Default for Alphabet {
    fn default() -> Self {
        Self { pages: Vec::new(), symbols: vec![NONE; PAGE], len: 0 }
    }
}

impl Alphabet {
    fn symbols(&mut self, text: &str) -> Vec<u32> {
        let mut symbols = Vec::with_capacity(text.len());
        symbols.extend(text.chars().map(|c| self.symbol(c as usize)));
        symbols
    }

    fn symbol(&mut self, code: usize) -> u32 {
        let at = if code < PAGE { code } else { self.page(code / PAGE) * PAGE + code % PAGE };
        if self.symbols[at] == NONE {
            self.symbols[at] = self.len;
            self.len += 1;
        }
        self.symbols[at]
    }

    /// The place of a page beyond the first, made where it does not exist.
    fn page(&mut self, page: usize) -> usize {
        if self.pages.is_empty() {
            self.pages = vec![0; char::MAX as usize / PAGE + 1];
        }
        if self.pages[page] == 0 {
            let next = self.symbols.len() / PAGE;
            self.pages[page] = u16::try_from(next).unwrap_or(u16::MAX);
            self.symbols.resize(self.symbols.len() + PAGE, NONE);
        }
        usize::from(self.pages[page])
    }
}
