//! The verdict in plain words: is the new prompt better, by how much, how sure is that.

use evalmark_core::{
    changes::{Change, ChangeKind},
    comparison_text::ComparisonText,
    number_format::{count, counted, declared_percent, named_p, unit},
    verdict::{Answer, Comparison, Measure, Verdict},
};
use serde::Serialize;

use super::{
    super::{data::PageData, pictures::forest::tone},
    display_names::{Sentence, model_of, some_of},
};

/// What the page says first.
#[derive(Serialize)]
pub(super) struct Headline {
    /// The answer as every other form of the verdict calls it.
    answer: &'static str,
    /// The class that colours it.
    tone: &'static str,
    /// Is it better?
    sentence: Sentence,
    /// By how much?
    amount: Option<Sentence>,
    /// How sure?
    certainty: Vec<Sentence>,
}

impl Headline {
    pub(super) fn of(page: &PageData, comparisons: &[&Comparison]) -> Self {
        let Some(verdict) = &page.verdict else { return Self::uncompared(page) };
        let lead = lead(verdict, comparisons);
        Self {
            answer: verdict.answer.as_str(),
            tone: tone(verdict.answer),
            sentence: sentence(verdict, comparisons),
            amount: lead.and_then(|lead| amount(lead, comparisons)),
            certainty: lead.map(|lead| certainty(verdict.answer, lead)).unwrap_or_default(),
        }
    }

    /// A run that was compared with nothing.
    fn uncompared(page: &PageData) -> Self {
        let why = page.run.facts.iter().find(|fact| fact.name == "gate");
        let why = why.map(|fact| Sentence::default().words(format!("Why: {}.", fact.value)));
        Self {
            answer: "not compared",
            tone: tone(Answer::Incomparable),
            sentence: Sentence::default().words(
                "This run was compared with nothing, so the page cannot say whether it is better.",
            ),
            amount: why,
            certainty: Vec::new(),
        }
    }
}

/// The comparison that the numbers are told of: the worst one, which is the one that decides.
fn lead<'a>(verdict: &Verdict, comparisons: &[&'a Comparison]) -> Option<&'a Comparison> {
    let decides = |comparison: &&&Comparison| match verdict.answer {
        Answer::Improved | Answer::Pass => comparison.answer.passes(),
        answer => comparison.answer == answer,
    };
    comparisons.iter().find(decides).or(comparisons.first()).copied()
}

/// Is it better?
fn sentence(verdict: &Verdict, comparisons: &[&Comparison]) -> Sentence {
    let (subject, is) = subject(verdict);
    let all = comparisons.len();
    let n = |answer: Answer| comparisons.iter().filter(|c| c.answer == answer).count();
    let of = |n: usize| match all {
        1 => ".".to_owned(),
        _ if n == all && all == 2 => " in both comparisons.".to_owned(),
        _ => format!(" in {} comparisons.", some_of(n, all)),
    };
    let start = Sentence::default();
    let against = short_name(&verdict.baseline);
    match verdict.answer {
        Answer::Improved | Answer::Pass if comparisons.is_empty() => {
            start.words("Nothing was compared: ").words(verdict.says.clone())
        }
        Answer::Improved => start
            .words(format!("{subject} {is} better than "))
            .name(against)
            .words(of(n(Answer::Improved))),
        Answer::Pass => {
            let gains = match n(Answer::Improved) {
                0 => ".".to_owned(),
                gains => format!(", and better in {}.", some_of(gains, all)),
            };
            start.words(format!("{subject} {is} no worse than ")).name(against).words(gains)
        }
        Answer::Regressed => start
            .words(format!("{subject} {is} worse than "))
            .name(against)
            .words(of(n(Answer::Regressed))),
        Answer::Inconclusive => start
            .words(format!("It cannot be told whether {} {is} worse than ", lowered(&subject)))
            .name(against)
            .words("."),
        Answer::Incomparable => start.words("Nothing can be said: ").words(verdict.says.clone()),
    }
}

/// What a baseline is called: of a folder, its last part.
fn short_name(baseline: &str) -> &str {
    let end = baseline.trim_end_matches(['/', '\\']);
    end.rsplit(['/', '\\']).next().unwrap_or(end)
}

