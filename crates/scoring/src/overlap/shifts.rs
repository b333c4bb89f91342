//! The edits of TER: a greedy search for blocks of words to move, then insertions, deletions and
//! replacements along a beam, step for step as sacrebleu 2.6.0 does it (after Tercom).
//!
//! The search is a heuristic with limits of its own, so that the number is not the fewest edits
//! there are; only the same steps give the same number.

use std::ops::Range;

use super::TooLong;

/// The longest block that is moved.
const MAX_BLOCK: usize = 10;
/// How far a block is moved at most.
const MAX_DISTANCE: usize = 50;
/// How many moves are tried for an answer.
const MAX_TRIED: usize = 1000;
/// The most pairs of places that are looked at for blocks, in all rounds: about a second.
const MAX_PAIRS: usize = 200_000_000;
/// How far from the diagonal the edit distance is looked for.
const BEAM: usize = 25;
/// The most cells of a matrix, of which a thousand are filled at most: about a second.
const MAX_CELLS: usize = 1_000_000;

/// The moves and edits that turn `answer` into `reference`.
pub(super) fn edits(answer: &[u32], reference: &[u32]) -> Result<usize, TooLong> {
    if reference.is_empty() {
        return Ok(answer.len());
    }
    let beam = Beam::new(answer.len(), reference)?;
    let mut state = State { matrix: beam.filled(answer), words: answer.to_vec() };
    let (mut n_moves, mut n_tried) = (0, 0);
    let pairs_a_round = answer.len().saturating_mul(reference.len().min(2 * MAX_DISTANCE + 1));
    while let Some(better) = best_move(&beam, &state, &mut n_tried)? {
        n_moves += 1;
        if pairs_a_round.saturating_mul(n_moves) > MAX_PAIRS {
            return Err(TooLong);
        }
        state = better;
    }
    Ok(n_moves + state.matrix.distance()? as usize)
}

/// An order of the answer's words, and its matrix.
struct State {
    words: Vec<u32>,
    matrix: Matrix,
}

/// A block of words that the answer and the reference share.
#[derive(Clone, Copy)]
struct Block {
    in_answer: usize,
    in_reference: usize,
    length: usize,
}

/// The move that saves most edits, where one saves any and the search is not over; of several the
/// longest block's, then the earliest block's, then that to the earliest place.
fn best_move(beam: &Beam, state: &State, n_tried: &mut usize) -> Result<Option<State>, TooLong> {
    let before = state.matrix.distance()?;
    let alignment = state.matrix.alignment()?;
    let mut scratch = state.matrix.clone();
    let mut best = None;
    for block in blocks(&state.words, beam.reference) {
        if !alignment.has_errors(block) {
            continue;
        }
        for target in alignment.targets(block) {
            let words = moved(&state.words, block, target);
            beam.refill(&words, state, &mut scratch);
            let gain = i64::from(before) - i64::from(scratch.distance()?);
            let rank = (gain, block.length, -signed(block.in_answer), -signed(target));
            *n_tried += 1;
            if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, words));
            }
        }
        if *n_tried >= MAX_TRIED {
            return Ok(None);
        }
    }
    let better = best.filter(|((gain, ..), _)| *gain > 0);
    Ok(better.map(|(_, words)| State { matrix: beam.filled(&words), words }))
}

fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// All blocks of up to ten words that stand in both, not too far apart.
fn blocks<'a>(answer: &'a [u32], reference: &'a [u32]) -> impl Iterator<Item = Block> + 'a {
    (0..answer.len()).flat_map(move |in_answer| {
        let end = reference.len().min(in_answer + MAX_DISTANCE + 1);
        (in_answer.saturating_sub(MAX_DISTANCE)..end).flat_map(move |in_reference| {
            let pairs = answer[in_answer..].iter().zip(&reference[in_reference..]);
            let longest = pairs.take(MAX_BLOCK).take_while(|(x, y)| x == y).count();
            (1..=longest).map(move |length| Block { in_answer, in_reference, length })
        })
    })
}

