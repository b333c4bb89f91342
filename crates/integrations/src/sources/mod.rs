//! The table of sources: one file and one line each.

mod azure;
mod certificates;
mod checksum;
mod definition;
mod file;
mod gcs;
mod http;
mod huggingface;
mod joined_rows;
mod json_rows;
mod langfuse;
mod mlflow;
pub(crate) mod objects;
mod postgres;
mod s3;
mod service_rows;
mod snapshots;
mod sqlite;
pub(crate) mod unpack;

use std::sync::LazyLock;

use evalmark_core::source::SourceKind;

use self::definition::row;

/// Every source that exists, for whoever reads suites.
pub fn catalog() -> &'static [SourceKind] {
    static CATALOG: LazyLock<Vec<SourceKind>> = LazyLock::new(|| {
        vec![
            row::<http::Http>(),
            row::<file::LocalFile>(),
            row::<sqlite::Sqlite>(),
            row::<postgres::Postgres>(),
            row::<huggingface::HuggingFace>(),
            row::<s3::S3>(),
            row::<gcs::Gcs>(),
            row::<azure::Azure>(),
            row::<mlflow::Mlflow>(),
            row::<langfuse::Langfuse>(),
        ]
    });
    &CATALOG
}
