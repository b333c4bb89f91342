//! What is planted in a dataset of ten thousand items is found: near duplicates, contradictory labels, leaks.

use std::{collections::HashSet, fmt::Write, fs};

use super::{
    options::DatasetOptions,
    validate::{FlawKind, NEAR, ValidateOptions, validate_dataset},
};
use crate::{Host, Notice, Notices, Permissions, Secrets};

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % n
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const OPENINGS: &[&str] = &[
    "Hello,",
    "Hi there,",
    "Good morning,",
    "I have a question:",
    "Please help me,",
    "Quick one:",
    "",
    "Dear team,",
    "Urgent:",
    "So,",
];
const SUBJECTS: &[&str] = &[
    "my order",
    "the parcel",
    "my card",
    "the last invoice",
    "my account",
    "the app",
    "a transfer",
    "my subscription",
    "the voucher",
    "my password",
    "the exchange rate",
    "a refund",
    "the delivery",
    "my address",
    "the top-up",
    "a direct debit",
    "the cash machine",
    "my new phone",
    "the statement",
];
const VERBS: &[&str] = &[
    "has not arrived since",
    "was charged twice on",
    "stopped working after",
    "is still pending from",
    "was declined at",
    "disappeared on",
    "shows the wrong amount for",
    "cannot be changed before",
    "was cancelled without a word on",
    "is blocked because of",
    "was sent to the wrong place on",
];
const TAILS: &[&str] = &[
    "last Monday",
    "the holidays",
    "the update",
    "a shop in Paris",
    "my trip to Spain",
    "the first of May",
    "yesterday evening",
    "the night shift",
    "my birthday",
    "the move",
    "two weeks ago",
    "the pandemic",
    "a phone call with your colleague",
    "the concert",
    "my wedding",
    "the conference in Oslo",
];
const ENDINGS: &[&str] = &[
    "What can I do?",
    "Who can help?",
    "Please tell me why.",
    "I am quite upset.",
    "Is that normal?",
    "Thanks a lot!",
    "How long will it take?",
    "Can you check?",
    "I need it soon.",
    "",
];

/// A name that nobody has heard of.
fn name(random: &mut Random) -> String {
    const SYLLABLES: &[&str] =
        &["ba", "ko", "lin", "mer", "tu", "sel", "dro", "fi", "gan", "vor", "pe", "xu"];
    (0..2 + random.below(2)).map(|_| random.pick(SYLLABLES)).collect()
}

fn text(random: &mut Random) -> String {
    let number = 1000 + random.below(900_000);
    let parts = [
        random.pick(OPENINGS).to_owned(),
        random.pick(SUBJECTS).to_owned(),
        random.pick(VERBS).to_owned(),
        random.pick(TAILS).to_owned(),
        format!("at {} {} in {} (case {number}).", name(random), name(random), name(random)),
        random.pick(ENDINGS).to_owned(),
    ];
    parts.join(" ").trim().to_owned()
}

/// The same text as somebody else would have typed it.
fn nearly(random: &mut Random, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    match random.below(4) {
        0 => return text.to_uppercase().replace(['.', ',', '?', '!'], " "),
        1 => return format!("{text} {}", random.pick(&["Regards", "Thanks", "Bye", "Best"])),
        2 => {
            let at = random.below(characters.len() - 1);
            characters.swap(at, at + 1);
        }
        _ => {
            let at = random.below(characters.len());
            characters.remove(at);
        }
    }
    characters.into_iter().collect()
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _: &str) -> Option<String> {
        None
    }
}

struct Found {
    near: HashSet<(String, String)>,
    conflicts: HashSet<(String, String)>,
    leaks: HashSet<String>,
}

fn recall_and_precision<T: Eq + std::hash::Hash>(
    planted: &HashSet<T>,
    found: &HashSet<T>,
) -> (f64, f64) {
    let right = planted.intersection(found).count() as f64;
    (right / planted.len() as f64, right / found.len().max(1) as f64)
}

/// How texts are made, and how somebody else would have written one of them.
struct Language {
    text: fn(&mut Random) -> String,
    nearly: fn(&mut Random, &str) -> String,
}

#[test]
fn what_is_planted_among_ten_thousand_items_is_found() {
    check(1, 10_000, &Language { text, nearly });
}

/// Texts of several sentences in another language, and other edits.
#[test]
fn what_is_planted_among_long_german_texts_is_found() {
    check(7, 3_000, &Language { text: german, nearly: nearly_german });
}

/// A report of a fault, in four to six sentences.
fn german(random: &mut Random) -> String {
    const THINGS: &[&str] =
        &["die Heizung", "der Aufzug", "das Tor", "die Pumpe", "der Zähler", "das Dach"];
    const FAULTS: &[&str] = &[
        "macht seit Tagen Geräusche",
        "bleibt immer wieder stehen",
        "verliert Wasser",
        "zeigt falsche Werte an",
        "lässt sich nicht mehr öffnen",
    ];
    const WISHES: &[&str] = &[
        "Bitte schicken Sie bald jemanden",
        "Wann kommt der Techniker",
        "Ich bitte um Rückruf",
        "Wer trägt die Kosten",
    ];
    let mut sentences = vec![format!(
        "In der {}straße {} hat {} gemeldet: {} {}.",
        name(random),
        1 + random.below(200),
        name(random),
        random.pick(THINGS),
        random.pick(FAULTS)
    )];
    for _ in 0..2 + random.below(3) {
        sentences.push(format!(
            "Herr {} aus {} sagt, {} bei {} {} ebenfalls, und zwar seit {} Uhr.",
            name(random),
            name(random),
            random.pick(THINGS),
            name(random),
            random.pick(FAULTS),
            1 + random.below(23)
        ));
    }
    let number = 10_000 + random.below(90_000);
    sentences.push(format!("{} (Vorgang {number}, {}).", random.pick(WISHES), name(random)));
    sentences.join(" ")
}

