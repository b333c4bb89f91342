//! One file of the library: front matter, and the text of one message or of a chat.

use super::front_matter::FrontMatter;
use crate::suite::{Mistake, Position, located::located_yaml, pointer_segment};

/// A file of the library that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptDocument {
    /// What it says of the prompt.
    pub front_matter: FrontMatter,
    /// What is said, at least one.
    pub messages: Vec<PromptMessage>,
    /// Lines of the front matter's `variables`, by name.
    pub variable_lines: VariableLines,
}

/// The line that declares each variable, by its name.
pub type VariableLines = Vec<(String, u64)>;

/// A message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptMessage {
    /// `system`, `developer`, `user` or `assistant`.
    pub role: &'static str,
    /// Its template.
    pub text: String,
    /// The line of the file that the text begins in, from 1.
    pub line: u64,
}

/// Who speaks in a chat.
const ROLES: [&str; 4] = ["system", "developer", "user", "assistant"];

/// The line above and below the front matter.
const FENCE: &str = "---";

impl PromptDocument {
    /// Whether a file's text begins as a prompt of the library does.
    pub fn is_one(text: &str) -> bool {
        text.lines().next().is_some_and(|line| line.trim_end() == FENCE)
    }

    /// What a file holds, or everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let Some((head, body, body_line)) = divide(text) else {
            let message = "the front matter has no end";
            let hint = "write a line `---` below it, and the prompt's text below that";
            let at = Position { line: 1, column: 1 };
            return Err(vec![Mistake::at(at, message).hint(hint)]);
        };
        let (front_matter, mut mistakes) = match front_matter(head) {
            Ok(read) => (Some(read), Vec::new()),
            Err(mistakes) => (None, mistakes),
        };
        let messages = messages(body, body_line).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Vec::new()
        });
        match front_matter {
            Some((front_matter, variable_lines)) if mistakes.is_empty() => {
                Ok(Self { front_matter, messages, variable_lines })
            }
            _ => Err(mistakes),
        }
    }

    /// The line that declares a variable; that of the front matter where it declares none of that name.
    pub fn line_of_variable(&self, name: &str) -> u64 {
        let found = self.variable_lines.iter().find(|(declared, _)| declared == name);
        found.map_or(1, |(_, line)| *line)
    }
}

/// The front matter, what stands below it, and the line that this begins in.
fn divide(text: &str) -> Option<(&str, &str, u64)> {
    let mut at = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let begins = at;
        at += line.len();
        if i > 0 && line.trim_end() == FENCE {
            let head = text.split_once('\n').map_or("", |(first, _)| &text[first.len()..begins]);
            return Some((head, &text[at..], i as u64 + 2));
        }
    }
    None
}

/// The front matter, and the lines of its variables. `yaml` begins with the end of the line above it.
fn front_matter(yaml: &str) -> Result<(FrontMatter, VariableLines), Vec<Mistake>> {
    let (read, document) = located_yaml::<FrontMatter>(yaml, "the front matter")?;
    let line = |name: &String| {
        let pointer = format!("/variables/{}", pointer_segment(name));
        document.as_ref().map_or(1, |document| document.key_position(&pointer).line)
    };
    let lines = read.variables.keys().map(|name| (name.clone(), line(name))).collect();
    Ok((read, lines))
}

/// The messages of a text: a chat where its first line is a role, such as `system:`.
fn messages(body: &str, first_line: u64) -> Result<Vec<PromptMessage>, Mistake> {
    let lines: Vec<_> = body.lines().zip(first_line..).collect();
    let Some(start) = lines.iter().position(|(line, _)| !line.trim().is_empty()) else {
        let at = Position { line: first_line.saturating_sub(1).max(1), column: 1 };
        let hint = "write the prompt's text below the front matter";
        return Err(Mistake::at(at, "the prompt has no text").hint(hint));
    };
    let lines = &lines[start..];
    if role_of(lines[0].0).is_none() {
        return Ok(vec![message("user", lines)]);
    }
    let begins: Vec<_> = (0..lines.len()).filter(|i| role_of(lines[*i].0).is_some()).collect();
    let mut messages = Vec::new();
    for (n, begin) in begins.iter().enumerate() {
        let end = begins.get(n + 1).copied().unwrap_or(lines.len());
        let (spoken, (_, line)) = (&lines[begin + 1..end], lines[*begin]);
        let role = role_of(lines[*begin].0).unwrap_or("user");
        if spoken.iter().all(|(line, _)| line.trim().is_empty()) {
            let hint = format!("write what is said below `{role}:`, or remove the line");
            let at = Position { line, column: 1 };
            return Err(Mistake::at(at, format!("the `{role}` message has no text")).hint(hint));
        }
        messages.push(message(role, spoken));
    }
    Ok(messages)
}

