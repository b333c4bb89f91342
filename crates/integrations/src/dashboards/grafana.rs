//! A Grafana dashboard of a suite, as the JSON that Grafana imports (schema 39: Grafana 10.1 and later).

use serde_json::{Value, json};

use super::{
    grafana_panels::{Grid, Panel, Query, Unit, mapping},
    observed::{Observed, ObservedMetric, quoted},
};
use evalmark_core::metric::Range;

/// The version of Grafana's form.
const SCHEMA_VERSION: u32 = 39;

/// The dashboard of a suite.
pub fn grafana_dashboard(observed: &Observed) -> Value {
    let hash = blake3::hash(observed.suite.as_bytes()).to_hex();
    let mut grid = Grid::default();
    overview(observed, &mut grid);
    scores(observed, &mut grid);
    costs(observed, &mut grid);
    if observed.has_logs {
        production(observed, &mut grid);
    }
    json!({
        "uid": format!("evalmark-{}", &hash[..16]),
        "title": format!("evalmark: {}", without_variables(&observed.suite)),
        "description": "Made by `evalmark export grafana`.",
        "tags": ["evalmark"],
        "timezone": "browser",
        "editable": true,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "5m",
        "time": { "from": "now-30d", "to": "now" },
        "templating": { "list": variables(observed) },
        "annotations": { "list": [] },
        "links": [],
        "panels": grid.panels(),
    })
}

/// The data source, and which prompts and models are shown.
fn variables(observed: &Observed) -> Vec<Value> {
    let of_label = |label: &str| {
        let query = format!("label_values(evalmark_score{{{}}}, {label})", observed.selector());
        json!({
            "type": "query",
            "name": label,
            "label": label,
            "datasource": { "type": "prometheus", "uid": "${datasource}" },
            "query": { "query": query, "refId": format!("labels-{label}") },
            "refresh": 2,
            "sort": 1,
            "multi": true,
            "includeAll": true,
            "allValue": ".*",
            "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
            "options": [],
        })
    };
    let datasource = json!({
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": false,
        "includeAll": false,
        "options": [],
    });
    vec![datasource, of_label("prompt"), of_label("model")]
}

/// The series of one variant, of those that are chosen.
fn of_variants(name: &str, observed: &Observed, more: &str) -> String {
    let chosen = r#"prompt=~"$prompt",model=~"$model""#;
    format!("{name}{{{},{chosen}{more}}}", observed.selector())
}

fn overview(observed: &Observed, grid: &mut Grid) {
    let suite = observed.selector();
    let samples = |more: &str| format!("sum(evalmark_run_samples{{{suite}{more}}})");
    grid.row("Latest run");
    grid.add(
        6,
        Panel::stat("Verdict", "Whether the gate of the latest run passes.")
            .query(Query::new(format!("evalmark_passes{{{suite}}}"), "verdict"))
            .mapped(vec![mapping("0", "fails", "red"), mapping("1", "passes", "green")]),
    );
    grid.add(
        6,
        Panel::stat("Age", "How long ago the latest run began.")
            .unit(Unit::Seconds)
            .query(Query::new(format!("time() - evalmark_run_started_seconds{{{suite}}}"), "age")),
    );
    grid.add(
        6,
        Panel::stat("Error rate", "Share of the samples of the latest run without an answer.")
            .unit(Unit::Share)
            .query(Query::new(
                format!("{} / {}", samples(",outcome=\"failed\""), samples("")),
                "failed",
            )),
    );
    grid.add(
        6,
        Panel::stat("Cost", "What the answers of the latest run cost.")
            .unit(Unit::Dollars)
            .query(Query::new(format!("sum(evalmark_cost_usd{{{suite}}})"), "cost")),
    );
}

fn scores(observed: &Observed, grid: &mut Grid) {
    grid.row("Scores");
    for metric in &observed.metrics {
        let of_metric = format!(",metric={}", quoted(&metric.name));
        let series = |name: &str| of_variants(name, observed, &of_metric);
        let says = format!("{}With the ends of its interval.", better(metric));
        let panel = Panel::lines(&without_variables(&metric.name), &says)
            .unit(unit(metric))
            .query(Query::new(series("evalmark_score"), "{{prompt}} · {{model}}"))
            .query(Query::new(series("evalmark_score_lower"), "{{prompt}} · {{model}} (lower)"))
            .query(Query::new(series("evalmark_score_upper"), "{{prompt}} · {{model}} (upper)"));
        grid.add(12, panel);
    }
    grid.row("Against the baseline");
    let legend = "{{metric}} · {{prompt}} · {{model}}";
    let change = |name: &str| of_variants(name, observed, ",measure=\"difference\"");
    grid.add(
        12,
        Panel::lines("Change", "Run minus baseline, with its one-sided bounds.")
            .query(Query::new(change("evalmark_change"), legend))
            .query(Query::new(change("evalmark_change_lower"), &format!("{legend} (lower)")))
            .query(Query::new(change("evalmark_change_upper"), &format!("{legend} (upper)"))),
    );
    grid.add(
        12,
        Panel::timeline("Comparisons", "Whether each gated metric passes.")
            .query(Query::new(of_variants("evalmark_comparison_passes", observed, ""), legend))
            .mapped(vec![mapping("0", "fails", "red"), mapping("1", "passes", "green")]),
    );
}

