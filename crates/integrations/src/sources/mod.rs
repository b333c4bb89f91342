//! The table of sources: one file and one line each.

mod certificates;
mod checksum;
mod definition;
mod file;
mod http;
mod json_rows;
mod mlflow;
mod postgres;
mod service_rows;
mod snapshots;
mod sqlite;
mod unpack;

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
            row::<mlflow::Mlflow>(),
        ]
    });
    &CATALOG
}