/// A message of these lines, without blank lines around it.
fn message(role: &'static str, lines: &[(&str, u64)]) -> PromptMessage {
    let is_blank = |line: &&(&str, u64)| line.0.trim().is_empty();
    let skipped = lines.iter().take_while(is_blank).count();
    let text: Vec<_> = lines[skipped..].iter().map(|(line, _)| *line).collect();
    let line = lines.get(skipped).map_or(1, |(_, line)| *line);
    PromptMessage { role, text: text.join("\n").trim_end().to_owned(), line }
}

/// The role that a line of a chat names, if it is such a line.
fn role_of(line: &str) -> Option<&'static str> {
    let name = line.trim_end().strip_suffix(':')?;
    ROLES.into_iter().find(|role| *role == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(&'static str, String, u64)> {
        let file = PromptDocument::parse(text).expect("a prompt");
        file.messages.into_iter().map(|m| (m.role, m.text, m.line)).collect()
    }

    #[test]
    fn a_text_is_one_message_or_a_chat() {
        let check = |text: &str, expected: &[(&str, &str, u64)]| {
            let said = said(text);
            let said: Vec<_> =
                said.iter().map(|(role, text, line)| (*role, &**text, *line)).collect();
            assert_eq!(said, expected, "{text:?}");
        };
        check("---\n---\nHi {{ name }}\n", &[("user", "Hi {{ name }}", 3)]);
        check("---\nname: a\n---\n\n\nHi\n  there\n\n", &[("user", "Hi\n  there", 6)]);
        check(
            "---\nname: a\n---\nsystem:\nBe kind.\n\nuser:\n\n{{ text }}\n",
            &[("system", "Be kind.", 5), ("user", "{{ text }}", 9)],
        );
        // Only a line of its own begins a message, and only a chat has such lines.
        check("---\n---\nOn user: say\nuser:\nno", &[("user", "On user: say\nuser:\nno", 3)]);
        check(
            "---\n---\nsystem:\nThe user: is\n user:\nx",
            &[("system", "The user: is\n user:\nx", 4)],
        );
        // A line of dashes in the text is text.
        check("---\n---\na\n---\nb", &[("user", "a\n---\nb", 3)]);
    }

    #[test]
    fn mistakes_have_their_lines() {
        let check = |text: &str, expected: &[(u64, &str)]| {
            let mistakes = PromptDocument::parse(text).expect_err("a mistake");
            let told: Vec<_> = mistakes.iter().map(|m| (m.position.line, &*m.message)).collect();
            assert_eq!(told.len(), expected.len(), "{told:?}");
            for ((line, message), (expected_line, words)) in told.iter().zip(expected) {
                assert_eq!(line, expected_line, "{told:?}");
                assert!(message.contains(words), "{told:?}");
            }
        };
        check("---\nname: a\nHi", &[(1, "no end")]);
        check("---\nname: a\n---\n\n", &[(3, "has no text")]);
        check("---\nname: a\n---\nsystem:\n\nuser:\nHi", &[(4, "`system` message has no text")]);
        check("---\nname: a\nonwer: me\n---\nHi", &[(3, "unknown key `onwer`")]);
        check("---\nvariables:\n  n: integr\n---\nHi", &[(3, "`n`")]);
        check("---\nname: [\n---\n", &[(2, "unclosed"), (3, "no text")]);
        check("---\n- a\n---\nHi", &[(2, "the front matter is a list")]);
    }

    #[test]
    fn variables_have_types_and_lines() {
        let text =
            "---\nvariables:\n  a: list\n  b: { example: 3, type: integer, trusted: true }\n---\nx";
        let file = PromptDocument::parse(text).expect("a prompt");
        let variables = &file.front_matter.variables;
        assert_eq!(variables["a"].kind, super::super::VariableType::List);
        assert_eq!(variables["b"].example, Some(3.into()));
        assert!(variables["b"].trusted && !variables["a"].trusted);
        assert_eq!((file.line_of_variable("b"), file.line_of_variable("c")), (4, 1));
    }
}
