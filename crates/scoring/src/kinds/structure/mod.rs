//! Structure: does the answer have the form it was asked for, and does the form hold what it should?

pub(super) mod contains_code;
pub(super) mod json_equal;
pub(super) mod json_fields;
pub(super) mod json_schema;
pub(super) mod json_valid;
pub(super) mod sql_valid;
pub(super) mod tool_call;
pub(super) mod xml_valid;
pub(super) mod yaml_valid;

mod calls;
mod document;
mod long_numbers;
mod sql_gaps;
mod sqlite;
