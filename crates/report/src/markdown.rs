//! A verdict as Markdown, for a pull request or a job summary.

use std::fmt::{self, Write};

use evalmark_core::{
    changes::{Change, DiffPart, LONG, PartOf, excerpt},
    comparison_text::{ComparisonText, name_of_p_pass, name_of_p_regressed},
    number_format::{count, item_scores, named_p, or_none, p_value},
    verdict::{Comparison, Measure, SliceFinding, Verdict},
};

use crate::{autolinks::references, gate_report::GateReport, safe_text::printable_line};

/// The verdict as GitHub-flavoured Markdown: the answer first, then the figures behind it.
///
/// Texts are shown literally: no name or note can add markup, links, mentions or table cells.
pub fn markdown(report: &GateReport) -> String {
    let mut out = String::new();
    for suite in &report.suites {
        // Writing to a string cannot fail.
        let _ = if let Some(verdict) = &suite.verdict {
            write_verdict(&mut out, verdict)
        } else {
            let says = literal(&suite.says());
            writeln!(out, "## {}: {}\n\n**{says}**\n", literal(&suite.suite), suite.word())
        };
    }
    out
}

fn write_verdict(out: &mut String, verdict: &Verdict) -> fmt::Result {
    let Verdict { suite, run_id, baseline, answer, says, correction, .. } = verdict;
    writeln!(out, "## {}: {}\n", literal(suite), literal(answer.as_str()))?;
    writeln!(out, "**{}**\n", literal(says))?;
    write!(out, "Run {} against {}", literal(run_id), literal(baseline))?;
    if let Some(digest) = &verdict.baseline_digest {
        write!(out, " (digest {})", literal(digest))?;
    }
    out.push_str(".\n\n");
    if let Some(changes) = &verdict.changes {
        write_changes(out, changes)?;
    }
    let comparisons = verdict.worst_first();
    if !comparisons.is_empty() {
        write_table(out, &comparisons)?;
    }
    for comparison in comparisons {
        write_details(out, comparison)?;
    }
    write_slices(out, &verdict.slices)?;
    if !correction.is_empty() {
        writeln!(out, "Several comparisons: {}.", literal(correction))?;
    }
    Ok(())
}

/// What differs from the baseline besides chance.
fn write_changes(out: &mut String, changes: &[Change]) -> fmt::Result {
    if changes.is_empty() {
        return writeln!(
            out,
            "Nothing changed since the baseline in prompts, models, dataset or metrics.\n"
        );
    }
    writeln!(out, "Changed since the baseline:\n")?;
    for change in changes {
        writeln!(out, "- {}", literal(&change.says))?;
        if !change.diff.is_empty() {
            writeln!(out, "  <br>{}", word_diff(&change.diff))?;
        }
    }
    out.push('\n');
    Ok(())
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

fn write_table(out: &mut String, comparisons: &[&Comparison]) -> fmt::Result {
    out.push_str("| answer | prompt | model | metric | baseline | candidate | change | bounds ");
    out.push_str("| margin | pairs |\n");
    out.push_str("| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for comparison in comparisons {
        let text = ComparisonText::of(comparison);
        // A mean that is held to a limit has not changed.
        let is_level = comparison.measure == Measure::Level;
        let bounds = text.bounds();
        let change = text.change.filter(|_| !is_level);
        let limit = if is_level { format!("{} ", comparison.margin_name()) } else { String::new() };
        let cells = [
            format!("**{}**", comparison.answer),
            literal(&comparison.prompt),
            literal(&comparison.model),
            literal(&comparison.metric),
            or_none(text.baseline),
            or_none(text.candidate),
            or_none(change),
            or_none(bounds),
            limit + &text.margin,
            count(comparison.counts.paired),
        ];
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    out.push('\n');
    Ok(())
}

fn write_details(out: &mut String, comparison: &Comparison) -> fmt::Result {
    let Comparison { prompt, model, metric, says, notes, flips, n_flips, .. } = comparison;
    let name = [prompt, model, metric].map(|name| literal(name)).join(" · ");
    writeln!(out, "- {name}: {}", literal(says))?;
    for note in notes {
        writeln!(out, "  - {}", literal(note))?;
    }
    let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
    let [p_regressed, p_pass] = [p_regressed, comparison.p_pass].map(|p| or_none(p.map(p_value)));
    let method = literal(&comparison.method);
    let (no_drop, drop) = (name_of_p_regressed(comparison), name_of_p_pass(comparison));
    writeln!(out, "  - {method}; {no_drop}: {p_regressed}; {drop}: {p_pass}")?;
    if !flips.is_empty() && comparison.measure != Measure::Ratio {
        let (shown, all) = (count(flips.len() as u64), count(*n_flips));
        writeln!(out, "\n<details><summary>{name}: changed items, {shown} of {all}</summary>\n")?;
        out.push_str("| item | baseline | candidate |\n| --- | ---: | ---: |\n");
        for flip in flips {
            let [baseline, candidate] =
                item_scores([flip.baseline, flip.candidate], comparison.range);
            writeln!(out, "| {} | {baseline} | {candidate} |", literal(&flip.item_id))?;
        }
        out.push_str("\n</details>\n");
    }
    out.push('\n');
    Ok(())
}

/// The slices that stand out; they explore, and decide nothing.
fn write_slices(out: &mut String, slices: &[SliceFinding]) -> fmt::Result {
    if slices.is_empty() {
        return Ok(());
    }
    let (looked_at, those) = (count(slices.len() as u64), slices.iter().filter(|s| s.stands_out));
    let those_count = count(those.clone().count() as u64);
    writeln!(
        out,
        "Slices (exploratory, not gated): {those_count} of {looked_at} differ notably\n"
    )?;
    for found in those.clone() {
        let SliceFinding { slice, value, q, comparison, .. } = found;
        let Comparison { prompt, model, says, .. } = comparison;
        let value = value.as_deref().map_or_else(|| "(empty)".to_owned(), literal);
        let name = [prompt, model].map(|name| literal(name)).join(" · ");
        let (slice, says, q) = (literal(slice), literal(says), literal(&named_p("q", *q)));
        writeln!(out, "- {slice} = {value} · {name}: {says} ({q})")?;
    }
    out.push('\n');
    Ok(())
}

/// A zero-width space: it keeps names, numbers and addresses from becoming links.
const BREAK: &str = "&#8203;";

/// A text that shows as itself, and that a forge does not turn into links or mentions.
fn literal(text: &str) -> String {
    let text = printable_line(text);
    let mut breaks = references(&text).into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if breaks.next_if_eq(&at).is_some() {
            out.push_str(BREAK);
        }
        let after = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
        before = c;
    }
    out
}
