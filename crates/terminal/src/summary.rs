//! The summary as a table: prompt x model down, metrics across, each with its interval.

use evalmark_core::{
    metric::Range,
    number_format::{count, dollars, estimate, interval, latency, or_none, percent, quantity},
};
use evalmark_report::{
    safe_text::{printable, printable_line},
    summary::{PassAttempts, Share, SummaryRow},
};
use evalmark_runner::LeaderboardGroups;

use crate::{
    Screen,
    grid::{Grid, block},
    leaderboard::LEGEND,
    screen::{WIDTH, within},
};

/// The table of the rows over all items, with the groups that can be told apart, and below it what
/// several attempts make of them.
pub fn render(rows: &[SummaryRow], groups: &LeaderboardGroups, screen: Screen) -> String {
    let mut parts = vec![summary(rows, groups, screen)];
    if !groups.is_empty() {
        parts.extend(screen.wrap("", LEGEND));
    }
    parts.extend(attempts(rows, screen));
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

    fn samples(&self) -> String {
        // A metric may concern some items only.
        count(self.rows.iter().map(|row| row.n_planned).max().unwrap_or_default())
    }

    /// Latency, pace of streams, tokens and cost, as far as they are known.
    fn totals(&self) -> Totals {
        let first = self.rows[0];
        let tokens = first.input_tokens.zip(first.output_tokens).map(|(i, o)| i + o);
        [
            first.latency_p50_ms.map(latency),
            first.streams.first_token_p50_ms.map(latency),
            first.streams.tokens_per_second_p50.map(quantity),
            tokens.map(count),
            first.cost_usd.map(dollars),
        ]
    }
}

/// What the answers of a variant took: each is `None` where it is not known.
type Totals = [Option<String>; 5];

/// How the totals are called in tables.
const TOTALS: [&str; 5] = ["p50", "first token", "tokens/s", "tokens", "cost"];

/// Which totals are known of some variant: what is known of none has no place in a table.
fn known_totals(variants: &[OfVariant<'_>]) -> [bool; 5] {
    let all: Vec<_> = variants.iter().map(OfVariant::totals).collect();
    [0, 1, 2, 3, 4].map(|at| all.iter().any(|totals| totals[at].is_some()))
}

fn summary(rows: &[SummaryRow], groups: &LeaderboardGroups, screen: Screen) -> String {
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
    let names: Vec<_> = metrics.iter().map(|name| printable_line(name).into_owned()).collect();
    let wide = wide(&variants, &metrics, &names, groups).whole(screen.columns);
    wide.unwrap_or_else(|| stacked(&variants, &metrics, &names, groups, screen))
}

/// One row for each prompt and model.
fn wide(
    variants: &[OfVariant<'_>],
    metrics: &[&str],
    names: &[String],
    groups: &LeaderboardGroups,
) -> Grid {
    let header = ["prompt", "model", "samples"].into_iter().map(str::to_owned);
    let known = known_totals(variants);
    let tail = TOTALS.into_iter().zip(known).filter(|(_, is_known)| *is_known);
    let tail = tail.map(|(name, _)| name.to_owned());
    let row = |variant: &OfVariant<'_>| {
        let totals = variant.totals().into_iter().zip(known).filter(|(_, is_known)| *is_known);
        let totals = totals.map(|(total, _)| or_none(total));
        let names = [variant.prompt, variant.model].map(|name| printable_line(name).into_owned());
        let means = variant.means(metrics, groups);
        names.into_iter().chain([variant.samples()]).chain(means).chain(totals).collect()
    };
    Grid {
        header: header.chain(names.iter().cloned()).chain(tail).collect(),
        rows: variants.iter().map(row).collect(),
        n_names: 2,
        ruled: true,
    }
}

/// One block for each prompt and model, and in it a line for each metric: for narrow terminals.
fn stacked(
    variants: &[OfVariant<'_>],
    metrics: &[&str],
    names: &[String],
    groups: &LeaderboardGroups,
    screen: Screen,
) -> String {
    let columns = screen.columns.unwrap_or(WIDTH);
    let blocks = variants.iter().map(|variant| {
        let title = [variant.prompt, variant.model].map(printable_line).join(" · ");
        let means = variant.means(metrics, groups);
        let lines: Vec<_> = names.iter().cloned().zip(means).collect();
        let [latency, first_token, rate, tokens, cost] = variant.totals();
        let totals = [
            Some(format!("{} samples", variant.samples())),
            latency.map(|latency| format!("p50 {latency}")),
            first_token.map(|first_token| format!("first token {first_token}")),
            rate.map(|rate| format!("{rate} tokens/s")),
            tokens.map(|tokens| format!("{tokens} tokens")),
            cost.map(|cost| format!("cost {cost}")),
        ];
        let totals = totals.into_iter().flatten().collect::<Vec<_>>().join(", ");
        format!("{}\n{}", block(&title, &lines, columns), within(columns, "  ", &totals).join("\n"))
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
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
fn ends(low: Option<f64>, high: Option<f64>, range: Range) -> String {
    low.zip(high).map_or_else(String::new, |(low, high)| {
        format!(" {}", interval(Some(low), Some(high), range))
    })
}

/// What several attempts at an item make of it: "at least once in 5", "all 5 times".
fn attempts(rows: &[SummaryRow], screen: Screen) -> Option<String> {
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
            screen
                .columns
                .map_or(format!("  {text}"), |columns| within(columns, "  ", &text).join("\n")),
        )
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
