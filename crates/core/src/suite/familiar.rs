//! What someone who knows another tool writes in a suite, and what evalmark calls it.

/// Keys of other tools, each with the key of a suite that means the same.
const KEYS: [(&str, &str); 44] = [
    ("assert", "metrics"),
    ("assertions", "metrics"),
    ("cases", "dataset"),
    ("contains", "includes"),
    ("content", "template"),
    ("data", "dataset"),
    ("edit_distance", "fuzzy"),
    ("equals", "exact"),
    ("eval", "metrics"),
    ("evaluators", "metrics"),
    ("exact_match", "exact"),
    ("examples", "dataset"),
    ("expected", "target"),
    ("f1", "token_f1"),
    ("factuality", "judge_reference"),
    ("icontains", "includes"),
    ("is-json", "json_valid"),
    ("jaro_winkler", "fuzzy"),
    ("javascript", "command"),
    ("levenshtein", "fuzzy"),
    ("llm", "models"),
    ("llm-rubric", "judge"),
    ("llm_rubric", "judge"),
    ("match", "exact"),
    ("model", "models"),
    ("model_graded_qa", "judge_reference"),
    ("parameters", "params"),
    ("prompt", "template"),
    ("provider", "models"),
    ("providers", "models"),
    ("python", "command"),
    ("reference", "target"),
    ("rouge-n", "rouge"),
    ("rouge_l", "rouge"),
    ("scorers", "metrics"),
    ("similar", "semantic"),
    ("similarity", "semantic"),
    ("starts-with", "starts_with"),
    ("startswith", "starts_with"),
    ("target", "models"),
    ("targets", "models"),
    ("testcases", "dataset"),
    ("tests", "dataset"),
    ("text", "template"),
];

/// Lists of a suite, each with an item as it is written.
const ITEMS: [(&str, &str); 3] = [
    ("/metrics", "- { name: exact, exact: {} }"),
    ("/prompts", "- { name: plain, file: prompts/plain.j2 }"),
    ("/models", "- { name: small, provider: openai, model: gpt-4o-mini }"),
];

/// The key among `known` that means what other tools call `key`.
pub(super) fn known_as<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let key = key.to_lowercase();
    let means = |(theirs, ours): &(&str, &str)| {
        known.iter().map(String::as_str).find(|known| *theirs == key && known == ours)
    };
    KEYS.iter().find_map(means)
}

/// How an item of the list that `pointer` leads into is written.
pub(super) fn item_of(pointer: &str) -> Option<&'static str> {
    let (list, item) = pointer.rsplit_once('/')?;
    item.parse::<usize>().ok()?;
    ITEMS.iter().find(|(name, _)| *name == list).map(|(_, example)| *example)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_tools_are_known() {
        let check = |key: &str, known: &[&str], expected: Option<&str>| {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            assert_eq!(known_as(key, &known), expected, "{key}");
        };
        check("tests", &["name", "dataset", "metrics"], Some("dataset"));
        check("Providers", &["models"], Some("models"));
        check("text", &["name", "template", "file"], Some("template"));
        check("target", &["dataset", "models"], Some("models"));
        check("text", &["dataset"], None);
        check("colour", &["dataset"], None);
    }

    #[test]
    fn an_item_is_shown() {
        let check = |pointer: &str, expected: Option<&str>| {
            let found = item_of(pointer).map(|item| item.split(':').next().unwrap_or_default());
            assert_eq!(found, expected, "{pointer}");
        };
        check("/metrics/0", Some("- { name"));
        check("/prompts/12", Some("- { name"));
        check("/metrics", None);
        check("/metrics/0/exact", None);
        check("/gate/3", None);
        check("", None);
    }
}
