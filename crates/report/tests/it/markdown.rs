//! The comment on a pull request: what it says, that no text in it acts, and that it stays below its limit.

use evalmark_core::{
    changes::{Change, DiffPart, PartOf},
    policy::{OnInconclusive, Policy},
    verdict::{Answer, Comparison, Flip, Verdict},
};
use evalmark_report::{
    gate_report::{GateReport, ReportedSuite},
    markdown::{MARKER, markdown},
    safe_text::printable_line,
};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::fixture::verdict;

fn suite(name: &str, verdict: Option<Verdict>) -> ReportedSuite {
    let (suite, run_id) = (name.to_owned(), "2026-01-05T10-00-00".to_owned());
    ReportedSuite { suite, run_id, verdict, ..ReportedSuite::default() }
}

fn report(suites: Vec<ReportedSuite>) -> GateReport {
    GateReport { suites, policy: Policy::default() }
}

#[test]
fn several_suites_are_one_comment() {
    let broken_off = ReportedSuite {
        incomplete: Some("the disk is full".to_owned()),
        ..suite("broken-off", None)
    };
    let suites = vec![
        suite("topics", Some(verdict(Answer::Pass))),
        suite("intents", Some(verdict(Answer::Regressed))),
        suite("ungated", None),
        broken_off,
    ];
    insta::assert_snapshot!(markdown(&report(suites)));
}

#[test]
fn the_verdict_comes_first() {
    let check = |found: &GateReport, expected: &str| {
        let text = markdown(found);
        let rest = text.strip_prefix(MARKER).expect("the marker").trim_start();
        assert!(rest.starts_with(expected), "{expected}: {rest}");
    };
    let one = |answer| report(vec![suite("topics", Some(verdict(answer)))]);
    check(&one(Answer::Regressed), "## ❌ topics: regressed\n\n**1 of 2 gated metrics");
    check(&one(Answer::Incomparable), "## ❌ topics: incomparable");
    check(&one(Answer::Improved), "## ✅ topics: improved");
    check(&one(Answer::Inconclusive), "## ❌ topics: inconclusive");
    let policy = Policy { inconclusive: OnInconclusive::Warn, ..Policy::default() };
    let warned = GateReport { policy, ..one(Answer::Inconclusive) };
    check(&warned, "## ⚠️ topics: inconclusive");
    assert!(markdown(&warned).contains("With `--inconclusive warn`, that does not fail the job."));
    let of = |answers: &[Answer]| {
        let suites = answers.iter().map(|answer| suite("a", Some(verdict(*answer))));
        report(suites.collect())
    };
    let (pass, regressed) = (Answer::Pass, Answer::Regressed);
    check(&of(&[pass, pass]), "## ✅ evalmark: all 2 suites pass");
    check(&of(&[pass, regressed, pass]), "## ❌ evalmark: 1 of 3 suites fails");
    check(&of(&[pass, regressed, regressed]), "## ❌ evalmark: 2 of 3 suites fail");
    check(&of(&[regressed, regressed]), "## ❌ evalmark: all 2 suites fail");
    let warned = GateReport { policy, ..of(&[pass, Answer::Inconclusive]) };
    check(&warned, "## ⚠️ evalmark: 1 of 2 suites pass, and none fails");
}

/// Texts that a suite, a dataset or a model could hold against whoever reads a comment.
const HOSTILE: &[&str] = &[
    "@octocat",
    "@org/team",
    "#123",
    "GH-1",
    "a/b#1",
    "!5",
    "https://evil.example/x",
    "www.evil.example",
    "mailto:a@b.org",
    "![x](https://evil.example/p.png)",
    "[x](javascript:alert(1))",
    "<img src=x>",
    "<script>",
    "</details>",
    "</summary>",
    "<details open>",
    "-->",
    "<!--",
    "|",
    "\\|",
    "\\",
    "`",
    "```\n",
    "~~~",
    "\n\n",
    "\r\n",
    "\n# heading",
    "# h",
    "- [ ] task",
    "1. one",
    "> quote",
    "***",
    "---",
    "===",
    "| a | b |\n| --- | --- |",
    "**",
    "__",
    "$x$",
    "$$",
    ":tada:",
    "[^1]",
    "[^1]: note",
    "&lt;",
    "&#64;all",
    "&",
    "\u{202e}",
    "\u{200b}",
    "\u{1b}[31m",
    "\u{0}",
    "日本",
    " ",
    "  ",
    "\t",
    "    code",
    "\\@octocat",
    "<del>",
    "</table>",
    "*emphasis*",
    "::error::x",
    "##vso[x]y",
    "<https://evil.example>",
    "a_b_c",
    "0123456789abcdef0123456789abcdef01234567",
    "[!NOTE]",
    "~a~",
    "x",
    "T-001",
    "answer",
];

