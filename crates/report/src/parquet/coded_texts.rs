//! Columns of texts as the file has them: rows by where their texts stand among the distinct ones, so that
//! equal rows are told by comparing numbers.

use polars_arrow::array::{DictionaryArray, PrimitiveArray, Utf8ViewArray};

use super::{
    open::ReadError,
    typed_columns::{Frame, Values},
};

/// A column of texts.
pub struct CodedTexts<'a> {
    /// Where each row's text stands; `None` where each has one of its own.
    codes: Option<&'a PrimitiveArray<u32>>,
    texts: Values<'a, Utf8ViewArray>,
}

/// The code of a row without a text.
const NO_TEXT: u32 = u32::MAX;

impl<'a> CodedTexts<'a> {
    /// A column of all rows of a part.
    pub(super) fn of(frame: &Frame<'a>, name: &'a str) -> Result<Self, ReadError> {
        let coded = frame.column(name).and_then(|array| array.as_any().downcast_ref());
        let coded: Option<&DictionaryArray<u32>> = coded;
        let texts = coded.and_then(|coded| coded.values().as_any().downcast_ref());
        Ok(match (coded, texts) {
            (Some(coded), Some(texts)) => {
                Self { codes: Some(coded.keys()), texts: frame.values(name, texts) }
            }
            _ => Self { codes: None, texts: frame.text(name)? },
        })
    }

    /// A number that is the same in rows of the same text. Rows of other numbers may have the same, too.
    #[expect(clippy::cast_possible_truncation, reason = "a part has fewer than 2^32 rows")]
    pub fn code(&self, row: usize) -> u32 {
        let Some(codes) = self.codes else { return row as u32 };
        match codes.validity() {
            Some(validity) if !validity.get_bit(row) => NO_TEXT,
            _ => codes.values()[row],
        }
    }

    /// All codes are less than this; `None` where each row has one of its own.
    pub fn n_codes(&self) -> Option<usize> {
        self.codes.map(|_| self.texts.len())
    }

    /// The text of a row that may have none.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        match self.code(row) {
            NO_TEXT => None,
            code => self.texts.get(code as usize),
        }
    }

    /// The text of a row that must have one.
    pub fn some(&self, row: usize) -> Result<&'a str, ReadError> {
        self.get(row).ok_or_else(|| self.texts.bad(row, "is null"))
    }
}

/// Whose answers rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowSubject<'a> {
    /// The item's id.
    pub item_id: &'a str,
    /// Hash of the item's content, in hexadecimal.
    pub item_hash: &'a str,
    /// Items that share it are not independent.
    pub cluster: Option<&'a str>,
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
}

/// The columns of [`RowSubject`].
pub struct RowSubjects<'a> {
    item_id: CodedTexts<'a>,
    item_hash: CodedTexts<'a>,
    cluster: CodedTexts<'a>,
    prompt: CodedTexts<'a>,
    model: CodedTexts<'a>,
    height: usize,
}

impl<'a> RowSubjects<'a> {
    /// Those of all rows of a part.
    pub(super) fn of(frame: &Frame<'a>) -> Result<Self, ReadError> {
        let column = |name| CodedTexts::of(frame, name);
        Ok(Self {
            item_id: column("item_id")?,
            item_hash: column("item_hash")?,
            cluster: column("cluster")?,
            prompt: column("prompt")?,
            model: column("model")?,
            height: frame.height,
        })
    }

    /// Whose answer a row is about.
    pub fn get(&self, row: usize) -> Result<RowSubject<'a>, ReadError> {
        Ok(RowSubject {
            item_id: self.item_id.some(row)?,
            item_hash: self.item_hash.some(row)?,
            cluster: self.cluster.get(row),
            prompt: self.prompt.some(row)?,
            model: self.model.some(row)?,
        })
    }

    /// Numbers that are the same in rows of the same prompt and model.
    pub fn variant_codes(&self, row: usize) -> [u32; 2] {
        [self.prompt.code(row), self.model.code(row)]
    }

    /// The end of the rows from this one on that are seen to be about the same.
    pub fn same_until(&self, row: usize) -> usize {
        let columns = [&self.item_id, &self.item_hash, &self.cluster, &self.prompt, &self.model];
        let codes = columns.map(|column| column.code(row));
        let is_same = |row: &usize| columns.map(|column| column.code(*row)) == codes;
        row + 1 + (row + 1..self.height).take_while(is_same).count()
    }
}
