//! Metrics as Prometheus reads them: families of samples, written in its text format 0.0.4 or as `OpenMetrics` 1.0.0.

use std::{collections::BTreeSet, fmt::Write};

use crate::safe_text::printable_line;

/// Characters of a label's value at most.
const MOST_LETTERS: usize = 200;

/// A metric with its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily {
    /// Its name, without what a sample's name ends with; a unit is its last word.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What it is measured in, where it is not a plain number.
    pub unit: Option<&'static str>,
    /// What its samples are.
    pub kind: FamilyKind,
    /// Its samples; of two with the same labels, the first counts.
    pub samples: Vec<FamilySample>,
}

/// What the samples of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// A value that goes up and down.
    Gauge,
    /// A number that only grows.
    Counter,
    /// How many values there were, and their sum.
    Summary,
}

/// One sample of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilySample {
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// What it says.
    pub value: FamilyValue,
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FamilyValue {
    /// A gauge's or a counter's number.
    Number(f64),
    /// A summary's: the sum is left out where it may go down.
    Values {
        /// How many.
        count: u64,
        /// Their sum.
        sum: Option<f64>,
    },
}

/// One time series: what a line of text says.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSeries<'a> {
    /// The metric's whole name.
    pub name: String,
    /// Its labels, each value on one line.
    pub labels: Vec<(&'static str, String)>,
    /// Its value, which is finite.
    pub value: f64,
    /// The family that it belongs to.
    pub family: &'a MetricFamily,
}

impl MetricFamily {
    /// A family of gauges.
    pub fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: None, kind: FamilyKind::Gauge, samples: Vec::new() }
    }

    /// A family of counters.
    pub fn counter(name: &'static str, help: &'static str) -> Self {
        Self { kind: FamilyKind::Counter, ..Self::gauge(name, help) }
    }

    /// A family of summaries.
    pub fn summary(name: &'static str, help: &'static str) -> Self {
        Self { kind: FamilyKind::Summary, ..Self::gauge(name, help) }
    }

    /// The same, measured in this unit.
    #[must_use]
    pub fn in_unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The same with these samples.
    #[must_use]
    pub fn with(mut self, samples: impl IntoIterator<Item = FamilySample>) -> Self {
        self.samples.extend(samples);
        self
    }

    /// Its time series; none has a value that is not finite, and none is there twice.
    pub fn series(&self) -> Vec<MetricSeries<'_>> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for sample in &self.samples {
            let labels = sample.labels.iter().map(|(name, value)| (*name, label_value(value)));
            let labels: Vec<_> = labels.collect();
            if !seen.insert(labels.clone()) {
                continue;
            }
            let parts: [Option<(&str, f64)>; 2] = match (self.kind, sample.value) {
                (FamilyKind::Counter, FamilyValue::Number(value)) => {
                    [Some(("_total", value)), None]
                }
                (_, FamilyValue::Number(value)) => [Some(("", value)), None],
                (_, FamilyValue::Values { count, sum }) => {
                    [Some(("_count", count as f64)), sum.map(|sum| ("_sum", sum))]
                }
            };
            let finite = parts.into_iter().flatten().filter(|(_, value)| value.is_finite());
            all.extend(finite.map(|(ending, value)| MetricSeries {
                name: format!("{}{ending}", self.name),
                labels: labels.clone(),
                value,
                family: self,
            }));
        }
        all
    }
}

impl FamilySample {
    /// A sample of a gauge or of a counter.
    pub fn number(labels: Vec<(&'static str, String)>, value: f64) -> Self {
        Self { labels, value: FamilyValue::Number(value) }
    }
}

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// Prometheus' text format 0.0.4.
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl ExpositionFormat {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The form that whoever asks prefers, by the header `Accept`.
    pub fn accepted(accept: &str) -> Self {
        let (mut text, mut open_metrics) = (0.0, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let params: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
            let param = |name: &str| {
                let found = params.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.trim().trim_matches('"'))
            };
            let weight = param("q").map_or(Some(1.0), |text| text.parse::<f64>().ok());
            let weight = weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0);
            let version = param("version");
            let best = match &*kind {
                "application/openmetrics-text" if version.is_none_or(|of| of == "1.0.0") => {
                    &mut open_metrics
                }
                "text/plain" | "text/*" | "*/*" if version.is_none_or(|of| of == "0.0.4") => {
                    &mut text
                }
                _ => continue,
            };
            *best = weight.max(*best);
        }
        if open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// The families as text; those without a sample are left out.
    pub fn write(self, families: &[MetricFamily]) -> String {
        let mut out = String::new();
        for family in families {
            let series = family.series();
            if !series.is_empty() {
                self.head(&mut out, family);
            }
            for MetricSeries { name, labels, value, .. } in series {
                let labels =
                    labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
                let labels = labels.collect::<Vec<_>>().join(",");
                // Writing to a string cannot fail.
                let _ = match &*labels {
                    "" => writeln!(out, "{name} {value}"),
                    labels => writeln!(out, "{name}{{{labels}}} {value}"),
                };
            }
        }
        if self == Self::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }

