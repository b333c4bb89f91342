//! The example suites and the scores of their answers.

use super::Example;

pub(super) const EXAMPLES: [&Example; 14] = [
    &MATCHING,
    &PRESETS,
    &CHOICES,
    &FUZZY,
    &OVERLAP,
    &CLASSIFICATION,
    &PROBABILITIES,
    &STRUCTURE,
    &JUDGED,
    &BEHAVIOUR,
    &USAGE,
    &COMBINING,
    &CUSTOM,
    &SWEEP,
];

pub(super) const MATCHING: Example = Example {
    suite: "examples/matching",
    code: 0,
    scores: &[
        ("exact", "1 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("exact, normalised", "1 1 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("includes", "1 1 1 0 1 1 1 0 0 0 1 0 1 0 1"),
        ("includes, word", "1 1 1 0 1 0 0 0 0 0 1 0 1 0 1"),
        ("begins", "1 0 0 0 0 0 0 0 0 0 0 0 0 0 1"),
        ("ends", "1 1 0 0 1 0 0 0 0 0 1 0 0 0 0"),
        ("names a unit", "0 0 1 0 0 0 0 1 0 1 0 0 1 0 0"),
        ("sure", "1 1 1 1 1 1 1 1 1 0 0 0 1 1 1"),
        ("letter", "0 0 0 1 0 0 0 0 0 0 0 0 0 0 0"),
        ("choice", "1 1 1 1 1 0! 0! 0! 0! 0! 0! 0! 1 0 1"),
        ("figure", "1 0 0 0 0 1 0 0 0 0 0 0 0 0 0"),
        ("declared", "0! 0! 0! 0! 1 0! 0! 0! 0! 0! 0! 0! 0! 0 0!"),
        ("number", "1 1 0 0! 1 0 0 1 0 0 1 0! 0 0! 1"),
        ("number, first", "1 1 1 0! 1 0 1 1 0 0 0 0! 0 0! 1"),
        ("number, near", "1 1 0 0! 1 0 0 1 0 1 1 0! 0 0! 1"),
        ("number, marked", "1 1 0 0! 1 0 0 1 1 0 1 0! 1 0! 1"),
    ],
    values: &[],
};

pub(super) const PRESETS: Example = Example {
    suite: "examples/presets",
    code: 0,
    scores: &[
        ("squad", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("squad f1", "1 1 0.6667 0.3333 0.6667 0.4 1 1 0.8 1 0 0.5"),
        ("lm-eval", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("lm-eval, flags", "1 1 0 0 1 0 1 1 0 1 0 0"),
        ("helm exact", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("helm quasi", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("helm quasi with articles", "1 0 0 0 0 0 1 1 0 1 0 0"),
        ("helm prefix", "1 0 1 0 0 0 0 0 0 0 0 0"),
        ("helm quasi prefix", "1 1 1 0 0 0 1 1 0 1 0 1"),
        ("helm f1", "1 1 0.6667 0.3333 0.6667 0.4 1 1 1 1 0 0.5"),
        ("helm final number", "0 0 1 0 0 1 1 0 0 0 0 0"),
        ("helm indicator", "1 0 0 0 1 0 0 0 0 0 0 0"),
        ("inspect exact", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("inspect f1", "1 1 0.67 0.33 0.67 0.4 1 1 0.8 1 0 0.5"),
        ("inspect match", "1 0 0 1 1 0 0 1 1 1 0 0"),
        ("inspect match, numeric", "1 0 1 1 1 1 1 0 1 1 1 1"),
        ("inspect includes", "1 0 1 1 1 0 0 0 1 1 1 1"),
        ("inspect pattern", "0 0 0 0 1 0 0 0 0 0 0 0"),
        ("inspect answer", "0 0 0 0 1 0 0 0 0 0 0 0"),
        ("promptfoo", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("own", "1 1 0 0 0 0 0 0 0 1 0 0"),
    ],
    values: &[],
};

pub(super) const CHOICES: Example = Example {
    suite: "examples/choices",
    code: 0,
    scores: &[
        ("inspect choice", "1 1 1 0 0 0 1 0"),
        ("inspect letter", "1 1 0 0 0 0 0 0"),
        ("inspect includes", "1 1 1 1 1 1 1 1"),
        ("helm exact", "0 0 0 1 0 0 0 0"),
        ("lm-eval, flags", "1 1 0 1 0 0 1 0"),
        ("own", "1 1 1 1 1 0! 1 0!"),
    ],
    values: &[],
};

pub(super) const FUZZY: Example = Example {
    suite: "examples/fuzzy",
    code: 0,
    scores: &[
        ("levenshtein", "1 0.8889 0.8571 0.5714 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("osa", "1 0.8889 0.9286 0.5714 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("damerau", "1 0.8889 0.9286 0.7143 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("indel", "1 0.8889 0.9286 0.7692 0.9565 0.9565 0.5385 0.6667 0.8 0.7 0.25"),
        ("lcs", "1 0.8889 0.9286 0.7143 0.9167 0.9167 0.5385 0.5 0.8 0.5385 0.25"),
        ("hamming", "1 0.8889 0.8571 0.1429 0.9167 0 0.0769 0 0.8 0.5385 0.125"),
        ("jaro", "1 0.9259 0.9762 0.8968 0.9722 0.9722 0.5897 0.5167 0.8667 0.8462 0.5"),
        ("jaro-winkler", "1 0.9556 0.9857 0.9071 0.9833 0.9722 0.5897 0.5167 0.8667 0.9077 0.5"),
        ("dice", "1 0.7143 0.75 0.3636 0.9474 0.9474 0.9091 0.6667 0.625 0.7059 0"),
        ("partial", "1 0.8889 0.9286 0.8 1 1 0.7 1 0.8421 1 0.3636"),
        ("sorted", "1 0.8889 0.9286 0.7692 0.9565 0.4348 1 0.6667 0.8 0.7 0.25"),
        ("set", "1 0.8889 0.9286 0.7692 0.9565 0.9565 1 1 0.8 1 0.25"),
        ("near enough", "1 1 1 0 1 1 0 0 1 0 0"),
    ],
    values: &[],
};

pub(super) const OVERLAP: Example = Example {
    suite: "examples/overlap",
    code: 0,
    scores: &[
        ("f1", "1 1 1 0.8 0.6154 0.5 0.5 0 0.5 1 1"),
        ("bleu", "100 64.3187 38.2603 70.7107 29.2564 22.4075 19.3049 4.7677 13.8881 100 90.1109"),
        (
            "bleu, lower case",
            "100 84.6482 86.6025 81.0093 33.5826 32.219 47.1405 11.1111 39.5285 100 100",
        ),
        ("chrf", "100 91.0697 82.6828 69.8729 49.699 72.2331 78.477 12.095 71.7891 100 96.7775"),
        (
            "chrf++",
            "100 86.1445 76.7443 72.2737 49.3245 70.3103 69.6911 10.7917 63.4448 100 97.5831",
        ),
        ("ter", "0 0 14.2857 14.2857 54.5455 180 40 133.3333 42.8571 0 7.1429"),
        ("wer", "0 0.3333 0.8571 0.1429 0.6364 2 0.4 1.3333 0.4286 0 0.8462"),
        ("wer, normalised", "0 0 0.5714 0.1429 0.5455 1.8 0.4 1.3333 0.4286 0 0.8571"),
        ("cer", "0 0.0714 0.525 0.2162 0.5254 1.6364 0.0938 0.7692 0.0952 0 0.7432"),
        ("rouge-1", "1 1 1 0.8571 0.625 0.5263 0.6 0 0.5714 1 1"),
        ("rouge-1, stems", "1 1 1 0.8571 0.625 0.5263 1 0 0.5714 1 1"),
        ("rouge-1, recall", "1 1 1 0.8571 0.4545 1 0.6 0 0.5714 1 1"),
        ("rouge-2", "1 1 0.8333 0.8333 0.5714 0.4706 0.25 0 0.1667 1 0.9231"),
        ("rouge-l", "1 1 0.7143 0.8571 0.625 0.5263 0.6 0 0.5714 1 0.5714"),
        ("rouge-lsum", "1 1 0.7143 0.8571 0.625 0.5263 0.6 0 0.5714 1 1"),
    ],
    values: &[
        ("bleu", "bleu", "55.1293"),
        ("chrf", "chrf", "75.4142"),
        ("chrf++", "chrf", "73.5881"),
        ("ter", "ter", "38.0368"),
        ("wer", "wer", "0.6173"),
        ("cer", "cer", "0.4492"),
    ],
};

pub(super) const CLASSIFICATION: Example = Example {
    suite: "examples/classification",
    code: 0,
    scores: &[
        ("label", "1 1 0 0 1 0 1 0! 1 1 0 0! 1 1 0 0!"),
        ("macro f1", "1 1 0 0 1 0 1 1 1 1 0 0! 1 1 0 0!"),
        ("urgent ones found", "1 1 0 0 1 0 1 1 1 1 0 0! 1 1 0 0!"),
        ("agreement", "1 1 0 0 1 0 1 1 1 1 0 0 1 1 0 0!"),
    ],
    values: &[
        ("label", "accuracy", "0.5"),
        ("label", "n_invalid", "3"),
        ("macro f1", "macro_f1", "0.5952"),
        ("macro f1", "precision.urgent", "0.6667"),
        ("urgent ones found", "recall.urgent", "0.5"),
        ("agreement", "quadratic_kappa", "0.4945"),
    ],
};

pub(super) const PROBABILITIES: Example = Example {
    suite: "examples/probabilities",
    code: 0,
    scores: &[
        ("brier", "0.01 0.04 0.09 0.36 0.81 0.0025 0.04 0.16 0.2025 1 0"),
        ("log loss", "0.1054 0.2231 0.3567 0.9163 2.3026 0.0513 0.2231 0.5108 0.5978 36.0437 0"),
        ("roc auc", "0.9 0.8 0.7 0.4 0.1 0.95 0.8 0.6 0.55 0 1"),
    ],
    values: &[("roc auc", "roc_auc", "0.6833")],
};

pub(super) const STRUCTURE: Example = Example {
    suite: "examples/structure",
    code: 0,
    scores: &[
        ("json", "1 1 1 1 1 1 1 1 1 1 1 0"),
        ("schema", "1 1 1 1 1 1 1 1 1 0 1 0!"),
        ("ticket", "1 1 1 0 0 1 1 1 1 0 1 0!"),
        ("fields", "1 1 1 1 0.8889 1 1 1 1 1 1 0!"),
        ("call", "1 1 1 1 1 0 1 1 1 1 1 0!"),
        ("sql", "1 1 1 1 0 1 1 1 1 1 1 0!"),
        ("yaml", "1 1 1 1 1 1 0 1 1 1 1 0!"),
        ("xml", "1 1 1 1 1 1 1 0 1 1 1 0!"),
        ("code", "1 1 1 1 1 1 1 1 0 1 1 0!"),
    ],
    values: &[],
};

/// What `opinion` makes of the replies.
pub(super) const JUDGED: Example = Example {
    suite: "judged",
    code: 0,
    scores: &[
        ("helpful", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
        ("better", "1 1 0 1 1 0 1 1 1 0 1 1"),
        ("facts", "1 1 0 1 1 0 0.3333 1 0.25 0 1 1"),
        ("same", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
        ("meaning", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
    ],
    values: &[],
};

pub(super) const BEHAVIOUR: Example = Example {
    suite: "examples/behaviour",
    code: 0,
    scores: &[
        ("words", "17 18 16 20 17 19 18 20 18 16 18 2"),
        ("brief", "1 1 1 1 1 1 1 1 1 1 1 0"),
        ("answers", "1 1 0 1 1 1 1 1 1 1 1 1"),
        ("polite", "1 1 1 1 1 1 0 1 1 1 1 1"),
        ("private", "1 1 1 0 0 1 1 1 1 1 1 1"),
        ("language", "1 1 1 1 1 1 1 1 0 1 1 1"),
        ("repeats", "0 0 0 0 0 0.5882 0 0 0 0 0 0"),
    ],
    values: &[],
};

/// 351, 349 and 335 tokens in and 2 out, at 0.15 and 0.60 dollars a million.
pub(super) const USAGE: Example = Example {
    suite: "examples/usage",
    code: 0,
    scores: &[
        ("latency", "35.231 141.279 72.718 108.503 …"),
        ("fast", "1 0 1 0 …"),
        ("cost", "5.385e-5 5.355e-5 5.145e-5 …"),
        ("tokens", "2 2 2 …"),
    ],
    values: &[],
};

/// One row has no check of its own, and one of its metrics is missing with it.
pub(super) const COMBINING: Example = Example {
    suite: "examples/combining",
    code: 4,
    scores: &[
        ("right and polite", "1 1 0 0"),
        ("some help", "1 1 0 -"),
        ("overall", "1 1 0.25 0"),
        ("own check", "1 1 0 -"),
    ],
    values: &[],
};

pub(super) const CUSTOM: Example = Example {
    suite: "examples/custom",
    code: 0,
    scores: &[("brief", "1 1 1 0!"), ("intent or apology", "1 1 0 1"), ("polite", "1 1 1 0")],
    values: &[],
};

/// Two prompts with two models each, whose answers are the same whatever the prompt.
pub(super) const SWEEP: Example = Example {
    suite: "examples/sweep",
    code: 0,
    scores: &[("exact", "1 0 1 0 1 1 1 1 1 0 1 0 1 1 1 1")],
    values: &[],
};