/// Who is judged: the prompt, where nothing but prompts changed.
fn subject(verdict: &Verdict) -> (String, &'static str) {
    let changes = verdict.changes.as_deref().unwrap_or_default();
    let is_text = |change: &&Change| change.kind == ChangeKind::PromptEdited;
    let is_other =
        |change: &Change| matches!(change.kind, ChangeKind::ModelEdited | ChangeKind::ModelAdded);
    match changes.iter().filter(is_text).count() {
        _ if changes.iter().any(is_other) => ("This run".to_owned(), "is"),
        0 => ("This run".to_owned(), "is"),
        1 => ("The new prompt".to_owned(), "is"),
        n => (format!("The {n} new prompts"), "are"),
    }
}

/// The subject within a sentence.
fn lowered(subject: &str) -> String {
    let mut letters = subject.chars();
    let first = letters.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// By how much?
fn amount(lead: &Comparison, comparisons: &[&Comparison]) -> Option<Sentence> {
    let text = ComparisonText::of(lead);
    let change = text.change?;
    let start = match (comparisons.len(), lead.answer) {
        (0 | 1, _) => Sentence::default(),
        (_, Answer::Improved) => Sentence::default().words("Smallest gain: "),
        (_, Answer::Pass) => Sentence::default().words("Closest to a loss: "),
        _ => Sentence::default().words("Worst: "),
    };
    let start = start.name(&lead.metric);
    let moved = moved(lead);
    let told = match (&text.baseline, &text.candidate, lead.measure) {
        (_, Some(candidate), Measure::Level) => {
            start.words(format!(" is {candidate} ({} {})", lead.margin_name(), text.margin))
        }
        (Some(before), Some(after), _) => {
            start.words(format!(" {moved} from {before} to {after} ({change})"))
        }
        _ => start.words(format!(" {moved}: {change}")),
    };
    let told = told.with(" for ", Some(&lead.prompt)).with(" on ", model_of(lead, comparisons));
    Some(told.words("."))
}

fn moved(comparison: &Comparison) -> &'static str {
    let nothing = if comparison.measure == Measure::Ratio { 1.0 } else { 0.0 };
    match comparison.estimate.map(|estimate| estimate.total_cmp(&nothing)) {
        Some(std::cmp::Ordering::Less) => "fell",
        Some(std::cmp::Ordering::Greater) => "rose",
        _ => "stayed",
    }
}

/// How sure? One sentence for what is known, one for what would help.
fn certainty(answer: Answer, lead: &Comparison) -> Vec<Sentence> {
    let text = ComparisonText::of(lead);
    let Some(bounds) = text.bounds() else { return Vec::new() };
    let pairs = counted(lead.counts.paired, "paired item");
    let what = if lead.measure == Measure::Level { "mean" } else { "change" };
    let unit = match lead.measure {
        Measure::Difference => unit(lead.range),
        Measure::Ratio | Measure::Level => "",
    };
    let sure = declared_percent(1.0 - lead.alpha);
    let range = format!(
        "The true {what} lies within {bounds}{unit}: each end holds with {sure} confidence, from \
         {pairs}."
    );
    let mut told = vec![Sentence::default().words(range)];
    let p = lead.p_regressed_adjusted.or(lead.p_regressed).map(|p| named_p("p", p));
    let loss = lead.loss();
    told.extend(
        match answer {
            Answer::Regressed => p.map(|p| format!("The {loss} is more than chance ({p}).")),
            Answer::Improved | Answer::Pass if lead.measure == Measure::Level => {
                lead.p_pass.map(|p| format!("The limit is kept ({}).", named_p("p", p)))
            }
            Answer::Improved | Answer::Pass => lead.p_pass.map(|p| {
                let margin = &text.margin;
                format!(
                    "A {loss} of the margin ({margin}) or more is ruled out ({}).",
                    named_p("p", p)
                )
            }),
            Answer::Inconclusive => Some(match lead.items_needed {
                Some(needed) if needed > lead.counts.paired => format!(
                    "That is too wide for the margin ({}): about {} items would show a {loss} of that size.",
                    text.margin,
                    count(needed)
                ),
                _ => format!("That is too wide for the margin ({}).", text.margin),
            }),
            Answer::Incomparable => None,
        }
        .map(|text| Sentence::default().words(text)),
    );
    told
}