fn text() -> impl Strategy<Value = String> {
    let parts = prop::collection::vec(prop::sample::select(HOSTILE), 1..7);
    prop_oneof![parts.prop_map(|parts| parts.concat()), any::<String>()]
}

/// What is seen of a name or a sentence.
fn shown(text: &str, most: usize) -> String {
    let text = text.trim();
    let clipped: String = text.chars().take(most).collect();
    let more = if text.chars().count() > most { "…" } else { "" };
    let text = format!("{}{more}", clipped.trim_end());
    if text.is_empty() { "(empty)".to_owned() } else { printable_line(&text).into_owned() }
}

/// Without the breaks that keep texts from becoming links.
fn unbroken(text: &str) -> String {
    text.replace('\u{200b}', "").trim().to_owned()
}

/// A verdict in which every text is hostile.
fn hostile(texts: &[String]) -> Verdict {
    let mut from = texts.iter().cycle().cloned();
    let mut next = || from.next().expect("a text");
    let mut verdict = verdict(Answer::Regressed);
    for one in &mut verdict.comparisons {
        [one.prompt, one.model, one.metric, one.says, one.method] =
            [next(), next(), next(), next(), next()];
        one.notes = vec![next(), next()];
        let flip = Flip { item_id: next(), baseline: 1.0, candidate: 0.0 };
        (one.flips, one.n_flips) = (vec![flip.clone(), Flip { item_id: next(), ..flip }], 2);
    }
    for found in &mut verdict.slices {
        (found.slice, found.value) = (next(), Some(next()));
        found.comparison.says = next();
    }
    let part = |op, text| DiffPart { op, text };
    let diff = vec![
        part(PartOf::Both, next()),
        part(PartOf::Removed, next()),
        part(PartOf::Added, next()),
    ];
    verdict.changes =
        Some(vec![Change { says: next(), diff, ..verdict.changes.expect("changes")[0].clone() }]);
    (verdict.says, verdict.baseline, verdict.correction) = (next(), next(), next());
    Verdict { baseline_digest: Some(next()), ..verdict }
}

/// What a forge makes of a comment.
#[derive(Default)]
struct Page {
    /// Cells of tables, row by row.
    rows: Vec<Vec<String>>,
    headings: usize,
    /// Elements that are neither text nor what the comment is made of.
    strange: Vec<String>,
    /// The HTML of the comment, piece by piece.
    html: Vec<String>,
    /// All that is read.
    text: String,
}

fn page(markdown: &str) -> Page {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH;
    let mut page = Page::default();
    for event in Parser::new_ext(markdown, options) {
        // Texts of two elements are two.
        if !matches!(event, Event::Text(_) | Event::Code(_)) {
            page.text.push('\n');
        }
        match event {
            Event::Start(Tag::TableRow | Tag::TableHead) => page.rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                page.rows.last_mut().expect("a row").push(String::new());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(cell) = page.rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&text);
                }
                page.text.push_str(&text);
            }
            Event::Html(html) | Event::InlineHtml(html) => page.html.push(html.to_string()),
            Event::Start(Tag::Heading { .. }) => page.headings += 1,
            // What follows belongs to no cell.
            Event::End(TagEnd::Table) => page.rows.push(vec![String::new()]),
            Event::Start(
                Tag::Paragraph
                | Tag::List(None)
                | Tag::Item
                | Tag::Strong
                | Tag::Table(_)
                | Tag::HtmlBlock,
            )
            | Event::End(_)
            | Event::SoftBreak => {}
            other => page.strange.push(format!("{other:?}")),
        }
    }
    page
}

/// Whether a piece of HTML is one that the comment is made of.
fn is_own(html: &str) -> bool {
    let html = html.trim_end();
    let is_summary = html
        .strip_prefix("<details><summary>")
        .and_then(|rest| rest.strip_suffix("</summary>"))
        .is_some_and(|text| !text.contains(['<', '>']));
    is_summary
        || html == MARKER
        || ["</details>", "<br>", "<del>", "</del>", "<ins>", "</ins>"].contains(&html)
}