    fn head(self, out: &mut String, family: &MetricFamily) {
        let MetricFamily { name, help, unit, kind, .. } = family;
        let word = match kind {
            FamilyKind::Gauge => "gauge",
            FamilyKind::Counter => "counter",
            FamilyKind::Summary => "summary",
        };
        let ending = match (self, kind) {
            (Self::Text, FamilyKind::Counter) => "_total",
            _ => "",
        };
        let _ = writeln!(out, "# HELP {name}{ending} {}", escaped(help));
        let _ = writeln!(out, "# TYPE {name}{ending} {word}");
        if let (Self::OpenMetrics, Some(unit)) = (self, unit) {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
    }
}

/// A label's value as every form has it: on one line, where nothing acts, of a bounded length.
pub fn label_value(text: &str) -> String {
    let text = printable_line(text);
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// A text within its quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<MetricFamily> {
        let labels = |value: &str| vec![("metric", value.to_owned())];
        vec![
            MetricFamily::gauge("age_seconds", "How old \\ it is.").in_unit("seconds").with([
                FamilySample::number(Vec::new(), 1.5),
                FamilySample::number(Vec::new(), 9.0),
            ]),
            MetricFamily::counter("lines", "Lines.").with([
                FamilySample::number(labels("a\"b\\c\nd"), 3.0),
                FamilySample::number(labels("nan"), f64::NAN),
            ]),
            MetricFamily::gauge("nothing", "No sample."),
            MetricFamily::summary("score", "Scores.").with([FamilySample {
                labels: labels("x"),
                value: FamilyValue::Values { count: 4, sum: Some(2.5) },
            }]),
        ]
    }

    #[test]
    fn each_form_has_its_own_heads() {
        let check = |form: ExpositionFormat, expected: &str| {
            assert_eq!(form.write(&families()), expected, "{form:?}");
        };
        let label = "metric=\"a\\\"b\\\\c\\\\nd\"";
        check(
            ExpositionFormat::Text,
            &format!(
                "# HELP age_seconds How old \\\\ it is.\n# TYPE age_seconds gauge\nage_seconds 1.5\n\
                 # HELP lines_total Lines.\n# TYPE lines_total counter\nlines_total{{{label}}} 3\n\
                 # HELP score Scores.\n# TYPE score summary\nscore_count{{metric=\"x\"}} 4\nscore_sum{{metric=\"x\"}} 2.5\n"
            ),
        );
        check(
            ExpositionFormat::OpenMetrics,
            &format!(
                "# HELP age_seconds How old \\\\ it is.\n# TYPE age_seconds gauge\n# UNIT age_seconds seconds\nage_seconds 1.5\n\
                 # HELP lines Lines.\n# TYPE lines counter\nlines_total{{{label}}} 3\n\
                 # HELP score Scores.\n# TYPE score summary\nscore_count{{metric=\"x\"}} 4\nscore_sum{{metric=\"x\"}} 2.5\n# EOF\n"
            ),
        );
    }

    #[test]
    fn whoever_asks_says_which_form() {
        use ExpositionFormat::{OpenMetrics, Text};
        let check = |accept: &str, expected| {
            assert_eq!(ExpositionFormat::accepted(accept), expected, "{accept}");
        };
        check("", Text);
        check("*/*", Text);
        check("text/html, */*;q=0.8", Text);
        check("application/openmetrics-text", OpenMetrics);
        check("application/openmetrics-text; version=0.0.1", Text);
        check("application/openmetrics-text;q=0, text/plain", Text);
        check("application/openmetrics-text;q=nonsense, text/plain;q=0.1", Text);
        check("text/plain, application/openmetrics-text;q=0.9", Text);
        // As Prometheus 2.42 asks.
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OpenMetrics,
        );
        // As Prometheus asks that knows a newer form.
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        );
    }
}
