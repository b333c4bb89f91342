//! What a prompt's text should not hold: keys, personal data, and templates that do not compile.

use evalmark_core::{
    prompt_library::{LibraryPrompt, PromptLibrary},
    suite::holds_a_key,
    template::Template,
};
use evalmark_report::finding::FindingRule;
use evalmark_scoring::personal_data_in;

use super::finding::Found;

/// What is found in the texts of a prompt and of the files that it includes.
pub(super) fn held(prompt: &LibraryPrompt, library: &PromptLibrary) -> Vec<Found> {
    let mut found = Vec::new();
    for message in &prompt.file.messages {
        if let Err(error) = Template::compile_alone("the template", &message.text) {
            let error = error.moved(message.line);
            let line = error.line.map_or(message.line, |line| line as u64);
            found.push(Found::at(FindingRule::InvalidPrompt, prompt, line, error.message));
        }
        found.extend(in_text(&message.text, message.line, |rule, line, message| {
            Found::at(rule, prompt, line, message)
        }));
    }
    for name in &prompt.content.missing {
        let message = format!("the included file `{name}` is not in {}", library.folder.display());
        let hint =
            "files are named from the folder of prompts on, not from the file that includes them";
        found.push(Found::at(FindingRule::InvalidPrompt, prompt, 1, message).hint(hint));
    }
    for (name, text) in &prompt.content.included {
        let path = library.folder.join(name);
        if let Err(error) = Template::compile_alone(name, text) {
            let line = error.line.map_or(1, |line| line as u64);
            found.push(Found::in_file(FindingRule::InvalidPrompt, &path, line, error.message));
        }
        found.extend(in_text(text, 1, |rule, line, message| {
            Found::in_file(rule, &path, line, message)
        }));
    }
    found
}

/// Keys and personal data in a text that begins in line `first`. They are never repeated.
fn in_text(
    text: &str,
    first: u64,
    found: impl Fn(FindingRule, u64, String) -> Found,
) -> Vec<Found> {
    let mut all = Vec::new();
    for (line, number) in text.lines().zip(first..) {
        if holds_a_key(line) {
            let message = "this looks like a key".to_owned();
            let hint = "remove it; if it was real, revoke it";
            all.push(found(FindingRule::SecretInPrompt, number, message).hint(hint));
        }
        let kinds = personal_data_in(line);
        if !kinds.is_empty() {
            let message = format!("this looks like personal data: {}", kinds.join(", "));
            let hint = "write made-up data that cannot be anybody's, such as `name@example.com`";
            all.push(found(FindingRule::PersonalDataInPrompt, number, message).hint(hint));
        }
    }
    all
}