/// The words with a block taken out and put in before what stood at `target`; where that lies inside
/// the block, as many words further on.
fn moved(words: &[u32], block: Block, target: usize) -> Vec<u32> {
    let Block { in_answer: start, length, .. } = block;
    let end = start + length;
    let part =
        |range: Range<usize>| &words[range.start.min(words.len())..range.end.min(words.len())];
    if target < start {
        [part(0..target), part(start..end), part(target..start), part(end..words.len())].concat()
    } else if target > end {
        [part(0..start), part(end..target), part(start..end), part(target..words.len())].concat()
    } else {
        let after = length + target;
        [part(0..start), part(end..after), part(start..end), part(after..words.len())].concat()
    }
}

/// Which part of each row of the matrix is filled in: the same for any order of the answer's words.
struct Beam<'a> {
    reference: &'a [u32],
    rows: Vec<Range<usize>>,
    /// Where each row begins in memory.
    starts: Vec<usize>,
    n_cells: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Edit {
    Keep,
    Replace,
    Insert,
    Delete,
    Unknown,
}

#[derive(Clone, Copy)]
struct Cell {
    cost: u32,
    edit: Edit,
}

/// A cost that is never the least.
const OUTSIDE: Cell = Cell { cost: u32::MAX / 2, edit: Edit::Unknown };

#[derive(Clone)]
struct Matrix {
    cells: Vec<Cell>,
    rows: Vec<Range<usize>>,
    starts: Vec<usize>,
}

impl<'a> Beam<'a> {
    fn new(n_answer: usize, reference: &'a [u32]) -> Result<Self, TooLong> {
        let ratio = if n_answer == 0 { 1.0 } else { reference.len() as f64 / n_answer as f64 };
        let width = if (BEAM as f64) < ratio / 2.0 {
            floor((ratio / 2.0 + BEAM as f64).ceil())
        } else {
            BEAM
        };
        let n_columns = reference.len() + 1;
        let mut rows = Vec::with_capacity(n_answer + 1);
        rows.push(0..n_columns);
        let (mut starts, mut n_cells) = (vec![0], n_columns);
        for row in 1..=n_answer {
            let diagonal = floor((row as f64 * ratio).floor());
            let end = if row == n_answer { n_columns } else { n_columns.min(diagonal + width) };
            let start = diagonal.saturating_sub(width).min(end);
            starts.push(n_cells);
            n_cells += end - start;
            rows.push(start..end);
            if n_cells > MAX_CELLS {
                return Err(TooLong);
            }
        }
        Ok(Self { reference, rows, starts, n_cells })
    }

    fn filled(&self, words: &[u32]) -> Matrix {
        let first = (0..).take(self.rows[0].len()).map(|cost| Cell { cost, edit: Edit::Insert });
        let mut cells: Vec<Cell> = first.collect();
        cells.resize(self.n_cells, OUTSIDE);
        let mut matrix = Matrix { cells, rows: self.rows.clone(), starts: self.starts.clone() };
        self.fill(words, 1, &mut matrix);
        matrix
    }

    /// Makes `scratch` the matrix of `words`; rows as in `state` are copied.
    fn refill(&self, words: &[u32], state: &State, scratch: &mut Matrix) {
        let same = words.iter().zip(&state.words).take_while(|(x, y)| x == y).count();
        let end = self.starts.get(same + 1).copied().unwrap_or(self.n_cells);
        scratch.cells[..end].copy_from_slice(&state.matrix.cells[..end]);
        self.fill(words, same + 1, scratch);
    }

    fn fill(&self, words: &[u32], from: usize, matrix: &mut Matrix) {
        for row in from..=words.len() {
            let (above, rest) = matrix.cells.split_at_mut(self.starts[row]);
            let above = &above[self.starts[row - 1]..];
            self.fill_row(words[row - 1], row, above, rest);
        }
    }

