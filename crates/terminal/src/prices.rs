//! What models cost: the providers' lists, and what counts in a suite.

use evalmark_core::{
    metric::Range,
    number_format::{NONE, declared, declared_percent, or_none},
    price::Price,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{ListedPrice, ModelPrice, PriceSource, SuitePrices};

use crate::{Screen, grid::Grid};

/// What is said of every table.
const UNIT: &str = "US dollars per million tokens. – costs what any token of the prompt, or of the \
                    answer, does; `batch` is what a batch API takes off.";

/// A part of a price, by its heading.
struct Part {
    heading: &'static str,
    text: fn(&Price) -> Option<String>,
}

const PARTS: [Part; 6] = [
    Part { heading: "input", text: |price| Some(dollars(price.input_usd_per_million)) },
    Part { heading: "cached", text: |price| price.cached_input_usd_per_million.map(dollars) },
    Part { heading: "written", text: |price| price.cache_write_usd_per_million.map(dollars) },
    Part { heading: "output", text: |price| Some(dollars(price.output_usd_per_million)) },
    Part { heading: "reasoning", text: |price| price.reasoning_usd_per_million.map(dollars) },
    Part { heading: "batch", text: |price| discount(price.batch_discount) },
];

/// Every list price as a table, and below it where the lists were read.
pub fn listed(prices: &[ListedPrice], screen: Screen) -> String {
    let parts = parts_of(&prices.iter().map(|listed| &listed.price).collect::<Vec<_>>());
    let row = |listed: &ListedPrice| {
        let names = [listed.provider.to_owned(), line(&listed.model)].into_iter();
        names.chain(parts.iter().map(|part| or_none((part.text)(&listed.price)))).collect()
    };
    let grid = Grid {
        header: header(&["provider", "model"], &parts),
        rows: prices.iter().map(row).collect(),
        n_names: 2,
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns)];
    lines.extend(screen.wrap("", UNIT));
    let mut lists: Vec<_> = prices.iter().map(|listed| (listed.provider, &listed.list)).collect();
    lists.dedup();
    lines.extend(lists.iter().flat_map(|(provider, list)| {
        screen.wrap("", &format!("{provider}: as of {}, {}", list.as_of, list.source))
    }));
    lines.join("\n")
}

/// The models of a suite with the price that counts, and below them which lists the suite overrides,
/// and what has no price.
pub fn of_suite(prices: &SuitePrices, screen: Screen) -> String {
    let models = &prices.models;
    let parts =
        parts_of(&models.iter().filter_map(|model| model.price.as_ref()).collect::<Vec<_>>());
    let row = |model: &ModelPrice| {
        let part =
            |part: &&Part| or_none(model.price.as_ref().and_then(|price| (part.text)(price)));
        let names = [line(&model.name), told_by(model)].into_iter();
        names.chain(parts.iter().map(part)).collect()
    };
    let grid = Grid {
        header: header(&["model", "price of"], &parts),
        rows: models.iter().map(row).collect(),
        n_names: 2,
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns)];
    lines.extend(screen.wrap("", UNIT));
    let overridden = models.iter().filter(|model| model.overrides());
    lines.extend(overridden.flat_map(|model| screen.wrap("", &overriding(model))));
    let unpriced: Vec<_> = models.iter().filter(|model| model.price.is_none()).collect();
    if !unpriced.is_empty() {
        let names: Vec<_> =
            unpriced.iter().map(|model| format!("`{}`", line(&model.name))).collect();
        let text = format!(
            "no price is known of {}: what it costs is not counted, and `--max-cost` needs it; add \
             `price: {{ input: …, output: … }}`",
            names.join(", ")
        );
        lines.extend(screen.wrap("", &text));
    }
    lines.join("\n")
}

/// Who says what a model costs.
fn told_by(model: &ModelPrice) -> String {
    match (&model.price, &model.listed) {
        (None, _) => NONE.to_owned(),
        (Some(_), Some((_, PriceSource { as_of, .. }))) if !model.is_own => format!("list {as_of}"),
        (Some(_), _) => "suite".to_owned(),
    }
}

/// `` `small`: the suite's price counts, not the list's (2025-08: input 0.15, output 0.6) ``.
fn overriding(model: &ModelPrice) -> String {
    let listed = model.listed.as_ref().map(|(price, list)| {
        let parts = PARTS.iter().filter_map(|part| {
            let text = (part.text)(price)?;
            Some(format!("{} {text}", part.heading))
        });
        format!(" ({}: {})", list.as_of, parts.collect::<Vec<_>>().join(", "))
    });
    let listed = listed.unwrap_or_default();
    format!("`{}`: the suite's price counts, not the list's{listed}", line(&model.name))
}

/// The parts that some price has.
fn parts_of(prices: &[&Price]) -> Vec<&'static Part> {
    let has = |part: &&Part| prices.iter().any(|price| (part.text)(price).is_some());
    PARTS.iter().filter(has).collect()
}

fn header(names: &[&str], parts: &[&Part]) -> Vec<String> {
    let parts = parts.iter().map(|part| part.heading);
    names.iter().copied().chain(parts).map(str::to_owned).collect()
}

/// As it was declared, to the digit: `0.075`.
fn dollars(usd: f64) -> String {
    declared(usd, Range::Open)
}

fn discount(share: f64) -> Option<String> {
    (share > 0.0).then(|| format!("-{}", declared_percent(share)))
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}
