//! Verdicts in the formats of CI systems: where they point, what fails, and hostile texts in them.

use evalmark_core::{
    policy::{Consequence, FailOn, OnInconclusive, Policy},
    source_place::{SourcePlace, SourcePlaces},
    verdict::{Answer, Verdict},
};
use evalmark_report::{
    finding::{Finding, FindingRule},
    gate_report::{GateReport, ReportedSuite},
    github::{annotations, github},
    gitlab::gitlab,
    junit::junit,
    open_metrics::open_metrics,
    sarif::sarif,
};
use serde_json::Value;

use crate::fixture::{HOSTILE, verdict};

/// A suite with this verdict, whose first prompt has a file.
fn suite(name: &str, verdict: Option<Verdict>) -> ReportedSuite {
    let prompts = verdict.iter().flat_map(|verdict| &verdict.comparisons).take(1);
    let place = SourcePlace { path: "suites/prompts/a b.j2".to_owned(), line: 1 };
    let prompts = prompts.map(|one| (one.prompt.clone(), place.clone())).collect();
    ReportedSuite {
        suite: name.to_owned(),
        run_id: "2026-01-05T10-00-00".to_owned(),
        places: Some(SourcePlaces { suite: format!("suites/{name}.yaml"), prompts }),
        verdict,
        incomplete: None,
    }
}

fn report(suites: Vec<ReportedSuite>) -> GateReport {
    GateReport { suites, policy: Policy::default() }
}

/// Four suites, of which one regressed, one passes, one was not gated, and one was broken off.
fn four() -> GateReport {
    let broken_off = ReportedSuite {
        incomplete: Some(format!("the disk is full {HOSTILE}")),
        ..suite("broken-off", None)
    };
    report(vec![
        suite("intents", Some(verdict(Answer::Regressed))),
        suite("topics", Some(verdict(Answer::Pass))),
        suite("ungated", None),
        broken_off,
    ])
}

#[test]
fn sarif_points_at_prompts() {
    let text = sarif(&four().findings(), "gate").expect("SARIF");
    insta::assert_snapshot!(text);
    let log: Value = serde_json::from_str(&text).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let rules: Vec<_> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["regressed", "no-verdict"]);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "suites/prompts/a%20b.j2");
    for result in results {
        let rule = result["ruleIndex"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().contains("]("), "{result}");
    }
}

#[test]
fn gitlab_shows_what_does_not_pass() {
    insta::assert_snapshot!(gitlab(&four().findings()).expect("JSON"));
    // The same suite twice: each issue is one of its own.
    let twice = report(vec![suite("a", Some(verdict(Answer::Regressed))); 2]);
    let issues: Value = serde_json::from_str(&gitlab(&twice.findings()).expect("JSON")).unwrap();
    let prints: Vec<_> =
        issues.as_array().unwrap().iter().map(|issue| issue["fingerprint"].clone()).collect();
    assert_eq!(prints.len(), 2);
    assert_ne!(prints[0], prints[1]);
    assert_eq!(gitlab(&[]).expect("JSON").trim(), "[]");
}

#[test]
fn figures_are_open_metrics() {
    let text = open_metrics(&four());
    insta::assert_snapshot!(text);
    let twice = report(vec![suite("a", Some(verdict(Answer::Pass))); 2]);
    let lines = open_metrics(&twice);
    let mut series: Vec<_> = lines.lines().filter(|line| !line.starts_with('#')).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all, "no series stands there twice:\n{lines}");
}

#[test]
fn several_suites_are_one_junit_file() {
    insta::assert_snapshot!(junit(&four()));
}

/// GitHub shows ten annotations of each level: the suites come first.
#[test]
fn github_points_at_prompts() {
    let text = github(&four());
    insta::assert_snapshot!(text);
    assert_eq!(text.lines().take(4).filter(|line| !line.contains("file=")).count(), 4, "{text}");
}

