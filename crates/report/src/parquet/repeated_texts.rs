//! A column of texts while it is filled. Most of them say the same in row after row, so that a row is kept as the
//! number of its text among the distinct ones, which is also how the file has it; where nearly every row
//! has a text of its own, texts are kept as they are.

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use polars_arrow::{
    array::{
        Array, DictionaryArray, MutableArray, MutableBinaryViewArray, MutablePrimitiveArray,
        Utf8ViewArray,
    },
    datatypes::{ArrowDataType, IntegerType},
};

/// After so many rows it shows whether texts repeat.
const FEW_ROWS: usize = 128;

/// A column of texts.
pub(super) enum TextBuffer {
    Repeated(RepeatedTexts),
    Own(MutableBinaryViewArray<str>),
}

/// Texts, each of which stands in several rows.
pub(super) struct RepeatedTexts {
    distinct: IndexSet<Box<str>, FixedState>,
    rows: MutablePrimitiveArray<u32>,
    /// By number: which text came after this one, the last time.
    next: Vec<usize>,
    /// The number of the text before.
    last: usize,
}

impl TextBuffer {
    /// An empty one with room for so many rows.
    pub(super) fn new(rows: usize) -> Self {
        Self::Repeated(RepeatedTexts {
            distinct: IndexSet::default(),
            rows: MutablePrimitiveArray::with_capacity(rows),
            next: Vec::new(),
            last: 0,
        })
    }

    /// An empty one for more rows of the same column.
    pub(super) fn like(&self, rows: usize) -> Self {
        match self {
            Self::Repeated(_) => Self::new(rows),
            Self::Own(_) => Self::Own(MutableBinaryViewArray::with_capacity(rows)),
        }
    }

    /// Appends a text, or that there is none.
    pub(super) fn push(&mut self, text: Option<&str>) {
        match self {
            Self::Own(texts) => texts.push(text),
            Self::Repeated(texts) => {
                texts.push(text);
                if !texts.repeat() {
                    *self = Self::Own(texts.one_by_one());
                }
            }
        }
    }

    /// The column as it is written.
    pub(super) fn finish(self) -> Box<dyn Array> {
        match self {
            Self::Own(texts) => Utf8ViewArray::from(texts).boxed(),
            Self::Repeated(texts) => texts.finish(),
        }
    }
}

impl RepeatedTexts {
    #[expect(clippy::cast_possible_truncation, reason = "a row group has fewer than 2^32 rows")]
    fn push(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.rows.push(None) };
        let number = self.number(text);
        if let Some(next) = self.next.get_mut(self.last) {
            *next = number;
        }
        self.last = number;
        self.rows.push(Some(number as u32));
    }

    /// The text's number, which is most often the one that was there in this place the last time.
    fn number(&mut self, text: &str) -> usize {
        let likely = self.next.get(self.last).copied().unwrap_or_default();
        if self.distinct.get_index(likely).is_some_and(|known| **known == *text) {
            return likely;
        }
        if let Some(known) = self.distinct.get_index_of(text) {
            return known;
        }
        let (number, _) = self.distinct.insert_full(text.into());
        self.next.push(number);
        number
    }

    /// Whether texts repeat, as far as one can see.
    fn repeat(&self) -> bool {
        let rows = self.rows.len();
        rows < FEW_ROWS || self.distinct.len() * 4 <= rows * 3
    }

    /// The texts of all rows.
    fn one_by_one(&self) -> MutableBinaryViewArray<str> {
        let mut texts = MutableBinaryViewArray::with_capacity(self.rows.capacity());
        for number in self.rows.iter() {
            let text = number.and_then(|number| self.distinct.get_index(*number as usize));
            texts.push(text);
        }
        texts
    }

    fn finish(self) -> Box<dyn Array> {
        let mut distinct = MutableBinaryViewArray::<str>::with_capacity(self.distinct.len());
        for text in &self.distinct {
            distinct.push(Some(text));
        }
        let texts = Utf8ViewArray::from(distinct).boxed();
        let of_texts = Box::new(ArrowDataType::Utf8View);
        let dtype = ArrowDataType::Dictionary(IntegerType::UInt32, of_texts, false);
        match DictionaryArray::try_new(dtype, self.rows.into(), texts) {
            Ok(column) => column.boxed(),
            Err(error) => unreachable!("every number is that of a text: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that a column has.
    fn told(column: &dyn Array) -> Vec<Option<String>> {
        let texts = |column: &dyn Array| -> Vec<Option<String>> {
            let texts = column.as_any().downcast_ref::<Utf8ViewArray>().expect("texts");
            texts.iter().map(|text| text.map(str::to_owned)).collect()
        };
        let Some(coded) = column.as_any().downcast_ref::<DictionaryArray<u32>>() else {
            return texts(column);
        };
        let distinct = texts(&**coded.values());
        let of_row = |number: Option<&u32>| distinct[*number? as usize].clone();
        coded.keys().iter().map(of_row).collect()
    }

    fn check(rows: &[Option<String>], is_repeated: bool) {
        let mut buffer = TextBuffer::new(4);
        for row in rows {
            buffer.push(row.as_deref());
        }
        assert_eq!(matches!(buffer, TextBuffer::Repeated(_)), is_repeated, "{}", rows.len());
        assert_eq!(matches!(buffer.like(1), TextBuffer::Repeated(_)), is_repeated);
        assert_eq!(told(&*buffer.finish()), rows);
    }

    #[test]
    fn rows_keep_their_texts_however_they_are_kept() {
        let some = |text: String| Some(text);
        check(&[], true);
        check(&[None, some(String::new()), None], true);
        check(&vec![some("the same".to_owned()); 1_000], true);
        // As metrics are in a file of scores.
        check(
            &(0..1_000).map(|row| some(format!("metric {}", row % 10))).collect::<Vec<_>>(),
            true,
        );
        check(&(0..1_000).map(|row| some(format!("item {}", row / 10))).collect::<Vec<_>>(), true);
        let mixed = |row: u32| (!row.is_multiple_of(3)).then(|| format!("{}", row * row % 97));
        check(&(0..1_000).map(mixed).collect::<Vec<_>>(), true);
        check(&(0..127).map(|row| some(format!("a longer text {row}"))).collect::<Vec<_>>(), true);
        check(&(0..128).map(|row| some(format!("a longer text {row}"))).collect::<Vec<_>>(), false);
        let late = |row: u32| some(format!("{}", row.saturating_sub(5_000)));
        check(&(0..30_000).map(late).collect::<Vec<_>>(), false);
    }
}
