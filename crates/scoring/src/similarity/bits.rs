//! Dynamic programming 64 rows at a time (Myers 1999; Hyyrö 2003, 2004), for patterns of any length.
//!
//! A column of the matrix is cut into words of 64 rows. A word needs what the word above it hands
//! down in the same column, so that one column after another would be one long chain of waiting.
//! Words are therefore worked on in bands of two, the lower a column behind the upper: the two are
//! independent of each other within a step, and a processor does them side by side. (With three or
//! four, their state no longer fits into its registers.)
//!
//! Within a band a symbol is a byte, so that looking up where it stands is one load from a small
//! table. Where there are more symbols than bytes, each band numbers its own few.

/// The state of 64 rows of one column.
pub(super) trait Cell: Copy {
    /// Left of the first column.
    const START: Self;
    /// What the top row hands to the first word, in every column.
    const TOP: u8;
    /// What a word hands down, each bit a number of its own while it is worked with.
    type Handed: Copy;

    /// Goes on to the next column: `matches` has a bit for each row whose symbol is the column's;
    /// `above` is what the word above handed down, and the result is for the word below.
    fn step(&mut self, matches: u64, above: Self::Handed) -> Self::Handed;

    /// One byte for what was handed down.
    fn pack(handed: Self::Handed) -> u8;

    /// What a byte stands for.
    fn unpack(byte: u8) -> Self::Handed;
}

/// What is known after the last column.
pub(super) struct Swept<C> {
    /// The last column.
    pub(super) cells: Vec<C>,
    /// What the last word handed down, by column.
    pub(super) below: Vec<u8>,
}

/// Runs `text` (the columns) against `pattern` (the rows).
pub(super) fn sweep<C: Cell>(pattern: &[u32], text: &[u32], n_symbols: usize) -> Swept<C> {
    let mut swept = Swept { cells: Vec::new(), below: vec![C::TOP; text.len()] };
    let mut bytes = Bytes::new(text, n_symbols);
    let (pairs, rest) = pattern.as_chunks::<{ 2 * 64 }>();
    for rows in pairs {
        bytes.enter(rows, text, |rows, text| band::<C, 2>(rows, text, &mut swept));
    }
    bytes.enter(rest, text, |rows, text| match n_words(rest.len()) {
        0 => {}
        1 => band::<C, 1>(rows, text, &mut swept),
        _ => band::<C, 2>(rows, text, &mut swept),
    });
    swept
}

/// How many words a pattern takes.
pub(super) fn n_words(len: usize) -> usize {
    len.div_ceil(64)
}

/// The text in bytes: its symbols where they are few, else those of the band at hand.
struct Bytes {
    text: Vec<u8>,
    /// By symbol its number in the band, from 1, and 0 where it is not in it; empty where symbols are
    /// few.
    numbers: Vec<u8>,
}

impl Bytes {
    fn new(text: &[u32], n_symbols: usize) -> Self {
        if n_symbols > 256 {
            return Self { text: Vec::new(), numbers: vec![0; n_symbols] };
        }
        Self {
            text: text.iter().map(|symbol| symbol.to_le_bytes()[0]).collect(),
            numbers: Vec::new(),
        }
    }

    /// Works on the bytes of some rows, at most 128, and of the text.
    fn enter(&mut self, rows: &[u32], text: &[u32], work: impl FnOnce(&[u8], &[u8])) {
        if self.numbers.is_empty() {
            let rows: Vec<u8> = rows.iter().map(|symbol| symbol.to_le_bytes()[0]).collect();
            return work(&rows, &self.text);
        }
        for (symbol, number) in rows.iter().zip(1..) {
            self.numbers[*symbol as usize] = number;
        }
        let bytes = |symbols: &[u32]| -> Vec<u8> {
            symbols.iter().map(|symbol| self.numbers[*symbol as usize]).collect()
        };
        work(&bytes(rows), &bytes(text));
        for symbol in rows {
            self.numbers[*symbol as usize] = 0;
        }
    }
}

/// Where in the rows of a band each byte stands.
type Table<const N: usize> = [[u64; N]; 256];

/// Runs `N` words.
fn band<C: Cell, const N: usize>(rows: &[u8], text: &[u8], swept: &mut Swept<C>) {
    let mut table: Table<N> = [[0; N]; 256];
    for (row, symbol) in rows.iter().enumerate() {
        table[usize::from(*symbol)][row / 64] |= 1 << (row % 64);
    }
    let mut band = Band { cells: [C::START; N], above: [C::unpack(0); N] };
    let (warm, end) = (text.len().min(N - 1), text.len() + N - 1);
    for step in 0..warm {
        band.advance(&table, text, &mut swept.below, step, 0..step + 1);
    }
    band = band.run(&table, text, &mut swept.below);
    for step in text.len()..end {
        band.advance(&table, text, &mut swept.below, step, step + 1 - text.len()..N.min(step + 1));
    }
    swept.cells.extend(band.cells);
}

/// Words one below the other, each a column behind the one above it.
#[derive(Clone, Copy)]
struct Band<C: Cell, const N: usize> {
    cells: [C; N],
    above: [C::Handed; N],
}

impl<C: Cell, const N: usize> Band<C, N> {
    /// Word `lane` of `lanes` goes on to column `step - lane`, the lowest first, since it needs what
    /// the one above handed down a step ago.
    fn advance(
        &mut self,
        table: &Table<N>,
        text: &[u8],
        below: &mut [u8],
        step: usize,
        lanes: std::ops::Range<usize>,
    ) {
        if lanes.start == 0 {
            self.above[0] = C::unpack(below[step]);
        }
        for lane in lanes.rev() {
            let column = step - lane;
            let matches = table[usize::from(text[column])][lane];
            let handed = self.cells[lane].step(matches, self.above[lane]);
            if lane + 1 < N {
                self.above[lane + 1] = handed;
            } else {
                below[column] = C::pack(handed);
            }
        }
    }

    /// All steps in which all words have a column. The words are moved in and out, so that they stay
    /// in registers meanwhile.
    fn run(self, table: &Table<N>, text: &[u8], below: &mut [u8]) -> Self {
        let Self { mut cells, mut above } = self;
        for (first, columns) in text.windows(N).enumerate() {
            above[0] = C::unpack(below[first + N - 1]);
            for lane in (0..N).rev() {
                let matches = table[usize::from(columns[N - 1 - lane])][lane];
                let handed = cells[lane].step(matches, above[lane]);
                if lane + 1 < N {
                    above[lane + 1] = handed;
                } else {
                    below[first] = C::pack(handed);
                }
            }
        }
        Self { cells, above }
    }
}
