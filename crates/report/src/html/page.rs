//! Renders the page: every value passes one formatter that makes it safe.

use std::{fmt::Write, sync::LazyLock};

use evalmark_core::{estimate::Estimate, verdict::Comparison, verdict::Verdict};
use minijinja::{
    AutoEscape, Environment, Output, State,
    syntax::SyntaxConfig,
    value::{Serde, Value, ValueKind},
};
use serde::Serialize;

use super::{
    HtmlReport,
    picture::{self, Picture},
};
use crate::{
    figures::{bounds, cost, count, duration, estimate, interval, p_value, score},
    summary::SummaryRow,
    text::acts,
};

/// The page could not be rendered: a mistake in its template, not in the data.
#[derive(Debug, thiserror::Error)]
#[error("cannot render report.html: {message}")]
pub struct RenderError {
    /// What the template engine says.
    pub message: String,
}

static PAGES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_formatter(safely);
    pages.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    pages.add_filter("count", count);
    pages.add_filter("score", score);
    pages.add_template("page.css", include_str!("page.css"))?;
    pages.add_template("page.html", include_str!("page.html"))?;
    Ok(pages)
});

/// The whole page.
pub fn html(report: &HtmlReport) -> Result<String, RenderError> {
    let failed = |error: &minijinja::Error| RenderError { message: error.to_string() };
    let page = PAGES.as_ref().map_err(failed)?;
    let page = page.get_template("page.html").map_err(|error| failed(&error))?;
    let (slices, summary): (Vec<_>, Vec<_>) =
        report.summary.iter().map(SummaryLine::new).partition(|line| line.row.slice.is_some());
    let verdicts: Vec<_> = report.verdicts.iter().map(VerdictPart::new).collect();
    let parts = Parts { report, verdicts, summary, slices };
    page.render(Serde(&parts)).map_err(|error| failed(&error))
}

/// What the template sees.
#[derive(Serialize)]
struct Parts<'a> {
    report: &'a HtmlReport,
    verdicts: Vec<VerdictPart<'a>>,
    summary: Vec<SummaryLine<'a>>,
    slices: Vec<SummaryLine<'a>>,
}

/// A verdict with its figures written out.
#[derive(Serialize)]
struct VerdictPart<'a> {
    verdict: &'a Verdict,
    lines: Vec<ComparisonLine<'a>>,
}

impl<'a> VerdictPart<'a> {
    fn new(verdict: &'a Verdict) -> Self {
        Self { verdict, lines: verdict.comparisons.iter().map(ComparisonLine::new).collect() }
    }
}

/// A comparison with its figures written out.
#[derive(Serialize)]
struct ComparisonLine<'a> {
    comparison: &'a Comparison,
    picture: Option<Picture>,
    baseline: String,
    candidate: String,
    difference: String,
    bounds: String,
    margin: String,
    p_regressed: String,
    p_pass: String,
    detectable_drop: String,
}

impl<'a> ComparisonLine<'a> {
    fn new(comparison: &'a Comparison) -> Self {
        let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
        Self {
            picture: picture::difference(comparison),
            baseline: score(comparison.baseline_mean),
            candidate: score(comparison.candidate_mean),
            difference: estimate(comparison),
            bounds: bounds(comparison),
            margin: score(Some(comparison.margin)),
            p_regressed: p_value(p_regressed),
            p_pass: p_value(comparison.p_pass),
            detectable_drop: score(comparison.detectable_drop),
            comparison,
        }
    }
}

/// A summary row with its figures written out.
#[derive(Serialize)]
struct SummaryLine<'a> {
    row: &'a SummaryRow,
    picture: Option<Picture>,
    mean: String,
    interval: String,
    latency: String,
    latency_p95: String,
    cost: String,
}

impl<'a> SummaryLine<'a> {
    fn new(row: &'a SummaryRow) -> Self {
        let estimate = row.estimate.as_ref();
        let ends = |estimate: &Estimate| interval(estimate.ci_low, estimate.ci_high, score);
        Self {
            picture: estimate.and_then(|estimate| picture::estimate(estimate, row.range)),
            mean: score(estimate.map(|estimate| estimate.mean)),
            interval: estimate.map(ends).unwrap_or_default(),
            latency: duration(row.latency_p50_ms),
            latency_p95: duration(row.latency_p95_ms),
            cost: cost(row.cost_usd),
            row,
        }
    }
}

/// Writes a value: markup is escaped, and what acts on the text around it is made visible.
fn safely(
    out: &mut Output<'_>,
    _: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(()),
        ValueKind::Number | ValueKind::Bool => return Ok(write!(out, "{value}")?),
        _ => {}
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if value.is_safe() {
        return Ok(out.write_str(&text)?);
    }
    for c in text.chars() {
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            '\n' | '\t' => out.write_char(c)?,
            c if acts(c) => write!(out, "\u{27e8}U+{:04X}\u{27e9}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    Ok(())
}
