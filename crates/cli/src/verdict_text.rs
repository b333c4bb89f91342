//! A verdict for a terminal: the answer in words first, then the figures, then what flipped.

use evalmark_core::{
    metric::Direction,
    verdict::{Comparison, Measure, Verdict},
};
use evalmark_report::text::printable;

use crate::{
    print::{Printer, Tone},
    table::{difference as difference_of, value, wrapped},
};

/// Items named for each comparison, of each kind.
const NAMED: usize = 4;

/// What is said of a comparison stands below it.
const INDENT: &str = "    ";

/// The verdict as lines of text.
pub(crate) fn render(verdict: &Verdict, printer: Printer) -> String {
    let word = verdict.answer.as_str().to_uppercase();
    let word = printer.paint(verdict.answer.into(), &word);
    let (baseline, says) = (printable(&verdict.baseline), printable(&verdict.says));
    let mut lines = wrapped("", &format!("{word} against {baseline}: {says}"));
    for comparison in &verdict.comparisons {
        lines.push(String::new());
        lines.push(heading(comparison, printer));
        // A gate over one comparison says the same.
        if verdict.says != comparison.says {
            lines.extend(wrapped(INDENT, &printable(&comparison.says)));
        }
        lines.extend(details(comparison, printer));
    }
    lines.extend(slices(verdict));
    if let Some(digest) = &verdict.baseline_digest {
        lines.push(format!("\nbaseline {baseline}: digest {}", printable(digest)));
    }
    lines.join("\n")
}

fn heading(comparison: &Comparison, printer: Printer) -> String {
    let word = printer.paint(comparison.answer.into(), comparison.answer.as_str());
    let subject = format!(
        "{} · {} · {}",
        printable(&comparison.prompt),
        printable(&comparison.model),
        printable(&comparison.metric)
    );
    format!("  {word}  {}", printer.paint(Tone::Strong, &subject))
}

/// The figures, and what else there is to know.
fn details(comparison: &Comparison, printer: Printer) -> Vec<String> {
    let figures = figures(comparison).into_iter().flat_map(|text| wrapped(INDENT, &text));
    let mut lines: Vec<_> = figures.map(|line| printer.paint(Tone::Faint, &line)).collect();
    let notes = comparison.notes.iter().map(|note| format!("note: {}", printable(note)));
    let details = notes.chain(unpaired(comparison)).chain(flips(comparison));
    lines.extend(details.flat_map(|text| wrapped(INDENT, &text)));
    lines
}

/// `difference -12.1 points [-18.0, -6.3], margin 3.0 points, 66 pairs, …`
fn figures(comparison: &Comparison) -> Option<String> {
    let mut parts = match comparison.measure {
        Measure::Difference => difference(comparison)?,
        Measure::Ratio => ratio(comparison)?,
        Measure::Level => level(comparison)?,
    };
    if let Some(n) = comparison.effective_n {
        parts.push(format!("worth {n:.0} independent ones"));
    }
    if let Some(labels) = comparison.labels {
        parts.push(format!("{labels} of them with human labels"));
    }
    if let (Some(b), Some(c)) = (comparison.only_baseline, comparison.only_candidate) {
        parts.push(format!("{b} lost and {c} gained"));
    }
    if let Some(needed) = comparison.items_needed.filter(|_| !comparison.answer.passes()) {
        let loss = match comparison.direction {
            Direction::Higher => "drop",
            Direction::Lower => "rise",
        };
        parts.push(format!("{needed} items show a {loss} of the margin"));
    }
    parts.push(comparison.method.clone());
    Some(parts.join(", "))
}

fn difference(comparison: &Comparison) -> Option<Vec<String>> {
    let range = comparison.range;
    let unit = if range.is_share() { " points" } else { "" };
    let signed = |value: f64| difference_of(value, range);
    let (estimate, margin) = (signed(comparison.estimate?), signed(comparison.margin));
    Some(vec![
        format!("difference {estimate}{unit} {}", ends(comparison, signed)),
        format!("margin {}{unit}", margin.trim_start_matches('+')),
        format!("{} pairs", comparison.counts.paired),
    ])
}

