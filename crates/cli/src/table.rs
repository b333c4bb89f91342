//! The summary as a table: prompt x model down, metrics across, each with its interval.

use std::borrow::Cow;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use evalmark_core::metric::Range;
use evalmark_report::{
    figures::decimal,
    summary::{Attempts, Share, SummaryRow},
    text::printable,
};

use crate::leaderboard::{Groups, LEGEND};

/// The table of the rows over all items, with the groups that can be told apart, and below it what
/// several attempts make of them.
pub(crate) fn render(rows: &[SummaryRow], groups: &Groups) -> String {
    let mut parts = vec![summary(rows, groups)];
    if !groups.is_empty() {
        parts.push(LEGEND.to_owned());
    }
    parts.extend(attempts(rows));
    parts.join("\n")
}

fn summary(rows: &[SummaryRow], groups: &Groups) -> String {
    let rows: Vec<_> = rows.iter().filter(|row| row.slice.is_none()).collect();
    let mut metrics: Vec<&str> = Vec::new();
    let mut arms: Vec<(&str, &str)> = Vec::new();
    for row in &rows {
        push_new(&mut metrics, row.metric.as_str());
        push_new(&mut arms, (row.prompt.as_str(), row.model.as_str()));
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let header = ["prompt", "model", "samples"].into_iter().map(str::to_owned);
    let metric_headers = metrics.iter().map(|metric| printable(metric).into_owned());
    let tail = ["p50 ms", "tokens", "cost $"].into_iter().map(str::to_owned);
    table.set_header(header.chain(metric_headers).chain(tail));
    for (prompt, model) in arms {
        let of_arm: Vec<_> =
            rows.iter().filter(|row| row.prompt == prompt && row.model == model).collect();
        let Some(first) = of_arm.first() else { continue };
        let mut cells =
            vec![text(&printable(prompt)), text(&printable(model)), number(first.n_planned)];
        for metric in &metrics {
            let row = of_arm.iter().find(|row| row.metric == *metric);
            let key = (prompt.to_owned(), model.to_owned(), (*metric).to_owned());
            cells.push(right(&row.map_or(String::new(), |row| mean(row, groups.get(&key)))));
        }
        let tokens = first.input_tokens.zip(first.output_tokens).map(|(i, o)| i + o);
        cells.push(right(&first.latency_p50_ms.map_or("-".into(), |ms| format!("{ms:.0}"))));
        cells.push(right(&tokens.map_or("-".into(), |tokens| tokens.to_string())));
        cells.push(right(&first.cost_usd.map_or("-".into(), |cost| format!("{cost:.4}"))));
        table.add_row(cells);
    }
    table.to_string()
}

/// The width that figures and remarks on them keep to, in columns.
const WIDTH: u16 = 100;

/// One table of figures for each group of rows: the name first, then numbers.
pub(crate) fn figures(header: &[&str], groups: &[(String, Vec<Vec<String>>)]) -> String {
    let tables = groups.iter().map(|(title, rows)| {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.style_mut().row_separator = presets::NOTHING.row_separator;
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH);
        let cells = |row: &[String]| {
            let cell = |(i, value): (usize, &String)| {
                if i == 0 { text(&printable(value)) } else { right(value) }
            };
            row.iter().enumerate().map(cell).collect::<Vec<_>>()
        };
        let header: Vec<_> = header.iter().map(|&name| name.to_owned()).collect();
        table.set_header(cells(&header));
        for row in rows {
            table.add_row(cells(row));
        }
        format!("\n{}\n{table}", printable(title))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Rows by the arm that they are about, in their order.
pub(crate) fn by_arm<T>(
    rows: &[T],
    arm: impl Fn(&T) -> String,
    row: impl Fn(&T) -> Vec<String>,
) -> Vec<(String, Vec<Vec<String>>)> {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for one in rows {
        let title = arm(one);
        match groups.iter_mut().find(|group| group.0 == title) {
            Some(group) => group.1.push(row(one)),
            None => groups.push((title, vec![row(one)])),
        }
    }
    groups
}

/// A paragraph in lines that are no wider than a table of figures.
pub(crate) fn wrapped(indent: &str, text: &str) -> Vec<String> {
    let deeper = format!("{indent}  ");
    let options = textwrap::Options::new(WIDTH.into())
        .initial_indent(indent)
        .subsequent_indent(&deeper)
        .break_words(false);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

fn text(value: &str) -> Cell {
    Cell::new(value)
}

fn right(value: &str) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

fn number(value: u64) -> Cell {
    right(&value.to_string())
}

/// `71.3 % [64.9, 77.0] a`, and what is missing.
fn mean(row: &SummaryRow, group: Option<&String>) -> String {
    let group = group.map_or(String::new(), |letters| format!(" {letters}"));
    let missing = match row.n_missing {
        0 => String::new(),
        n => format!(" ({n} missing)"),
    };
    let Some(estimate) = &row.estimate else { return format!("no score{missing}") };
    let interval = match (estimate.ci_low, estimate.ci_high) {
        (Some(low), Some(high)) => {
            format!(" [{}, {}]", bare(low, row.range), bare(high, row.range))
        }
        _ => String::new(),
    };
    format!("{}{interval}{group}{missing}", value(estimate.mean, row.range))
}

/// What several attempts at an item make of it: "at least once in 5", "all 5 times".
fn attempts(rows: &[SummaryRow]) -> Option<String> {
    let rows = rows.iter().filter(|row| row.slice.is_none());
    let lines = rows.filter_map(|row| {
        let Attempts { k, any, all } = row.attempts?;
        let ends = |share: Share| match (share.ci_low, share.ci_high) {
            (Some(low), Some(high)) => {
                format!("{} [{:.1}, {:.1}]", percent(share.mean), 100.0 * low, 100.0 * high)
            }
            _ => percent(share.mean),
        };
        let name = [&row.prompt, &row.model, &row.metric].map(|name| printable(name)).join(" · ");
        let (any, all) = (ends(any), ends(all));
        Some(format!("  {name}: pass@{k} (at least once) {any}, pass^{k} (every time) {all}"))
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A score or a mean: a percentage where values lie in [0, 1].
pub(crate) fn value(value: f64, range: Range) -> String {
    if range.is_share() { percent(value) } else { bare(value, range) }
}

/// The same without a unit.
pub(crate) fn bare(value: f64, range: Range) -> String {
    match range {
        Range::Binary | Range::Unit => format!("{:.1}", 100.0 * value),
        Range::Hundred => format!("{value:.1}"),
        Range::Signed | Range::Open => decimal(value),
    }
}

/// A difference with its sign: in points where values lie in [0, 1].
pub(crate) fn difference(value: f64, range: Range) -> String {
    if range.is_share() {
        return points(value);
    }
    let text = bare(value, range);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// `71.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A difference in percentage points, with its sign.
pub(crate) fn points(difference: f64) -> String {
    let text = format!("{:+.1}", 100.0 * difference);
    if text == "-0.0" { "+0.0".to_owned() } else { text }
}

/// An amount of percentage points, without a sign.
pub(crate) fn amount(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}
