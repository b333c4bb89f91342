//! HTTP for whatever speaks to other machines: one client with TLS and proxies, keys that are never
//! shown, the signing of requests, and bodies that are bounded in size.
//!
//! Begin with [`HttpClient`]: it sends an [`HttpRequest`], which a [`Sign`] has signed, and gives an
//! [`HttpResponse`], whose body is read within a limit. [`Threads`] is the runtime for it, and
//! [`retry_after`] reads how long a server asks to wait. [`Secret`] is a key that messages and files
//! are cleared of.
//!
//! [`tls_config`] is TLS for what is not HTTP. [`AwsSigner`] and [`GoogleSigner`] sign with credentials that are looked for, which [`CredentialEnvironment`] bounds.
//!
//! What is deliberately absent: any provider or product by name outside of `credentials`, JSON, retries
//! and limits of rate; environment variables, except that a proxy is found as every HTTP client finds
//! it; and files, except those that credentials stand in. Whoever calls passes keys, certificates and
//! what the environment says in.

mod client;
mod credentials;
mod decode;
mod kept_connections;
mod message_text;
mod request;
mod response;
mod retry_after;
mod secret;
mod threads;
mod tls;
mod transport;

pub use client::{ClientError, ClientOptions, HttpClient};
pub use credentials::{AwsSigner, CredentialEnvironment, GoogleSigner};
pub use decode::DecodeError;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use message_text::{one_line, with_causes};
pub use request::{HttpRequest, KeyHeader, Refresh, Sign, SignError};
pub use response::{ExchangeError, HttpResponse};
pub use retry_after::retry_after;
pub use secret::Secret;
pub use threads::Threads;
pub use tls::{TlsError, tls_config};
pub use url::Url;
