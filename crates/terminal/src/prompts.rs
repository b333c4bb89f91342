//! The library of prompts: its list, one of its prompts, rendered, and what is to be said of them.

use evalmark_core::{
    number_format::{NONE, counted},
    policy::Consequence,
    prompt_library::{LibraryPrompt, PromptLibrary},
};
use evalmark_report::{
    finding::Finding,
    safe_text::{printable, printable_line},
};
use evalmark_runner::{RenderedPrompt, TokenCount};

use crate::{Screen, Tone, grid::Grid};

/// Digits of a hash that people read.
const SHORT_HASH: usize = 12;

/// The prompts as a table, and below it what is wrong with files that are none.
pub fn list(library: &PromptLibrary, screen: Screen) -> String {
    let header = ["prompt", "description", "owner", "tags", "hash"];
    let row = |prompt: &LibraryPrompt| {
        let said = &prompt.file.front_matter;
        let told = |text: Option<&str>| text.map_or_else(|| NONE.to_owned(), line);
        let tags = Some(said.tags.join(", ")).filter(|tags| !tags.is_empty());
        vec![
            line(&prompt.name),
            told(said.description.as_deref()),
            told(said.owner.as_deref()),
            told(tags.as_deref()),
            short(&prompt.hash),
        ]
    };
    let mut lines = Vec::new();
    if library.prompts.is_empty() {
        let folder = library.folder.display().to_string();
        lines.push(format!("{} holds no file with front matter", line(&folder)));
    } else {
        let rows = library.prompts.iter().map(row).collect();
        let grid =
            Grid { header: header.map(str::to_owned).to_vec(), rows, n_names: 5, ruled: false };
        lines.push(grid.render(screen.columns));
    }
    for wrong in &library.mistakes {
        for mistake in &wrong.list {
            let place = format!("{}:{}", wrong.path.display(), mistake.position.line.max(1));
            let told = format!("{}: {}", line(&place), line(&mistake.message));
            lines.extend(screen.wrap("", &told));
        }
    }
    lines.join("\n")
}

/// A prompt: what its file says of it, and its text.
pub fn one(prompt: &LibraryPrompt, tokens: &[TokenCount], screen: Screen) -> String {
    let said = &prompt.file.front_matter;
    let mut facts = vec![
        ("file", Some(prompt.path.display().to_string())),
        ("hash", Some(prompt.hash.to_string())),
        ("description", said.description.clone()),
        ("owner", said.owner.clone()),
        ("tags", Some(said.tags.join(", ")).filter(|tags| !tags.is_empty())),
        ("provider", said.provider.clone()),
        ("model", said.model.clone()),
        ("data class", said.data_class.clone()),
    ];
    if !said.parameters.is_empty() {
        let parameters = said.parameters.iter().map(|(name, value)| format!("{name} {value}"));
        facts.push(("parameters", Some(parameters.collect::<Vec<_>>().join(", "))));
    }
    let included = prompt.content.included.keys().cloned().collect::<Vec<_>>().join(", ");
    facts.push(("includes", Some(included).filter(|names| !names.is_empty())));
    let mut lines = vec![screen.paint(Tone::Strong, &line(&prompt.name))];
    for (name, fact) in facts {
        let Some(fact) = fact else { continue };
        lines.extend(screen.wrap("  ", &format!("{name}: {}", line(&fact))));
    }
    for (name, variable) in &said.variables {
        let about = variable.description.as_deref().map_or(String::new(), |d| format!(": {d}"));
        let told = format!("variable {name} ({}){about}", variable.kind.as_str());
        lines.extend(screen.wrap("  ", &line(&told)));
    }
    for count in tokens {
        let of_model = count.model.as_deref().map(|name| format!(" for {}", line(name)));
        let told = format!("tokens: {}{}", count.words(), of_model.unwrap_or_default());
        lines.extend(screen.wrap("  ", &told));
    }
    let messages = prompt.content.messages.iter();
    lines.extend(messages.map(|(role, text)| message(role, text, screen)));
    lines.join("\n")
}

/// A prompt as a model would read it.
pub fn rendered(prompt: &RenderedPrompt, screen: Screen) -> String {
    let messages = prompt.messages.iter().map(|(role, text)| message(role, text, screen));
    messages.collect::<Vec<_>>().join("\n").trim_start().to_owned()
}

/// What filled it, in a sentence.
pub fn filled_with(prompt: &RenderedPrompt) -> String {
    let item = prompt.item.as_ref().map(|item| format!("the item {}", line(item)));
    let examples = prompt.examples.iter().map(|name| format!("`{}`", line(name)));
    let examples = examples.collect::<Vec<_>>().join(", ");
    let examples = (!examples.is_empty()).then(|| format!("the examples of {examples}"));
    let tokens = prompt.tokens.words();
    let with: Vec<_> = item.into_iter().chain(examples).collect();
    match with.as_slice() {
        [] => tokens,
        with => format!("filled with {}; {tokens}", with.join(" and ")),
    }
}

/// What is to be said of prompts, a line each, and how much of it there is.
pub fn findings(found: &[Finding], n_prompts: usize, screen: Screen) -> String {
    let mut lines: Vec<_> = found.iter().flat_map(|finding| told(finding, screen)).collect();
    let failures = found.iter().filter(|finding| finding.consequence.fails()).count();
    let checked = counted(n_prompts as u64, "prompt");
    let (errors, warnings) = (failures as u64, (found.len() - failures) as u64);
    lines.push(match (errors, warnings) {
        (0, 0) => format!("{checked}: nothing to say"),
        (errors, 0) => format!("{checked}: {}", counted(errors, "error")),
        (0, warnings) => format!("{checked}: {}", counted(warnings, "warning")),
        (errors, warnings) => {
            format!("{checked}: {}, {}", counted(errors, "error"), counted(warnings, "warning"))
        }
    });
    lines.join("\n")
}

fn told(finding: &Finding, screen: Screen) -> Vec<String> {
    let (word, tone) = match finding.consequence {
        Consequence::Failure | Consequence::NoVerdict => ("error", Tone::Bad),
        Consequence::Warning | Consequence::Notice | Consequence::Pass => ("warning", Tone::Unsure),
    };
    let place = finding.place.as_ref();
    let place = place.map_or(String::new(), |place| format!("{}:{}: ", place.path, place.line));
    let mut says = finding.message.iter();
    let first = says.next().map_or("", String::as_str);
    let word = screen.paint(tone, word);
    let mut lines = vec![format!("{}{word}[{}]: {}", line(&place), finding.rule.id(), line(first))];
    lines.extend(says.flat_map(|more| screen.wrap("    ", &line(more))));
    lines
}

fn message(role: &str, text: &str, screen: Screen) -> String {
    format!("\n{}\n{}", screen.paint(Tone::Faint, &format!("[{role}]")), printable(text))
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}
