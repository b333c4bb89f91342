//! The outbox: what receivers are to be told, kept on disk until they were. A message is written before anybody tries to
//! deliver it, and whoever delivers holds the lock, so that none is delivered by two.
//!
//! Layout, below the folder of runs: `outbox/pending/ID.json` waits, `outbox/sent/ID.json` was delivered, and
//! `outbox/given_up/ID.json` could not be for days. `ID` follows from receiver, run and verdict.

mod entry;
mod folder;

pub use self::{
    entry::{OutboxEntry, OutboxReceiver},
    folder::{Outbox, OutboxError, OutboxLock, OutboxState, Unreadable},
};
