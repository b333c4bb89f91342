//! `--metrics` of `evalmark monitor`: figures for Prometheus while logs are followed.

use std::{net::SocketAddr, sync::Arc, thread};

use anyhow::{Result, bail};
use clap::Args;
use evalmark_runner::{Host, MonitorFigures, MonitorStatusOptions, Notice, Notices};
use evalmark_store::monitor::MonitorState;
use evalmark_viewer::MetricsServer;

use crate::print::Printer;

/// Characters that a token has at least.
const LEAST_LETTERS: usize = 16;

#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Show figures for Prometheus at http://ADDRESS:PORT/metrics while logs are followed
    #[arg(long, value_name = "ADDRESS:PORT", requires = "follow")]
    metrics: Option<SocketAddr>,
    /// NAME of the environment variable that holds the token which Prometheus must send
    #[arg(long, value_name = "NAME", requires = "metrics")]
    metrics_token_env: Option<String>,
    /// Baseline that the figures are held against [default: the released run, or the baseline that the suite's gate names]
    #[arg(long, value_name = "NAME", requires = "metrics")]
    baseline: Option<String>,
    /// Environment whose released prompt they are held against
    #[arg(long, value_name = "ENV", requires = "metrics", conflicts_with = "baseline")]
    release: Option<String>,
    /// The baseline's prompt that is in production, where it has several
    #[arg(long, value_name = "NAME", requires = "metrics")]
    prompt: Option<String>,
    /// The baseline's model that is in production, where it has several
    #[arg(long, value_name = "NAME", requires = "metrics")]
    model: Option<String>,
}

impl MetricsArgs {
    /// Reads, and serves the figures meanwhile.
    pub(super) fn shown_while<T>(
        &self,
        options: MonitorStatusOptions,
        (printer, host): (Printer, &Host<'_>),
        read: impl FnOnce(&dyn Fn(&MonitorState)) -> T,
    ) -> Result<T> {
        let Some(address) = self.metrics else { return Ok(read(&|_| ())) };
        let token = self.metrics_token_env.as_deref().map(metrics_token).transpose()?;
        if token.is_none() && !address.ip().is_loopback() {
            printer.warning(&format!(
                "anyone who can reach {address} can read the figures: `--metrics-token-env NAME` asks for a token"
            ));
        }
        let options = MonitorStatusOptions {
            baseline: self.baseline.clone(),
            release: self.release.clone(),
            prompt: self.prompt.clone(),
            model: self.model.clone(),
            ..options
        };
        let figures = Arc::new(MonitorFigures::default());
        let shown = figures.clone();
        let families = Box::new(move || shown.families());
        let server = MetricsServer::start(address, token.as_deref(), families)?;
        printer.remark(&format!("figures for Prometheus: http://{}/metrics", server.address()));
        // What there is to tell of the suite was told when the monitor was opened.
        let hear = |_: &Notice<'_>| ();
        let quiet = Host { notices: Notices::new(&hear), ..*host };
        Ok(thread::scope(|scope| {
            scope.spawn(|| figures.keep_up(&options, &quiet));
            let read = read(&|state| figures.note(state));
            figures.end();
            read
        }))
    }
}

/// The token that a variable holds.
pub(super) fn metrics_token(variable: &str) -> Result<String> {
    let text = std::env::var(variable).unwrap_or_default().trim().to_owned();
    if text.is_empty() {
        bail!("the environment variable {variable} is not set, and should hold a token");
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.len() < LEAST_LETTERS || !is_plain {
        bail!(
            "the token in {variable} must have at least {LEAST_LETTERS} letters, digits and signs, without blanks"
        );
    }
    Ok(text)
}
