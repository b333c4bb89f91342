//! Logs in object stores: each object once, in the order of the keys, listed again and again. What was read of an object is
//! known by its key, its entity tag and a hash of what was read.

mod address;
#[cfg(feature = "object-store")]
mod content;
#[cfg(feature = "object-store")]
mod known;
#[cfg(feature = "object-store")]
mod reader;

use std::path::Path;

use evalmark_core::{
    files::FileAccess,
    logs::{LogInput, LogInputError, LogPosition},
    source::SourceKeys,
};

use self::address::Address;
pub use self::address::{is_object_store, object_store_server};

/// What is read, and from where on.
pub struct ObjectLogsOptions<'a> {
    /// `s3://BUCKET/logs/*.jsonl?region=…`, `gs://…` or `az://…`.
    pub place: &'a str,
    /// Where relative paths of it start, and which files of this machine it may name.
    pub folder: &'a Path,
    /// The same.
    pub access: &'a FileAccess,
    /// The folder that objects are in while they are read.
    pub cache_dir: Option<&'a Path>,
    /// Where keys come from.
    pub keys: &'a dyn SourceKeys,
    /// How far everything has been read before.
    pub positions: Vec<LogPosition>,
    /// Whether there is more to come.
    pub follow: bool,
    /// What time it is: seconds since 1970.
    pub now: fn() -> i64,
}

/// Opens the logs of a store; nothing is asked yet.
pub fn object_logs(options: ObjectLogsOptions<'_>) -> Result<Box<dyn LogInput>, LogInputError> {
    let place = address::split(options.place).0.to_owned();
    let unreadable = |reason: String| LogInputError::Unreadable { place, reason };
    let address = match Address::read(options.place) {
        Ok(address) => address,
        Err(reason) => return Err(unreadable(reason)),
    };
    #[cfg(feature = "object-store")]
    return Ok(Box::new(reader::ObjectLogs::open(address, options)?));
    #[cfg(not(feature = "object-store"))]
    {
        drop((address, options));
        let reason = "this evalmark was built without object stores; build one that can: `cargo install --path \
                      crates/cli --features object-store`";
        Err(unreadable(reason.to_owned()))
    }
}
