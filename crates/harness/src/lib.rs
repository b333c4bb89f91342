//! Asking models: every request ends as an answer in the ledger or as a described failure.
//!
//! Begin with [`ask()`], the one way in: it takes an [`Endpoint`] (a model, its limits and the
//! [`Ledger`] its answers go to) and an iterator of requests, and returns when all of them have
//! ended; [`ask_within()`] keeps within a [`Budget`], too. `feeder.rs` pulls the iterator and looks up
//! what is already known, `dispatch.rs` asks the rest, the ledger's writer commits what came back,
//! and only then does an [`Event`] say so. `attempts.rs` is one request from its first attempt to
//! its last; `limits.rs` gives it its permits, as many and as fast as the suite allows and `congestion/` has
//! learned that the server bears.
//! `providers/` is the table of protocols and vendors: a protocol is one file, which makes requests and
//! reads responses, and one line; `http.rs` carries them out, and `http/streamed.rs` times those that
//! come as `server_sent_events.rs`. `failure.rs` knows all the ways in which
//! vendors say that they failed, `json_repair.rs` and `malformed.rs` bodies that are not quite what was promised;
//! `programs/` asks models that are programs of the user's own;
//! `embedding_groups.rs` sends texts for embeddings together, and keeps the vector of each by itself.
//!
//! Models with `mode: batch` are asked by [`ask_in_batches()`] instead, out of the room `batches/`, which
//! has the same ledger and the same ends.
//!
//! What is deliberately absent: scores. An answer is recorded before anyone judges it, and can be
//! judged again for ever without paying a model again. Absent too: printing, environment variables
//! and files other than the ledger and recordings; whoever calls passes keys and paths in.
//! The network is asynchronous inside; the public interface blocks, so that callers need no runtime.

mod ask;
mod attempts;
mod batches;
mod breaker;
mod bucket;
mod budget;
mod cached_lookup;
mod claimed_requests;
mod congestion;
mod dispatch;
mod embedding_groups;
mod endpoint;
mod event;
mod failure;
mod feeder;
mod hedge;
mod http;
mod import;
mod job_channel;
mod json_lines;
mod json_repair;
mod keys;
pub mod ledger;
mod limits;
mod malformed;
mod programs;
pub mod providers;
pub mod recorded_answers;
mod reply;
mod request_bloom_filter;
mod request_runtime;
mod request_slots;
mod retry;
mod server_sent_events;
mod single_flight;
mod stop;
mod tuning;

pub use ask::{Ask, AskError, ask, ask_within};
pub use batches::{BatchesWaiting, ask_in_batches};
pub use budget::{Budget, Spent};
pub use endpoint::{Endpoint, OpenConnections, OpenError, endpoint_key};
pub use evalmark_net::{CredentialEnvironment, Secret};
pub use event::{Event, Hold, Holder, Tally};
pub use keys::{FetchedKey, KeySource, Keys};
pub use ledger::{Answers, Info, Ledger, LedgerError, Prune, Pruned};
pub use recorded_answers::{RecordedAnswer, RecordingError, recorded_cell};
pub use request_runtime::RequestRuntime;
pub use stop::Stop;
pub use tuning::Tuning;
