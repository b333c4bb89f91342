//! The `dataset` commands: looking at datasets, and writing them anew. Whatever compares texts or labels is a
//! pure function of a module of its own (`near_duplicates`, `mislabelled`); `open` reads what they need.

mod compare;
mod convert;
mod dedupe;
mod describe;
mod divide;
mod doubts;
mod mislabelled;
mod near_duplicates;
mod open;
mod options;
mod output;
#[cfg(test)]
mod planted_tests;
mod validate;

pub use self::{
    compare::{ChangedRow, DatasetChanges, compare_datasets},
    convert::{ConvertOptions, convert_dataset},
    dedupe::{DedupeOptions, Deduped, DroppedItem, dedupe_dataset},
    describe::{ClassCount, ColumnDescription, DatasetDescription, Lengths, describe_dataset},
    divide::{DivideOptions, DividedPart, divide_dataset},
    doubts::{DoubtedItem, LabelDoubts, LabelDoubtsError, label_doubts},
    near_duplicates::TooAlike,
    open::DatasetUseError,
    options::DatasetOptions,
    output::{DatasetOutputError, WrittenRows},
    validate::{DatasetFlaw, DatasetFlaws, FlawKind, NEAR, ValidateOptions, validate_dataset},
};
pub(crate) use self::{
    near_duplicates::{near_pairs, normal},
    open::OpenedDataset,
    output::OutputFile,
};
