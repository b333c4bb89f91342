//! Whole runs against each other: which comparison fits each metric of each variant, and why none
//! does.

use evalmark_core::{
    metric::{Direction, Range},
    suite::{Amount, Correction, GateSpec, GatedMetric},
    verdict::{Answer, Measure},
};
use evalmark_verdict::{
    AnswerScore, ComparisonFamily, ComparisonSubject, Gated, GatedRuns, ItemIdentity, LookedAt,
    MetricTraits, RunScores, SameItem, Variant, VariantPair, count_lacking, family_size,
};

fn item(key: usize) -> ItemIdentity {
    ItemIdentity { key: key as u128, content: 0, cluster: None }
}

/// Items of which all but every fifth score `hit`.
fn variant(prompt: &str, metric: &str, n_items: usize, hit: f64) -> Variant {
    let mut variant = Variant::new(prompt, "small");
    for key in 0..n_items {
        let score = Some(if key.is_multiple_of(5) { 0.0 } else { hit });
        let answer = AnswerScore { score, ..AnswerScore::default() };
        variant.push(&format!("i{key}"), metric, answer, &item(key));
    }
    variant
}

fn runs<'a>(spec: &'a GateSpec, traits: MetricTraits<'a>) -> GatedRuns<'a> {
    GatedRuns { spec, metrics: [("exact".to_owned(), traits)].into(), looked_at: None }
}

fn unit() -> MetricTraits<'static> {
    MetricTraits { range: Range::Unit, ..MetricTraits::default() }
}

fn spec() -> GateSpec {
    GateSpec::default_of(["exact"])
}

fn run(variants: &[&Variant]) -> RunScores {
    RunScores { scores: variants.iter().map(|&variant| variant.clone()).collect(), usage: vec![] }
}

fn decided(runs: &GatedRuns<'_>, before: &RunScores, after: &RunScores, left_out: bool) -> Gated {
    let family = ComparisonFamily::of_runs(runs, before, after, left_out).expect("sound");
    family.decide(Correction::Holm).expect("sound")
}

fn answers(gated: &Gated) -> Vec<(&str, Answer)> {
    let judged = gated.judged.iter().map(|one| &one.comparison);
    judged.map(|one| (one.prompt.as_str(), one.answer)).collect()
}

#[test]
fn a_drop_is_a_regression_and_names_its_items() {
    let spec = spec();
    let before = run(&[&variant("plain", "exact", 200, 1.0)]);
    let after = run(&[&variant("plain", "exact", 200, 0.0)]);
    let gated = decided(&runs(&spec, unit()), &before, &after, false);
    assert_eq!(answers(&gated), [("plain", Answer::Regressed)]);
    let flips = &gated.judged[0].comparison.flips;
    // Equal changes come in the order of their names.
    assert_eq!((&*flips[0].item_id, &*flips[1].item_id), ("i1", "i11"));
    assert!(!gated.lacks_answers());
}

#[test]
fn what_the_run_lacks_takes_part_unless_left_out() {
    let spec = spec();
    let [plain, chat, new] =
        ["plain", "chat", "new"].map(|prompt| variant(prompt, "exact", 200, 1.0));
    let (before, after) = (run(&[&plain, &chat]), run(&[&plain, &new]));
    let runs = runs(&spec, unit());
    let gated = decided(&runs, &before, &after, false);
    assert_eq!(answers(&gated), [("plain", Answer::Pass), ("chat", Answer::Incomparable)]);
    let gated = decided(&runs, &before, &after, true);
    assert_eq!(answers(&gated), [("plain", Answer::Pass)]);
    // Where nothing is known, that must not go unnoticed.
    let gated = decided(&runs, &before, &run(&[&new]), true);
    assert_eq!(answers(&gated), [("new", Answer::Incomparable)]);
    let names = [("plain", "small"), ("new", "small")];
    assert_eq!(count_lacking(&names, &before.scores), 1);
    assert_eq!(family_size(2, 1, &spec), 3);
}

#[test]
fn scores_of_another_measure_are_not_compared() {
    let spec = spec();
    let both = run(&[&variant("plain", "exact", 200, 1.0)]);
    let traits = MetricTraits { changed: Some("the metric is another".to_owned()), ..unit() };
    let gated = decided(&runs(&spec, traits), &both, &both, false);
    assert_eq!(answers(&gated), [("plain", Answer::Incomparable)]);
    assert!(gated.says.contains("the metric is another"), "{}", gated.says);
}

