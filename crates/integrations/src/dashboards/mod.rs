//! Dashboards and alerting rules over the metrics that evalmark exposes, in the form that other products read.
//!
//! Begin with [`Observed`], which says what of a suite they are about. `grafana` makes a dashboard, `prometheus_rules` makes rules; both name
//! metrics that stand in [`run_metrics`](evalmark_report::run_metrics) and those that a monitor exposes.

mod grafana;
mod grafana_panels;
mod observed;
mod prometheus_rules;

pub use self::{
    grafana::grafana_dashboard,
    observed::Observed,
    prometheus_rules::{RuleLimits, prometheus_rules},
};
