//! The ledger: every answer that was ever paid for, in one SQLite file.
//!
//! It is the cache across runs and the means to resume one. `file.rs` opens and checks it,
//! `row.rs` says what a row holds, `write.rs` commits in batches from one thread, `disk.rs` sees to it
//! that they reach the disk, `read.rs` looks
//! up, `claims.rs` keeps processes from asking the same thing at once, `private.rs` keeps other users
//! out, `upkeep.rs` says what there is and throws away, `error.rs` says what can go wrong.

mod byte_locks;
mod claims;
mod disk;
mod error;
mod file;
mod private;
mod read;
mod row;
mod upkeep;
mod write;

pub(crate) use claims::{Claim, Claims};
pub use disk::SYNC_INTERVAL;
pub(crate) use disk::sync_ledger;
pub use error::LedgerError;
pub use file::{FORMAT_VERSION, Ledger};
pub(crate) use file::{find_endpoint, insert_endpoint};
pub use private::create_folder;
pub(crate) use private::open_file;
pub use read::Answers;
pub(crate) use row::{AnswerInsert, BY_REQUEST, Sealed, request_key};
pub use upkeep::{EndpointInfo, Info, Prune, Pruned};
pub use write::COMMIT_INTERVAL;
pub(crate) use write::{Entry, Writer};
