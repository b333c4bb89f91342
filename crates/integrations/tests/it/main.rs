//! Sources against servers on this machine and files in a folder.

mod analytics_receivers;
mod confluence_receiver;
mod drift_alarms;
mod elasticsearch_receiver;
mod files;
mod http;
mod huggingface;
mod langfuse;
mod logs;
mod mlflow;
mod mlflow_receiver;
#[cfg(feature = "object-store")]
mod object_logs;
#[cfg(feature = "object-store")]
mod objects;
mod otlp;
mod otlp_failures;
mod otlp_hostile;
#[cfg(feature = "postgres")]
mod postgres;
mod receiver_templates;
mod receivers;
mod registries;
mod sample_receivers;
mod search_logs;
mod setup;
mod sqlite;
#[cfg(feature = "object-store")]
mod stores;
mod table;
