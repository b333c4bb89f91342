//! Figures of verdicts as `OpenMetrics` text, which GitLab compares between a merge request and its target.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

use evalmark_core::verdict::{Comparison, Measure};

use crate::{
    gate_report::{GateReport, ReportedSuite},
    safe_text::printable_line,
};

/// One kind of figure: a gauge with a line for each comparison.
struct Family {
    name: &'static str,
    help: &'static str,
    value: fn(&Comparison) -> Option<f64>,
}

const FAMILIES: [Family; 7] = [
    Family {
        name: "evalmark_candidate",
        help: "Value of the metric in the run, over the items that are compared.",
        value: |one| one.candidate_mean,
    },
    Family {
        name: "evalmark_baseline",
        help: "Value of the metric in the baseline, over the items that are compared.",
        value: |one| one.baseline_mean,
    },
    Family {
        name: "evalmark_change",
        help: "Run minus baseline; where the measure is ratio, run over baseline.",
        value: |one| one.estimate.filter(|_| one.measure != Measure::Level),
    },
    Family {
        name: "evalmark_change_lower",
        help: "Lower one-sided bound on the change.",
        value: |one| one.lower.filter(|_| one.measure != Measure::Level),
    },
    Family {
        name: "evalmark_change_upper",
        help: "Upper one-sided bound on the change.",
        value: |one| one.upper.filter(|_| one.measure != Measure::Level),
    },
    Family {
        name: "evalmark_compared_items",
        help: "Items that both have a score of.",
        value: |one| Some(one.counts.paired as f64),
    },
    Family {
        name: "evalmark_comparison_passes",
        help: "1 where the comparison passes, else 0.",
        value: |one| Some(f64::from(u8::from(one.answer.passes()))),
    },
];

/// The figures of a gate's verdicts.
pub fn open_metrics(report: &GateReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_metrics(&mut out, report);
    out
}

fn write_metrics(out: &mut String, report: &GateReport) -> fmt::Result {
    let name = "evalmark_passes";
    head(
        out,
        name,
        "1 where the suite's verdict is a pass, else 0; nothing where it was not gated.",
    )?;
    let mut seen = BTreeSet::new();
    for suite in &report.suites {
        let Some(passes) = passes(suite) else { continue };
        let labels = format!("suite=\"{}\"", label(&suite.suite));
        if seen.insert(labels.clone()) {
            writeln!(out, "{name}{{{labels}}} {}", u8::from(passes))?;
        }
    }
    write_overrides(out, report)?;
    for Family { name, help, value } in &FAMILIES {
        head(out, name, help)?;
        let mut seen = BTreeSet::new();
        for suite in &report.suites {
            for comparison in suite.verdict.iter().flat_map(|verdict| &verdict.comparisons) {
                let Some(value) = value(comparison).filter(|value| value.is_finite()) else {
                    continue;
                };
                let labels = labels(&suite.suite, comparison);
                // No series may stand there twice.
                if seen.insert(labels.clone()) {
                    writeln!(out, "{name}{{{labels}}} {value}")?;
                }
            }
        }
    }
    out.push_str("# EOF\n");
    Ok(())
}

/// What somebody passed over; nothing where nobody did.
fn write_overrides(out: &mut String, report: &GateReport) -> fmt::Result {
    let is_overridden = |suite: &&ReportedSuite| {
        suite.verdict.as_ref().is_some_and(|verdict| verdict.overridden.is_some())
    };
    let names: BTreeSet<_> =
        report.suites.iter().filter(is_overridden).map(|suite| label(&suite.suite)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let name = "evalmark_overridden";
    head(out, name, "1 where the suite's verdict fails and somebody passed it over.")?;
    names.iter().try_for_each(|suite| writeln!(out, "{name}{{suite=\"{suite}\"}} 1"))
}

fn passes(suite: &ReportedSuite) -> Option<bool> {
    let of_verdict = suite.verdict.as_ref().map(|verdict| verdict.answer.passes());
    if suite.incomplete.is_some() { Some(false) } else { of_verdict }
}

fn head(out: &mut String, name: &str, help: &str) -> fmt::Result {
    writeln!(out, "# TYPE {name} gauge\n# HELP {name} {help}")
}

fn labels(suite: &str, comparison: &Comparison) -> String {
    let Comparison { prompt, model, metric, measure, .. } = comparison;
    let measure = measure_name(*measure);
    let labels = [
        ("suite", suite),
        ("prompt", prompt),
        ("model", model),
        ("metric", metric),
        ("measure", measure),
    ];
    labels.map(|(name, value)| format!("{name}=\"{}\"", label(value))).join(",")
}

/// The word for what is compared.
pub(crate) fn measure_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Difference => "difference",
        Measure::Ratio => "ratio",
        Measure::Level => "level",
    }
}

/// A label's value: on one line, and within its quotes. GitLab takes whatever follows a `#` for a comment, even there.
fn label(text: &str) -> String {
    let text = printable_line(text).replace('#', "\\u{23}");
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
