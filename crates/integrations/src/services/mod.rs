//! Services that datasets and results are asked of: one file a product, with the part of its API that is used.

pub(crate) mod langfuse;
pub(crate) mod mlflow;
pub(crate) mod rest;