fn costs(observed: &Observed, grid: &mut Grid) {
    let legend = "{{prompt}} · {{model}}";
    let series = |name: &str| of_variants(name, observed, "");
    grid.row("Latency, cost and answers");
    grid.add(
        8,
        Panel::lines("Latency", "Service time of requests, queueing and waits left out.")
            .unit(Unit::Seconds)
            .query(Query::new(
                series("evalmark_latency_seconds"),
                &format!("{legend} (p{{{{percentile}}}})"),
            )),
    );
    grid.add(
        8,
        Panel::lines("Cost of a run", "US dollars.")
            .unit(Unit::Dollars)
            .query(Query::new(series("evalmark_cost_usd"), legend)),
    );
    let samples = format!("evalmark_run_samples{{{}}}", observed.selector());
    grid.add(
        8,
        Panel::lines("Samples by outcome", "Answered, refused, invalid and failed.")
            .stacked()
            .query(Query::new(samples, "{{outcome}}")),
    );
    grid.add(
        8,
        Panel::lines("Tokens of a run", "Of all requests, and of all answers.")
            .query(Query::new(series("evalmark_tokens"), &format!("{legend} ({{{{direction}}}})"))),
    );
}

fn production(observed: &Observed, grid: &mut Grid) {
    let suite = observed.selector();
    let series = |name: &str| format!("{name}{{{suite}}}");
    let rate = |name: &str| format!("rate({name}_total{{{suite}}}[$__rate_interval])");
    grid.row("Production");
    grid.add(
        12,
        Panel::timeline("Drift", "Alarms, by stream.")
            .query(Query::new(series("evalmark_drift_alarm"), "{{stream}}"))
            .mapped(vec![mapping("0", "as released", "green"), mapping("1", "drifts", "red")]),
    );
    grid.add(
        12,
        Panel::lines("Evidence of drift", "Its logarithm, and where an alarm is raised.")
            .query(Query::new(series("evalmark_drift_evidence"), "{{stream}}"))
            .query(Query::new(series("evalmark_drift_threshold"), "{{stream}} (alarm)")),
    );
    grid.add(
        12,
        Panel::lines("Scores in production", "Means over an hour, and the baseline's.")
            .query(Query::new(
                format!(
                    "rate(evalmark_monitor_scores_sum{{{suite}}}[1h]) / rate(evalmark_monitor_scores_count{{{suite}}}[1h])"
                ),
                "{{metric}}",
            ))
            .query(Query::new(
                series("evalmark_monitor_baseline_score"),
                "{{metric}} · {{prompt}} · {{model}} (baseline)",
            )),
    );
    grid.add(
        6,
        Panel::lines(
            "Records a second",
            "Lines that became records, those without an answer, and lines that are none.",
        )
        .query(Query::new(rate("evalmark_monitor_records"), "records"))
        .query(Query::new(rate("evalmark_monitor_failed_records"), "failed"))
        .query(Query::new(rate("evalmark_monitor_damaged_lines"), "damaged")),
    );
    grid.add(
        6,
        Panel::lines("Lag", "Between the time of the newest record and when it was stored.")
            .unit(Unit::Seconds)
            .query(Query::new(series("evalmark_monitor_lag_seconds"), "lag")),
    );
}

fn unit(metric: &ObservedMetric) -> Unit {
    match metric.range {
        Some(Range::Binary | Range::Unit) => Unit::Share,
        _ => Unit::Number,
    }
}

fn better(metric: &ObservedMetric) -> &'static str {
    use evalmark_core::metric::Direction;
    match metric.direction {
        Some(Direction::Higher) => "Higher is better. ",
        Some(Direction::Lower) => "Lower is better. ",
        None => "",
    }
}

/// A text that Grafana shows as it is: it has no way to write `$` in titles.
fn without_variables(text: &str) -> String {
    text.replace('$', "＄").replace("[[", "［［")
}
