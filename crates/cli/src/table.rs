//! The summary as a table: prompt x model down, metrics across, each with its interval.

use std::borrow::Cow;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use evalmark_core::{
    metric::Range,
    number_format::{count, dollars, estimate, interval, latency, or_none, percent},
};
use evalmark_report::{
    safe_text::printable,
    summary::{PassAttempts, Share, SummaryRow},
};

use evalmark_runner::LeaderboardGroups;

use crate::{leaderboard_text::LEGEND, print::columns};

/// The table of the rows over all items, with the groups that can be told apart, and below it what
/// several attempts make of them.
pub(crate) fn render(rows: &[SummaryRow], groups: &LeaderboardGroups) -> String {
    let mut parts = vec![summary(rows, groups)];
    if !groups.is_empty() {
        parts.extend(wrapped("", LEGEND));
    }
    parts.extend(attempts(rows));
    parts.join("\n")
}

/// The rows of one prompt x model.
struct OfVariant<'a> {
    prompt: &'a str,
    model: &'a str,
    rows: Vec<&'a SummaryRow>,
}

impl OfVariant<'_> {
    /// `71.3 % [64.9, 77.0] a` for each metric; empty where there is no row.
    fn means(&self, metrics: &[&str], groups: &LeaderboardGroups) -> Vec<String> {
        let mean = |metric: &&str| {
            let row = self.rows.iter().find(|row| row.metric == *metric);
            let key = (self.prompt.to_owned(), self.model.to_owned(), (*metric).to_owned());
            row.map_or(String::new(), |row| mean(row, groups.get(&key)))
        };
        metrics.iter().map(mean).collect()
    }

    /// Samples, latency, tokens and cost.
    fn totals(&self) -> [String; 4] {
        let first = self.rows[0];
        let tokens = first.input_tokens.zip(first.output_tokens).map(|(i, o)| i + o);
        [
            count(first.n_planned),
            or_none(first.latency_p50_ms.map(latency)),
            or_none(tokens.map(count)),
            or_none(first.cost_usd.map(dollars)),
        ]
    }
}

fn summary(rows: &[SummaryRow], groups: &LeaderboardGroups) -> String {
    let mut metrics: Vec<&str> = Vec::new();
    let mut variants: Vec<OfVariant<'_>> = Vec::new();
    for row in rows.iter().filter(|row| row.slice.is_none()) {
        push_new(&mut metrics, row.metric.as_str());
        let (prompt, model) = (row.prompt.as_str(), row.model.as_str());
        match variants.iter_mut().find(|variant| (variant.prompt, variant.model) == (prompt, model))
        {
            Some(variant) => variant.rows.push(row),
            None => variants.push(OfVariant { prompt, model, rows: vec![row] }),
        }
    }
    let table = wide(&variants, &metrics, groups);
    let width = table.lines().map(textwrap::core::display_width).max().unwrap_or_default();
    match columns() {
        Some(columns) if width > columns => stacked(&variants, &metrics, groups, columns),
        _ => table,
    }
}

