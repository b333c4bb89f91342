//! The columns of the row group that is being filled.

use polars_arrow::{
    array::{
        Array, BooleanArray, ListArray, MutableBinaryViewArray, MutableBooleanArray,
        MutablePrimitiveArray, PrimitiveArray, Utf8ViewArray,
    },
    bitmap::BitmapBuilder,
    datatypes::{ArrowDataType, TimeUnit},
    offset::Offsets,
};

use super::{repeated_texts::TextBuffer, table::Cell};
use crate::columns::Kind;

/// A column of the row group that is being filled.
pub(super) enum Buffer {
    Text(TextBuffer),
    Texts { texts: MutableBinaryViewArray<str>, ends: Offsets<i64>, is_there: BitmapBuilder },
    Floats { numbers: Vec<f64>, ends: Offsets<i64>, is_there: BitmapBuilder },
    Time(MutablePrimitiveArray<i64>),
    Float(MutablePrimitiveArray<f64>),
    Int64(MutablePrimitiveArray<i64>),
    Int32(MutablePrimitiveArray<i32>),
    Bool(MutableBooleanArray),
}

impl Buffer {
    /// An empty one, with room for so many rows.
    pub(super) fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Text => Self::Text(TextBuffer::new(rows)),
            Kind::Texts => Self::Texts {
                texts: MutableBinaryViewArray::with_capacity(rows),
                ends: Offsets::with_capacity(rows),
                is_there: BitmapBuilder::with_capacity(rows),
            },
            Kind::Floats => Self::Floats {
                numbers: Vec::with_capacity(rows),
                ends: Offsets::with_capacity(rows),
                is_there: BitmapBuilder::with_capacity(rows),
            },
            Kind::Time => Self::Time(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Float => Self::Float(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Int64 => Self::Int64(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Int32 => Self::Int32(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Bool => Self::Bool(MutableBooleanArray::with_capacity(rows)),
        }
    }

    /// An empty one for more rows of the same column.
    pub(super) fn like(&self, kind: Kind, rows: usize) -> Self {
        match self {
            Self::Text(column) => Self::Text(column.like(rows)),
            _ => Self::new(kind, rows),
        }
    }

    /// Appends a value; `None` when the types differ.
    pub(super) fn push(&mut self, cell: &Cell<'_>) -> Option<()> {
        match (self, cell) {
            (Self::Text(column), Cell::Text(text)) => column.push(*text),
            (Self::Texts { texts, ends, is_there }, Cell::Texts(values)) => {
                let row = values.unwrap_or_default();
                texts.extend_values(row.iter());
                ends.try_push(row.len()).ok()?;
                is_there.push(values.is_some());
            }
            (Self::Floats { numbers, ends, is_there }, Cell::Floats(values)) => {
                let row = values.unwrap_or_default();
                numbers.extend_from_slice(row);
                ends.try_push(row.len()).ok()?;
                is_there.push(values.is_some());
            }
            (Self::Time(column), Cell::Time(at)) => column.push(*at),
            (Self::Float(column), Cell::Float(value)) => column.push(*value),
            (Self::Int64(column), Cell::Int64(value)) => column.push(*value),
            (Self::Int32(column), Cell::Int32(value)) => column.push(*value),
            (Self::Bool(column), Cell::Bool(value)) => column.push(*value),
            _ => return None,
        }
        Some(())
    }

    /// The column as it is written.
    pub(super) fn finish(self) -> Box<dyn Array> {
        match self {
            Self::Text(column) => column.finish(),
            Self::Texts { texts, ends, is_there } => {
                let texts = Utf8ViewArray::from(texts).boxed();
                let is_there = is_there.into_opt_validity();
                ListArray::new(data_type(Kind::Texts), ends.into(), texts, is_there).boxed()
            }
            Self::Floats { numbers, ends, is_there } => {
                let numbers = PrimitiveArray::from_vec(numbers).boxed();
                let is_there = is_there.into_opt_validity();
                ListArray::new(data_type(Kind::Floats), ends.into(), numbers, is_there).boxed()
            }
            Self::Time(column) => PrimitiveArray::from(column).to(data_type(Kind::Time)).boxed(),
            Self::Float(column) => PrimitiveArray::from(column).boxed(),
            Self::Int64(column) => PrimitiveArray::from(column).boxed(),
            Self::Int32(column) => PrimitiveArray::from(column).boxed(),
            Self::Bool(column) => BooleanArray::from(column).boxed(),
        }
    }
}

/// The type that a column of this kind has while it is written.
pub(super) fn data_type(kind: Kind) -> ArrowDataType {
    match kind {
        Kind::Text => ArrowDataType::Utf8View,
        Kind::Texts => ListArray::<i64>::default_datatype(ArrowDataType::Utf8View),
        Kind::Floats => ListArray::<i64>::default_datatype(ArrowDataType::Float64),
        Kind::Time => ArrowDataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Float => ArrowDataType::Float64,
        Kind::Int64 => ArrowDataType::Int64,
        Kind::Int32 => ArrowDataType::Int32,
        Kind::Bool => ArrowDataType::Boolean,
    }
}
