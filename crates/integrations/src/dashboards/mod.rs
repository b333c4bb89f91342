//! Dashboards and alerting rules over what evalmark exposes and sends, in the form that other products read.
//!
//! Begin with [`Observed`], which says what of a suite they are about. `kibana` makes a dashboard over the documents of the receiver
//! `elasticsearch`. `grafana` makes a dashboard, `prometheus_rules` makes rules; both name metrics that stand in [`run_metrics`](evalmark_report::run_metrics) and those that a monitor exposes.

mod grafana;
mod grafana_panels;
mod kibana;
mod kibana_objects;
mod observed;
mod prometheus_rules;

pub use self::{
    grafana::grafana_dashboard,
    kibana::kibana_dashboard,
    observed::Observed,
    prometheus_rules::{RuleLimits, prometheus_rules},
};
