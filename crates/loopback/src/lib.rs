//! An OpenAI-compatible server on this machine, for tests and benches: it answers what a closure
//! says, and fails in every way that a closure asks for.
//!
//! Begin with [`Server::start`]: it takes the behaviour, a closure from the request as [`Seen`] to
//! a [`Reply`], listens on a free port of 127.0.0.1, and ends when it is dropped. It runs on a
//! thread of its own, so that tests without a runtime can use it. [`faults::all`] is a catalogue of
//! what servers do wrong; [`anthropic`], [`bedrock`], [`cohere`] and [`gemini`] reply in other protocols,
//! and [`batches`] is a batch API that keeps what it is handed.
//!
//! What is deliberately absent: any understanding of the request. Requests need a content length;
//! there is no chunked body, and TLS and HTTP/2 only with the feature `tls`.
//!
//! ```
//! use evalmark_loopback::{Reply, Server};
//!
//! // Every tenth request fails; all others are answered with their own prompt.
//! let server = Server::start(|seen| match seen.index % 10 {
//!     9 => Reply::status(500),
//!     _ => Reply::text(seen.prompt()),
//! });
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.requests().is_empty());
//! ```

pub mod anthropic;
pub mod batches;
pub mod bedrock;
pub mod cohere;
mod connection;
pub mod faults;
pub mod gemini;
mod reply;
mod seen;
mod server;
#[cfg(feature = "tls")]
mod tls;

pub use reply::Reply;
pub use seen::Seen;
pub use server::Server;
#[cfg(feature = "tls")]
pub use tls::Identity;