    /// Prefers to keep or replace, then to delete, then to insert.
    fn fill_row(&self, word: u32, row: usize, above: &[Cell], cells: &mut [Cell]) {
        let Range { start, end } = self.rows[row];
        let shift = self.rows[row - 1].start;
        let at = |column: usize| {
            column.checked_sub(shift).and_then(|at| above.get(at)).copied().unwrap_or(OUTSIDE)
        };
        let mut left = OUTSIDE;
        let mut diagonal = if start == 0 { OUTSIDE } else { at(start - 1) };
        for column in start..end {
            let up = at(column);
            let keep = column > 0 && self.reference[column - 1] == word;
            let edit = if keep { Edit::Keep } else { Edit::Replace };
            let options = [
                Cell { cost: diagonal.cost + u32::from(!keep), edit },
                Cell { cost: up.cost + 1, edit: Edit::Delete },
                Cell { cost: left.cost + 1, edit: Edit::Insert },
            ];
            let better = |best: Cell, next: Cell| if next.cost < best.cost { next } else { best };
            left = options.into_iter().fold(OUTSIDE, better);
            cells[column - start] = left;
            diagonal = up;
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded length")]
fn floor(length: f64) -> usize {
    length as usize
}

impl Matrix {
    /// The edits of the whole answer.
    fn distance(&self) -> Result<u32, TooLong> {
        let last = self.cells.last().filter(|cell| cell.edit != Edit::Unknown);
        last.map(|cell| cell.cost).ok_or(TooLong)
    }

    fn at(&self, row: usize, column: usize) -> Cell {
        let Range { start, end } = self.rows[row];
        if (start..end).contains(&column) {
            self.cells[self.starts[row] + column - start]
        } else {
            OUTSIDE
        }
    }

    /// Follows the edits back from the end.
    fn alignment(&self) -> Result<Alignment, TooLong> {
        let (mut row, mut column) = (self.rows.len() - 1, self.rows[0].len() - 1);
        let mut places = vec![0; column];
        let (mut in_answer, mut in_reference) = (vec![0; row], vec![0; column]);
        while row > 0 || column > 0 {
            let edit = self.at(row, column).edit;
            if edit == Edit::Unknown {
                return Err(TooLong);
            }
            let error = u32::from(edit != Edit::Keep);
            if edit != Edit::Delete {
                column -= 1;
                places[column] = row;
                in_reference[column] = error;
            }
            if edit != Edit::Insert {
                row -= 1;
                in_answer[row] = error;
            }
        }
        Ok(Alignment { places, in_answer: sums(&in_answer), in_reference: sums(&in_reference) })
    }
}

/// Where the reference's words stand in the answer, and where the two differ.
struct Alignment {
    /// By word of the reference, how many words of the answer stand up to and with its own; where it
    /// has none, up to where it is missing.
    places: Vec<usize>,
    in_answer: Vec<u32>,
    in_reference: Vec<u32>,
}

impl Alignment {
    /// Whether both sides of a block hold an error, and it does not stand where it should.
    fn has_errors(&self, block: Block) -> bool {
        let Block { in_answer, in_reference, length } = block;
        let place = self.places[in_reference];
        self.in_answer[in_answer + length] > self.in_answer[in_answer]
            && self.in_reference[in_reference + length] > self.in_reference[in_reference]
            && !(in_answer + 1..=in_answer + length).contains(&place)
    }

    /// The places to move a block to: after the word before it, and after each of its own words.
    fn targets(&self, block: Block) -> impl Iterator<Item = usize> {
        let before = block.in_reference.checked_sub(1).map_or(0, |word| self.places[word]);
        let own = &self.places[block.in_reference..block.in_reference + block.length];
        let mut targets = [&[before], own].concat();
        targets.dedup();
        targets.into_iter()
    }
}

/// Sums up to each place.
fn sums(values: &[u32]) -> Vec<u32> {
    let mut sum = 0;
    let added = values.iter().map(|value| {
        sum += value;
        sum
    });
    std::iter::once(0).chain(added).collect()
}
