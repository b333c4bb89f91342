//! The prompt of a first suite: what is asked of the model, with the dataset's columns in it.

use evalmark_report::safe_text::printable_line;

use super::{
    column_profile::{ChatKeys, ColumnProfile, DatasetColumns},
    roles::ColumnRoles,
    target_shape::TargetShape,
    yaml_text::{literal, quoted_json, variable},
};

/// A prompt's file.
pub(super) struct PromptFile {
    pub(super) ending: &'static str,
    pub(super) text: String,
}

/// Roles that a chat of a suite can have.
const ROLES: [&str; 4] = ["system", "developer", "user", "assistant"];

/// The letter of an option in a loop over all.
const LETTER: &str = "{{ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0:loop.index] }})";

/// Numbers that are listed as what an answer may be.
const MOST_NUMBERS: usize = 10;

/// The prompt that asks for right answers of this shape.
pub(super) fn prompt_file(
    columns: &DatasetColumns,
    roles: &ColumnRoles,
    shape: &TargetShape,
) -> PromptFile {
    let chat = roles.chat.as_ref().and_then(|name| columns.column(name));
    match chat {
        Some(chat) => of_chat(chat, roles, shape, columns),
        None => PromptFile { ending: "j2", text: of_columns(columns, roles, shape) },
    }
}

/// What the answer must be, as a model is told; nothing for prose.
fn instruction(columns: &DatasetColumns, roles: &ColumnRoles, shape: &TargetShape) -> String {
    let target = columns.column(&roles.target);
    match shape {
        TargetShape::Classes(classes) => {
            let listed: Vec<_> =
                classes.iter().map(|class| format!("- {}", literal(class))).collect();
            format!(
                "Answer with exactly one of these labels, and nothing else:\n{}",
                listed.join("\n")
            )
        }
        TargetShape::Letter(_) => {
            "Answer with the letter of the right option, and nothing else.".to_owned()
        }
        TargetShape::Number { .. } => {
            let numbers = target.and_then(ColumnProfile::all_labels).unwrap_or_default();
            let repeats = target.is_some_and(|one| one.n_values >= 3 * one.n_distinct());
            if repeats && numbers.len() <= MOST_NUMBERS {
                format!(
                    "Answer with one of these numbers, and nothing else: {}",
                    numbers.join(", ")
                )
            } else {
                "Answer with the number, and nothing else.".to_owned()
            }
        }
        TargetShape::Json => {
            let keys: Vec<_> =
                target.map_or(&[][..], |one| &one.keys).iter().map(|key| literal(key)).collect();
            if keys.is_empty() {
                "Answer with JSON, and nothing else.".to_owned()
            } else {
                format!(
                    "Answer with one JSON object, and nothing else. Its keys: {}",
                    keys.join(", ")
                )
            }
        }
        TargetShape::ShortText => {
            "Answer in a few words, with the answer and nothing else.".to_owned()
        }
        TargetShape::Prose { .. } => String::new(),
    }
}

/// The columns, each with its name where there are several. A column that is called `prompt` says by
/// itself what is asked.
fn of_columns(columns: &DatasetColumns, roles: &ColumnRoles, shape: &TargetShape) -> String {
    if let [only] = &*roles.inputs
        && only.eq_ignore_ascii_case("prompt")
    {
        return format!("{}\n", shown(columns, only, shape));
    }
    let shows = |name: &String| {
        let value = shown(columns, name, shape);
        let is_long =
            columns.column(name).is_some_and(|one| one.has_line_breaks || one.n_lists > 0);
        let gap = if is_long { "\n" } else { " " };
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}:{gap}{value}", literal(&printable_line(&name)))
    };
    let body: Vec<_> = roles.inputs.iter().map(shows).collect();
    let instruction = instruction(columns, roles, shape);
    if instruction.is_empty() {
        return match &*roles.inputs {
            [only] => format!("{}\n", shown(columns, only, shape)),
            _ => format!("{}\n", body.join("\n\n")),
        };
    }
    format!("{instruction}\n\n{}\n", body.join("\n\n"))
}

/// A column's value: lists one element a line, with letters where one is asked for, objects as JSON, and
/// nothing where it is empty.
fn shown(columns: &DatasetColumns, name: &str, shape: &TargetShape) -> String {
    let variable = variable(name);
    let Some(column) = columns.column(name) else { return format!("{{{{ {variable} }}}}") };
    if column.n_objects > 0 {
        return format!("{{{{ {variable} | tojson }}}}");
    }
    if column.n_lists > 0 {
        let mark = if matches!(shape, TargetShape::Letter(_)) { LETTER } else { "-" };
        return format!("{{% for one in {variable} %}}{mark} {{{{ one }}}}\n{{% endfor %}}");
    }
    if column.is_full(columns.n_rows) {
        format!("{{{{ {variable} }}}}")
    } else {
        format!("{{{{ {variable} | default(\"\", true) }}}}")
    }
}

fn of_chat(
    chat: &ColumnProfile,
    roles: &ColumnRoles,
    shape: &TargetShape,
    columns: &DatasetColumns,
) -> PromptFile {
    let variable = variable(&chat.name);
    let keys = chat.chat.keys.unwrap_or(ChatKeys { role: "role", content: "content" });
    let ends_in_target = roles.target.starts_with(&format!("{}.", chat.name));
    let turns = chat.chat.roles.as_deref().unwrap_or_default();
    let asked = if ends_in_target { &turns[..turns.len().saturating_sub(1)] } else { turns };
    let names: Option<Vec<_>> = asked.iter().map(|role| role_of(role)).collect();
    let continues = matches!(shape, TargetShape::Prose { .. } | TargetShape::ShortText);
    if let Some(names) = names.filter(|names| continues && names.last() == Some(&"user")) {
        let message = |(at, role): (usize, &&str)| {
            let content = format!("{{{{ {variable}[{at}].{} }}}}", keys.content);
            format!("- role: {role}\n  content: {}\n", quoted_json(&content))
        };
        return PromptFile {
            ending: "yaml",
            text: names.iter().enumerate().map(message).collect(),
        };
    }
    let task = match instruction(columns, roles, shape) {
        _ if continues => {
            "Write the assistant's next message in this conversation, and nothing else.".to_owned()
        }
        task => format!("Read this conversation. {task}"),
    };
    let part = if ends_in_target { format!("{variable}[:-1]") } else { variable };
    let ChatKeys { role, content } = keys;
    PromptFile {
        ending: "j2",
        text: format!(
            "{task}\n\n{{% for message in {part} %}}{{{{ message.{role} }}}}: {{{{ message.{content} }}}}\n{{% endfor %}}"
        ),
    }
}

/// The role of a message in a suite's words.
fn role_of(role: &str) -> Option<&'static str> {
    let known = ROLES.into_iter().find(|known| *known == role);
    known.or(match role {
        "human" => Some("user"),
        "gpt" => Some("assistant"),
        _ => None,
    })
}
