//! What the items of a variant are called. Nearly none of them is ever named, so a run that is read from a
//! file keeps the rows at which their ids stand.

use std::collections::HashMap;

/// Where an item's name is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemName<'a> {
    /// It is this id.
    Id(&'a str),
    /// It is the id in this row of the file that the scores were read from.
    Row(u64),
}

/// The names of a variant's items, by place.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemNames {
    ids: Vec<Box<str>>,
    rows: Rows,
    /// Other names that some have now.
    renamed: HashMap<usize, Box<str>>,
}

/// Numbers of rows. Items mostly have equally many, so that only the exceptions are kept.
#[derive(Clone, Debug, Default)]
struct Rows {
    pieces: Vec<Piece>,
    n: usize,
}

/// Items whose first rows are equally far apart.
#[derive(Clone, Copy, Debug)]
struct Piece {
    place: usize,
    row: u64,
    step: Option<u64>,
}

impl Piece {
    fn row(self, place: usize) -> u64 {
        self.row + self.step.unwrap_or_default() * (place - self.place) as u64
    }
}

impl Rows {
    fn push(&mut self, row: u64) {
        let place = self.n;
        self.n += 1;
        if let Some(last) = self.pieces.last_mut() {
            if last.step.is_none() && row >= last.row {
                last.step = Some(row - last.row);
            }
            if last.row(place) == row {
                return;
            }
        }
        self.pieces.push(Piece { place, row, step: None });
    }

    fn get(&self, place: usize) -> Option<u64> {
        let at = self.pieces.partition_point(|piece| piece.place <= place).checked_sub(1)?;
        (place < self.n).then(|| self.pieces[at].row(place))
    }
}

impl ItemNames {
    pub(crate) fn push(&mut self, name: ItemName<'_>) {
        match name {
            ItemName::Id(id) => self.ids.push(id.into()),
            ItemName::Row(row) => self.rows.push(row),
        }
    }

    /// Adds those of other items.
    pub(crate) fn append(&mut self, other: Self) {
        self.ids.extend(other.ids);
        (0..other.rows.n).filter_map(|at| other.rows.get(at)).for_each(|row| self.rows.push(row));
    }

    pub(crate) fn get(&self, place: usize) -> Option<ItemName<'_>> {
        if let Some(id) = self.renamed.get(&place) {
            return Some(ItemName::Id(id));
        }
        let id = self.ids.get(place).map(|id| ItemName::Id(id));
        id.or_else(|| self.rows.get(place).map(ItemName::Row))
    }

    pub(crate) fn rename(&mut self, place: usize, id: Box<str>) {
        self.renamed.insert(place, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_again() {
        let check = |rows: &[u64], n_pieces: usize| {
            let mut kept = Rows::default();
            for &row in rows {
                kept.push(row);
            }
            let found: Vec<_> = (0..rows.len()).filter_map(|place| kept.get(place)).collect();
            assert_eq!((found, kept.get(rows.len())), (rows.to_vec(), None));
            assert_eq!(kept.pieces.len(), n_pieces, "{rows:?}");
        };
        check(&[], 0);
        check(&[7], 1);
        check(&[0, 10, 20, 30, 40], 1);
        check(&[0, 10, 20, 25, 30, 35, 1000], 3);
        check(&[90, 100, 0, 10, 20], 2);
        check(&[3, 3, 3, 4], 2);
    }

    #[test]
    fn another_name_takes_the_place_of_the_first() {
        let mut names = ItemNames::default();
        names.push(ItemName::Row(5));
        names.push(ItemName::Row(9));
        names.rename(1, "new".into());
        assert_eq!(names.get(0), Some(ItemName::Row(5)));
        assert_eq!((names.get(1), names.get(2)), (Some(ItemName::Id("new")), None));
    }
}