fn ratio(comparison: &Comparison) -> Option<Vec<String>> {
    let times = |ratio: f64| format!("{ratio:.2}");
    Some(vec![
        format!("{} times the baseline {}", times(comparison.estimate?), ends(comparison, times)),
        format!("may grow to {} times", times(1.0 + comparison.margin)),
        format!("{} pairs", comparison.counts.paired),
    ])
}

fn level(comparison: &Comparison) -> Option<Vec<String>> {
    let written = |mean: f64| value(mean, comparison.range);
    let (limit, bound) = match (comparison.minimum, comparison.maximum) {
        (Some(minimum), _) => ("minimum", minimum),
        (None, maximum) => ("maximum", maximum?),
    };
    Some(vec![
        format!("mean {} {}", written(comparison.estimate?), ends(comparison, written)),
        format!("{limit} {}", written(bound)),
        format!("{} items", comparison.counts.paired),
    ])
}

/// Both bounds in brackets; one that the scores do not give is told as such.
fn ends(comparison: &Comparison, write: impl Fn(f64) -> String) -> String {
    let [lower, upper] = [comparison.lower, comparison.upper]
        .map(|bound| bound.map_or_else(|| "no bound".to_owned(), &write));
    format!("[{lower}, {upper}]")
}

/// Which items the two runs do not share, a few of each kind.
fn unpaired(comparison: &Comparison) -> impl Iterator<Item = String> {
    let unpaired = &comparison.unpaired;
    let kinds = [
        ("changed", &unpaired.changed, unpaired.n_changed),
        ("added", &unpaired.added, unpaired.n_added),
        ("removed", &unpaired.removed, unpaired.n_removed),
    ];
    kinds.into_iter().filter(|kind| kind.2 > 0).map(|(kind, ids, n)| {
        let named: Vec<_> = ids.iter().take(NAMED).map(|id| printable(id)).collect();
        format!("{kind}: {}{}", named.join(", "), and_more(n, named.len()))
    })
}

/// Where in the dataset the differences lie.
fn slices(verdict: &Verdict) -> Vec<String> {
    let looked_at = verdict.slices.len();
    if looked_at == 0 {
        return Vec::new();
    }
    let those: Vec<_> = verdict.slices.iter().filter(|slice| slice.stands_out).collect();
    let found = if those.is_empty() {
        "none stands out".to_owned()
    } else {
        format!("{} stand out", those.len())
    };
    let mut lines = vec![
        String::new(),
        format!("by slice (exploratory, decides nothing): of {looked_at}, {found}"),
    ];
    lines.extend(those.iter().flat_map(|slice| {
        let value = slice.value.as_deref().map_or("(empty)".into(), printable);
        let (comparison, column) = (&slice.comparison, printable(&slice.slice));
        let (prompt, model) = (printable(&comparison.prompt), printable(&comparison.model));
        let (says, q) = (printable(&comparison.says), slice.q);
        wrapped("  ", &format!("{column} = {value} · {prompt} · {model}: {says} (q = {q:.3})"))
    }));
    lines
}

fn flips(comparison: &Comparison) -> Option<String> {
    if comparison.flips.is_empty() {
        return None;
    }
    let named = comparison.flips.iter().take(NAMED).map(|flip| {
        format!(
            "{} ({} -> {})",
            printable(&flip.item_id),
            short(flip.baseline),
            short(flip.candidate)
        )
    });
    let named: Vec<_> = named.collect();
    let rest = and_more(comparison.n_flips, named.len());
    Some(format!("flipped: {}{rest}", named.join(", ")))
}

fn and_more(all: u64, named: usize) -> String {
    match all.saturating_sub(named as u64) {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

/// A score without needless digits.
fn short(score: f64) -> String {
    let text = format!("{score:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
