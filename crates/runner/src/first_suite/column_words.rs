//! What names of columns give away, in the languages that datasets are often labelled in.

/// Names of columns with right answers, the surest first.
const TARGETS: &[&str] = &[
    "target",
    "expected",
    "expected output",
    "expected answer",
    "expected label",
    "ground truth",
    "groundtruth",
    "gold",
    "golden",
    "gold answer",
    "gold label",
    "reference",
    "reference answer",
    "ideal",
    "correct answer",
    "correct",
    "right answer",
    "best answer",
    "true label",
    "y true",
    "solution",
    "label",
    "labels",
    "class",
    "category",
    "intent",
    "sentiment",
    "topic",
    "answer",
    "answers",
    "response",
    "completion",
    "output",
    "chosen",
    "summary",
    "translation",
    "réponse attendue",
    "reponse attendue",
    "étiquette",
    "catégorie",
    "réponse",
    "erwartet",
    "erwartete antwort",
    "kategorie",
    "klasse",
    "antwort",
    "esperado",
    "respuesta esperada",
    "respuesta",
    "etiqueta",
    "categoría",
    "y",
];

/// Of those, the names of classes.
const CLASSES: &[&str] = &[
    "label",
    "labels",
    "class",
    "category",
    "intent",
    "sentiment",
    "topic",
    "expected label",
    "gold label",
    "étiquette",
    "catégorie",
    "kategorie",
    "klasse",
    "etiqueta",
    "categoría",
    "type",
];

/// Names of columns with what a model is asked, the surest first.
const INPUTS: &[&str] = &[
    "prompt",
    "question",
    "input",
    "query",
    "text",
    "message",
    "instruction",
    "problem",
    "utterance",
    "sentence",
    "review",
    "comment",
    "ticket",
    "email",
    "request",
    "content",
    "body",
    "document",
    "article",
    "passage",
    "context",
    "title",
    "subject",
    "description",
    "source text",
    "user",
    "frage",
    "anfrage",
    "nachricht",
    "texte",
    "contexte",
    "pregunta",
    "mensaje",
    "texto",
    "messages",
    "conversation",
    "conversations",
    "dialogue",
    "options",
    "choices",
    "premise",
    "hypothesis",
];

/// Names of columns with what a model answered.
const RECORDED: &[&str] = &[
    "model answer",
    "model output",
    "model response",
    "prediction",
    "predicted",
    "generated",
    "generation",
    "bot answer",
    "bot reply",
    "actual",
    "actual output",
    "llm output",
    "llm answer",
    "assistant",
    "output",
    "response",
    "completion",
    "answer",
];

/// Names of columns that hold what whoever knows the answer wrote about it.
const ABOUT_THE_ANSWER: &[&str] = &[
    "explanation",
    "rationale",
    "reasoning",
    "reason",
    "note",
    "notes",
    "annotator",
    "confidence",
    "score",
    "rating",
    "split",
    "source",
    "url",
    "date",
    "created at",
    "timestamp",
    "updated at",
    "comment of annotator",
    "rejected",
];

/// Names of columns whose equal values belong together.
const GROUPS: &[&str] = &[
    "customer",
    "user",
    "author",
    "session",
    "conversation",
    "thread",
    "account",
    "patient",
    "client",
    "speaker",
    "group",
    "cluster",
    "document",
    "doc",
    "subject",
    "household",
    "company",
];

/// Words that an id's name has.
const IDS: &[&str] =
    &["id", "uuid", "guid", "key", "number", "no", "nr", "index", "idx", "#", "qid"];

/// A column's name as words: `Expected_Label`, `expected.label` and `expectedLabel` are the same.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        let starts = c.is_uppercase() && was_lower;
        if (!c.is_alphanumeric() || starts) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else if c == '#' {
            words.push("#".to_owned());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The place of a name in a list; `None` where it is not there.
fn place(name: &str, list: &[&str]) -> Option<usize> {
    let name = words(name).join(" ");
    list.iter().position(|known| *known == name)
}

/// How surely a name is that of right answers; 0 is the surest.
pub(super) fn target_rank(name: &str) -> Option<usize> {
    place(name, TARGETS)
}

/// Whether a name is that of classes.
pub(super) fn names_classes(name: &str) -> bool {
    place(name, CLASSES).is_some()
}

/// How surely a name is that of what is asked; 0 is the surest.
pub(super) fn input_rank(name: &str) -> Option<usize> {
    place(name, INPUTS)
}

/// Whether a name is that of a model's answers.
pub(super) fn names_recorded(name: &str) -> bool {
    let parts = words(name);
    let begins = parts.first().is_some_and(|first| first == "answer" || first == "output");
    place(name, RECORDED).is_some() || (begins && parts.len() > 1)
}

/// Whether a name is that of one option of a question: `A`, `option_b`, `Choice C`.
pub(super) fn names_option(name: &str) -> bool {
    let is_letter = |word: &str| matches!(word.as_bytes(), [b'a'..=b'j' | b'A'..=b'J']);
    match words(name).as_slice() {
        [letter] => is_letter(letter),
        [kind, letter] => {
            is_letter(letter) && ["option", "choice", "answer", "antwort"].contains(&kind.as_str())
        }
        _ => false,
    }
}

/// Whether a name is that of remarks, which a prompt should not see.
pub(super) fn names_remarks(name: &str) -> bool {
    place(name, ABOUT_THE_ANSWER).is_some()
}

/// Whether a name is that of a group: `customer`, `customer_id`.
pub(super) fn names_group(name: &str) -> bool {
    let parts = words(name);
    let last_is_id =
        parts.len() > 1 && parts.last().is_some_and(|word| IDS.contains(&word.as_str()));
    let group = if last_is_id { &parts[..parts.len() - 1] } else { &parts[..] };
    GROUPS.contains(&group.join(" ").as_str())
}

/// Whether a name is that of an id.
pub(super) fn names_id(name: &str) -> bool {
    let parts = words(name);
    let ends = parts.last().is_some_and(|word| IDS.contains(&word.as_str()));
    ends || (parts.len() == 1 && parts[0].len() > 2 && parts[0].ends_with("id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_words() {
        let check = |name: &str, expected: &[&str]| assert_eq!(words(name), expected, "{name}");
        check("expected.label", &["expected", "label"]);
        check("ExpectedLabel", &["expected", "label"]);
        check("Ticket #", &["ticket", "#"]);
        check("réponse attendue", &["réponse", "attendue"]);
        check("ID", &["id"]);
    }

    #[test]
    fn names_give_away_what_columns_hold() {
        assert!(names_id("Ticket #") && names_id("ticket_id") && names_id("itemid"));
        assert!(!names_id("valid text") && !names_id("paid out"));
        assert!(names_group("customer_id") && names_group("Session") && !names_group("item id"));
        assert!(target_rank("expected.label") < target_rank("answer"));
        assert!(names_recorded("model_answer") && names_recorded("answer_few_shot"));
        assert!(names_option("A") && names_option("option_b") && names_option("Choice C"));
        assert!(!names_option("K") && !names_option("plan a") && !names_option("answer"));
        assert!(input_rank("prompt").is_some() && input_rank("label").is_none());
    }
}
