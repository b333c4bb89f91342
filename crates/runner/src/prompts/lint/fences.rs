//! Input that a prompt does not mark the ends of: a model cannot tell it from instructions.
//!
//! Marked is what stands within a fenced block (three backticks, tildes or quotes), between two equal lines of `###`,
//! `===` or `---`, or between a tag and its end, such as `<message>` and `</message>`; and what is a message by itself.

use std::sync::LazyLock;

use evalmark_core::prompt_library::{LibraryPrompt, PromptMessage, VariableType};
use evalmark_report::finding::FindingRule;
use regex::Regex;

use super::{finding::Found, variables::used_in};

/// What begins and ends a block.
const FENCES: [&str; 4] = ["```", "~~~", "\"\"\"", "'''"];

/// A line that divides parts of a text.
const RULES: [&str; 3] = ["###", "===", "---"];

/// An expression whose value becomes text.
static EXPRESSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)\{\{.*?\}\}").ok());

/// A tag that begins or ends something.
static TAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"<(/?)([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>").ok());

/// Places where input stands without a fence.
pub(super) fn missing(prompt: &LibraryPrompt) -> Vec<Found> {
    let variables = &prompt.file.front_matter.variables;
    let is_input = |name: &String| {
        variables.get(name).is_none_or(|variable| {
            let kind = variable.kind;
            let is_text =
                matches!(kind, VariableType::String | VariableType::List | VariableType::Object);
            is_text && !variable.trusted
        })
    };
    let mut found = Vec::new();
    for message in &prompt.file.messages {
        for (at, expression) in expressions(&message.text) {
            let names: Vec<_> = used_in(expression).into_iter().filter(is_input).collect();
            if names.is_empty() || is_alone(message, expression) || is_fenced(&message.text, at) {
                continue;
            }
            let line = message.line + message.text[..at].matches('\n').count() as u64;
            let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("{} stands in the text without a fence", quoted.join(" and "));
            let tag = &names[0];
            let hint = format!(
                "write `<{tag}>{{{{ {tag} }}}}</{tag}>`, or declare it as `trusted: true` if its text is your own"
            );
            found.push(Found::at(FindingRule::UnfencedInput, prompt, line, message).hint(hint));
        }
    }
    found
}

fn expressions(text: &str) -> Vec<(usize, &str)> {
    let found = EXPRESSION.iter().flat_map(|pattern| pattern.find_iter(text));
    found.map(|found| (found.start(), found.as_str())).collect()
}

/// Whether a message of a user is nothing but this.
fn is_alone(message: &PromptMessage, expression: &str) -> bool {
    message.role == "user" && message.text.trim() == expression
}

/// Whether what stands at `at` is within a fence that ends behind it.
fn is_fenced(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let within = |fence: &&str| before.matches(*fence).count() % 2 == 1 && after.contains(*fence);
    let lines = |text: &str, rule: &str| text.lines().filter(|line| is_rule(line, rule)).count();
    let between = |rule: &&str| lines(before, rule) % 2 == 1 && lines(after, rule) > 0;
    FENCES.iter().any(within) || RULES.iter().any(between) || is_tagged(before, after)
}

/// Whether a line is this rule, perhaps longer.
fn is_rule(line: &str, rule: &str) -> bool {
    let line = line.trim();
    line.len() >= rule.len() && line.chars().all(|c| rule.starts_with(c))
}

/// Whether a tag that was opened before is closed behind.
fn is_tagged(before: &str, after: &str) -> bool {
    let Some(tag) = &*TAG else { return false };
    let mut open: Vec<&str> = Vec::new();
    for found in tag.captures_iter(before) {
        let (Some(slash), Some(name)) = (found.get(1), found.get(2)) else { continue };
        if slash.is_empty() {
            open.push(name.as_str());
        } else if let Some(begun) = open.iter().rposition(|begun| *begun == name.as_str()) {
            open.truncate(begun);
        }
    }
    open.iter().any(|name| after.contains(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::is_fenced;

    #[test]
    fn fences_are_seen() {
        let check = |text: &str, expected: bool| {
            let at = text.find("{{").expect("an expression");
            assert_eq!(is_fenced(text, at), expected, "{text:?}");
        };
        check("Say: {{ x }}", false);
        check("Say: \"{{ x }}\"", false);
        check("<message>{{ x }}</message>", true);
        check("<message id=\"1\">\n{{ x }}\n</message>", true);
        check("<message></message>{{ x }}</message>", false);
        check("<a><b></b>{{ x }}</a>", true);
        check("<b>{{ x }}", false);
        check("```\n{{ x }}\n```", true);
        check("```\ncode\n```\n{{ x }}", false);
        check("\"\"\"{{ x }}\"\"\"", true);
        check("###\n{{ x }}\n###", true);
        check("### Text\n{{ x }}", false);
        check("-----\n{{ x }}\n-----\n", true);
    }
}
