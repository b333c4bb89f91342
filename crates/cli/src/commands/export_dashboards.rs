//! `evalmark export grafana`, `kibana` and `prometheus-rules`: dashboards and alerts over what of a suite is in other products.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_integrations::{
    dashboards::{Observed, RuleLimits, grafana_dashboard, kibana_dashboard, prometheus_rules},
    receivers::RUNS_INDEX,
};
use evalmark_runner::{Host, ScaledSuite};

use crate::{exit::Exit, print::Printer};

#[derive(Debug, Subcommand)]
pub(super) enum ExportCommand {
    /// A Grafana dashboard of a suite, as JSON to import; its figures come from Prometheus
    Grafana(DashboardArgs),
    /// Saved objects of Kibana or `OpenSearch` Dashboards, as NDJSON to import; what they show comes from the receiver `elasticsearch`
    Kibana(KibanaArgs),
    /// Prometheus' recording and alerting rules of a suite, as YAML
    PrometheusRules(RulesArgs),
}

#[derive(Debug, Args)]
pub(super) struct DashboardArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct KibanaArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
    /// The data stream or index that has the documents, or a pattern of several
    #[arg(long, value_name = "NAME", default_value = RUNS_INDEX)]
    index: String,
}

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
    /// Alert where the latest run began longer ago
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
    run_age: Duration,
    /// Alert where the newest record of production is older
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span)]
    record_age: Duration,
    /// Alert where a larger share of samples, or of an hour's records, has no answer
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = share)]
    max_failed: f64,
}

pub(super) fn export(command: &ExportCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let observed = |path| {
        let ScaledSuite { suite, scales } = ScaledSuite::read(path, host)?;
        anyhow::Ok(Observed::of(&suite, |metric| scales.get(metric).copied()))
    };
    match command {
        ExportCommand::Grafana(DashboardArgs { suite }) => {
            printer.result(&format!("{:#}", grafana_dashboard(&observed(suite)?)));
        }
        ExportCommand::Kibana(KibanaArgs { suite, index }) => {
            printer.result(kibana_dashboard(&observed(suite)?, index).trim_end());
        }
        ExportCommand::PrometheusRules(RulesArgs { suite, run_age, record_age, max_failed }) => {
            let (run_age, record_age, failed) = (*run_age, *record_age, *max_failed);
            let limits = RuleLimits { run_age, record_age, failed };
            printer.result(prometheus_rules(&observed(suite)?, &limits).trim_end());
        }
    }
    Ok(Exit::Done)
}

fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if span >= Duration::from_secs(1) => Ok(span),
        _ => Err("write a time span of a second or more, such as `7d`, `1h` or `30m`".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "write a share between 0 and 1, such as `0.05`".to_owned())
}