/// Whether a forge would make a mention, a reference or a link of some of the text.
fn refers(text: &str) -> Option<&str> {
    let begins = |mark: &str, next: fn(char) -> bool| {
        text.match_indices(mark)
            .find(|(at, _)| text[at + mark.len()..].starts_with(next))
            .map(|(at, _)| &text[at..])
    };
    let is_name: fn(char) -> bool = |c| c.is_ascii_alphanumeric();
    begins("@", is_name)
        .or_else(|| begins("#", |c| c.is_ascii_digit()))
        .or_else(|| begins("://", |_| true))
        .or_else(|| begins("www.", |_| true))
}

fn assert_inert(found: &GateReport) -> Page {
    let text = markdown(found);
    let page = page(&text);
    assert!(page.strange.is_empty(), "{:?}\n{text}", page.strange);
    assert_eq!(page.headings, 1, "{text}");
    for html in &page.html {
        assert!(is_own(html), "{html}\n{text}");
        assert!(!html.contains("##"), "{html}");
        assert_eq!(
            refers(
                &html.replace("&#8203;", "\u{200b}").replace("&#39;", "'").replace("&#35;", "#")
            ),
            None,
            "{text}"
        );
    }
    let n = |what: &str| page.html.iter().filter(|html| html.starts_with(what)).count();
    assert_eq!(n("<details>"), n("</details>"), "{text}");
    assert_eq!(refers(&page.text), None, "{text}");
    assert!(text.len() < 60_000, "{}", text.len());
    page
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_acts(texts in prop::collection::vec(text(), 1..30), names in prop::collection::vec(text(), 3)) {
        let [a, b, c] = [0, 1, 2].map(|i: usize| names[i].clone());
        let incomplete = ReportedSuite { incomplete: Some(c), ..suite(&b, None) };
        let verdict = hostile(&texts);
        for suites in [
            vec![suite(&a, Some(verdict.clone()))],
            vec![suite(&a, Some(verdict.clone())), incomplete, suite(&b, Some(verdict.clone()))],
        ] {
            let n_suites = suites.len();
            let page = assert_inert(&report(suites));
            // Every text shows as itself.
            let first = &verdict.comparisons[0];
            let expected = [&first.prompt, &first.model, &first.metric].map(|name| shown(name, 80));
            let is_it = |row: &Vec<String>| {
                let cells: Vec<_> = row.iter().map(|cell| unbroken(cell)).collect();
                cells.windows(3).any(|names| names == expected)
            };
            prop_assert!(page.rows.iter().any(is_it), "{:?}\n{:?}", expected, page.rows);
            let columns = if n_suites == 1 { 10 } else { 11 };
            prop_assert!(page.rows.iter().all(|row| [1, 3, columns].contains(&row.len())));
        }
    }
}

/// Sixty comparisons with ten thousand changed items each, in one suite and in several, with names of any length.
#[test]
fn a_comment_stays_below_its_limit() {
    let comparison = |i: usize, name: &str| Comparison {
        prompt: format!("{name}{i}"),
        answer: if i.is_multiple_of(7) { Answer::Regressed } else { Answer::Pass },
        flips: (0..50)
            .map(|k| Flip { item_id: format!("{name}-{k}"), baseline: 1.0, candidate: 0.0 })
            .collect(),
        n_flips: 10_000,
        notes: vec![name.repeat(4)],
        ..verdict(Answer::Pass).comparisons[0].clone()
    };
    for name in ["prompt", "@", "\u{202e}", "日本語"] {
        for (n_suites, repeated) in [(1, 1), (3, 1), (200, 1), (1, 3000), (60, 3000)] {
            let name = name.repeat(repeated);
            let comparisons = (0..60).map(|i| comparison(i, &name));
            let comparisons: Vec<_> =
                comparisons.take(60_usize.div_ceil(n_suites).max(2)).collect();
            let whole = Verdict { comparisons, says: name.clone(), ..verdict(Answer::Regressed) };
            let suites = (0..n_suites).map(|_| suite(&name, Some(whole.clone())));
            let found = report(suites.collect());
            let page = assert_inert(&found);
            let text = markdown(&found);
            assert!(text.contains(" left out.\n"), "{text}");
            assert!(text.ends_with("`evalmark diff` shows every changed item.\n"), "{text}");
            // What matters most is there: the worst comparison, and its changed items.
            let first = page.rows.iter().position(|row| row.iter().any(|cell| cell == "regressed"));
            assert_eq!(first, Some(1), "{text}");
            if repeated == 1 && n_suites == 1 {
                assert_eq!(page.rows.iter().filter(|row| row.len() == 10).count(), 61, "{text}");
                let folded = page.html.iter().filter(|html| html.contains("changed items")).count();
                assert!(folded >= 9, "the {folded} worst of 60:\n{text}");
            }
        }
    }
}
