//! Production logs as files and streams: JSON lines (plain, or packed with gzip or zstd) and Parquet, read once or
//! followed while they grow, are renamed and are begun anew; spans that applications send; documents of Elasticsearch; and objects of stores.
//!
//! Begin with [`LogFiles`], which hands whole lines to whoever scores them. What a line says is none of its
//! business.

mod elasticsearch;
mod files;
mod identity;
mod lines;
mod objects;
mod otlp;
mod packed;
mod places;
mod rows;
mod standard_input;
mod tracked;

pub(crate) use self::packed::unpacked;
pub use self::{
    elasticsearch::{
        ElasticsearchLogs, ElasticsearchOptions, elasticsearch_server, is_elasticsearch,
    },
    files::{LogFiles, LogFilesOptions},
    objects::{ObjectLogsOptions, is_object_store, object_logs, object_store_server},
    otlp::{OTLP_PORTS, OtlpOptions, OtlpReceiver},
    standard_input::LogStream,
};

/// About so many bytes are handed over at once.
const CHUNK: usize = 1 << 20;

/// A longer line is passed over, and counts as damaged.
const MAX_LINE: usize = 16 << 20;

/// A packed file is read no further than this.
const MAX_UNPACKED: u64 = 64 << 30;
