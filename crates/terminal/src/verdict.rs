//! A verdict for a terminal: the answer in words first, then the figures, then what flipped.

use evalmark_core::{
    changes::Change,
    comparison_text::ComparisonText,
    number_format::{count, counted, item_scores, named_p, quantity},
    verdict::{Answer, Comparison, Measure, Verdict},
};

use evalmark_report::{changed_item::BrokenItems, safe_text::printable};

use crate::{
    Screen, Tone,
    changed_items::{broken_items, word_diff},
};

/// Items named for each comparison, of each kind.
const NAMED: usize = 4;

/// Differences from the baseline that are listed.
const MOST_CHANGES: usize = 20;

/// What is said of a comparison stands below it.
pub(crate) const INDENT: &str = "    ";

/// The verdict as lines of text, with the first few items that broke. One that is inconclusive because it
/// `lacks_answers` is headed by what the command ends with.
pub fn render(
    verdict: &Verdict,
    lacks_answers: bool,
    broken: &BrokenItems,
    screen: Screen,
) -> String {
    let is_incomplete = lacks_answers && verdict.answer == Answer::Inconclusive;
    let word = if is_incomplete { "incomplete" } else { verdict.answer.as_str() };
    let word = screen.paint(verdict.answer.into(), &word.to_uppercase());
    let (baseline, says) = (printable(&verdict.baseline), printable(&verdict.says));
    let mut lines = screen.wrap("", &format!("{word} against {baseline}: {says}"));
    lines.extend(verdict.changes.iter().flat_map(|changes| changed(changes, screen)));
    for comparison in verdict.worst_first() {
        lines.push(String::new());
        lines.push(heading(comparison, screen));
        // A gate over one comparison says the same.
        if verdict.says != comparison.says {
            lines.extend(screen.wrap(INDENT, &printable(&comparison.says)));
        }
        lines.extend(details(comparison, screen));
    }
    lines.extend(broken_items(broken, screen));
    lines.extend(slices(verdict, screen));
    if let Some(digest) = &verdict.baseline_digest {
        lines.push(format!("\nbaseline {baseline}: digest {}", printable(digest)));
    }
    lines.join("\n")
}

/// What differs from the baseline besides chance.
fn changed(changes: &[Change], screen: Screen) -> Vec<String> {
    let mut lines = vec![String::new()];
    if changes.is_empty() {
        let none = "nothing changed since the baseline in prompts, models, dataset or metrics";
        lines.extend(screen.wrap("", none));
        return lines;
    }
    lines.push("changed since the baseline".to_owned());
    for change in changes.iter().take(MOST_CHANGES) {
        lines.extend(screen.wrap("  ", &printable(&change.says)));
        if !change.diff.is_empty() {
            lines.extend(screen.wrap(INDENT, &word_diff(&change.diff, screen)));
        }
    }
    if let Some(more) = changes.len().checked_sub(MOST_CHANGES).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines
}

fn heading(comparison: &Comparison, screen: Screen) -> String {
    let word = screen.paint(comparison.answer.into(), comparison.answer.as_str());
    let subject = format!(
        "{} · {} · {}",
        printable(&comparison.prompt),
        printable(&comparison.model),
        printable(&comparison.metric)
    );
    format!("  {word}  {}", screen.paint(Tone::Strong, &subject))
}

/// The figures, and what else there is to know.
fn details(comparison: &Comparison, screen: Screen) -> Vec<String> {
    let figures = figures(comparison).into_iter().flat_map(|text| screen.wrap(INDENT, &text));
    let mut lines: Vec<_> = figures.map(|line| screen.paint(Tone::Faint, &line)).collect();
    let notes = comparison.notes.iter().map(|note| format!("note: {}", printable(note)));
    let details = notes.chain(unpaired(comparison)).chain(flips(comparison));
    lines.extend(details.flat_map(|text| screen.wrap(INDENT, &text)));
    lines
}

/// `difference -12.1 points [-18.0, -6.3], margin 3 points, 66 pairs, …`
fn figures(comparison: &Comparison) -> Option<String> {
    let text = ComparisonText::of(comparison);
    let bounds = text.bounds().unwrap_or_else(|| "[no bound, no bound]".to_owned());
    let unit = if comparison.measure == Measure::Level { "item" } else { "pair" };
    let mut parts = vec![
        format!("{} {} {bounds}", text.label, text.change?),
        format!("{} {}", comparison.margin_name(), text.margin),
        counted(comparison.counts.paired, unit),
    ];
    if let Some(n) = comparison.effective_n {
        parts.push(format!("effective number of items {}", quantity(n)));
    }
    if let Some(labels) = comparison.labels {
        parts.push(format!("{} of them with human labels", count(labels)));
    }
    if let (Some(b), Some(c)) = (comparison.only_baseline, comparison.only_candidate) {
        parts.push(format!("{} lost and {} gained", count(b), count(c)));
    }
    let is_open = comparison.answer == Answer::Inconclusive;
    if let Some(needed) = comparison.items_needed.filter(|_| is_open) {
        let (loss, article) = match comparison.loss() {
            loss @ ("increase" | "excess") => (loss, "an"),
            loss => (loss, "a"),
        };
        let needed = counted(needed, "item");
        parts.push(format!(
            "{needed} would be enough to detect {article} {loss} as large as the margin"
        ));
    }
    parts.push(comparison.method.clone());
    Some(parts.join(", "))
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
fn slices(verdict: &Verdict, screen: Screen) -> Vec<String> {
    let looked_at = verdict.slices.len();
    if looked_at == 0 {
        return Vec::new();
    }
    let those: Vec<_> = verdict.slices.iter().filter(|slice| slice.stands_out).collect();
    let found = those.len();
    let verb = if found == 1 { "differs" } else { "differ" };
    let mut lines = vec![
        String::new(),
        format!("Slices (exploratory, not gated): {found} of {looked_at} {verb} notably"),
    ];
    lines.extend(those.iter().flat_map(|slice| {
        let value = slice.value.as_deref().map_or("(empty)".into(), printable);
        let (comparison, column) = (&slice.comparison, printable(&slice.slice));
        let (prompt, model) = (printable(&comparison.prompt), printable(&comparison.model));
        let (says, q) = (printable(&comparison.says), named_p("q", slice.q));
        screen.wrap("  ", &format!("{column} = {value} · {prompt} · {model}: {says} ({q})"))
    }));
    lines
}

fn flips(comparison: &Comparison) -> Option<String> {
    if comparison.flips.is_empty() || comparison.measure == Measure::Ratio {
        return None;
    }
    let named = comparison.flips.iter().take(NAMED).map(|flip| {
        let [before, after] = item_scores([flip.baseline, flip.candidate], comparison.range);
        format!("{} ({before} -> {after})", printable(&flip.item_id))
    });
    let named: Vec<_> = named.collect();
    let rest = and_more(comparison.n_flips, named.len());
    Some(format!("flipped: {}{rest}", named.join(", ")))
}

fn and_more(all: u64, named: usize) -> String {
    match all.saturating_sub(named as u64) {
        0 => String::new(),
        more => format!(", and {} more", count(more)),
    }
}
