//! Asking through a batch API: requests are handed in together and answered within a day, for less.
//!
//! `ask.rs` is the way in: it goes over the requests, again and again, until each has an answer in the
//! ledger or a described failure. `gather.rs` puts those that nobody has asked yet into batches, as
//! files on the disk (`spool.rs`); `submit.rs` hands a batch in, and finds one again whose creation was
//! not acknowledged; `watch.rs` waits for the batches, `collect.rs` puts their results into the ledger
//! (`result_lines.rs` reads them piece by piece), `settle.rs` says what becomes of requests without one, and
//! `tell.rs` how all requests ended.
//!
//! `journal.rs` is the record of all batches, beside the ledger. Each step is on the disk there before
//! or after it is taken, so that a process that is killed anywhere leaves nothing that is bought twice:
//! another one goes on where it was, or waits for it while it lives.

mod ask;
mod collect;
mod gather;
mod journal;
mod result_lines;
mod settle;
mod spool;
mod status;
mod submit;
mod tell;
mod watch;

pub use ask::ask_in_batches;
pub use status::BatchesWaiting;

pub(crate) use journal::Journal;
pub(crate) use status::Batches;
