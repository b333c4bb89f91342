//! Verdicts as Markdown, for a comment on a pull request or a job's summary.
//!
//! `sections` writes the parts, `pieces` fits them into a comment, and `literal` keeps the texts within them from
//! acting.

mod literal;
mod pieces;
mod sections;

use std::fmt::Write;

use evalmark_core::{number_format::count, policy::Consequence, verdict::Comparison};

use self::{
    literal::{NAME, SENTENCE, clipped},
    pieces::{Document, Section},
};
use crate::gate_report::{GateReport, ReportedSuite};

/// The first line of a comment: it is not shown, and a recipe finds its own comment by it.
pub const MARKER: &str = "<!-- evalmark -->";

/// Bytes of a comment at most. GitHub takes 65,536 characters.
const LIMIT: usize = 59_900;

/// The least room that a comparison's changed items are worth.
const FLIPS_ROOM: usize = 1_500;

/// A comparison, and the suite that it is of.
#[derive(Clone, Copy)]
struct Compared<'a> {
    suite: &'a ReportedSuite,
    comparison: &'a Comparison,
    /// Whether the suite has to be named, as there are others.
    is_one_of_several: bool,
}

/// The verdicts as GitHub-flavoured Markdown below 60,000 characters: the answer first, then the figures behind it. What does
/// not fit is left out, the least important first, and that is said.
///
/// Texts are shown literally: no name or note can add markup, links, mentions or table cells.
pub fn markdown(report: &GateReport) -> String {
    let mut document = Document::new(format!("{MARKER}\n"), LIMIT);
    push_verdict(&mut document, report);
    let compared = worst_first(report);
    let (passing, others): (Vec<_>, Vec<_>) =
        compared.iter().partition(|one| one.comparison.answer.passes());
    push_part(&mut document, &sections::table(&compared), 2);
    push_part(&mut document, &sections::details(&others), 2);
    for suite in &report.suites {
        push_part(&mut document, &sections::changes(suite, report.suites.len() > 1), 4);
    }
    push_flips(&mut document, &compared);
    push_all(&mut document, &sections::slices(report));
    push_all(&mut document, &sections::passing(&passing));
    document.into_text()
}

/// Appends a section that may take one part in so many of the room that is left.
fn push_part(document: &mut Document, section: &Section, parts: usize) {
    let room = document.room() / parts;
    document.push(section, room);
}

fn push_all(document: &mut Document, section: &Section) {
    push_part(document, section, 1);
}

/// The comparisons of all suites: those that do not pass first.
fn worst_first(report: &GateReport) -> Vec<Compared<'_>> {
    let is_one_of_several = report.suites.len() > 1;
    let of_suite = |suite| {
        let comparisons = ReportedSuite::comparisons(suite).iter();
        comparisons.map(move |comparison| Compared { suite, comparison, is_one_of_several })
    };
    let mut compared: Vec<_> = report.suites.iter().flat_map(of_suite).collect();
    compared.sort_by(|a, b| a.comparison.worse_first(b.comparison));
    compared
}

/// The answer, and each suite's in a sentence.
fn push_verdict(document: &mut Document, report: &GateReport) {
    let mark = mark(report.suites.iter().map(|suite| suite.consequence(report.policy)).max());
    if let [suite] = report.suites.as_slice() {
        let mut head = format!("## {mark} {}: {}\n\n", clipped(&suite.suite, NAME), suite.word());
        let _ = writeln!(head, "**{}**\n", clipped(&suite.says(), SENTENCE));
        let excuse = suite.excuse(report.policy);
        let excuse = excuse.map(|option| format!("With `{option}`, that does not fail the job. "));
        let _ = writeln!(head, "{}{}\n", excuse.unwrap_or_default(), sections::origin(suite));
        push_all(document, &sections::whole(head));
        return;
    }
    let n = report.suites.len() as u64;
    let consequences = || report.suites.iter().map(|suite| suite.consequence(report.policy));
    let failing = consequences().filter(|consequence| consequence.fails()).count() as u64;
    let passing = report.suites.iter().filter(|suite| suite.passes()).count() as u64;
    let says = match (failing, passing) {
        (0, passing) if passing == n => format!("all {} suites pass", count(n)),
        (0, passing) => format!("{} of {} suites pass, and none fails", count(passing), count(n)),
        (failing, _) if failing == n => format!("all {} suites fail", count(n)),
        (1, _) => format!("1 of {} suites fails", count(n)),
        (failing, _) => format!("{} of {} suites fail", count(failing), count(n)),
    };
    push_all(document, &sections::whole(format!("## {mark} evalmark: {says}\n\n")));
    push_part(document, &sections::suites(report), 4);
}

/// What is seen before anything is read.
fn mark(worst: Option<Consequence>) -> &'static str {
    match worst {
        Some(Consequence::Failure | Consequence::NoVerdict) => "❌",
        Some(Consequence::Warning | Consequence::Notice) => "⚠️",
        Some(Consequence::Pass) | None => "✅",
    }
}

/// The changed items of each comparison: each has the same room, and where that gets too little for all, those that came
/// out best go without.
fn push_flips(document: &mut Document, compared: &[Compared<'_>]) {
    let flipped: Vec<_> = compared.iter().filter(|one| sections::has_flips(one)).collect();
    for (i, one) in flipped.iter().enumerate() {
        let left = flipped.len() - i;
        if document.room() < 2 * FLIPS_ROOM {
            let more = Section {
                head: String::new(),
                pieces: Vec::new(),
                tail: String::new(),
                called: ["comparison's changed items are", "comparisons' changed items are"],
                n_more: left as u64,
            };
            push_all(document, &more);
            return;
        }
        let share = (document.room() - FLIPS_ROOM) / left;
        document.push(&sections::flips(one), share.max(FLIPS_ROOM));
    }
}