#[test]
fn each_kind_of_figure_has_its_comparison() {
    let mut spec = spec();
    let judged = MetricTraits { is_judged: true, ..unit() };
    let variant = variant("plain", "exact", 200, 1.0);
    let gated = spec.metrics["exact"];
    let pair = |metric: &str| VariantPair {
        subject: ComparisonSubject::of(&variant, metric),
        before: Some(&variant),
        after: Some(&variant),
    };
    let found = pair("exact").compare(&runs(&spec, judged), gated).expect("sound").comparison;
    assert_eq!((found.measure, found.answer), (Measure::Difference, Answer::Pass));
    assert!(found.says.contains("judge"), "{}", found.says);
    // A margin that nobody named grows with the range.
    let wide = MetricTraits { range: Range::Hundred, direction: Direction::Lower, ..unit() };
    let default = GatedMetric { is_default_margin: true, ..gated };
    let found = pair("exact").compare(&runs(&spec, wide), default).expect("sound").comparison;
    assert!((found.margin - 100.0 * gated.margin).abs() < 1e-9, "{}", found.margin);
    assert_eq!(found.direction, Direction::Lower);
    let amount = GatedMetric { amount: Some(Amount::CostUsd), ..gated };
    let found = pair("exact").compare(&runs(&spec, unit()), amount).expect("sound").comparison;
    assert_eq!(found.measure, Measure::Ratio);
    // A minimum stands beside the comparison.
    let min = GatedMetric { min: Some(0.5), ..gated };
    spec.metrics.insert("exact".to_owned(), min);
    let both = run(&[&variant]);
    let gated = decided(&runs(&spec, unit()), &both, &both, false);
    let measures: Vec<_> = gated.judged.iter().map(|one| one.comparison.measure).collect();
    assert_eq!(measures, [Measure::Difference, Measure::Level]);
}

#[test]
fn a_run_that_was_looked_at_is_judged_by_the_same_looks() {
    let spec = spec();
    let (before, after) =
        (variant("plain", "exact", 400, 1.0), variant("plain", "exact", 400, 0.0));
    let looked_at = LookedAt { seed: 7, planned_items: 400, largest_cluster: 1, family: 1 };
    let pair = VariantPair {
        subject: ComparisonSubject::of(&after, "exact"),
        before: Some(&before),
        after: Some(&after),
    };
    let runs = GatedRuns { looked_at: Some(looked_at), ..runs(&spec, unit()) };
    let gated = spec.metrics["exact"];
    let whole = pair.compare(&runs, gated).expect("sound").comparison;
    let slice = pair.compare_slice(&runs, gated).expect("sound").comparison;
    assert_eq!((whole.answer, slice.answer), (Answer::Regressed, Answer::Regressed));
    // The looks took their share of alpha.
    assert_ne!((whole.lower, whole.p_regressed), (slice.lower, slice.p_regressed));
}

#[test]
fn items_are_kept_renamed_and_taken_apart() {
    let mut variant_of_ten = variant("plain", "exact", 10, 1.0);
    assert!((variant_of_ten.mean("exact") - 0.8).abs() < 1e-12);
    assert!(variant_of_ten.mean("other").is_infinite());
    let part = variant_of_ten.part("exact", &[0, 1, 2]);
    assert_eq!(part.scores("exact").expect("sound").len(), 3);
    let same = SameItem { id: "new".into(), key: 99, content: 5 };
    variant_of_ten.rename_items(None, |key, _| (key == 1).then_some(&same));
    assert_eq!(variant_of_ten.id("exact", 1), Some("new"));
    assert_eq!(variant_of_ten.items().nth(1), Some((99, 5)));
    let mut run =
        RunScores { scores: vec![variant_of_ten.clone()], usage: vec![variant_of_ten.clone()] };
    let mut few = Variant::new("plain", "small");
    for key in [99, 3] {
        few.push(&key.to_string(), "exact", AnswerScore::default(), &item(key));
    }
    run.keep_items_of(&RunScores { scores: vec![few], usage: vec![] });
    for variant in run.scores.iter().chain(&run.usage) {
        assert_eq!([0, 1].map(|at| variant.id("exact", at)), [Some("new"), Some("i3")]);
        assert_eq!(variant.items().collect::<Vec<_>>(), [(99, 5), (3, 0)]);
    }
}
