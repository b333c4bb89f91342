//! The union of longest common subsequences that ROUGE-Lsum is made of.
//!
//! Which of several longest subsequences is taken matters, so that the way back through the matrix
//! is rouge-score's.

/// The words of `target`'s lines that stand in a longest common subsequence with any line of
/// `answer`, no word counted more often than it is in either text.
pub(super) fn union_hits(answer: &[&[u32]], target: &[&[u32]], n_symbols: usize) -> usize {
    let mut left_in_answer = counts(answer, n_symbols);
    let mut hits = 0;
    let mut way = Way::default();
    for line in target {
        let mut is_hit = vec![false; line.len()];
        for other in answer {
            way.mark(line, other, &mut is_hit);
        }
        for (word, _) in line.iter().zip(is_hit).filter(|(_, is_hit)| *is_hit) {
            let left = &mut left_in_answer[*word as usize];
            hits += usize::from(*left > 0);
            *left = left.saturating_sub(1);
        }
    }
    hits
}

fn counts(lines: &[&[u32]], n_symbols: usize) -> Vec<u32> {
    let mut counts = vec![0; n_symbols];
    for word in lines.iter().copied().flatten() {
        counts[*word as usize] += 1;
    }
    counts
}

/// Whether the way back goes left, a bit for each cell; and one row of lengths.
#[derive(Default)]
struct Way {
    left: Vec<u64>,
    lengths: Vec<u32>,
}

impl Way {
    /// Marks the words of `line` in a longest common subsequence with `other`.
    fn mark(&mut self, line: &[u32], other: &[u32], is_hit: &mut [bool]) {
        self.fill(line, other);
        let (mut row, mut column) = (line.len(), other.len());
        while row > 0 && column > 0 {
            if line[row - 1] == other[column - 1] {
                row -= 1;
                column -= 1;
                is_hit[row] = true;
            } else if self.goes_left((row - 1) * other.len() + column - 1) {
                column -= 1;
            } else {
                row -= 1;
            }
        }
    }

    fn fill(&mut self, line: &[u32], other: &[u32]) {
        self.left.clear();
        self.left.resize((line.len() * other.len()).div_ceil(64), 0);
        self.lengths.clear();
        self.lengths.resize(other.len(), 0);
        for (row, word) in line.iter().enumerate() {
            let (mut left, mut diagonal) = (0, 0);
            for (column, (length, symbol)) in self.lengths.iter_mut().zip(other).enumerate() {
                let above = *length;
                let cell = row * other.len() + column;
                self.left[cell / 64] |= u64::from(left > above) << (cell % 64);
                left = if word == symbol { diagonal + 1 } else { left.max(above) };
                diagonal = above;
                *length = left;
            }
        }
    }

    fn goes_left(&self, cell: usize) -> bool {
        self.left[cell / 64] >> (cell % 64) & 1 == 1
    }
}
