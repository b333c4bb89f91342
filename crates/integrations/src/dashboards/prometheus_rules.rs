//! Recording and alerting rules of a suite, as the YAML file that Prometheus reads.

use std::{fmt::Write, time::Duration};

use super::observed::Observed;

/// When alerts are raised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleLimits {
    /// The latest run may be so old.
    pub run_age: Duration,
    /// The newest record of production may be so old.
    pub record_age: Duration,
    /// The share of samples, or of records of an hour, that may have no answer; within (0, 1).
    pub failed: f64,
}

/// One rule.
#[derive(Clone)]
struct Rule {
    /// `record` or `alert`.
    kind: &'static str,
    name: &'static str,
    expr: String,
    wait: Option<&'static str>,
    severity: &'static str,
    summary: &'static str,
    says: String,
}

impl Rule {
    fn record(name: &'static str, expr: String) -> Self {
        let says = String::new();
        Self { kind: "record", name, expr, wait: None, severity: "", summary: "", says }
    }

    fn alert(
        name: &'static str,
        expr: String,
        severity: &'static str,
        summary: &'static str,
        says: &str,
    ) -> Self {
        let says = says.to_owned();
        Self { kind: "alert", name, expr, wait: None, severity, summary, says }
    }

    /// The same, raised once it has held for so long.
    fn after(self, wait: &'static str) -> Self {
        Self { wait: Some(wait), ..self }
    }

    fn write(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "      - {}: {}\n        expr: {}",
            self.kind,
            self.name,
            text(&self.expr)
        );
        if let Some(wait) = self.wait {
            let _ = writeln!(out, "        for: {wait}");
        }
        if self.kind == "alert" {
            let _ = writeln!(
                out,
                "        labels: {{ severity: {} }}\n        annotations:\n          summary: {}\n          description: {}",
                self.severity,
                text(self.summary),
                text(&self.says)
            );
        }
    }
}

/// The rules of a suite.
pub fn prometheus_rules(observed: &Observed, limits: &RuleLimits) -> String {
    let mut out = "# Made by `evalmark export prometheus-rules`. Check it with `promtool check rules`.\ngroups:\n".to_owned();
    let mut group = |name: &str, rules: &[Rule]| {
        let name = text(&format!("evalmark {} {name}", observed.suite));
        let _ = writeln!(out, "  - name: {name}\n    rules:");
        for rule in rules {
            rule.write(&mut out);
        }
    };
    group("runs", &of_runs(observed, limits));
    if observed.has_logs {
        let rules = [rates(observed), of_production(observed, limits)].concat();
        group("production", &rules);
    }
    out
}

fn of_runs(observed: &Observed, limits: &RuleLimits) -> Vec<Rule> {
    let suite = observed.selector();
    let by_suite = |more: &str| format!("sum by (suite) (evalmark_run_samples{{{suite}{more}}})");
    let age = limits.run_age.as_secs();
    vec![
        Rule::record(
            "suite:evalmark_failed_samples:ratio",
            format!("{} / ({} > 0)", by_suite(",outcome=\"failed\""), by_suite("")),
        ),
        Rule::alert(
            "EvalmarkRegressed",
            format!(
                "evalmark_passes{{{suite}}} == 0 unless on (suite) evalmark_overridden{{{suite}}} == 1"
            ),
            "page",
            "{{ $labels.suite }}: the gate does not pass",
            "The latest run regressed against its baseline, is inconclusive or is incomplete.",
        ),
        Rule::alert(
            "EvalmarkSamplesFail",
            format!("suite:evalmark_failed_samples:ratio{{{suite}}} > {}", limits.failed),
            "warning",
            "{{ $labels.suite }}: samples have no answer",
            "{{ $value | humanizePercentage }} of the samples of the latest run have no answer.",
        ),
        Rule::alert(
            "EvalmarkRunStale",
            format!("time() - evalmark_run_started_seconds{{{suite}}} > {age}"),
            "warning",
            "{{ $labels.suite }}: not evaluated for long",
            "The latest run began {{ $value | humanizeDuration }} ago.",
        ),
    ]
}

/// Shares of an hour's lines and records, and mean scores.
fn rates(observed: &Observed) -> Vec<Rule> {
    let suite = observed.selector();
    let hourly = |name: &str| format!("sum by (suite) (rate({name}{{{suite}}}[1h]))");
    vec![
        Rule::record(
            "suite:evalmark_monitor_failed_records:ratio_rate1h",
            format!(
                "{} / ({} > 0)",
                hourly("evalmark_monitor_failed_records_total"),
                hourly("evalmark_monitor_records_total")
            ),
        ),
        Rule::record(
            "suite:evalmark_monitor_damaged_lines:ratio_rate1h",
            format!(
                "{} / ({} > 0)",
                hourly("evalmark_monitor_damaged_lines_total"),
                hourly("evalmark_monitor_lines_total")
            ),
        ),
        Rule::record(
            "suite_metric:evalmark_monitor_score:mean1h",
            format!(
                "sum by (suite, metric) (rate(evalmark_monitor_scores_sum{{{suite}}}[1h])) / (sum by (suite, metric) (rate(evalmark_monitor_scores_count{{{suite}}}[1h])) > 0)"
            ),
        ),
    ]
}

fn of_production(observed: &Observed, limits: &RuleLimits) -> Vec<Rule> {
    let suite = observed.selector();
    let age = limits.record_age.as_secs();
    vec![
        Rule::alert(
            "EvalmarkDrift",
            format!("evalmark_drift_alarm{{{suite}}} == 1"),
            "page",
            "{{ $labels.suite }}: {{ $labels.stream }} drifts",
            "Production is no longer as the released run was; `evalmark monitor status` says since when, and what changed with it.",
        ),
        Rule::alert(
            "EvalmarkMonitorStale",
            format!("time() - evalmark_monitor_newest_record_seconds{{{suite}}} > {age}"),
            "warning",
            "{{ $labels.suite }}: no new records",
            "The newest record of production is {{ $value | humanizeDuration }} old.",
        )
        .after("5m"),
        Rule::alert(
            "EvalmarkMonitorGone",
            format!("absent(evalmark_monitor_lines_total{{{suite}}})"),
            "warning",
            "{{ $labels.suite }}: nobody watches production",
            "No `evalmark monitor --follow --metrics` is scraped.",
        )
        .after("15m"),
        Rule::alert(
            "EvalmarkRecordsFail",
            format!(
                "suite:evalmark_monitor_failed_records:ratio_rate1h{{{suite}}} > {}",
                limits.failed
            ),
            "warning",
            "{{ $labels.suite }}: production fails",
            "{{ $value | humanizePercentage }} of the records of the last hour have no answer.",
        )
        .after("15m"),
        Rule::alert(
            "EvalmarkLinesDamaged",
            format!(
                "suite:evalmark_monitor_damaged_lines:ratio_rate1h{{{suite}}} > {}",
                limits.failed
            ),
            "warning",
            "{{ $labels.suite }}: log lines are no records",
            "{{ $value | humanizePercentage }} of the lines of the last hour are no records.",
        )
        .after("15m"),
    ]
}

/// A text of YAML, in quotes: JSON's are YAML's.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
