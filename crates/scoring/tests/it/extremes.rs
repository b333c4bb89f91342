//! How far one answer could have moved the value of a whole run, and what an invalid one adds.

use evalmark_scoring::{Corpus, Metric};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{metric, score};

/// Values of `label` for which one answer is the worst, whatever the others are.
const OF_ANY_NUMBER: [&str; 8] = [
    "accuracy",
    "balanced_accuracy",
    "balanced_accuracy_adjusted",
    "micro_precision",
    "micro_recall",
    "micro_f1",
    "weighted_recall",
    "precision",
];

/// The same where there are but two classes.
const OF_TWO: [&str; 7] = [
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_f1",
    "recall",
    "f1",
];

fn label(names: &[&str], value: &str) -> Metric {
    let mut params = json!({"labels": names, "value": value});
    if ["precision", "recall", "f1"].contains(&value) {
        params["class"] = json!("a");
    }
    metric(&json!({ "label": params }))
}

fn value_with(corpus: &dyn Corpus, sums: &[f64], counts: &[f64]) -> Option<f64> {
    let mut sums = sums.to_vec();
    corpus.add(&mut sums, counts, 1.0);
    corpus.value(&sums)
}

/// Whether a run with any of `answers` to an item lies between one with the worst and one with the
/// best, as far as all are defined.
fn bounded(corpus: &dyn Corpus, sums: &[f64], known: &[f64], answers: &[Vec<f64>]) -> bool {
    let extremes = corpus.extremes(known).expect("extremes");
    let [worst, best] = extremes.map(|counts| value_with(corpus, sums, &counts));
    answers.iter().all(|counts| {
        let value = value_with(corpus, sums, counts);
        let is_above = |low: Option<f64>, high: Option<f64>| {
            low.zip(high).is_none_or(|(low, high)| low <= high + 1e-12)
        };
        is_above(worst, value) && is_above(value, best)
    })
}

proptest! {
    #[test]
    fn no_prediction_leaves_the_bounds(
        cells in prop::collection::vec(0_u8..4, 12),
        (truth, said) in (0_u8..3, 0_u8..4),
    ) {
        for names in [&["a", "b", "c"][..], &["a", "b"]] {
            let of_two: &[&str] = if names.len() == 2 { &OF_TWO } else { &["recall", "f1"] };
            let truth = f64::from(truth % u8::try_from(names.len()).expect("few"));
            for value in OF_ANY_NUMBER.iter().chain(of_two) {
                let metric = label(names, value);
                let corpus = metric.corpus().expect("a matrix");
                let sums: Vec<f64> =
                    cells.iter().take(corpus.width()).map(|&count| count.into()).collect();
                let answers: Vec<_> =
                    (0..=names.len()).map(|predicted| vec![truth, predicted as f64]).collect();
                let known = [truth, said.into()];
                prop_assert!(bounded(corpus, &sums, &known, &answers), "{} {:?}", value, sums);
            }
        }
    }

    #[test]
    fn no_forecast_leaves_the_bounds(
        run in prop::collection::vec((0_usize..3, prop::collection::vec(1_u8..100, 3)), 12),
        how in prop::sample::select(vec!["ovr", "ovo"]),
    ) {
        for names in [&["a", "b", "c"][..], &["a", "b"]] {
            let entry = json!({"roc_auc": {"labels": names, "multi_class": how}});
            let metric = metric(&entry);
            let corpus = metric.corpus().expect("a curve");
            let counts = |(truth, weights): &(usize, Vec<u8>)| {
                let weights: Vec<f64> =
                    weights.iter().take(names.len()).map(|&weight| weight.into()).collect();
                let total: f64 = weights.iter().sum();
                let answer: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
                let answer = serde_json::to_string(&answer).expect("a list");
                let truth = names[truth % names.len()];
                score(&entry, &answer, &[truth]).counts.expect("counts")
            };
            let counts: Vec<Vec<f64>> = run.iter().map(counts).collect();
            let mut sums = vec![0.0; corpus.width()];
            for counts in &counts[..8] {
                corpus.add(&mut sums, counts, 1.0);
            }
            for known in &counts[8..] {
                let same_truth = |other: &&Vec<f64>| other[0].to_bits() == known[0].to_bits();
                let answers: Vec<_> = counts.iter().filter(same_truth).cloned().collect();
                prop_assert!(bounded(corpus, &sums, known, &answers), "{} {:?}", entry, known);
            }
        }
    }
}

#[test]
fn values_without_a_worst_answer_tell_none() {
    for kind in ["bleu", "chrf", "ter", "wer", "cer"] {
        let metric = metric(&json!({ kind: {} }));
        let counts =
            metric.score(evalmark_scoring::Subject::of_texts("a b", &["a c".to_owned()])).counts;
        let corpus = metric.corpus().expect("a value of a run");
        assert_eq!(corpus.extremes(&counts.expect("counts")), None, "{kind}");
    }
}

/// An answer from which nothing can be extracted is 0 by itself, and so it must count in the run.
#[test]
fn an_invalid_answer_adds_as_much_as_an_empty_one() {
    let within = |kind: &str, more: Value| {
        let mut entry = json!({ kind: {}, "extract": {"regex": "is (.*)"} });
        entry
            .as_object_mut()
            .expect("an entry")
            .extend(more.as_object().cloned().unwrap_or_default());
        score(&entry, "no such thing", &["a good target", "another"])
    };
    for kind in ["bleu", "chrf"] {
        let empty = score(&json!({ kind: {} }), "", &["a good target", "another"]);
        let invalid = within(kind, json!({}));
        assert!(invalid.invalid && invalid.counts.is_some(), "{invalid:?}");
        assert_eq!((invalid.value, invalid.counts), (empty.value, empty.counts), "{kind}");
        assert_eq!(within(kind, json!({"invalid": "missing"})).counts, None, "{kind}");
    }
    for kind in ["ter", "wer", "cer"] {
        let invalid = within(kind, json!({}));
        assert_eq!((invalid.invalid, invalid.value, invalid.counts), (true, None, None), "{kind}");
    }
}

/// An answer without probabilities counts as invalid, and has no place on the curve.
#[test]
fn an_answer_without_probabilities_is_invalid() {
    let entry = json!({"roc_auc": {"labels": ["no", "yes"]}});
    for answer in ["", "yes", "1.5", "[0.1, 0.2]"] {
        let score = score(&entry, answer, &["yes"]);
        assert_eq!((score.invalid, score.value, score.passed), (true, Some(0.0), Some(false)));
        assert_eq!((score.counts, score.reason.is_some()), (None, true), "{answer:?}");
    }
}
