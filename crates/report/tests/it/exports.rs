//! A verdict in each export format, with hostile texts in it.

use evalmark_core::{
    metric::Direction,
    verdict::{Answer, Comparison, Measure, Verdict},
};
use evalmark_report::{
    gate_report::GateReport,
    github::github,
    html::{PageData, html},
    junit::junit,
    markdown::markdown,
};

use crate::fixture::verdict;

#[test]
fn markdown_shows_texts_literally() {
    let text = markdown(&GateReport::of(verdict(Answer::Regressed)));
    assert!(!text.contains("<script"));
    assert!(!text.contains("@all"));
    assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'));
    for line in text.lines().filter(|line| line.starts_with("| **")) {
        let cells = line.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 11, "{line}");
    }
    insta::assert_snapshot!(text);
}

/// A cost that grew by 1.6 %.
fn costs_more() -> Comparison {
    let Verdict { comparisons, .. } = verdict(Answer::Pass);
    Comparison {
        metric: "cost_usd".to_owned(),
        measure: Measure::Ratio,
        direction: Direction::Lower,
        margin: 0.1,
        baseline_mean: Some(0.000_010_9),
        candidate_mean: Some(0.000_011_1),
        estimate: Some(1.016),
        lower: Some(1.008),
        upper: Some(1.024),
        ..comparisons[0].clone()
    }
}

#[test]
fn amounts_are_ratios_with_a_direction() {
    let amount = Verdict { comparisons: vec![costs_more()], ..verdict(Answer::Pass) };
    let page = PageData { verdict: Some(amount.clone()), ..PageData::default() };
    let page = html(&page).expect("a page");
    for (text, expected) in [
        (
            markdown(&GateReport::of(amount.clone())),
            "| 1.02× (1.6 % more) | [1.01×, 1.02×] | 10 % (up to 1.10×) |",
        ),
        (
            markdown(&GateReport::of(amount.clone())),
            "p-value (no increase): < 0.001; p-value (increase of the margin",
        ),
        (junit(&GateReport::of(amount.clone())), "ratio: 1.02× (1.6 % more)"),
        (page.clone(), "<dt>ratio</dt><dd>1.02× (1.6 % more)</dd>"),
        (page.clone(), "margin: the largest acceptable loss"),
        (page.clone(), ">1.00×</text>"),
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
        assert!(!text.contains("ticket-1"), "no item is listed:\n{text}");
    }
}

#[test]
fn changes_are_told_in_every_form() {
    let verdict = verdict(Answer::Regressed);
    let page = PageData { verdict: Some(verdict.clone()), ..PageData::default() };
    for (text, expected) in [
        (markdown(&GateReport::of(verdict.clone())), "<del>one</del><ins>two</ins> words"),
        (
            junit(&GateReport::of(verdict.clone())),
            "<property name=\"changed since the baseline\" value=\"the text of",
        ),
        (github(&GateReport::of(verdict.clone())), "changed since the baseline"),
        (html(&page).expect("a page"), "<del>one</del><ins>two</ins> words"),
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
    let none = Verdict { changes: Some(Vec::new()), ..verdict };
    assert!(markdown(&GateReport::of(none.clone())).contains("Nothing changed since the baseline"));
}

#[test]
fn github_annotations_are_one_line_each() {
    let text = github(&GateReport::of(verdict(Answer::Regressed)));
    // The suite, what regressed, and what changed: what passes is no annotation.
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        assert!(line.starts_with("::error title=") || line.starts_with("::notice title="));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn junit_is_well_formed() {
    let text = junit(&GateReport::of(verdict(Answer::Regressed)));
    assert_well_formed(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn junit_never_turns_green_without_a_pass() {
    let check = |verdict: &Verdict, expected: &str| {
        let text = junit(&GateReport::of(verdict.clone()));
        assert_well_formed(&text);
        assert!(text.contains(expected), "{text}");
    };
    check(&verdict(Answer::Regressed), r#"tests="2" failures="1" errors="0""#);
    check(&verdict(Answer::Inconclusive), r#"tests="2" failures="1" errors="0""#);
    check(&verdict(Answer::Incomparable), r#"tests="2" failures="0" errors="1""#);
    check(&verdict(Answer::Improved), r#"tests="2" failures="0" errors="0""#);
    let empty = Verdict { comparisons: Vec::new(), ..verdict(Answer::Incomparable) };
    check(&empty, r#"tests="1" failures="0" errors="1""#);
    let whole = Verdict { answer: Answer::Inconclusive, ..verdict(Answer::Pass) };
    check(&whole, r#"tests="3" failures="1" errors="0""#);
}

/// Tags are balanced, attributes quoted, references known, characters allowed by XML 1.0.
fn assert_well_formed(xml: &str) {
    assert!(xml.chars().all(|c| c >= ' ' || c == '\n'), "control characters");
    let mut open = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    for (position, part) in body.split('<').enumerate() {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        check_references(tag);
        check_references(text);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if position > 0 {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.extend(tag.split(' ').next());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn check_references(text: &str) {
    for reference in text.split('&').skip(1) {
        let name = reference.split_once(';').map(|(name, _)| name);
        assert!(matches!(name, Some("amp" | "lt" | "gt" | "quot" | "apos")), "{text}");
    }
}