/// One row for each prompt and model.
fn wide(variants: &[OfVariant<'_>], metrics: &[&str], groups: &LeaderboardGroups) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let header = ["prompt", "model", "samples"].into_iter().map(str::to_owned);
    let metric_headers = metrics.iter().map(|metric| printable(metric).into_owned());
    let tail = ["p50", "tokens", "cost"].into_iter().map(str::to_owned);
    table.set_header(header.chain(metric_headers).chain(tail));
    for variant in variants {
        let [samples, totals @ ..] = variant.totals();
        let mut cells = vec![
            text(&printable(variant.prompt)),
            text(&printable(variant.model)),
            right(&samples),
        ];
        cells.extend(variant.means(metrics, groups).iter().chain(&totals).map(|cell| right(cell)));
        table.add_row(cells);
    }
    table.to_string()
}

/// One block for each prompt and model, and in it a line for each metric: for narrow terminals.
fn stacked(
    variants: &[OfVariant<'_>],
    metrics: &[&str],
    groups: &LeaderboardGroups,
    columns: usize,
) -> String {
    let names: Vec<_> = metrics.iter().map(|metric| printable(metric)).collect();
    let width = names.iter().map(|name| textwrap::core::display_width(name)).max();
    let width = width.unwrap_or_default().min(columns / 2);
    let mut lines = Vec::new();
    for variant in variants {
        let name = [variant.prompt, variant.model].map(printable).join(" · ");
        lines.extend(within(columns, "", &name));
        for (name, mean) in names.iter().zip(variant.means(metrics, groups)) {
            let gap = width.saturating_sub(textwrap::core::display_width(name));
            lines.extend(within(columns, "  ", &format!("{name}{}  {mean}", " ".repeat(gap))));
        }
        let [samples, latency, tokens, cost] = variant.totals();
        let totals = format!("{samples} samples, p50 {latency}, {tokens} tokens, cost {cost}");
        lines.extend(within(columns, "  ", &totals));
        lines.push(String::new());
    }
    lines.pop();
    lines.join("\n")
}

/// The width that figures and remarks on them keep to, in columns.
const WIDTH: usize = 100;

/// One table of figures for each group of rows: the name first, then numbers.
pub(crate) fn figures(header: &[&str], groups: &[(String, Vec<Vec<String>>)]) -> String {
    let tables = groups.iter().map(|(title, rows)| {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.style_mut().row_separator = presets::NOTHING.row_separator;
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width()).unwrap_or(u16::MAX));
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

/// Rows by the variant that they are about, in their order.
pub(crate) fn by_variant<T>(
    rows: &[T],
    variant: impl Fn(&T) -> String,
    row: impl Fn(&T) -> Vec<String>,
) -> Vec<(String, Vec<Vec<String>>)> {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for one in rows {
        let title = variant(one);
        match groups.iter_mut().find(|group| group.0 == title) {
            Some(group) => group.1.push(row(one)),
            None => groups.push((title, vec![row(one)])),
        }
    }
    groups
}

/// A paragraph in lines that are no wider than the terminal and a table of figures.
pub(crate) fn wrapped(indent: &str, text: &str) -> Vec<String> {
    within(width(), indent, text)
}

/// Columns that figures and remarks may have.
fn width() -> usize {
    columns().map_or(WIDTH, |columns| columns.min(WIDTH))
}

fn within(columns: usize, indent: &str, text: &str) -> Vec<String> {
    let deeper = format!("{indent}  ");
    let options = textwrap::Options::new(columns)
        .initial_indent(indent)
        .subsequent_indent(&deeper)
        .break_words(columns < WIDTH);
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

/// `71.3 % [64.9, 77.0] a`, and what is missing.
fn mean(row: &SummaryRow, group: Option<&String>) -> String {
    let group = group.map_or(String::new(), |letters| format!(" {letters}"));
    let missing = match row.n_missing {
        0 => String::new(),
        n => format!(" ({} missing)", count(n)),
    };
    let Some(mean) = &row.estimate else { return format!("no score{missing}") };
    format!("{}{group}{missing}", estimate(mean, row.range))
}

/// ` [64.9, 77.0]`; empty where an end is not known.
pub(crate) fn ends(low: Option<f64>, high: Option<f64>, range: Range) -> String {
    low.zip(high).map_or_else(String::new, |(low, high)| {
        format!(" {}", interval(Some(low), Some(high), range))
    })
}

/// What several attempts at an item make of it: "at least once in 5", "all 5 times".
fn attempts(rows: &[SummaryRow]) -> Option<String> {
    let rows = rows.iter().filter(|row| row.slice.is_none());
    let lines = rows.filter_map(|row| {
        let PassAttempts { k, any, all } = row.attempts?;
        let ends =
            |share: Share| percent(share.mean) + &ends(share.ci_low, share.ci_high, Range::Unit);
        let name = [&row.prompt, &row.model, &row.metric].map(|name| printable(name)).join(" · ");
        let (any, all) = (ends(any), ends(all));
        let text = format!("{name}: pass@{k} (at least once) {any}, pass^{k} (every time) {all}");
        // As wide as it is, where nothing limits it.
        Some(
            columns()
                .map_or(format!("  {text}"), |columns| within(columns, "  ", &text).join("\n")),
        )
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
