//! The floor: a bare loop of requests, as anyone would write it, which keeps nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use reqwest::Client;
use thiserror::Error;

/// Why the loop ended early.
#[derive(Debug, Error)]
pub enum BareError {
    /// No threads.
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// No answer.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// A task was lost.
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

/// Asks `count` questions of the server at `url`, so many at once.
pub fn ask(url: &str, count: u64, at_once: u64) -> Result<(), BareError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::builder().pool_max_idle_per_host(usize::MAX).build()?;
        let next = Arc::new(AtomicU64::new(0));
        let url: Arc<str> = format!("{url}/chat/completions").into();
        let tasks: Vec<_> = (0..at_once)
            .map(|_| {
                tokio::spawn(one_after_the_other(client.clone(), url.clone(), next.clone(), count))
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(())
    })
}

async fn one_after_the_other(
    client: Client,
    url: Arc<str>,
    next: Arc<AtomicU64>,
    count: u64,
) -> Result<(), reqwest::Error> {
    loop {
        let item = next.fetch_add(1, Ordering::Relaxed);
        if item >= count {
            return Ok(());
        }
        let body = serde_json::json!({
            "model": "small",
            "messages": [{ "role": "user", "content": super::question(item) }],
        });
        let request = client.post(&*url).header("content-type", "application/json");
        let reply = request.body(body.to_string()).send().await?.error_for_status()?;
        reply.bytes().await?;
    }
}
