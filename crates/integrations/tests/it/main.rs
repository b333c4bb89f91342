//! Sources against servers on this machine and files in a folder.

mod files;
mod http;
mod huggingface;
mod langfuse;
mod mlflow;
#[cfg(feature = "object-store")]
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
mod setup;
mod sqlite;
#[cfg(feature = "object-store")]
mod stores;
mod table;