/// The same text as it comes out of another system.
fn nearly_german(random: &mut Random, text: &str) -> String {
    match random.below(5) {
        // Written without umlauts.
        0 => ["ä ae", "ö oe", "ü ue", "ß ss"].iter().fold(text.to_owned(), |text, pair| {
            pair.split_once(' ').map_or(text.clone(), |(from, to)| text.replace(from, to))
        }),
        // Broken into lines, and quoted.
        1 => format!("> {}", text.replace(". ", ".\n> ")),
        // One word less, anywhere.
        2 => {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.remove(random.below(words.len()));
            words.join(" ")
        }
        // Its sentences in another order.
        3 => {
            let mut sentences: Vec<&str> = text.split_inclusive(". ").map(str::trim).collect();
            sentences.rotate_left(1);
            sentences.join(" ")
        }
        _ => format!("Guten Tag, {text} MfG"),
    }
}

#[track_caller]
fn check(seed: u64, n: usize, language: &Language) {
    let mut random = Random(seed);
    let classes: Vec<String> = (0..20).map(|class| format!("class-{class}")).collect();
    let mut rows: Vec<(String, String, String)> = Vec::new();
    let mut planted =
        Found { near: HashSet::new(), conflicts: HashSet::new(), leaks: HashSet::new() };
    let mut train = Vec::new();
    let n_planted = n * 7 / 100;
    for at in 0..n - n_planted {
        let class = classes[random.below(20)].clone();
        rows.push((format!("i{at}"), (language.text)(&mut random), class));
    }
    for at in 0..n_planted {
        // Each original is used once.
        let (id, original, class) = rows[at * 13].clone();
        let copy = (language.nearly)(&mut random, &original);
        let new = format!("p{at}");
        if at * 7 < n_planted * 4 {
            planted.near.insert((id, new.clone()));
            rows.push((new, copy, class));
        } else if at * 14 < n_planted * 11 {
            let other = classes.iter().find(|other| **other != class).expect("another").clone();
            planted.conflicts.insert((id, new.clone()));
            rows.push((new, copy, other));
        } else {
            planted.leaks.insert(id);
            train.push(copy);
            let class = classes[random.below(20)].clone();
            rows.push((new, (language.text)(&mut random), class));
        }
    }
    train.extend((0..n / 20).map(|_| (language.text)(&mut random)));
    let found = look(&rows, &train);
    for (what, (recall, precision)) in [
        ("near duplicates", recall_and_precision(&planted.near, &found.near)),
        ("label conflicts", recall_and_precision(&planted.conflicts, &found.conflicts)),
        ("leaks", recall_and_precision(&planted.leaks, &found.leaks)),
    ] {
        assert!(recall >= 0.95 && precision >= 0.95, "{what}: {recall} and {precision}");
    }
}

fn look(rows: &[(String, String, String)], train: &[String]) -> Found {
    let folder = tempfile::tempdir().expect("a folder");
    let mut csv = "id,text,intent\n".to_owned();
    for (id, text, class) in rows {
        writeln!(csv, "{id},\"{text}\",{class}").expect("text");
    }
    fs::write(folder.path().join("test.csv"), csv).expect("written");
    let mut other = "text\n".to_owned();
    for text in train {
        writeln!(other, "\"{text}\"").expect("text");
    }
    fs::write(folder.path().join("train.csv"), other).expect("written");
    let options = ValidateOptions {
        dataset: DatasetOptions {
            of: folder.path().join("test.csv"),
            id: Some("id".to_owned()),
            target: Some("intent".to_owned()),
            ..DatasetOptions::default()
        },
        against: Some(DatasetOptions {
            of: folder.path().join("train.csv"),
            ..DatasetOptions::default()
        }),
        near: NEAR,
    };
    let permissions = Permissions::default();
    let hear = |_: &Notice<'_>| {};
    let host = Host::new(Notices::new(&hear), &NoSecrets, &permissions);
    let flaws = validate_dataset(&options, &host).expect("a dataset");
    let pairs = |kinds: &[FlawKind]| {
        let of_kind = flaws.flaws.iter().filter(|flaw| kinds.contains(&flaw.kind));
        of_kind.map(|flaw| (flaw.other_id.clone().expect("another"), flaw.id.clone())).collect()
    };
    let leaks = flaws.flaws.iter().filter(|flaw| flaw.kind == FlawKind::Leak);
    Found {
        near: pairs(&[FlawKind::Duplicate, FlawKind::NearDuplicate]),
        conflicts: pairs(&[FlawKind::LabelConflict]),
        leaks: leaks.map(|flaw| flaw.id.clone()).collect(),
    }
}