/// What a policy lets pass is a warning, or a remark, wherever it is shown.
#[test]
fn what_fails_is_the_policys() {
    let check = |answer, policy, expected: [&str; 4]| {
        let found = GateReport { policy, ..report(vec![suite("a", Some(verdict(answer)))]) };
        let findings = found.findings();
        let sarif: Value = serde_json::from_str(&sarif(&findings, "gate").unwrap()).unwrap();
        let gitlab: Value = serde_json::from_str(&gitlab(&findings).unwrap()).unwrap();
        let github = github(&found);
        let [level, severity, command, element] = expected;
        assert_eq!(sarif["runs"][0]["results"][0]["level"], level);
        assert_eq!(gitlab[0]["severity"], severity);
        assert!(github.lines().all(|line| !line.contains("file=") || line.starts_with(command)));
        assert!(github.contains(&format!("::{command} file=")[2..]), "{github}");
        assert!(junit(&found).contains(element), "{element}: {}", junit(&found));
    };
    let never = Policy { fail_on: FailOn::Never, ..Policy::default() };
    let warn = Policy { inconclusive: OnInconclusive::Warn, ..Policy::default() };
    let pass = Policy { inconclusive: OnInconclusive::Pass, ..Policy::default() };
    let (failure, skipped) = ("<failure type=", "<skipped type=");
    check(Answer::Regressed, Policy::default(), ["error", "major", "::error", failure]);
    check(Answer::Regressed, never, ["warning", "minor", "::warning", skipped]);
    check(Answer::Inconclusive, Policy::default(), ["error", "major", "::error", failure]);
    check(Answer::Inconclusive, warn, ["warning", "minor", "::warning", skipped]);
    check(Answer::Inconclusive, pass, ["note", "info", "::notice", r#"failures="0" errors="0""#]);
    check(Answer::Incomparable, never, ["error", "major", "::error", "<error type="]);
}

/// Nothing of a text from a suite, a dataset or a model is a property, a command or a line of its own.
#[test]
fn hostile_texts_stay_texts() {
    let hostile = "a\r\n::error::b,file=/etc/passwd::c%0A##vso[x]y\u{202e}\u{1b}[31m\"}],\n# EOF";
    let finding = Finding {
        rule: FindingRule::InvalidSuite,
        consequence: Consequence::Failure,
        title: hostile.to_owned(),
        message: vec![hostile.to_owned(), "[click](javascript:alert(1))".to_owned()],
        place: Some(SourcePlace { path: hostile.to_owned(), line: 0 }),
        column: Some(3),
        identity: vec![hostile.to_owned()],
    };
    let text = annotations(std::slice::from_ref(&finding));
    assert_eq!(text.lines().count(), 1, "{text}");
    let (properties, _) = text.strip_prefix("::error ").unwrap().split_once("::").unwrap();
    let names: Vec<_> = properties.split(',').map(|part| part.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["file", "line", "col", "title"], "{text}");
    let mut hostile_verdict = verdict(Answer::Regressed);
    hostile_verdict.comparisons[0].prompt = hostile.to_owned();
    hostile_verdict.comparisons[0].metric = hostile.to_owned();
    let found = report(vec![suite(hostile, Some(hostile_verdict))]);
    let [sarif, gitlab] =
        [sarif(&found.findings(), "gate").unwrap(), gitlab(&found.findings()).unwrap()];
    for text in [&sarif, &gitlab] {
        serde_json::from_str::<Value>(text).expect("JSON");
        assert!(!text.contains("##vso[") && !text.contains('\u{202e}'), "{text}");
    }
    let metrics = open_metrics(&found);
    assert!(metrics.ends_with("# EOF\n") && metrics.matches("\n# EOF").count() == 1, "{metrics}");
    let is_line = |line: &str| line.starts_with("# ") || line.starts_with("evalmark_");
    assert!(metrics.lines().all(is_line), "{metrics}");
    // GitLab cuts lines at the first `#`, within quotes, too, and then reads them as a shell does.
    assert!(metrics.lines().all(|line| line.starts_with("# ") || !line.contains('#')), "{metrics}");
}

/// A finding is recognised from run to run by what it is about, whatever its figures.
#[test]
fn fingerprints_last() {
    let of = |verdict: Verdict| report(vec![suite("a", Some(verdict))]).findings()[0].fingerprint();
    let first = of(verdict(Answer::Regressed));
    let mut later = verdict(Answer::Regressed);
    later.run_id = "another".to_owned();
    later.comparisons[0].says = "It fell even more.".to_owned();
    assert_eq!(of(later), first);
    let mut other = verdict(Answer::Regressed);
    other.comparisons[0].metric = "another".to_owned();
    assert_ne!(of(other), first);
    assert_eq!(first, "3660c7d877f577987a693f252a5e09e3", "alerts are followed by it");
}
