//! A verdict as Markdown, for a pull request or a job summary.

use std::fmt::{self, Write};

use evalmark_core::verdict::{Comparison, SliceFinding, Verdict};

use crate::{
    figures::{bounds, count, estimate, p_value, score},
    text::printable_line,
};

/// The verdict as GitHub-flavoured Markdown: the answer first, then the figures behind it.
///
/// Texts are shown literally: no name or note can add markup, links, mentions or table cells.
pub fn markdown(verdict: &Verdict) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_verdict(&mut out, verdict);
    out
}

fn write_verdict(out: &mut String, verdict: &Verdict) -> fmt::Result {
    let Verdict { suite, run_id, baseline, answer, says, correction, comparisons, .. } = verdict;
    writeln!(out, "## {}: {}\n", literal(suite), literal(answer.as_str()))?;
    writeln!(out, "**{}**\n", literal(says))?;
    write!(out, "Run {} against {}", literal(run_id), literal(baseline))?;
    if let Some(digest) = &verdict.baseline_digest {
        write!(out, " (digest {})", literal(digest))?;
    }
    out.push_str(".\n\n");
    if !comparisons.is_empty() {
        write_table(out, comparisons)?;
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

fn write_table(out: &mut String, comparisons: &[Comparison]) -> fmt::Result {
    out.push_str(
        "| answer | prompt | model | metric | baseline | candidate | difference | bounds ",
    );
    out.push_str("| margin | pairs |\n");
    out.push_str("| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for comparison in comparisons {
        let cells = [
            format!("**{}**", comparison.answer),
            literal(&comparison.prompt),
            literal(&comparison.model),
            literal(&comparison.metric),
            score(comparison.baseline_mean),
            score(comparison.candidate_mean),
            estimate(comparison),
            bounds(comparison),
            score(Some(comparison.margin)),
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
    let (p_regressed, p_pass) = (p_value(p_regressed), p_value(comparison.p_pass));
    let method = literal(&comparison.method);
    writeln!(out, "  - {method}: p(regressed) {p_regressed}, p(pass) {p_pass}")?;
    if !flips.is_empty() {
        let (shown, all) = (count(flips.len() as u64), count(*n_flips));
        writeln!(out, "\n<details><summary>{name}: changed items, {shown} of {all}</summary>\n")?;
        out.push_str("| item | baseline | candidate |\n| --- | ---: | ---: |\n");
        for flip in flips {
            let (baseline, candidate) = (score(Some(flip.baseline)), score(Some(flip.candidate)));
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
    writeln!(out, "By slice (exploratory, of {looked_at}), those that stand out:\n")?;
    for found in those.clone() {
        let SliceFinding { slice, value, q, comparison, .. } = found;
        let Comparison { prompt, model, says, .. } = comparison;
        let value = value.as_deref().map_or_else(|| "(empty)".to_owned(), literal);
        let name = [prompt, model].map(|name| literal(name)).join(" · ");
        let (slice, says, q) = (literal(slice), literal(says), p_value(Some(*q)));
        writeln!(out, "- {slice} = {value} · {name}: {says} (q {q})")?;
    }
    if those.count() == 0 {
        writeln!(out, "- none")?;
    }
    out.push('\n');
    Ok(())
}

/// A text that shows as itself, and that a forge does not turn into links or mentions.
fn literal(text: &str) -> String {
    let text = printable_line(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // A zero-width space keeps @names, #numbers and addresses from becoming links.
            '@' => out.push_str("@&#8203;"),
            '#' if after.is_ascii_digit() => out.push_str("#&#8203;"),
            ':' if after == '/' => out.push_str(":&#8203;"),
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str(".&#8203;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}
