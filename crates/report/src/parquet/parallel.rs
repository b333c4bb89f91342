//! Parts of a file, or some of its rows, decoded on several threads and handed on in the file's order.

use rayon::prelude::*;

use super::{
    open::{Part, ReadError, TableReader},
    typed_columns::Frame,
};

/// Parts that each thread decodes before they are handed on.
const PARTS_A_THREAD: usize = 2;

/// Makes something of each part of a file, on several threads, and hands it on in order; ends at the first
/// error in that order. While some parts are handed on, the next ones are decoded.
pub(super) fn in_order<T: Send, E: From<ReadError> + Send>(
    reader: &TableReader,
    make: impl Fn(&Frame<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    parts_in_order(reader, &reader.parts(), |_, frame| make(frame), take)
}

/// Decodes the rows at these positions, which ascend, and hands them on one by one; parts without any are left out.
pub(super) fn rows_in_order<T: Send, E: From<ReadError> + Send>(
    reader: &TableReader,
    rows: &[u64],
    decode: impl Fn(&Frame<'_>) -> Result<Vec<T>, E> + Sync,
    mut take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let before = |end: u64| rows.partition_point(|row| *row < end);
    let of_part =
        |part: &Part| &rows[before(part.first_row)..before(part.first_row + part.height() as u64)];
    let mut parts = reader.parts();
    parts.retain(|part| !of_part(part).is_empty());
    let decode = |part: &Part, frame: &Frame<'_>| {
        let runs = of_part(part).chunk_by(|row, next| *next == row + 1);
        let decoded = runs.map(|run| decode(&frame.rows_from(run[0], run.len())));
        decoded.collect::<Result<Vec<_>, E>>()
    };
    let take = |runs: Vec<Vec<T>>| runs.into_iter().flatten().try_for_each(&mut take);
    parts_in_order(reader, &parts, decode, take)
}

fn parts_in_order<T: Send, E: From<ReadError> + Send>(
    reader: &TableReader,
    parts: &[Part],
    make: impl Fn(&Part, &Frame<'_>) -> Result<T, E> + Sync,
    mut take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let most = PARTS_A_THREAD * rayon::current_num_threads();
    let decode = |parts: &[Part]| -> Vec<Result<T, E>> {
        let parts = parts.par_iter().with_max_len(1);
        parts.map(|part| reader.read_part(part, |frame| make(part, frame))).collect()
    };
    let mut hand_on = |made: Vec<Result<T, E>>| made.into_iter().try_for_each(|one| take(one?));
    let mut waiting = Vec::new();
    for parts in parts.chunks(most) {
        let handed = std::mem::take(&mut waiting);
        let (next, result) = rayon::join(|| decode(parts), || hand_on(handed));
        result?;
        waiting = next;
    }
    hand_on(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::SAMPLES;

    /// Several parts of a row each come in order, and the first error in that order ends it.
    #[test]
    fn parts_come_in_the_order_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("samples.parquet");
        super::super::tests::write(&path, &SAMPLES, "", &["epoch"]);
        let reader = TableReader::open(&path).expect("a file");
        let n_rows = reader.n_rows();
        let mut seen = Vec::new();
        let make = |frame: &Frame<'_>| Ok::<_, ReadError>((frame.first_row, frame.height));
        in_order(&reader, make, |part| {
            seen.push(part);
            Ok(())
        })
        .expect("sound");
        let mut next = 0;
        for (first, height) in seen {
            assert_eq!(first, next);
            next += height as u64;
        }
        assert_eq!(next, n_rows);
        let failed = in_order(
            &reader,
            |frame: &Frame<'_>| {
                let row = frame.first_row;
                Err::<(), _>(ReadError::damaged(&path, format!("at {row}")))
            },
            |()| Ok(()),
        );
        assert!(failed.expect_err("damaged").to_string().ends_with("at 0"));
    }
}
