//! What of a suite a dashboard or rules are about, and how it is selected in `PromQL`.

use evalmark_core::{
    metric::{Direction, Range},
    suite::Suite,
};
use evalmark_report::exposition::label_value;

/// Metrics that get panels of their own at most.
const MOST_METRICS: usize = 50;

/// A suite as a dashboard sees it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Its name, as the label `suite` has it.
    pub(super) suite: String,
    /// Its metrics.
    pub(super) metrics: Vec<ObservedMetric>,
    /// Whether production logs are read.
    pub(super) has_logs: bool,
}

/// A metric as a dashboard sees it.
#[derive(Clone, Debug)]
pub(super) struct ObservedMetric {
    /// Its name, as the label `metric` has it.
    pub(super) name: String,
    /// Where its values lie, where that is known.
    pub(super) range: Option<Range>,
    /// Which values are better, where that is known.
    pub(super) direction: Option<Direction>,
}

impl Observed {
    /// A suite, with what is known of its metrics.
    pub fn of(suite: &Suite, scale: impl Fn(&str) -> Option<(Range, Direction)>) -> Self {
        let metrics = suite.metrics.iter().take(MOST_METRICS).map(|metric| {
            let scale = scale(&metric.name);
            ObservedMetric {
                name: label_value(&metric.name),
                range: scale.map(|(range, _)| range),
                direction: scale.map(|(_, direction)| direction),
            }
        });
        Self {
            suite: label_value(&suite.name),
            metrics: metrics.collect(),
            has_logs: suite.logs.is_some(),
        }
    }

    /// The matcher that selects the suite's series.
    pub(super) fn selector(&self) -> String {
        format!("suite={}", quoted(&self.suite))
    }
}

/// A string of `PromQL`, in which nothing of Grafana's variables is left.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' => out.push_str("\\x24"),
            '[' => out.push_str("\\x5b"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_stay_within_their_quotes() {
        let check = |text: &str, expected: &str| assert_eq!(quoted(text), expected);
        check("support", "\"support\"");
        check("a\"} or up{x=\"", "\"a\\\"} or up{x=\\\"\"");
        check("a\\b", "\"a\\\\b\"");
        check("$datasource [[prompt]]", "\"\\x24datasource \\x5b\\x5bprompt]]\"");
    }
}
