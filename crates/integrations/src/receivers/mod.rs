//! The table of receivers: one file and one line each; and how messages get to them.
//!
//! Begin with [`catalog`], which says what `notify` and `export` may name, then [`send_all`], which delivers what waits in an
//! outbox. [`dry_run`] shows what would be sent.

mod beside;
mod confluence;
mod courier;
mod csv_files;
mod definition;
mod dry_run;
mod ecs;
mod ecs_documents;
mod elasticsearch;
mod email;
mod google_analytics;
mod history_picture;
mod index_template;
mod langfuse;
mod loki;
mod message_template;
mod mixpanel;
mod mlflow;
mod network;
mod otlp;
mod prometheus_remote_write;
mod pushgateway;
mod release_events;
mod samples;
mod send;
mod server;
mod slack;
mod tables;
mod teams;
mod textfile;
mod variable;
mod wandb;
mod webhook;

use std::sync::LazyLock;

use evalmark_core::receiver::ReceiverKind;

use self::definition::{Row, row};
pub use self::{
    dry_run::{DryRunError, dry_run},
    index_template::{IndexKind, RUNS_INDEX, index_template},
    send::{DeliveryEvent, SendOptions, SendOutcome, send_all},
};

fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
        vec![
            row::<webhook::Webhook>(),
            row::<slack::Slack>(),
            row::<teams::Teams>(),
            row::<email::Email>(),
            row::<pushgateway::Pushgateway>(),
            row::<prometheus_remote_write::RemoteWrite>(),
            row::<textfile::Textfile>(),
            row::<mlflow::Mlflow>(),
            row::<elasticsearch::Elasticsearch>(),
            row::<ecs::Ecs>(),
            row::<loki::Loki>(),
            row::<otlp::Otlp>(),
            row::<wandb::Wandb>(),
            row::<langfuse::Langfuse>(),
            row::<csv_files::CsvFiles>(),
            row::<confluence::Confluence>(),
            row::<google_analytics::GoogleAnalytics>(),
            row::<mixpanel::Mixpanel>(),
        ]
    });
    &ROWS
}

/// Every receiver that exists, for whoever reads suites.
pub fn catalog() -> &'static [ReceiverKind] {
    static CATALOG: LazyLock<Vec<ReceiverKind>> =
        LazyLock::new(|| rows().iter().map(|row| row.kind).collect());
    &CATALOG
}
