//! The parts of the Markdown.

use std::fmt::Write;

use evalmark_core::{
    changes::{DiffPart, LONG, PartOf, excerpt},
    comparison_text::{ComparisonText, name_of_p_pass, name_of_p_regressed},
    number_format::{count, counted, item_scores, named_p, or_none, p_value},
    verdict::{Comparison, Measure, SliceFinding},
};

use super::{
    Compared,
    literal::{NAME, SENTENCE, clipped, clipped_html, literal},
    pieces::Section,
};
use crate::gate_report::{GateReport, ReportedSuite};

const COMPARISONS: [&str; 2] = ["comparison is", "comparisons are"];

/// A part that is there or not.
pub(super) fn whole(text: String) -> Section {
    section([String::new(), String::new()], vec![text], ["paragraph is", "paragraphs are"])
}

fn section([head, tail]: [String; 2], pieces: Vec<String>, called: [&'static str; 2]) -> Section {
    Section { head, pieces, tail, called, n_more: 0 }
}

/// Which run was compared with what.
pub(super) fn origin(suite: &ReportedSuite) -> String {
    let mut text = format!("Run {}", clipped(&suite.run_id, NAME));
    let Some(verdict) = &suite.verdict else { return text + "." };
    let _ = write!(text, " against {}", clipped(&verdict.baseline, NAME));
    if let Some(digest) = &verdict.baseline_digest {
        let _ = write!(text, " (digest {})", clipped(digest, NAME));
    }
    text.push('.');
    if !verdict.correction.is_empty() && verdict.comparisons.len() > 1 {
        let _ = write!(text, " Several comparisons: {}.", clipped(&verdict.correction, SENTENCE));
    }
    text
}

/// One line for each of several suites, those that fail first.
pub(super) fn suites(report: &GateReport) -> Section {
    let mut suites: Vec<_> = report.suites.iter().collect();
    suites.sort_by_key(|suite| std::cmp::Reverse(suite.consequence(report.policy)));
    let line = |suite: &ReportedSuite| {
        let (name, says) = (clipped(&suite.suite, NAME), clipped(&suite.says(), SENTENCE));
        let excuse = suite.excuse(report.policy);
        let excuse = excuse.map(|option| format!(" (does not fail with `{option}`)"));
        let (word, excuse) = (suite.word(), excuse.unwrap_or_default());
        format!("- **{word}**{excuse} · {name}: {says}\n  <br>{}\n", origin(suite))
    };
    let lines = suites.into_iter().map(line).collect();
    section([String::new(), "\n".to_owned()], lines, ["suite is", "suites are"])
}

/// One row for each comparison.
pub(super) fn table(compared: &[Compared<'_>]) -> Section {
    let mut head =
        String::from("| answer | prompt | model | metric | baseline | candidate | change ");
    head.push_str("| bounds | margin | pairs |\n");
    head.push_str("| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    if compared.first().is_some_and(|one| one.is_one_of_several) {
        head = head.replacen("| answer |", "| suite | answer |", 1).replacen(
            "\n| ---",
            "\n| --- | ---",
            1,
        );
    }
    let rows = compared.iter().map(row).collect();
    section([head, "\n".to_owned()], rows, COMPARISONS)
}

fn row(one: &Compared<'_>) -> String {
    let comparison = one.comparison;
    let text = ComparisonText::of(comparison);
    // A mean that is held to a limit has not changed.
    let is_level = comparison.measure == Measure::Level;
    let bounds = text.bounds();
    let change = text.change.filter(|_| !is_level);
    let limit = if is_level { format!("{} ", comparison.margin_name()) } else { String::new() };
    let suite = one.is_one_of_several.then(|| clipped(&one.suite.suite, NAME));
    let cells = [
        format!("**{}**", comparison.answer),
        clipped(&comparison.prompt, NAME),
        clipped(&comparison.model, NAME),
        clipped(&comparison.metric, NAME),
        or_none(text.baseline),
        or_none(text.candidate),
        or_none(change),
        or_none(bounds),
        limit + &text.margin,
        count(comparison.counts.paired),
    ];
    let cells: Vec<_> = suite.into_iter().chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn name(one: &Compared<'_>, shown: fn(&str, usize) -> String) -> String {
    let Comparison { prompt, model, metric, .. } = one.comparison;
    let suite = one.is_one_of_several.then_some(&one.suite.suite);
    let names = suite.into_iter().chain([prompt, model, metric]);
    names.map(|name| shown(name, NAME)).collect::<Vec<_>>().join(" · ")
}

/// What is to be said of comparisons beside their figures.
pub(super) fn details(compared: &[&Compared<'_>]) -> Section {
    let lines = compared.iter().map(|one| detail(one)).collect();
    section([String::new(), "\n".to_owned()], lines, COMPARISONS)
}

/// The same of those that pass, folded up.
pub(super) fn passing(compared: &[&Compared<'_>]) -> Section {
    let n = counted(compared.len() as u64, "comparison");
    let verb = if compared.len() == 1 { "passes" } else { "pass" };
    let head = format!("<details><summary>{n} that {verb}, in words</summary>\n\n");
    let lines = compared.iter().map(|one| detail(one)).collect();
    section([head, "\n</details>\n\n".to_owned()], lines, COMPARISONS)
}

fn detail(one: &Compared<'_>) -> String {
    let comparison = one.comparison;
    let mut out = format!("- {}: {}\n", name(one, clipped), clipped(&comparison.says, SENTENCE));
    for note in &comparison.notes {
        let _ = writeln!(out, "  - {}", clipped(note, SENTENCE));
    }
    let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
    let [p_regressed, p_pass] = [p_regressed, comparison.p_pass].map(|p| or_none(p.map(p_value)));
    let method = clipped(&comparison.method, NAME);
    let (no_drop, drop) = (name_of_p_regressed(comparison), name_of_p_pass(comparison));
    let _ = writeln!(out, "  - {method}; {no_drop}: {p_regressed}; {drop}: {p_pass}");
    out
}

/// What differs from the baseline besides chance.
pub(super) fn changes(suite: &ReportedSuite, is_one_of_several: bool) -> Section {
    let called = ["change is", "changes are"];
    let Some(changes) = suite.verdict.as_ref().and_then(|verdict| verdict.changes.as_ref()) else {
        return section(Default::default(), Vec::new(), called);
    };
    if changes.is_empty() && !is_one_of_several {
        let none = "Nothing changed since the baseline in prompts, models, dataset or metrics.\n\n";
        return whole(none.to_owned());
    }
    let of = if is_one_of_several {
        format!(" of {}", clipped(&suite.suite, NAME))
    } else {
        String::new()
    };
    let head = format!("Changed since the baseline{of}:\n\n");
    let pieces = changes.iter().map(|change| {
        let mut out = format!("- {}\n", clipped(&change.says, SENTENCE));
        if !change.diff.is_empty() {
            let _ = writeln!(out, "  <br>{}", word_diff(&change.diff));
        }
        out
    });
    section([head, "\n".to_owned()], pieces.collect(), called)
}

fn word_diff(diff: &[DiffPart]) -> String {
    let write = |part: &DiffPart| {
        let lines: Vec<_> = part.text.split('\n').map(literal).collect();
        let text = lines.join("<br>");
        match part.op {
            PartOf::Both => text,
            PartOf::Removed => format!("<del>{text}</del>"),
            PartOf::Added => format!("<ins>{text}</ins>"),
        }
    };
    excerpt(diff, LONG).iter().map(write).collect()
}

/// Whether there are items to show on which the two runs differ.
pub(super) fn has_flips(one: &Compared<'_>) -> bool {
    !one.comparison.flips.is_empty() && one.comparison.measure != Measure::Ratio
}

/// The items on which the two runs differ, folded up.
pub(super) fn flips(one: &Compared<'_>) -> Section {
    let Comparison { flips, n_flips, range, .. } = one.comparison;
    let (name, all) = (name(one, clipped_html), counted(*n_flips, "changed item"));
    let mut head = format!("<details><summary>{name}: {all}</summary>\n\n");
    head.push_str("| item | baseline | candidate |\n| --- | ---: | ---: |\n");
    let row = |flip: &evalmark_core::verdict::Flip| {
        let [baseline, candidate] = item_scores([flip.baseline, flip.candidate], *range);
        format!("| {} | {baseline} | {candidate} |\n", clipped(&flip.item_id, NAME))
    };
    let rows: Vec<_> = flips.iter().map(row).collect();
    let n_more = n_flips.saturating_sub(rows.len() as u64);
    let tail = "\n</details>\n\n".to_owned();
    Section { head, pieces: rows, tail, called: ["changed item is", "changed items are"], n_more }
}

/// The slices that stand out; they explore, and decide nothing.
pub(super) fn slices(report: &GateReport) -> Section {
    let of_suites = report.suites.iter().filter_map(|suite| suite.verdict.as_ref());
    let slices: Vec<_> = of_suites.flat_map(|verdict| &verdict.slices).collect();
    let called = ["slice is", "slices are"];
    if slices.is_empty() {
        return section(Default::default(), Vec::new(), called);
    }
    let standing_out: Vec<_> = slices.iter().filter(|slice| slice.stands_out).collect();
    let (all, n) = (count(slices.len() as u64), count(standing_out.len() as u64));
    let head = format!("Slices (exploratory, not gated): {n} of {all} differ notably\n\n");
    if standing_out.is_empty() {
        return whole(head);
    }
    let line = |found: &&&SliceFinding| {
        let SliceFinding { slice, value, q, comparison, .. } = found;
        let Comparison { prompt, model, says, .. } = comparison;
        let value =
            value.as_deref().map_or_else(|| "(empty)".to_owned(), |value| clipped(value, NAME));
        let name = [prompt, model].map(|name| clipped(name, NAME)).join(" · ");
        let (slice, says, q) =
            (clipped(slice, NAME), clipped(says, SENTENCE), literal(&named_p("q", *q)));
        format!("- {slice} = {value} · {name}: {says} ({q})\n")
    };
    let lines = standing_out.iter().map(line).collect();
    section([head, "\n".to_owned()], lines, called)
}
