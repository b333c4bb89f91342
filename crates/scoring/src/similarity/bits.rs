//! Dynamic programming 64 rows at a time (Myers 1999; Hyyrö 2003, 2004), for patterns of any length.
//!
//! A column of the matrix is cut into words of 64 rows. A word needs what the word above it hands
//! down in the same column, so that one column after another would be one long chain of waiting.
//! Words are therefore worked on in bands of four, each a column behind the one above it: the four
//! are independent of one another within a step, and a processor does them side by side.

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
    let (fours, rest) = pattern.as_chunks::<{ 4 * 64 }>();
    let mut table = vec![[0; 4]; if fours.is_empty() { 0 } else { n_symbols }];
    for rows in fours {
        band(&mut table, rows, text, &mut swept);
    }
    match rest.len().div_ceil(64) {
        0 => {}
        1 => band::<C, 1>(&mut vec![[0]; n_symbols], rest, text, &mut swept),
        2 => band::<C, 2>(&mut vec![[0; 2]; n_symbols], rest, text, &mut swept),
        3 => band::<C, 3>(&mut vec![[0; 3]; n_symbols], rest, text, &mut swept),
        _ => band::<C, 4>(&mut vec![[0; 4]; n_symbols], rest, text, &mut swept),
    }
    swept
}

/// How many words a pattern takes.
pub(super) fn n_words(len: usize) -> usize {
    len.div_ceil(64)
}

/// Runs `N` words; `table` holds zeros before and after.
fn band<C: Cell, const N: usize>(
    table: &mut [[u64; N]],
    rows: &[u32],
    text: &[u32],
    swept: &mut Swept<C>,
) {
    for (row, symbol) in rows.iter().enumerate() {
        table[*symbol as usize][row / 64] |= 1 << (row % 64);
    }
    let mut band = Band { cells: [C::START; N], above: [C::unpack(0); N] };
    let (warm, end) = (text.len().min(N - 1), text.len() + N - 1);
    for step in 0..warm {
        band.advance(table, text, &mut swept.below, step, 0..step + 1);
    }
    band = band.run(table, text, &mut swept.below);
    for step in text.len()..end {
        band.advance(table, text, &mut swept.below, step, step + 1 - text.len()..N.min(step + 1));
    }
    swept.cells.extend(band.cells);
    for symbol in rows {
        table[*symbol as usize] = [0; N];
    }
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
        table: &[[u64; N]],
        text: &[u32],
        below: &mut [u8],
        step: usize,
        lanes: std::ops::Range<usize>,
    ) {
        if lanes.start == 0 {
            self.above[0] = C::unpack(below[step]);
        }
        for lane in lanes.rev() {
            let column = step - lane;
            let matches = table[text[column] as usize][lane];
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
    fn run(self, table: &[[u64; N]], text: &[u32], below: &mut [u8]) -> Self {
        let Self { mut cells, mut above } = self;
        for (first, columns) in text.windows(N).enumerate() {
            above[0] = C::unpack(below[first + N - 1]);
            for lane in (0..N).rev() {
                let matches = table[columns[N - 1 - lane] as usize][lane];
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
