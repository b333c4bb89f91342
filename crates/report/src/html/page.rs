//! Renders the page: every value passes one formatter that makes it safe.

use std::{fmt::Write, sync::LazyLock};

use evalmark_core::{
    changes::{Change, LONG, excerpt},
    comparison_text::{ComparisonText, name_of_p_pass, name_of_p_regressed},
    estimate::Estimate,
    metric::Direction,
    number_format::{
        count, decimal, dollars, interval, item_scores, latency, or_none, p_value, quantity, value,
    },
    verdict::{Comparison, Flip, Measure, Verdict},
};
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
use crate::{safe_text::acts, summary::SummaryRow};

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
    pages.add_filter("score", |value: Option<f64>| or_none(value.map(decimal)));
    pages.add_filter("quantity", quantity);
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
    let mut verdicts: Vec<_> = report.verdicts.iter().map(VerdictPart::new).collect();
    // The legend stands with the first plot that is drawn.
    let mut lines = verdicts.iter_mut().flat_map(|part| &mut part.lines);
    if let Some(line) = lines.find(|line| line.picture.is_some()) {
        line.has_legend = true;
    }
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
    changes: Option<Vec<Change>>,
}

impl<'a> VerdictPart<'a> {
    fn new(verdict: &'a Verdict) -> Self {
        let shown =
            |change: &Change| Change { diff: excerpt(&change.diff, LONG), ..change.clone() };
        Self {
            verdict,
            lines: verdict.worst_first().into_iter().map(ComparisonLine::new).collect(),
            changes: verdict.changes.as_ref().map(|changes| changes.iter().map(shown).collect()),
        }
    }
}

/// A comparison with its figures written out.
#[derive(Serialize)]
struct ComparisonLine<'a> {
    comparison: &'a Comparison,
    picture: Option<Picture>,
    has_legend: bool,
    baseline: String,
    candidate: String,
    label: &'static str,
    change: String,
    bounds: String,
    margin_name: &'static str,
    margin: String,
    p_values: [(String, String); 2],
    detectable: String,
    flips: Vec<FlipLine<'a>>,
}

/// An item whose score changed.
#[derive(Serialize)]
struct FlipLine<'a> {
    item_id: &'a str,
    baseline: String,
    candidate: String,
    is_worse: bool,
}

impl<'a> ComparisonLine<'a> {
    fn new(comparison: &'a Comparison) -> Self {
        let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
        let text = ComparisonText::of(comparison);
        let bounds = text.bounds();
        let p = |p: Option<f64>| or_none(p.map(p_value));
        Self {
            picture: picture::change(comparison),
            has_legend: false,
            baseline: or_none(text.baseline),
            candidate: or_none(text.candidate),
            label: text.label,
            change: or_none(text.change),
            bounds: or_none(bounds),
            margin_name: comparison.margin_name(),
            margin: text.margin,
            p_values: [
                (name_of_p_regressed(comparison), p(p_regressed)),
                (name_of_p_pass(comparison), p(comparison.p_pass)),
            ],
            detectable: or_none(text.detectable),
            flips: flips(comparison),
            comparison,
        }
    }
}

/// The items whose score changed; amounts change nearly everywhere, and none is listed.
fn flips<'a>(comparison: &'a Comparison) -> Vec<FlipLine<'a>> {
    if comparison.measure == Measure::Ratio {
        return Vec::new();
    }
    let is_lower = comparison.direction == Direction::Lower;
    let line = |flip: &'a Flip| {
        let [baseline, candidate] = item_scores([flip.baseline, flip.candidate], comparison.range);
        let is_worse = (flip.candidate < flip.baseline) != is_lower;
        FlipLine { item_id: &flip.item_id, baseline, candidate, is_worse }
    };
    comparison.flips.iter().map(line).collect()
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
        let ends = |estimate: &Estimate| interval(estimate.ci_low, estimate.ci_high, row.range);
        Self {
            picture: estimate.and_then(|estimate| picture::estimate(estimate, row.range)),
            mean: or_none(estimate.map(|estimate| value(estimate.mean, row.range))),
            interval: estimate.map(ends).unwrap_or_default(),
            latency: or_none(row.latency_p50_ms.map(latency)),
            latency_p95: or_none(row.latency_p95_ms.map(latency)),
            cost: or_none(row.cost_usd.map(dollars)),
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
