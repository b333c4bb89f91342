//! What users of a product ask, day by day, and what they are answered.

use serde_json::json;

use crate::setup::scrambled;

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

/// What users ask in English.
const ENGLISH: [&str; 5] = [
    "Which colour does the lamp above the kitchen table have this evening?",
    "Please tell me what the light beside my bed looks like right now.",
    "The children would like to know how the lantern in the garden shines.",
    "Is anything lit in the hall, and if so, in which colour?",
    "What do I see when I switch on the old desk light upstairs?",
];

const GERMAN: [&str; 3] = [
    "Welche Farbe hat die Lampe über dem Küchentisch heute Abend?",
    "Sag mir bitte, wie das Licht neben meinem Bett gerade aussieht.",
    "Die Kinder möchten wissen, wie die Laterne im Garten leuchtet.",
];

pub(crate) const FRENCH: [&str; 3] = [
    "Quelle est la couleur de la lampe au-dessus de la table ce soir ?",
    "Dis-moi à quoi ressemble la lumière à côté de mon lit, s'il te plaît.",
    "Les enfants aimeraient savoir comment brille la lanterne du jardin.",
];

/// A day of production.
#[derive(Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) model: &'static str,
    /// Of ten answers, how many are sentences.
    pub(crate) chatty: u64,
    /// What three in ten users write.
    pub(crate) others: [&'static str; 3],
}

impl Traffic {
    pub(crate) const USUAL: Self = Self { model: "small-2026-05", chatty: 0, others: GERMAN };

    /// The lines of a day; a weekend has a third of the records, late in the day, and slower answers.
    pub(crate) fn lines(self, begin: u64, day: u64, prompt: &str) -> String {
        let is_weekend = day % 7 >= 5;
        let one = |i: u64| {
            let draw = |what: u64, n: u64| scrambled(day * 1000 + i * 7 + what * 1_000_003) % n;
            let hour = if is_weekend { 18 + draw(0, 6) } else { 8 + draw(0, 10) };
            let at = begin + day * DAY + hour * 3600 + draw(1, 3600);
            let text = if draw(2, 10) < 3 {
                one_of(&self.others, draw(3, 3))
            } else {
                one_of(&ENGLISH, draw(3, 5))
            };
            let out = if draw(4, 10) < self.chatty { "It is a lovely warm red!" } else { "red" };
            let line = json!({
                "id": format!("{day}-{i}"), "at": at, "in": text, "out": out, "model": self.model, "prompt": prompt,
                "stop": if draw(5, 50) == 0 { "length" } else { "stop" },
                "ms": 200 + draw(6, 300) + if is_weekend { 400 } else { 0 }, "user": draw(7, 500),
            });
            format!("{line}\n")
        };
        (0..if is_weekend { 40 } else { 120 }).map(one).collect()
    }
}

fn one_of(texts: &[&'static str], at: u64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| texts.get(at)).expect("a text")
}
